"""The log of twelve rows in a folder of its own, each row with its sealed evidence beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.records.canonical import canonical
from runbook.records.evidence import sealing
from runbook.records.log.testlog import FIRST, Domain, Row, line, sealed
from tests.records.log.twelve import HEADER, twelve
from tests.records.real_runs import drill, told_of_one_left
from tests.records.story import document_of


@dataclass(frozen=True)
class Filed:
    """`lines`: the header's and one a row, as they were written."""

    path: Path
    rows: tuple[Row, ...]
    lines: tuple[bytes, ...]

    @property
    def head(self) -> Path:
        return self.path.with_suffix(".head")

    def evidence(self, number: int) -> Path:
        """The folder of a row's evidence."""
        return self.path.parent / self.rows[number - 1]["evidence_path"]

    def write(self, lines: Mapping[int, bytes] | None = None, order: tuple[int, ...] | None = None) -> None:
        """The log again: with other lines in place of these rows', or rows in another order."""
        numbers = order if order is not None else tuple(range(1, len(self.rows) + 1))
        self.path.write_bytes(HEADER + b"".join((lines or {}).get(each, self.lines[each]) for each in numbers))

    def alter(self, number: int, **values: str) -> None:
        """The row with other values, its hash as it was."""
        self.write({number: line({**self.rows[number - 1], **values})})


def filed(folder: Path, told: Path) -> Filed:
    """`told`: where the runs are told meanwhile."""
    documents = {"0": drill(told / "calm"), "1": document_of(told_of_one_left(told / "left"))}
    rows = list[Row]()
    for values in twelve(told / "twelve").rows:
        head = rows[-1]["row_hash"] if rows else FIRST
        digest = _evidence(folder / values["evidence_path"], values, documents, head)
        rows.append(sealed({**values, "evidence_digest": digest}, head, Domain.TEST))
    log = Filed(folder / "restoration-test-log.csv", tuple(rows), (HEADER, *map(line, rows)))
    log.write()
    log.head.write_bytes(canonical({"rows": 12, "head": rows[-1]["row_hash"], "at": "2027-02-01T10:00:00Z"}))
    return log


def _evidence(folder: Path, values: Row, documents: Mapping[str, Mapping[str, Any]], head: str) -> str:
    folder.mkdir(parents=True)
    if values["record_type"] == "RUN":
        document = {**documents[values["findings_open"]], "run_id": values["run_id"], "previous_head": head}
        (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "report.md").write_text(f"# {values['run_id']}\n", encoding="utf-8")
    return sealing.seal(folder)
