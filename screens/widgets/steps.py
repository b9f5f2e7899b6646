"""The steps of one stage: state, id, title; the marked one in full below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runbook.engine.events import Progress
from runbook.engine.procedure import Stage, Step
from runbook.engine.run import Run
from screens.text import one_line
from screens.words import QUIET, so_far, step_mark

WIDE = 70  # cells from which there is room for the id before the title


class StepList(OptionList):
    """One line a step.  Follows what runs until the operator marks another, and again from the next stage on."""

    def __init__(self) -> None:
        super().__init__(id="steps", compact=True, markup=False)
        self._stage: Stage[Any] | None = None
        self._painted: tuple[Content, ...] = ()
        self._following = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Left and right belong to the screen: they look at another stage."""
        return action not in {"select", "scroll_left", "scroll_right"} and super().check_action(action, parameters)

    @property
    def marked(self) -> Step[Any] | None:
        """The step that is marked."""
        if self._stage is None or self.highlighted is None:
            return None
        return self._stage.steps[self.highlighted]

    def show(self, run: Run, stage: Stage[Any]) -> None:
        """Repaint from the state."""
        lines = tuple(_line(run, step, with_id=self.size.width >= WIDE) for step in stage.steps)
        with self.prevent(OptionList.OptionHighlighted):
            if stage is not self._stage:
                self._stage, self._following = stage, True
                self.set_options(Option(line) for line in lines)
            elif lines != self._painted:
                self._replace(lines)
            if self._following:
                self.highlighted = _where(run, stage)
        self._painted = lines

    def _replace(self, lines: tuple[Content, ...]) -> None:
        for index, (old, new) in enumerate(zip(self._painted, lines, strict=True)):
            if old != new:
                self.replace_option_prompt_at_index(index, new)

    def on_option_list_option_highlighted(self) -> None:
        """Only the operator gets here: `show` prevents the message."""
        self._following = False


def _line(run: Run, step: Step[Any], *, with_id: bool) -> Content:
    mark = step_mark(run, step.id)
    name = f"{one_line(step.id, 28):<28} " if with_id else ""
    return Content.assemble((f"{mark.glyph} {mark.word:<12}", mark.style), (name, QUIET), one_line(step.title))


def _where(run: Run, stage: Stage[Any]) -> int | None:
    """The step that runs, else the first that is not satisfied, else the last."""
    ids = [step.id for step in stage.steps]
    wanted = next((step for step in ids if step in run.begun), None)
    wanted = wanted or next((step for step in ids if not run.satisfied(step)), None)
    return ids.index(wanted or ids[-1]) if ids else None


class Detail(VerticalScroll, can_focus=False):
    """The marked step: title, expected, observed."""

    def __init__(self) -> None:
        super().__init__(Static(id="detail-text", markup=False), id="detail")
        self._shown: Content | None = None

    def show(self, run: Run, step: Step[Any] | None, progress: Mapping[str, Progress]) -> None:
        """Repaint from the state; of a step that runs, how far it is."""
        shown = _detail(run, step, progress.get(step.id)) if step is not None else Content("")
        if shown != self._shown:
            self._shown = shown
            self.query_one("#detail-text", Static).update(shown)


def _detail(run: Run, step: Step[Any], progress: Progress | None) -> Content:
    result = run.result(step.id) or run.last(step.id)
    title = Content.assemble((one_line(step.title), "bold"), (f"  {step.id}", QUIET))
    if progress is not None and step.id in run.begun:
        return Content.assemble(title, ("\nnow       ", QUIET), so_far(progress, 300))
    if result is None:
        return Content.assemble(title, "\n", ("why       ", QUIET), one_line(step.why))
    return Content.assemble(
        title,
        ("\nexpected  ", QUIET),
        one_line(result.expected),
        ("\nobserved  ", QUIET),
        one_line(result.observed),
        ("\nsource    ", QUIET),
        one_line(result.source),
    )
