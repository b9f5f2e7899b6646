"""What each column may hold by itself: words, numbers, times, identifiers that a spreadsheet leaves alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from runbook.engine.people import is_nobody
from runbook.records.canonical import moment
from runbook.records.log.row import SUMMARY_LENGTH
from runbook.records.log.rule import Rule
from runbook.records.log.testlog import CRITERIA_COLUMNS, LOG_VERSION, SECONDS_COLUMNS, STAGE_COLUMNS, Row

GOOD: Final = frozenset({"PASS", "PASS_WITH_ISSUES"})
THROUGH: Final = frozenset({"PASS", "ATTESTED", "ACCEPTED"})
CRITERIA: Final = CRITERIA_COLUMNS[:3]

_CHECK: Final = frozenset({"PASS", "FAIL", "NOT_RUN", "INCONCLUSIVE", "ATTESTED", "NOT_NEEDED"})
_MET: Final = frozenset({"YES", "NO", "NOT_SET", "UNKNOWN"})
WORDS: Final[Mapping[str, frozenset[str]]] = {
    "record_type": frozenset({"RUN", "SIGNOFF", "AMENDMENT"}),
    "mode": frozenset({"RECOVERY", "DRILL", "REHEARSAL", "TRAINING"}),
    "outcome": GOOD | {"FAIL", "INCONCLUSIVE", "ABORTED"},
    "mfa": frozenset({"PROVEN", "ATTESTED", "NO"}),
    "environment": frozenset({"STAGING", "PRODUCTION", "PRACTICE"}),
    "providers": frozenset({"REAL", "LOOPBACK"}),
    "db_restore_method": frozenset({"", "SNAPSHOT", "PITR"}),
    **dict.fromkeys(STAGE_COLUMNS, THROUGH | {"FAIL", "NOT_RUN"}),
    **dict.fromkeys(CRITERIA, _CHECK),
    "negative_controls": _CHECK,
    "rto_met": _MET,
    "rpo_met": _MET,
    "patient_data_used": frozenset({"YES", "NO"}),
    "cleanup": frozenset({"DONE", "PENDING", "FAILED", "NOT_NEEDED"}),
    "signoff": frozenset({"PENDING", "NOT_NEEDED", "SIGNED", "DECLINED"}),
}
"""The columns that hold one of a few words."""
FOLLOWS: Final = frozenset({"environment", "rto_met", "rpo_met"})
"""Of these which word follows from other columns (`across`)."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a column holds, in words, and whether a text is that."""

    what: str
    fits: Callable[[str], bool]


def time_of(text: str) -> bool:
    """Whether it is a time as the log writes them."""
    try:
        return _TIME.fullmatch(text) is not None and moment(text) is not None
    except ValueError:
        return False


def _shaped(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _or_nothing(one: Format) -> Format:
    return Format(f"nothing, or {one.what}", lambda text: text == "" or one.fits(text))


def _is_below(text: str) -> bool:
    """So that nothing in a log leads out of its folder."""
    path = PurePosixPath(text)
    return text != "" and not path.is_absolute() and ".." not in path.parts and "\\" not in text


_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_WHEN: Final = Format("a time such as 2027-01-15T10:00:00Z", time_of)
_COUNT: Final = Format("a number of 0 or more", _shaped("0|[1-9][0-9]*"))
_TARGET: Final = Format("NOT_SET, or a number of 0 or more", _shaped("NOT_SET|0|[1-9][0-9]*"))
_DIGEST: Final = Format("sha256: and 64 hexadecimal digits", _shaped("sha256:[0-9a-f]{64}"))
_COMMITS: Final = Format("git: and a commit, for each image", _shaped("(git:[0-9a-f]{7,64})?(;(git:[0-9a-f]{7,64})?)*"))

FORMATS: Final[Mapping[str, Format]] = {
    "log_version": Format(f"{LOG_VERSION}", _shaped(str(LOG_VERSION))),
    "run_id": Format("an id of letters, digits, full stops and hyphens", _shaped(r"[A-Za-z0-9][A-Za-z0-9._-]*")),
    "started_at": _WHEN,
    "ended_at": _WHEN,
    "operator_name": Format("somebody's name", lambda text: not is_nobody(text)),
    "account": _or_nothing(Format("aws: and twelve digits", _shaped("aws:[0-9]{12}"))),
    "db_backup_created_at": _or_nothing(_WHEN),
    "db_backup_age_s": _or_nothing(_COUNT),
    "db_data_until": _or_nothing(_WHEN),
    "vault_backup_created_at": _or_nothing(_WHEN),
    "vault_backup_age_s": _or_nothing(_COUNT),
    "vault_backup_digest": _or_nothing(_DIGEST),
    "app_commit": _COMMITS,
    **dict.fromkeys(SECONDS_COLUMNS, _COUNT),
    "checks_passed": _COUNT,
    "checks_total": _COUNT,
    "rto_target_s": _TARGET,
    "rto_actual_s": _or_nothing(_COUNT),
    "criteria_s": _or_nothing(_COUNT),
    "human_wait_s": _COUNT,
    "rpo_target_s": _TARGET,
    "rpo_actual_s": _or_nothing(_COUNT),
    "clock_offset_ms": Format("nothing, or a whole number", _shaped("|0|-?[1-9][0-9]*")),
    "exceptions": _COUNT,
    "findings_open": _COUNT,
    "summary": Format(
        f"at most {SUMMARY_LENGTH} characters", lambda text: len(text.removeprefix("'")) <= SUMMARY_LENGTH
    ),
    "cleanup_at": _or_nothing(_WHEN),
    "signed_at": _or_nothing(_WHEN),
    "tool_version": Format("runbook and a version", _shaped(r"runbook \S.*")),
    "evidence_path": Format("a path below the log's folder", _is_below),
    "evidence_digest": _DIGEST,
}
"""The columns that hold texts of one form."""


def _one_of(column: str, row: Row) -> Iterator[str]:
    if row[column] not in WORDS[column]:
        allowed = ", ".join(sorted(WORDS[column] - {""}))
        yield f"{column} says {row[column]!r}, which is not one of {allowed}"


def _formed(column: str, row: Row) -> Iterator[str]:
    if not FORMATS[column].fits(row[column]):
        yield f"{column} says {row[column]!r}: {FORMATS[column].what} was expected"


RULES: Final[tuple[Rule[Row], ...]] = (
    *(Rule(f"{column} is one of its words", partial(_one_of, column)) for column in WORDS if column not in FOLLOWS),
    *(Rule(f"{column} has its form", partial(_formed, column)) for column in FORMATS),
)
