"""The rail: the five stages and the closing, where the run is, how long each took, whether each layer is alive."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from textual.content import Content
from textual.widgets import Static

from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run
from screens.text import one_line
from screens.words import BUSY, QUIET, Mark, current_stage, light, spent, stage_mark


class Rail(Static):
    """Two lines a stage, down the side; `looked_at` is the stage whose steps are shown beside it."""

    def show(self, run: Run, procedure: Procedure[Any], looked_at: str, now: datetime) -> None:
        """Repaint from the state."""
        stages = (*procedure.stages, procedure.closing)
        self.update(Content("\n").join(_stage(run, procedure, stage, looked_at, now) for stage in stages))


def _stage(run: Run, procedure: Procedure[Any], stage: Stage[Any], looked_at: str, now: datetime) -> Content:
    current = stage.id == current_stage(run, procedure).id
    pointer = ("▌", BUSY) if stage.id == looked_at else (" ", "")
    mark = stage_mark(run, procedure, stage)
    closing = stage.id == procedure.closing.id
    number = " " if closing else str(stage.number)
    return Content.assemble(
        pointer,
        (f"{number} {one_line(stage.title, 23)}", "bold" if current else ""),
        "\n",
        pointer,
        "  ",
        mark.content,
        (f" {spent(run, stage, now)}", QUIET),
        *_lit(light(run, stage) if stage.id in run.pulses else None),
    )


def _lit(lamp: Mark | None) -> tuple[str | Content, ...]:
    return (" ", lamp.content) if lamp else ()


class RailLine(Static):
    """The same on one line, for narrow terminals."""

    def show(self, run: Run, procedure: Procedure[Any], looked_at: str) -> None:
        """Repaint from the state."""
        parts: list[str | Content | tuple[str, str]] = []
        for stage in procedure.stages:
            mark = stage_mark(run, procedure, stage)
            parts += [(f" {stage.number}{mark.glyph}", mark.style)]
        stage = procedure.stage(looked_at)
        mark = stage_mark(run, procedure, stage)
        self.update(Content.assemble(*parts, "  ", (one_line(stage.title, 24), "bold"), " ", mark.content))
