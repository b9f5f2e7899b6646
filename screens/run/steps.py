"""The steps of one stage as a table: state, name, what was seen; the marked one in full below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from runbook.engine.procedure import Stage, Step
from runbook.engine.run import Attempt, Run
from screens.run.about import Entry, fitted
from screens.run.painted import Painted
from screens.text import one_line
from screens.words import QUIET, step_mark

STATE, NAME = 14, 16  # cells of the first two columns
TITLED = 70  # cells from which there is room for the title of a step that has a result
EXPECTING = 110  # and for what was expected of it


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
        lines = tuple(_line(run, step, self.size.width) for step in stage.steps)
        with self.prevent(OptionList.OptionHighlighted):
            if stage is not self._stage:
                self._stage, self._following = stage, True
                self.set_options(Option(line) for line in lines)
            else:
                self._replace(lines)
            if self._following:
                self.highlighted = _where(run, stage)
        self._painted = lines

    def _replace(self, lines: tuple[Content, ...]) -> None:
        for index, (old, new) in enumerate(zip(self._painted, lines, strict=True)):
            if not new.is_same(old):
                self.replace_option_prompt_at_index(index, new)

    def on_option_list_option_highlighted(self) -> None:
        """Only the operator gets here: `show` prevents the message."""
        self._following = False


def _line(run: Run, step: Step[Any], width: int) -> Content:
    mark, name = step_mark(run, step.id), step.id.partition(".")[2]
    columns = _columns(step, run.result(step.id), width - STATE - NAME)
    return Content.assemble(
        (_cell(f"{mark.glyph} {mark.word}", STATE), mark.style), (_cell(name, NAME), QUIET), *columns
    )


def _columns(step: Step[Any], result: Attempt | None, room: int) -> list[str | tuple[str, str]]:
    """Until there is something to see, what the step is about stands there."""
    title = one_line(step.title)
    if result is None:
        return [title]
    observed, expected = one_line(result.observed), one_line(result.expected)
    if room + STATE + NAME >= EXPECTING:
        third = room // 3
        return [_cell(title, third), _cell(observed, third), (f"expected: {expected}", QUIET)]
    if room + STATE + NAME >= TITLED:
        return [_cell(title, room // 2), observed]
    return [observed]


def _cell(text: str, width: int) -> str:
    """Cut with a sign, and a space to the next one."""
    return f"{one_line(text, width - 1):<{width}}"


def _where(run: Run, stage: Stage[Any]) -> int | None:
    """The step that runs, else the first that is not satisfied, else the last."""
    ids = [step.id for step in stage.steps]
    wanted = next((step for step in ids if step in run.begun), None)
    wanted = wanted or next((step for step in ids if not run.satisfied(step)), None)
    return ids.index(wanted or ids[-1]) if ids else None


class Detail(Painted):
    """The marked step, as far as there is room; help has all of it."""

    def __init__(self) -> None:
        super().__init__(id="detail")

    def show(self, step: Step[Any], entries: Sequence[Entry]) -> None:
        """Its title, and what there is to say about it."""
        if self.size:
            self.paint(fitted(step.title, entries, self.size.width, self.size.height))
