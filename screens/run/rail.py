"""The rail: the five stages and the closing, where the run is, its time against its budget, which layers are alive."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from textual.content import Content

from runbook.engine import standing
from runbook.engine.procedure import Stage
from runbook.engine.standing import current_stage
from runbook.views import Session
from screens import timing
from screens.run.painted import Painted
from screens.text import one_line
from screens.words import BAD, BUSY, QUIET, TO_COME, clock, lamp, stage_mark

ROOMY = 32  # cells from which there is room for the age of a heartbeat and for every budget


class Rail(Painted):
    """Two lines a stage, three for the one that the run is in; `looked_at` is the one shown beside it."""

    def show(self, session: Session, looked_at: str, now: datetime) -> None:
        """Repaint from the state."""
        stages = (*session.procedure.stages, session.procedure.closing)
        lines = [line for stage in stages for line in self._stage(session, stage, looked_at, now)]
        self.paint(Content("\n").join(lines))

    def _stage(self, session: Session, stage: Stage[Any], looked_at: str, now: datetime) -> list[Content]:
        current = stage.id == current_stage(session.run, session.procedure).id
        number = " " if stage.id == session.procedure.closing.id else str(stage.number)
        title = (f"{number} {one_line(stage.title, 20)}", "bold" if current else "")
        light = lamp(session.run, stage, now, aged=self.size.width >= ROOMY)
        lines = [Content.assemble(title, " ", light.content) if light else Content.assemble(title)]
        lines += _state(session, stage, now, current=current, roomy=self.size.width >= ROOMY)
        pointer = ("▌", BUSY) if stage.id == looked_at else " "
        return [Content.assemble(pointer, line) for line in lines]


def _state(session: Session, stage: Stage[Any], now: datetime, *, current: bool, roomy: bool) -> list[Content]:
    gone, allowed = standing.taken_s(session.run, stage, now), timing.allowance(session, stage)
    state = stage_mark(session.run, session.procedure, stage)
    mark = Content.assemble("  ", state.content)
    if gone is None or state is TO_COME:
        return [Content.assemble(mark, (f", {allowed.words}" if allowed.seconds is not None else "", QUIET))]
    over = BAD if allowed.over(gone) else QUIET
    if current and allowed.seconds is not None:
        return [mark, Content.assemble("  ", (f"{clock(gone)}{allowed.against(gone)}", over))]
    word = allowed.against(gone) if roomy and allowed.budget else " OVER" if allowed.over(gone) else ""
    return [Content.assemble(mark, (f" {clock(gone)}{word}", over))]


class RailLine(Painted):
    """The same on one line, for narrow terminals."""

    def show(self, session: Session, looked_at: str, now: datetime) -> None:
        """Repaint from the state."""
        run, procedure = session.run, session.procedure
        marks = [(stage.number, stage_mark(run, procedure, stage)) for stage in procedure.stages]
        stage = procedure.stage(looked_at)
        gone = standing.taken_s(run, stage, now)
        over = gone is not None and timing.allowance(session, stage).over(gone)
        self.paint(
            Content.assemble(
                *((f" {number}{mark.glyph}", mark.style) for number, mark in marks),
                "  ",
                (one_line(stage.title, 18), "bold"),
                " ",
                stage_mark(run, procedure, stage).content,
                (f" {clock(gone)}" if gone is not None else "", QUIET),
                (" OVER" if over else "", BAD),
            )
        )
