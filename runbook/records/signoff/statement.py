"""The text that somebody agrees to when they sign a run off: the same bytes when it is signed and when it is verified.

Everything in it is from the log or was said by the signer; no time of day and no path of a machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from runbook.records.log.further import DECLINED, SIGNED
from runbook.records.log.testlog import Row

_MEANING: Final = {
    SIGNED: "The signer has read the report of this run, and accepts its record as it stands below.",
    DECLINED: "The signer has read the report of this run, and does not accept its record as it stands below.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """Who decides what: names, roles and reasons are one line each; `because` is needed where it is DECLINED."""

    decision: str
    name: str
    role: str
    because: str = ""


def statement(said: Said, rows: Sequence[Row]) -> str:
    """`rows` are the run's own row and all that follow it, in the log's order."""
    return "".join(f"{line}\n" for line in _lines(said, rows))


def _lines(said: Said, rows: Sequence[Row]) -> Iterator[str]:
    run, now = rows[0], rows[-1]
    yield "Restoration Runbook, statement of a sign-off, version 1"
    yield ""
    yield _MEANING[said.decision]
    yield ""
    yield f"decision: {said.decision}"
    yield f"signer: {said.name}"
    yield f"role: {said.role}"
    if said.because:
        yield f"because: {said.because}"
    yield f"run: {run['run_id']}"
    yield f"mode: {run['mode']} in {run['environment']}, providers {run['providers']}"
    yield f"time: {run['started_at']} to {run['ended_at']}"
    yield f"operator: {run['operator_name']}"
    yield f"outcome: {run['outcome']}, open findings {now['findings_open']}, exceptions {now['exceptions']}"
    yield f"evidence: {run['evidence_path']} {run['evidence_digest']}"
    for row in rows:
        yield f"row: {row['run_id']} {row['row_hash']}"
