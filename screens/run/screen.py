"""The run: where it is in the five, what it is doing, what it saw.  A fold over events; it holds no state of the run.

The listener only notes that something was said; a timer repaints, so that a burst of events costs one repaint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.procedure import Stage
from runbook.engine.run import Run
from runbook.engine.standing import current_stage
from runbook.views import Session
from screens import timing
from screens.dialogs.help import HelpDialog
from screens.frame import Frame
from screens.run.about import about
from screens.run.news import News
from screens.run.rail import Rail, RailLine
from screens.run.side import Side
from screens.run.status import Clocks, Doing, Working
from screens.run.steps import Detail, StepList
from screens.widgets.banner import BannerBar

REPAINT_S = 0.1


class RunScreen(Frame[None]):
    """Watches one session.  Leaving or losing this screen loses nothing of the run.

    `watching`: the run is somebody else's, followed from here: nothing is noted, and to leave it needs no question.
    """

    CSS_PATH = "run.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", id="run.help", tooltip="Why, and the manual way"),
        Binding("left", "look_left", "Earlier stage", id="run.look-left", key_display="←"),
        Binding("right", "look_right", "Later stage", id="run.look-right", key_display="→"),
        Binding("n", "note", "Note", id="run.note", tooltip="Write down a finding of your own"),
        Binding("q", "leave", "Leave", id="run.leave", tooltip="The run can be resumed"),
    ]

    def __init__(self, session: Session, *, watching: bool = False) -> None:
        super().__init__()
        self.session = session
        self._working = Working(session.now(), watching=watching)
        self._news: list[Event] = []
        self._dirty = True
        self._painted: tuple[Run, int, str] | None = None  # the state, the second and the stage that are on screen
        self._noting: bool | None = None
        self._looked_at: Stage[object] | None = None  # None: follow the run
        self._was_in = ""
        self._unsubscribe: Callable[[], None] = lambda: None

    def content(self) -> Iterable[Widget]:
        """Banner, what is done, clocks, rail beside steps, log; what else there is room for."""
        yield BannerBar(self.session.banner, watching=self._working.watching)
        yield Doing(id="doing")
        yield Clocks(id="clocks")
        yield RailLine(id="rail-line")
        left = Vertical(Rail(id="rail"), Side("below-rail"), id="left")
        yield Horizontal(left, Vertical(StepList(), Detail(), id="work"), id="middle")
        yield Horizontal(News(), Side("beside-log"), id="bottom")

    def on_mount(self) -> None:
        """Listen, and repaint at most ten times a second."""
        self._unsubscribe = self.session.subscribe(self._hear)
        self.query_one(StepList).focus()
        self.repaint_if_needed()
        self.set_interval(REPAINT_S, self.rung(self.repaint_if_needed))

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def on_resize(self) -> None:
        """What there is room for is another now."""
        self._painted, self._dirty = None, True
        self.call_after_refresh(self.rung(self.repaint_if_needed))

    def _hear(self, said: Said) -> None:
        if isinstance(said, Progress):
            self._working.progress[said.step] = said
        else:
            if said.step and said.kind in {Kind.STARTED, Kind.ANSWERED}:  # the machine is at it from now on
                self._working.since[said.step] = said.at
            if said.step and said.kind is Kind.STARTED:  # another attempt: how far the last one was is old
                self._working.progress.pop(said.step, None)
            self._news.append(said)
        self._dirty = True

    def repaint_if_needed(self) -> None:
        """Repaint when something was said, and once a second for the clocks."""
        second = int(self.session.now().timestamp())
        if self._dirty or self._painted is None or second != self._painted[1]:
            self._dirty = False
            self._repaint()

    def _repaint(self) -> None:
        """What only a new state, another second or another stage can change is left alone otherwise."""
        session, working, now = self.session, self._working, self.session.now()
        run, stage = session.run, self._shown_stage()
        shown = (run, int(now.timestamp()), stage.id)
        if self._painted is None or self._painted[0] is not run or self._painted[1:] != shown[1:]:
            self._painted = shown
            self.query_one(Clocks).show(session, now)
            self.query_one(Rail).show(session, stage.id, now)
            self.query_one(RailLine).show(session, stage.id, now)
            self.query_one(StepList).show(run, stage)
            for side in self.query(Side):
                side.show(session, now)
            self._follow_notes()
        self.query_one(Doing).show(session, working, now)
        self._show_marked(run, stage)
        if self._news:
            news, self._news = self._news, []
            self.query_one(News).tell(news)

    def _show_marked(self, run: Run, stage: Stage[object]) -> None:
        step = self.query_one(StepList).marked
        if step is not None:
            gone = 0.0 if run.questions else self._working.gone(run, step.id, self.session.now())
            lasting = timing.lasting(gone, self.session.forecast.steps.get(step.id))
            told = self._working.progress.get(step.id)
            self.query_one(Detail).show(step, about(run, stage, step, told, lasting))

    def _follow_notes(self) -> None:
        """A note has a place from T0 until the end: its key is greyed before and after."""
        if (may := self.may("note")) is not self._noting:
            self._noting = may
            self.refresh_bindings()

    def may(self, action: str) -> bool | None:
        """Who only watches notes nothing."""
        if action != "note":
            return True
        run = self.session.run
        return False if self._working.watching else (run.started_at is not None and run.outcome is None) or None

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

    async def action_note(self) -> None:
        """Write down a finding of one's own."""
        await self.app.run_action("app.note")

    async def action_leave(self) -> None:
        """Leave; a run that is walked here is asked about first."""
        await self.app.run_action("app.quit")
