"""The lines that answer "what is it doing", "does it need me" and "how long has it taken"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from textual.content import Content

from runbook.engine import objectives, standing
from runbook.engine.events import Progress
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run
from runbook.engine.standing import current_stage
from runbook.views import Session
from screens import timing
from screens.run.painted import Painted, row
from screens.text import one_line
from screens.words import BAD, BUSY, GOOD, QUIET, WARN, clock, fraction, outcome

BETWEEN = Content.styled(" │ ", QUIET)
SILENCE_S = 120.0  # a run whose first checkpoint is open is heard of every half minute


@dataclass(frozen=True, slots=True)
class Working:
    """What is under way beside the run's own state: what its steps told last, and since when the machine is at each.

    `since`: from its beginning, or the last answer that it waited for; `shown` when this screen came up; `watching`:
    somebody else is at the run, and this one only looks on.
    """

    shown: datetime
    watching: bool = False
    progress: dict[str, Progress] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)

    def gone(self, run: Run, step: str, now: datetime) -> float:
        """Seconds that the machine has been at a step that runs."""
        return (now - self.since.get(step, run.begun.get(step, now))).total_seconds()


class Doing(Painted):
    """What is being worked at, and that nothing is asked of the operator; or that something is.  And for how long."""

    def show(self, session: Session, working: Working, now: datetime) -> None:
        """Repaint from the state."""
        self.paint(_doing(session, working, now))


def _doing(session: Session, working: Working, now: datetime) -> Content:
    run = session.run
    if run.outcome is not None:
        return Content.assemble("run over: ", outcome(run.outcome).content)
    fell = _fallen(run, session.procedure)
    if run.questions:
        return Content.assemble(*fell, (_waiting(run, session.procedure, working, now), BUSY))
    hands = "▸ working: " if working.watching else "▸ working, nothing to press: "
    told = _at_steps(session, working, now) if run.begun else _between_steps(run, session.procedure, working, now)
    return Content.assemble(*fell, (hands, BUSY), one_line(told), *_silent(run, working, now))


def _fallen(run: Run, procedure: Procedure[Any]) -> tuple[tuple[str, str], ...]:
    """What matters more than what is being done: a layer that does not hold any more."""
    down = [stage.title for stage in procedure.stages if (pulse := run.pulses.get(stage.id)) and not pulse.alive]
    return ((f"✗ {', '.join(down)} fell · ", BAD),) if down else ()


def _waiting(run: Run, procedure: Procedure[Any], working: Working, now: datetime) -> str:
    since = min(since for _, since in run.questions)
    whose = "the operator's" if working.watching else "your"
    where = next((stage for stage, _ in run.questions if stage), "")
    title = f" · {procedure.stage(where).title}" if where else ""
    return f"◆ waiting for {whose} answer, {clock((now - since).total_seconds())}{title}"


def _silent(run: Run, working: Working, now: datetime) -> tuple[tuple[str, str], ...]:
    """Of a run that is only watched nothing else tells whether it still goes on."""
    gone = (now - run.last_at).total_seconds() if working.watching and run.last_at else 0.0
    return ((f" · SILENT for {clock(gone)}", WARN),) if gone > SILENCE_S else ()


def _between_steps(run: Run, procedure: Procedure[Any], working: Working, now: datetime) -> str:
    if run.started_at is None:
        said = list(working.progress.values())  # in training, the practice estate being started
        what, since = f"getting ready{f' · {said[-1].text}' if said else ''}", working.shown
    else:
        what, since = current_stage(run, procedure).title, run.last_at or now
    gone = (now - since).total_seconds()
    return f"{what}, {clock(gone)}" if gone >= timing.NOTICED_S else what


def _at_steps(session: Session, working: Working, now: datetime) -> str:
    run = session.run
    first, *others = run.begun
    told = next((working.progress[step] for step in run.begun if step in working.progress), None)
    parts = [
        f"{first} and {len(others)} more" if others else first,
        f"{fraction(told):.0%}" if told and told.total > 0 else "",
        timing.lasting(working.gone(run, first, now), session.forecast.steps.get(first)),
    ]
    return ", ".join(filter(None, parts)) + (f" · {told.text}" if told else "")


class Clocks(Painted):
    """Two lines: the recovery clock with its forecast; what is lost, who took how long, the findings."""

    def show(self, session: Session, now: datetime) -> None:
        """Repaint from the state."""
        first = row([timing.recovery(session, now), timing.outlook(session, now)], BETWEEN)
        self.paint(Content("\n").join([first, _second(session, now, self.size.width)]))


def _second(session: Session, now: datetime, width: int) -> Content:
    """What there is room for, the most important first to get it; they stand in an order of their own."""
    kept: list[Content] = []
    shown = _in_order(session, now)
    for part in (shown[at] for at in KEEP):
        if part and (not kept or row([*kept, part], BETWEEN).cell_length <= width):
            kept.append(part)
    return row([part for part in shown if part in kept], BETWEEN)


KEEP = (1, 2, 0, 3, 4, 5, 6)
"""Which of `_in_order` gets room first: findings, pauses, then what is lost, then the others."""


def _in_order(session: Session, now: datetime) -> tuple[Content, ...]:
    run = session.run
    spent, factor = standing.shares(run, now), mfa(run)
    return (
        timing.loss(session),
        _findings(run),
        Content.styled(*paused(run)) if run.pauses else Content(""),
        Content.styled(*factor) if factor else Content(""),
        Content(f"people {clock(spent.people)}"),
        Content(f"machines {clock(spent.machines)}"),
        Content(f"nobody {clock(spent.nobody)}") if spent.nobody else Content(""),
    )


def _findings(run: Run) -> Content:
    count = len(run.findings)
    return Content.styled(f"findings {count}", WARN if count else "")


_MFA: Mapping[str, tuple[str, str]] = {
    "PROVEN": ("MFA proven", GOOD),
    "ATTESTED": ("MFA attested", WARN),
    "NO": ("NO MFA", BAD),
}


def mfa(run: Run) -> tuple[str, str] | None:
    """What is known of the second factor, as a word and its style; None before the sign-in."""
    return _MFA.get(str(objectives.known(run, "SignedInAs").get("mfa")))


def paused(run: Run) -> tuple[str, str]:
    """The newest pause, and how many there were."""
    *earlier, newest = run.pauses
    more = f" (and {len(earlier)} more)" if earlier else ""
    return f"{newest.kind} {clock(abs(newest.seconds))}{more}", WARN
