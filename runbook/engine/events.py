"""Everything that a run can say.  The journal, the screens, the plain lines and the report are folds over these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The journal's events; what each carries in `data` is said here and nowhere else."""

    DECLARED = "declared"  # run_id, mode, scenario, attended, environment, operator, witness, targets, policy, …
    STARTED = "started"  # a stage (step None), or an attempt of a step: {attempt}
    INTENT = "intent"  # {operation, target, creates: {kind, id} | None, detail}, on disk before the call
    RESULT = "result"  # an attempt's end: {attempt, kind, verdict, expected, observed, source, fix, …, facts}
    ASKED = "asked"  # {question, text}
    ANSWERED = "answered"  # {answer, by, reason} and what a choice asked for: {detail}; never a masked field's text
    CHECKPOINT = "checkpoint"  # {decision: opened | refused | back | aborted, reason, to, by}
    HEARTBEAT = "heartbeat"  # {alive, verdict, observed, source, signed_out}; of no stage: a pause, {pause, seconds}
    EXCEPTION = "exception"  # {what, why, who}: attested though inconclusive; {second, accepted}: a failure, accepted
    FINDING = "finding"  # {text, severity, owner, due}
    RESUMED = "resumed"  # {by, pid, gap_s}
    CLEANUP = "cleanup"  # {kind, id, name, gone, observed}; handed over and not undone: {kept}
    ENDED = "ended"  # {outcome}; always the last line


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal.  `at` is wall time in UTC, `mono_ns` compares only within one `boot_id`."""

    seq: int
    at: datetime
    mono_ns: int
    boot_id: str
    kind: Kind
    stage: str | None
    step: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is: shown, never recorded.  `total` 0 = unknown; `text` says it in words."""

    step: str
    done: int
    total: int
    text: str


Said = Event | Progress
