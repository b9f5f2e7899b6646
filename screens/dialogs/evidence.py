"""What a checkpoint shows of its stage: how long it took, what is to be known first, and each step."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from textual.content import Content

from runbook.engine.procedure import Stage, Step
from runbook.engine.run import Run
from runbook.engine.standing import taken_s
from runbook.engine.verdict import Verdict
from runbook.views import Session
from screens.text import one_line
from screens.timing import allowance
from screens.words import BAD, QUIET, WARN, clock

PLAIN = frozenset({Verdict.PASS, Verdict.NOT_NEEDED})


def is_plain(run: Run, step: Step[Any]) -> bool:
    """Whether it passed, or was not needed, and there is no more to it."""
    result = run.result(step.id)
    return result is not None and result.verdict in PLAIN


def in_order(run: Run, stage: Stage[Any]) -> list[Step[Any]]:
    """The steps, those first that did not plainly pass: nothing is agreed to because it was out of sight."""
    return sorted(stage.steps, key=lambda step: is_plain(run, step))


def time_taken(session: Session, stage: Stage[Any], now: datetime) -> Content:
    """`0:12:00, budget 0:30:00`: the stage so far, and what of it people were waited for."""
    gone, allowed = taken_s(session.run, stage, now) or 0.0, allowance(session, stage)
    over = allowed.over(gone)
    told = f"{'! ' if over else ''}{clock(gone)}{allowed.against(gone)}"
    people = session.run.human_s.get(stage.id, 0.0)
    waited = f" · {clock(people)} of it waiting for people" if people >= 1 else ""
    return Content.assemble((told, WARN if over else ""), (waited, QUIET))


def findings_title(run: Run) -> str:
    """How many there are."""
    return f"Findings of this run so far ({len(run.findings)})"


def findings(run: Run) -> Iterable[tuple[Content, Content]]:
    """Those of the run so far, the heaviest first: they never keep a checkpoint shut, and they are not forgotten."""
    for found in sorted(run.findings, key=lambda each: each.severity != "major"):
        style = BAD if found.severity == "major" else WARN
        yield Content.styled(f"! {one_line(found.severity, 12)}", style), Content(one_line(found.text))
