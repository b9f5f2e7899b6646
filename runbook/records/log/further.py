"""Further rows of a run: what became of it, what was corrected, who signed it.  No row is ever changed.

A further row is the run's state so far with its kind's changes, so that the last one tells all.  The outcome and
whatever was measured stay the run's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runbook.engine.people import same_person
from runbook.records.log.rule import Rule, broken
from runbook.records.log.testlog import LOG_VERSION, Row

RUN: Final = "RUN"
AMENDMENT: Final = "AMENDMENT"
SIGNOFF: Final = "SIGNOFF"
SIGNED: Final = "SIGNED"
DECLINED: Final = "DECLINED"


@dataclass(frozen=True, slots=True)
class FurtherKind:
    """A kind of further row.  Its rows are called `<run>.<name>-<n>`; `by_person`: what is wrong is their mistake."""

    name: str
    record_type: str
    may_change: frozenset[str]
    by_person: bool


CORRECTABLE: Final = frozenset({"scenario", "witness_name", "witness_role", "dpia_ref", "findings_open", "summary"})
"""What a person may correct of a recorded run."""
CLEANUP: Final = FurtherKind(
    "cleanup", AMENDMENT, frozenset({"cleanup", "cleanup_at", "findings_open", "summary"}), by_person=False
)
CORRECTION: Final = FurtherKind("amendment", AMENDMENT, CORRECTABLE, by_person=True)
SIGNING: Final = FurtherKind("signoff", SIGNOFF, frozenset({"signoff", "signoff_name", "signed_at"}), by_person=True)
KINDS: Final = (CLEANUP, CORRECTION, SIGNING)

OWN: Final = frozenset(
    {"log_version", "run_id", "record_type", "refers_to", "tool_version", "evidence_path", "evidence_digest"}
    | {"prev_hash", "row_hash"}
)
"""What is each row's own: its name, its evidence, its place in the chain."""


def kind_of(row: Mapping[str, str]) -> FurtherKind | None:
    """By its name, its record type and the run it refers to; None where these fit no kind."""
    name, number = _parts(row)
    kind = next((each for each in KINDS if each.name == name), None)
    return kind if kind and kind.record_type == row["record_type"] and number else None


def next_name(run_id: str, kind: FurtherKind, further: Iterable[Row]) -> str:
    """What that run's next row of that kind is called, after these further rows of it."""
    parts = (_parts(row) for row in further)
    return f"{run_id}.{kind.name}-{1 + max((number for name, number in parts if name == kind.name), default=0)}"


def _parts(row: Mapping[str, str]) -> tuple[str, int]:
    """Kind and number, as the row's name has them behind the run's; a number of 0 where it has none."""
    run, dot, rest = row["run_id"].rpartition(".")
    name, _, number = rest.rpartition("-")
    if not (dot and run and run == row["refers_to"] and re.fullmatch("[1-9][0-9]{0,8}", number)):
        return "", 0
    return name, int(number)


def so_far(run: Row, further: Iterable[Row]) -> Row:
    """The run's own row with what these further rows of it say since, each of its kind's columns only."""
    state = dict(run)
    for row in further:
        kind = kind_of(row)
        state |= {column: row[column] for column in (kind.may_change if kind else ())}
    return state


def whole(values: Row, run: Row, earlier: Sequence[Row]) -> Row:
    """The whole further row of what is said in it (`values`), behind these earlier ones."""
    return {**so_far(run, earlier), "log_version": str(LOG_VERSION), **values}


# -- what is wrong with one -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Following:
    """A further row; the run it refers to, if that stands before it; and the run's further rows so far."""

    row: Row
    run: Row | None
    earlier: tuple[Row, ...]


def wrongs(row: Row, run: Row | None, earlier: Sequence[Row]) -> tuple[str, ...]:
    """What is wrong with a further row that stands behind its run and these further rows of it, a sentence each."""
    return broken(RULES, Following(row, run, tuple(earlier)))


def _refers(place: Following) -> Iterator[str]:
    if place.run is None:
        yield f"it refers to {place.row['refers_to'] or 'nothing'}, of which no row stands before it"


def _named(place: Following) -> Iterator[str]:
    if kind_of(place.row) is None:
        run, record_type = place.row["refers_to"], place.row["record_type"]
        names = " or ".join(f"{run}.{kind.name}-<n>" for kind in KINDS if kind.record_type == record_type)
        yield f"a {record_type} row is called {names or 'otherwise'}"


def _its_own_name(place: Following) -> Iterator[str]:
    if place.row["run_id"] in {row["run_id"] for row in place.earlier}:
        yield f"{place.row['run_id']} stands before it already"


def _changes(place: Following) -> Iterator[str]:
    kind = kind_of(place.row)
    if place.run is None or kind is None:
        return
    state, may = so_far(place.run, place.earlier), kind.may_change | OWN
    changed = sorted(name for name in state if name not in may and state[name] != place.row[name])
    if changed:
        yield f"it changes {', '.join(changed)}, which no {kind.name} may"


def _signed_again(place: Following) -> Iterator[str]:
    last = place.earlier[-1] if place.earlier else None
    if last is not None and place.row["record_type"] == last["record_type"] == SIGNOFF and last["signoff"] == SIGNED:
        yield f"{last['signoff_name']} signed it off at {last['signed_at']}, and nothing was corrected since"


def _signed_by_another(place: Following) -> Iterator[str]:
    if place.row["record_type"] == SIGNOFF and same_person(place.row["signoff_name"], place.row["operator_name"]):
        yield f"{place.row['signoff_name']} ran it: a sign-off is somebody else's"


RULES: Final[tuple[Rule[Following], ...]] = (
    Rule("it refers to a run that stands before it", _refers),
    Rule("its name says its run, its kind and a number", _named),
    Rule("no earlier row has its name", _its_own_name),
    Rule("it changes what its kind may", _changes),
    Rule("the operator does not sign off", _signed_by_another),
    Rule("signed off once, unless it was corrected since", _signed_again),
)
