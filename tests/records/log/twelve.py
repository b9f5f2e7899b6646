"""A test log of twelve rows: seven runs, and what was signed and amended of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from runbook.records.canonical import canonical
from runbook.records.log.row import row_of
from runbook.records.log.testlog import COLUMNS, FIRST, Domain, Row, line, sealed
from tests.records.real_runs import drill, told_of_one_left
from tests.records.story import document_of

HEADER = line(COLUMNS)


@dataclass(frozen=True)
class Log:
    """Rows, and the bytes that they are in a file."""

    rows: tuple[Row, ...]

    @cached_property
    def lines(self) -> list[bytes]:
        """The header's line, and one a row."""
        return [HEADER, *(line(row) for row in self.rows)]

    @property
    def content(self) -> bytes:
        """The file."""
        return b"".join(self.lines)

    @property
    def head(self) -> bytes:
        """The head file beside it."""
        return canonical({"rows": len(self.rows), "head": self.rows[-1]["row_hash"], "at": "2027-02-01T10:00:00Z"})


def chained(values: Iterator[Row] | list[Row], head: str = FIRST, domain: Domain = Domain.TEST) -> tuple[Row, ...]:
    """The rows, sealed one behind the other."""
    rows = list[Row]()
    for each in values:
        rows.append(sealed(each, rows[-1]["row_hash"] if rows else head, domain))
    return tuple(rows)


def twelve(folder: Path, change: Callable[[str], str] = str) -> Log:
    """The log; `change` may give each run another id."""
    calm, left = drill(folder / "calm"), document_of(told_of_one_left(folder / "left"))
    return Log(chained(_values(calm, left, change)))


def _values(calm: Mapping[str, Any], left: Mapping[str, Any], change: Callable[[str], str]) -> Iterator[Row]:
    first, second, third = (_run(calm, change(f"drill-2027011{n}T100000Z-7f3a")) for n in range(3))
    yield from (first, _signed(first), second)
    troubled = _run(left, change("drill-20270114T100000Z-7f3a"))
    gone = _further(troubled, "cleanup-1", "AMENDMENT", cleanup="DONE", cleanup_at="2027-01-16T08:00:00Z")
    yield from (troubled, gone, _signed(gone, of=troubled), third)
    spoken = _further(third, "amendment-1", "AMENDMENT", summary='The witness\'s role was "auditor"; nothing else.')
    yield from (spoken, _signed(spoken, of=third))
    yield from (_run(calm, change(f"drill-2027011{n}T100000Z-7f3a")) for n in (5, 6, 7))


def _run(document: Mapping[str, Any], run_id: str) -> Row:
    return row_of(
        {**document, "run_id": run_id}, evidence_path=f"evidence/{run_id}", evidence_digest="sha256:" + "0a" * 32
    )


def _signed(state: Row, of: Row | None = None) -> Row:
    said = {"signoff": "SIGNED", "signoff_name": "Robin Board", "signed_at": "2027-01-20T09:00:00Z"}
    return _further(of or state, "signoff-1", "SIGNOFF", **{**_same(state), **said})


def _same(state: Row) -> dict[str, str]:
    return {name: state[name] for name in ("cleanup", "cleanup_at", "summary", "findings_open")}


def _further(run: Row, suffix: str, kind: str, **said: str) -> Row:
    own = {"run_id": f"{run['run_id']}.{suffix}", "record_type": kind, "refers_to": run["run_id"]}
    proof = {"evidence_path": f"evidence/{run['run_id']}.{suffix}", "evidence_digest": "sha256:" + "0b" * 32}
    return {**run, **said, **own, **proof}
