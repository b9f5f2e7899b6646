"""The run: where it is in the five, what it is doing, what it saw.  A fold over events; it holds no state of the run.

The listener only notes that something was said; a timer repaints, so that a burst of events costs one repaint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Log

from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.procedure import Stage
from runbook.views import Session
from screens.dialogs.help import HelpDialog
from screens.frame import Frame
from screens.said import sentence
from screens.widgets.banner import BannerBar
from screens.widgets.rail import Rail, RailLine
from screens.widgets.status import Clocks, Doing
from screens.widgets.steps import Detail, StepList
from screens.words import current_stage

REPAINT_S = 0.1
LOG_LINES = 1000


class RunScreen(Frame[None]):
    """Watches one session.  Leaving or losing this screen loses nothing of the run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", id="run.help", key_display="?", tooltip="Why, and the manual way"),
        Binding("left", "look_left", "Earlier stage", id="run.look-left", key_display="←"),
        Binding("right", "look_right", "Later stage", id="run.look-right", key_display="→"),
        Binding("q", "leave", "Leave", id="run.leave", tooltip="The run can be resumed"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._news: list[Event] = []
        self._progress: dict[str, Progress] = {}
        self._dirty = True
        self._painted_second = -1
        self._looked_at: Stage[object] | None = None  # None: follow the run
        self._was_in = ""
        self._unsubscribe: Callable[[], None] = lambda: None

    def content(self) -> Iterable[Widget]:
        """Banner, what is done, clocks, rail beside steps, log."""
        yield BannerBar(self.session.banner)
        yield Doing(id="doing", markup=False)
        yield Clocks(id="clocks", markup=False)
        yield RailLine(id="rail-line", markup=False)
        yield Horizontal(Rail(id="rail", markup=False), Vertical(StepList(), Detail(), id="work"), id="middle")
        yield Log(id="log", max_lines=LOG_LINES, auto_scroll=True)

    def on_mount(self) -> None:
        """Listen, and repaint at most ten times a second."""
        self._unsubscribe = self.session.subscribe(self._hear)
        self.query_one(StepList).focus()
        self.repaint_if_needed()
        self.set_interval(REPAINT_S, self.repaint_if_needed)

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def _hear(self, said: Said) -> None:
        if isinstance(said, Progress):
            self._progress[said.step] = said
        else:
            if said.kind is Kind.STARTED:  # another attempt: how far the last one was is old
                self._progress.pop(said.step or "", None)
            self._news.append(said)
        self._dirty = True

    def repaint_if_needed(self) -> None:
        """Repaint when something was said, and once a second for the clocks."""
        second = int(self.session.now().timestamp())
        if not self._dirty and second == self._painted_second:
            return
        self._dirty, self._painted_second = False, second
        self._repaint()

    def _repaint(self) -> None:
        run, procedure, now = self.session.run, self.session.procedure, self.session.now()
        stage = self._shown_stage()
        self.query_one(Doing).show(run, procedure, self._progress)
        self.query_one(Clocks).show(run, procedure, self.session.targets, now)
        self.query_one(Rail).show(run, procedure, stage.id, now)
        self.query_one(RailLine).show(run, procedure, stage.id)
        steps = self.query_one(StepList)
        steps.show(run, stage)
        self.query_one(Detail).show(run, steps.marked, self._progress)
        self._write_news()

    def _write_news(self) -> None:
        news, self._news = self._news, []
        lines = [line for event in news if (line := sentence(event))]
        if lines:
            self.query_one(Log).write_lines(lines)

    def _shown_stage(self) -> Stage[object]:
        current = current_stage(self.session.run, self.session.procedure)
        if current.id != self._was_in:  # the run moved on: follow it again
            self._was_in, self._looked_at = current.id, None
        return self._looked_at or current

    def on_option_list_option_highlighted(self) -> None:
        """Another step was marked."""
        self._dirty = True

    def _look(self, by: int) -> None:
        stages = [*self.session.procedure.stages, self.session.procedure.closing]
        at = stages.index(self._shown_stage()) + by
        self._looked_at = stages[min(max(at, 0), len(stages) - 1)]
        self._repaint()

    def action_look_left(self) -> None:
        """Show the steps of the stage before; the run itself does not move."""
        self._look(-1)

    def action_look_right(self) -> None:
        """Show the steps of the stage after; the run itself does not move."""
        self._look(1)

    def action_help(self) -> None:
        """Help for the marked step."""
        step = self.query_one(StepList).marked
        if step is not None:
            self.app.push_screen(HelpDialog(self.session, step.id))

    async def action_leave(self) -> None:
        """Leave, after asking."""
        await self.app.run_action("app.quit")
