"""What a row of the test log may not say: rules across its fields, checked before it is appended.

A row that contradicts itself is a defect of this tool; it is never written into the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from runbook.records.canonical import moment
from runbook.records.log.testlog import COLUMNS, CRITERIA_COLUMNS, STAGE_COLUMNS, Row

GOOD = frozenset({"PASS", "PASS_WITH_ISSUES"})
THROUGH = frozenset({"PASS", "ATTESTED", "ACCEPTED"})
_CRITERIA = CRITERIA_COLUMNS[:3]

_STAGE = THROUGH | {"FAIL", "NOT_RUN"}
_CHECK = frozenset({"PASS", "FAIL", "NOT_RUN", "INCONCLUSIVE", "ATTESTED", "NOT_NEEDED"})
_MET = frozenset({"YES", "NO", "NOT_SET", "UNKNOWN"})
_WORDS: Mapping[str, frozenset[str]] = {
    "record_type": frozenset({"RUN", "SIGNOFF", "AMENDMENT"}),
    "mode": frozenset({"RECOVERY", "DRILL", "REHEARSAL", "TRAINING"}),
    "outcome": GOOD | {"FAIL", "INCONCLUSIVE", "ABORTED"},
    "mfa": frozenset({"PROVEN", "ATTESTED", "NO"}),
    "providers": frozenset({"REAL", "LOOPBACK"}),
    "cleanup": frozenset({"DONE", "PENDING", "FAILED", "NOT_NEEDED"}),
    "patient_data_used": frozenset({"YES", "NO"}),
    "rto_met": _MET,
    "rpo_met": _MET,
    "negative_controls": _CHECK,
    **dict.fromkeys(STAGE_COLUMNS, _STAGE),
    **dict.fromkeys(_CRITERIA, _CHECK),
}
_COUNTS = tuple(
    name for name in COLUMNS if name.endswith("_s") or name in {"exceptions", "findings_open", "checks_passed"}
)


def contradictions(row: Row) -> tuple[str, ...]:
    """Everything in which a row contradicts itself or the format, a sentence each; empty: none.

    An amendment keeps the outcome that the run had; whether it may change what it changes: `log_amendment.wrongs`.
    """
    missing = [name for name in COLUMNS if name not in row and name not in {"prev_hash", "row_hash"}]
    if missing:
        return (f"columns are missing: {', '.join(missing)}",)
    return tuple(sentence for rule in _RULES for sentence in rule(row))


def counts_as_quarterly(row: Row) -> bool:
    """Whether a quarter is passed by this row: a drill, with a person there, at the real providers, that passed."""
    return (row["record_type"], row["mode"], row["providers"]) == ("RUN", "DRILL", "REAL") and row["outcome"] in GOOD


def asks_for_a_repeat(row: Row) -> bool:
    """Tested, failed: the quarter is not passed, and the drill has to be repeated."""
    return (row["record_type"], row["mode"], row["providers"], row["outcome"]) == ("RUN", "DRILL", "REAL", "FAIL")


def _words(row: Row) -> Iterator[str]:
    for name, allowed in _WORDS.items():
        if row[name] not in allowed:
            yield f"{name} says {row[name]!r}, which is not one of {', '.join(sorted(allowed))}"


def _counts(row: Row) -> Iterator[str]:
    for name in _COUNTS:
        if not re.fullmatch(r"\d*|NOT_SET", row[name]):
            yield f"{name} says {row[name]!r}: a number of 0 or more was expected"


def _identity(row: Row) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", row["run_id"]):
        yield f"run_id {row['run_id']!r} is no run id"
    if (row["record_type"] == "RUN") is not (row["refers_to"] == ""):
        yield f"a {row['record_type']} row refers to {row['refers_to'] or 'nothing'}"
    if row["mode"] in {"DRILL", "REHEARSAL"} and row["environment"] != "STAGING":
        yield f"a {row['mode']} happens in STAGING, not in {row['environment']}"
    if row["mode"] == "RECOVERY" and row["environment"] != "PRODUCTION":
        yield f"a RECOVERY happens in PRODUCTION, not in {row['environment']}"
    if (row["mode"] == "TRAINING") is not (row["environment"] == "PRACTICE"):
        yield f"{row['mode']} in {row['environment']}: TRAINING and PRACTICE belong together"
    if row["witness_name"] not in {"", "NONE"} and _same(row["witness_name"], row["operator_name"]):
        yield "the witness is the operator"
    if row["signoff"] == "SIGNED" and _same(row["signoff_name"], row["operator_name"]):
        yield "the signer is the operator"


def _times(row: Row) -> Iterator[str]:
    try:
        started, ended = moment(row["started_at"]), moment(row["ended_at"])
    except ValueError:
        yield "started_at and ended_at are times in UTC"
        return
    if ended < started:
        yield "the run ended before it started"
    if row["quarter"] != f"{started.year}-Q{(started.month + 2) // 3}":
        yield f"the quarter of {row['started_at']} is not {row['quarter']}"


def _outcome(row: Row) -> Iterator[str]:
    if row["record_type"] != "RUN":
        return
    spoiled = tuple(_spoils(row))
    if row["outcome"] == "PASS":
        yield from (f"PASS although {reason}" for reason in spoiled)
    elif not spoiled:
        yield f"{row['outcome']} although nothing in the row stands against PASS"
    if row["outcome"] == "PASS_WITH_ISSUES":
        yield from (f"PASS_WITH_ISSUES although {name} is {row[name]}" for name in _CRITERIA if row[name] != "PASS")


def _spoils(row: Row) -> Iterator[str]:
    """Why this row cannot be a PASS."""
    for name in (*_CRITERIA, *STAGE_COLUMNS, "negative_controls"):
        if row[name] != "PASS":
            yield f"{name} is {row[name]}"
    for name in ("exceptions", "findings_open"):
        if row[name] != "0":
            yield f"{name} is {row[name]}"
    if row["cleanup"] not in {"DONE", "NOT_NEEDED"}:
        yield f"cleanup is {row['cleanup']}"
    for name in ("rto_met", "rpo_met"):
        if row[name] == "NO":
            yield f"{name} is NO"


def _accepted(row: Row) -> Iterator[str]:
    """A failure is accepted in a recovery only, and stands among the exceptions."""
    accepted = [name for name in STAGE_COLUMNS if row[name] == "ACCEPTED"]
    for name in accepted:
        if row["mode"] != "RECOVERY":
            yield f"{name} is ACCEPTED in a {row['mode']}"
        if row["exceptions"] == "0":
            yield f"{name} is ACCEPTED without an exception"


def _attested(row: Row) -> Iterator[str]:
    for name in STAGE_COLUMNS:
        if row[name] == "ATTESTED" and row["exceptions"] == "0":
            yield f"{name} is ATTESTED without an exception"


def _order(row: Row) -> Iterator[str]:
    for index, name in enumerate(STAGE_COLUMNS):
        before = STAGE_COLUMNS[index - 1]
        if index and row[name] in THROUGH and row[before] not in THROUGH:
            yield f"{name} is {row[name]} although {before} is {row[before]}"


def _targets(row: Row) -> Iterator[str]:
    for kind in ("rto", "rpo"):
        target, actual, met = row[f"{kind}_target_s"], row[f"{kind}_actual_s"], row[f"{kind}_met"]
        if (target == "NOT_SET") is not (met == "NOT_SET"):
            yield f"{kind}_target_s is {target} and {kind}_met is {met}"
        elif met in {"YES", "NO"} and not (actual.isdecimal() and target.isdecimal()):
            yield f"{kind}_met is {met} without two figures"
        elif met in {"YES", "NO"} and (int(actual) <= int(target)) is not (met == "YES"):
            yield f"{kind}_met is {met} with {actual} s against {target} s"


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


_RULES: tuple[Callable[[Row], Iterator[str]], ...] = (
    _words,
    _counts,
    _identity,
    _times,
    _outcome,
    _accepted,
    _attested,
    _order,
    _targets,
)
