"""Amendment rows: what became of a run after its row was written.  No row is ever changed; a further one says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runbook.engine.errors import RecordFailed
from runbook.records.log.testlog import Row, field

AMENDMENT = "AMENDMENT"
SAID = frozenset({"cleanup", "cleanup_at", "findings_open", "summary"})
"""What an amendment is about; the outcome is the run's own and stays."""
OWN = frozenset({"run_id", "record_type", "refers_to", "tool_version", "evidence_path", "evidence_digest"})
"""What is the amendment's own: its name, and the evidence that is told apart from the run's."""
UNNUMBERED = ".cleanup"
MAY_DIFFER = SAID | OWN | {"log_version", "prev_hash", "row_hash"}


def changes(row: Row, name: str = "") -> Row:
    """What an amendment says, of a row as the run would have it now; the rest is taken from the log (`amended`).

    Without a `name` of its own it takes the next free one there.
    """
    said = {column: row[column] for column in (SAID | OWN) - {"run_id", "record_type", "refers_to"}}
    own = name or f"{row['run_id']}{UNNUMBERED}"
    return {"run_id": own, "record_type": AMENDMENT, "refers_to": row["run_id"], **said}


def amended(values: Row, rows: Sequence[Row]) -> Row:
    """The whole amendment: the amended run's row with these changes, under a name of its own.

    RecordFailed where there is no such run.
    """
    about = values["refers_to"]
    run = _run(about, rows)
    if run is None:
        raise RecordFailed(f"{about} has no row in the log that could be amended")
    named = values["run_id"] != f"{about}{UNNUMBERED}"
    return {**run, **values, "run_id": values["run_id"] if named else _numbered(values, rows)}


def _numbered(values: Row, rows: Sequence[Row]) -> str:
    """The next free name; one that stands there as the run's last amendment already keeps its own."""
    earlier = [row for row in rows if row["record_type"] == AMENDMENT and row["refers_to"] == values["refers_to"]]
    if earlier and _says(earlier[-1], values):
        return earlier[-1]["run_id"]
    taken = {row["run_id"] for row in earlier}
    numbers = (f"{values['run_id']}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in numbers if name not in taken)


def _run(run_id: str, rows: Sequence[Row]) -> Row | None:
    return next((row for row in rows if (row["record_type"], row["run_id"]) == ("RUN", run_id)), None)


def _says(row: Row, values: Mapping[str, str]) -> bool:
    return all(row[name] == field(value) for name, value in values.items() if name != "run_id")


def wrongs(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    """What is wrong with an amendment that stands behind these rows, a sentence each."""
    run = _run(row["refers_to"], rows)
    if run is None:
        return (f"it refers to {row['refers_to'] or 'nothing'}, of which no row stands before it",)
    changed = sorted(name for name in run if name not in MAY_DIFFER and run[name] != row[name])
    return (f"it changes {', '.join(changed)}, which no amendment may",) if changed else ()
