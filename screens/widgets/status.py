"""The two lines that answer "what is it doing" and "how long has it taken"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from textual.content import Content
from textual.widgets import Static

from runbook.engine.events import Progress
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run
from screens.text import one_line
from screens.words import BAD, BUSY, GOOD, QUIET, WARN, clock, current_stage, fraction, outcome

IDLE_HANDS = ("▸ working, nothing to press: ", BUSY)


class Doing(Static):
    """What is being worked at, and that nothing is asked of the operator; or that something is."""

    def show(self, run: Run, procedure: Procedure[Any], progress: Mapping[str, Progress]) -> None:
        """Repaint from the state."""
        self.update(_doing(run, procedure, progress))


def _doing(run: Run, procedure: Procedure[Any], progress: Mapping[str, Progress]) -> Content:
    if run.outcome is not None:
        return Content.assemble("run over: ", outcome(run.outcome).content)
    if run.questions:
        return Content.styled("waiting for your answer", BUSY)
    if not run.begun:
        what = current_stage(run, procedure).title if run.started_at else _before(progress)
        return Content.assemble(IDLE_HANDS, one_line(what))
    first, *others = run.begun
    more = f" and {len(others)} more" if others else ""
    told = next((_progress(progress[step]) for step in run.begun if step in progress), "")
    return Content.assemble(IDLE_HANDS, f"{first}{more}{told}")


def _before(progress: Mapping[str, Progress]) -> str:
    """What is said before T0: in training, the practice estate being started."""
    said = list(progress.values())
    return f"getting ready · {said[-1].text}" if said else "getting ready"


def _progress(said: Progress) -> str:
    """Without a bar, which the step's own place has: on one narrow line the share and the words count."""
    share = f" {fraction(said):.0%}" if said.total > 0 else " ·"
    return f"{share} {one_line(said.text, 80)}"


class Clocks(Static):
    """The recovery clock against its target, the stage, the findings."""

    def show(self, run: Run, procedure: Procedure[Any], targets: Mapping[str, int | None], now: datetime) -> None:
        """Repaint from the state."""
        stage = current_stage(run, procedure)
        where = "closing" if stage is procedure.closing else f"stage {stage.number} of {len(procedure.stages)}"
        count = len(run.findings)
        self.update(
            Content.assemble(
                _rto(run, targets.get("rto_s"), now),
                *(((" │ ", QUIET), paused(run)) if run.pauses else ()),
                (" │ ", QUIET),
                where,
                *(((" │ ", QUIET), mfa(run)) if mfa(run) else ()),
                (" │ ", QUIET),
                (f"findings {count}", WARN if count else ""),
            )
        )


_MFA = {"PROVEN": ("MFA proven", GOOD), "ATTESTED": ("MFA attested", WARN), "NO": ("NO MFA", BAD)}


def mfa(run: Run) -> tuple[str, str] | None:
    """What is known of the second factor, as a word and its style; None before the sign-in."""
    known = (
        each.facts["SignedInAs"] for each in reversed(run.attempts) if "SignedInAs" in each.facts and not each.void
    )
    newest = next(known, None)
    return _MFA.get(str(newest.get("mfa"))) if newest else None


def paused(run: Run) -> tuple[str, str]:
    """The newest pause, and how many there were."""
    *earlier, newest = run.pauses
    more = f" (and {len(earlier)} more)" if earlier else ""
    return f"{newest.kind} {clock(abs(newest.seconds))}{more}", WARN


def _rto(run: Run, target: int | None, now: datetime) -> Content:
    if run.started_at is None:
        return Content("RTO not begun")
    end = run.last_at if run.outcome is not None and run.last_at else now
    gone = (end - run.started_at).total_seconds()
    if target is None:
        return Content.assemble("RTO ", (clock(gone), "bold"), ", no target set")
    over = gone > target
    words = f" of {clock(target)}" + (" EXCEEDED" if over else "")
    return Content.assemble("RTO ", (clock(gone), BAD if over else "bold"), (words, BAD if over else ""))
