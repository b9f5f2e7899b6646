"""How states are said: a glyph and a word for each, so that colour is never alone; and times as people say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from textual.content import Content

from runbook.engine.events import Progress
from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run
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


def current_stage(run: Run, procedure: Procedure[Any]) -> Stage[Any]:
    """The first stage whose checkpoint is not open; the closing after the last."""
    return next((stage for stage in procedure.stages if stage.id not in run.opened), procedure.closing)


def stage_mark(run: Run, procedure: Procedure[Any], stage: Stage[Any]) -> Mark:
    """How far one stage is."""
    pulse = run.pulses.get(stage.id)
    if pulse is not None and not pulse.alive:
        return Mark("✗", "fell", BAD)
    if stage.id in run.opened:
        accepted = any(step.id in run.accepted for step in stage.steps)
        return ACCEPTED if accepted else Mark("✓", "passed", GOOD)
    if stage.id == procedure.closing.id and run.outcome is not None:
        return Mark("✓", "closed", GOOD)
    if stage.id != current_stage(run, procedure).id or stage.id not in run.entered:
        return TO_COME
    return _under_way(run, stage)


def _under_way(run: Run, stage: Stage[Any]) -> Mark:
    results = [run.result(step.id) for step in stage.steps]
    if any(result is not None and not run.satisfied(result.step) for result in results):
        return Mark("✗", "not passed", BAD)
    if all(result is not None for result in results):
        return Mark("◆", "checkpoint", BUSY)
    return Mark("▸", "under way", BUSY)


def light(run: Run, stage: Stage[Any]) -> Mark:
    """The layer's light: the last heartbeat."""
    pulse = run.pulses.get(stage.id)
    if pulse is None:
        return Mark("·", "not watched", QUIET)
    return Mark("●", "alive", GOOD) if pulse.alive else Mark("✗", "DOWN", BAD)


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


def spent(run: Run, stage: Stage[Any], now: datetime) -> str:
    """How long a stage has taken, waiting included; empty when it was not begun."""
    begun = run.entered.get(stage.id)
    if begun is None:
        return ""
    end = run.left.get(stage.id) if stage.id in run.opened else None
    end = end or (run.last_at if run.outcome is not None else None) or now
    return clock((end - begun).total_seconds())


def ago(then: datetime, now: datetime) -> str:
    """`3 days ago`, in the largest whole unit."""
    gone = max(now - then, timedelta())
    for seconds, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if count := int(gone.total_seconds() // seconds):
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
