"""How states are said: a glyph and a word for each, so that colour is never alone; and times as people say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from textual.content import Content

from runbook.engine.events import Progress
from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run
from runbook.engine.standing import State, state
from runbook.engine.verdict import Verdict
from screens.text import one_line


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as it is shown."""

    glyph: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """Glyph and word, coloured."""
        return Content.styled(f"{self.glyph} {self.word}", self.style)


BAR = 12  # cells of a progress bar
GOOD, BAD, WARN, QUIET, BUSY = "$text-success", "bold $text-error", "$text-warning", "$text-muted", "bold $text-accent"

VERDICTS = {
    Verdict.PASS: Mark("✓", "PASS", GOOD),
    Verdict.FAIL: Mark("✗", "FAIL", BAD),
    Verdict.NOT_NEEDED: Mark("○", "not needed", QUIET),
    Verdict.ATTESTED: Mark("✎", "attested", WARN),
    Verdict.INCONCLUSIVE: Mark("?", "no verdict", BAD),
}
OUTCOMES = {
    "PASS": Mark("✓", "PASS", GOOD),
    "PASS_WITH_ISSUES": Mark("!", "PASS WITH ISSUES", WARN),
    "FAIL": Mark("✗", "FAIL", BAD),
    "INCONCLUSIVE": Mark("?", "INCONCLUSIVE", BAD),
    "ABORTED": Mark("■", "ABORTED", WARN),
    "": Mark("…", "UNFINISHED", WARN),
}
ACCEPTED = Mark("!", "accepted", WARN)  # a failure that two people put their names to
PENDING = Mark("·", "to do", QUIET)
AGAIN = Mark("↶", "to do again", WARN)
RUNNING = Mark("▸", "running", BUSY)
TO_COME = Mark("·", "to come", QUIET)
QUARTERS = {
    "PASSED": Mark("✓", "PASSED", GOOD),
    "FAILED": Mark("✗", "FAILED", BAD),
    "NOT_TESTED": Mark("✗", "NOT TESTED", BAD),
    "DUE": Mark("○", "DUE", WARN),
    "OVERDUE": Mark("!", "OVERDUE", BAD),
}
STAGES = {
    State.TO_COME: TO_COME,
    State.UNDER_WAY: Mark("▸", "under way", BUSY),
    State.CHECKPOINT: Mark("◆", "checkpoint", BUSY),
    State.NOT_PASSED: Mark("✗", "not passed", BAD),
    State.PASSED: Mark("✓", "passed", GOOD),
    State.ACCEPTED: ACCEPTED,
    State.FELL: Mark("✗", "fell", BAD),
    State.CLOSED: Mark("✓", "closed", GOOD),
}


def outcome(word: str) -> Mark:
    """The mark of a run's outcome; an unknown word is shown as it is."""
    return OUTCOMES.get(word, Mark("?", word, WARN))


def step_mark(run: Run, step_id: str) -> Mark:
    """How far one step is."""
    if step_id in run.begun:
        return RUNNING
    if result := run.result(step_id):
        return ACCEPTED if step_id in run.accepted else VERDICTS[result.verdict]
    return AGAIN if run.last(step_id) else PENDING


def stage_mark(run: Run, procedure: Procedure[Any], stage: Stage[Any]) -> Mark:
    """How far one stage is."""
    return STAGES[state(run, procedure, stage)]


def lamp(run: Run, stage: Stage[Any], now: datetime, *, aged: bool) -> Mark | None:
    """The layer's light: its last heartbeat, `aged` with how old that is; None before there was one."""
    pulse = run.pulses.get(stage.id)
    if pulse is None:
        return None
    age = f" {seconds_ago(pulse.at, now)}" if aged else ""
    return Mark("●", f"alive{age}", GOOD) if pulse.alive else Mark("✗", f"DOWN{age}", BAD)


def seconds_ago(then: datetime, now: datetime) -> str:
    """`12 s ago`, from two minutes on `3 min ago`: heartbeats are every half minute."""
    gone = max(int((now - then).total_seconds()), 0)
    return f"{gone} s ago" if gone < 120 else f"{gone // 60} min ago"


def so_far(said: Progress, limit: int) -> str:
    """How far a step is: a bar and the share where the whole is known, and its own words, cut to `limit`."""
    text = one_line(said.text, limit)
    if said.total <= 0:
        return text
    share = fraction(said)
    full = int(share * BAR)
    return f"{'█' * full}{'░' * (BAR - full)} {share:.0%} {text}"


def fraction(said: Progress) -> float:
    """How much is done, 0 to 1; the whole must be known."""
    return min(max(said.done / said.total, 0.0), 1.0)


def clock(seconds: float) -> str:
    """`0:04:12`; hours are not bounded."""
    whole = max(int(seconds), 0)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def ago(then: datetime, now: datetime) -> str:
    """`3 days ago`, in the largest whole unit."""
    gone = max(now - then, timedelta())
    for seconds, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if count := int(gone.total_seconds() // seconds):
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
