"""What the evidence beside a log says of its rows: each run's row, made again of its run.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Final

from runbook.engine.errors import RecordFailed
from runbook.records.audit.evidence_check import LARGEST_DOCUMENT, LARGEST_SUMS, below, troubles
from runbook.records.audit.substituting import differing
from runbook.records.disk import Disk, read_at_most
from runbook.records.evidence.sealing import SUMS
from runbook.records.log.further import RUN
from runbook.records.log.index import Index
from runbook.records.log.row import row_of
from runbook.records.log.testlog import FIRST, Domain, Row, field, sealed

FOLDERS: Final = 1_000  # of evidence that are looked through for a row that is gone


class Recollection:
    """`root`: what evidence paths are seen from; None where the evidence is not to be looked at."""

    def __init__(self, root: Path | None, domain: Domain, disk: Disk) -> None:
        self._root = root
        self._domain = domain
        self._disk = disk
        self._lost: Mapping[str, Row] | None = None

    def of(self, row: Row) -> Row:
        """What its run's evidence says of a run's own row; {} where that is not known, or not as it was sealed."""
        if self._root is None or row["record_type"] != RUN:
            return {}
        path, digest = row["evidence_path"], row["evidence_digest"]
        if any(troubles(self._root, path, digest, self._disk)):
            return {}
        return self._row(path, digest)

    def differing(self, row: Row) -> Sequence[str]:
        """The columns in which a row and its run's evidence say different things."""
        return differing(row, self.of(row))

    def removed(self, index: Index, behind: int, hash_after: str) -> str:
        """The run whose row stood behind that one and had this hash, which is the proof; "" where there is none."""
        prev = index.hash_at(behind) if behind else FIRST
        for values in self._without_row(index).values():
            if values and sealed(values, prev, self._domain)["row_hash"] == hash_after:
                return values["run_id"]
        return ""

    def without_row(self, index: Index) -> Sequence[str]:
        """Folders of evidence that no row names: of rows that were removed, or never written."""
        return tuple(self._without_row(index))

    def _without_row(self, index: Index) -> Mapping[str, Row]:
        """The same, each with its run's row, where it is a run's; looked through once."""
        if self._lost is None:
            named = {found.row["evidence_path"] for number in range(1, len(index) + 1) if (found := index.at(number))}
            lost = [path for path in self._folders(index) if path not in named]
            self._lost = {PurePosixPath(path).name: self._row(path, self._digest(path)) for path in lost}
        return self._lost

    def _folders(self, index: Index) -> Iterator[str]:
        """Sealed folders beside the one of the first row, as a row would name them."""
        first = index.at(1) if len(index) else None
        if self._root is None or first is None:
            return
        shelf = str(PurePosixPath(first.row["evidence_path"]).parent)
        folder = below(self._root, shelf)
        if isinstance(folder, Path):
            paths = [f"{shelf}/{name}" for name in sorted(each.name for each in islice(folder.iterdir(), FOLDERS))]
            yield from (each for each in paths if isinstance(below(self._root, each), Path) and self._digest(each))

    def _row(self, path: str, digest: str) -> Row:
        assert self._root is not None
        try:
            document: Any = json.loads(read_at_most(self._root / path / "run.json", LARGEST_DOCUMENT, self._disk))
            row = row_of(document, evidence_path=path, evidence_digest=digest)
            return {column: field(value) for column, value in row.items()}
        except (RecordFailed, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def _digest(self, path: str) -> str:
        assert self._root is not None
        try:
            sums = read_at_most(self._root / path / SUMS, LARGEST_SUMS, self._disk)
        except RecordFailed:
            return ""
        return "sha256:" + hashlib.sha256(sums).hexdigest()
