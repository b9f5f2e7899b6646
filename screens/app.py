"""The Textual app: shows home, starts or resumes a run, and owns the walk as one app-level worker.

    home ── train ─→ scenarios ─┐
      └──── resume ─────────────┴─→ run (dialogues on top) ─→ report ─→ home, or out

The conductor owns progress.  A screen that is left, resized or killed loses nothing of the run.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from rich.segment import Segment, Segments
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from runbook.views import DRILL, RECOVER, Ending, HomeView, Opener, Session
from screens import palette, signals
from screens.dialogs.leave import LeaveDialog
from screens.driver import ClosableDriver
from screens.fatal import DEFECT, FatalScreen, fatality
from screens.home import HomeScreen
from screens.operator import ScreenOperator
from screens.report import ReportScreen
from screens.run import RunScreen
from screens.scenarios import ScenarioScreen

PATIENCE_S = 5.0  # a walk that was cancelled and does not end holds the terminal no longer than this


class RunbookApp(App[None]):
    """`start` goes right into that scenario, `resume` into the unfinished run; without them home is shown.

    `return_code` after `run()`: the ending's, 130 when a run was left unfinished, 143 or 129 after a signal.
    """

    CSS_PATH = "style.tcss"
    TITLE = "runbook"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (80, "-normal"), (110, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-short"), (24, "-tall"), (34, "-high")]  # noqa: RUF012 - own annotation
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Leave", id="app.leave", show=False, priority=True),
    ]

    def __init__(
        self, home: Callable[[], HomeView], opener: Opener, start: str | None = None, *, resume: bool = False
    ) -> None:
        super().__init__()
        self._home = home
        self._opener = opener
        self._start = start
        self._resume = resume
        self._session: Session | None = None
        self._walk: Worker[Ending] | None = None
        self._code = 0  # what the process answers when it is left now

    # -- where it begins ------------------------------------------------------------------------------------------
    def on_mount(self) -> None:
        """Home, or straight into a run."""
        signals.listen(self._leave)
        if self._goes_straight_in:
            self._begin(self._start)
        else:
            self.push_screen(HomeScreen(self._home))

    def on_unmount(self) -> None:
        """Give the signals back."""
        signals.stop_listening()

    @property
    def _goes_straight_in(self) -> bool:
        return self._resume or self._start is not None

    def on_home_screen_chosen(self, message: HomeScreen.Chosen) -> None:
        """What was chosen at home."""
        match message.what:
            case "train":
                self.push_screen(ScenarioScreen(self._home().scenarios), self._train)
            case "resume":
                self._begin(None)
            case what if what in {DRILL, RECOVER}:
                self._begin(what)
            case _:
                self.exit(return_code=self._code)

    def _train(self, scenario: str | None) -> None:
        if scenario is not None:
            self._begin(scenario)

    # -- the walk -------------------------------------------------------------------------------------------------
    def _begin(self, scenario: str | None) -> None:
        if self._walk is None:
            self._walk = self.run_worker(
                self._walk_through(scenario), name="walk", description="walk the procedure", exit_on_error=False
            )

    async def _walk_through(self, scenario: str | None) -> Ending:
        session = self._session = self._opener(scenario)
        self._code = signals.INTERRUPTED
        await self.push_screen(RunScreen(session))
        return await session.walk(ScreenOperator(self, session))

    async def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The walk ended, failed, or was left."""
        if event.worker is not self._walk:
            return
        match event.state:
            case WorkerState.SUCCESS:
                await self._ended(event.worker.result)
            case WorkerState.ERROR:
                await self._failed(event.worker.error)
            case WorkerState.CANCELLED:
                self.exit(return_code=self._code)
            case _:
                pass

    async def _ended(self, ending: Ending | None) -> None:
        assert ending is not None
        assert self._session is not None
        self._code, self._walk = ending.exit_code, None
        if await self._to_base():
            self.push_screen(ReportScreen(self._session.banner, ending), self._read_it)

    async def _failed(self, error: BaseException | None) -> None:
        what = fatality(error)
        self._code, self._walk = what.exit_code, None
        if await self._to_base():
            self.push_screen(FatalScreen(what, self._session.banner if self._session else None), self._read_it)

    async def _to_base(self) -> bool:
        """Close the run's screens, whatever is open on top of them; home, where there is one, stays.

        False when the app is closing and there is nothing left to show anything on.
        """
        while len(self.screen_stack) > 1 and not isinstance(self.screen_stack[-1], HomeScreen):
            await self.pop_screen()
        return bool(self.screen_stack)

    def _read_it(self, _: None) -> None:
        self._session = None
        if self._goes_straight_in:
            self.exit(return_code=self._code)

    # -- leaving --------------------------------------------------------------------------------------------------
    async def action_quit(self) -> None:
        """Out; a run that is not over is asked about first."""
        if self._walk is None or self._session is None:
            self.exit(return_code=self._code)
        elif not isinstance(self.screen, LeaveDialog):
            self.push_screen(LeaveDialog(self._session), self._left)

    def action_help_quit(self) -> None:
        """Ctrl+C by reflex: the same question, instead of a notice about another key."""
        self.call_later(self.action_quit)

    def _left(self, leave: bool | None) -> None:  # noqa: FBT001 - the dialogue's answer, as Textual hands it over
        if leave:
            self._leave(signals.INTERRUPTED)

    def _leave(self, code: int) -> None:
        self._code = code
        if self._walk is None:
            self.exit(return_code=code)
            return
        self._walk.cancel()  # its end calls exit, after the conductor put its things down
        self.set_timer(PATIENCE_S, lambda: self.exit(return_code=code))

    def get_driver_class(self) -> type[Driver]:
        """The terminal may be closed under a run."""
        found = super().get_driver_class()
        return ClosableDriver if found is LinuxDriver else found

    # -- what Textual would otherwise offer or tell -----------------------------------------------------------------
    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What can be done now; no screenshot, no key panel."""
        return palette.commands(self, screen)

    def _fatal_error(self) -> None:
        """Textual's own prints local variables, which may hold a secret; this one says where, not with what."""
        error = self._exception
        where = traceback.extract_tb(error.__traceback__) if error else []
        lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in where]
        told = f"runbook failed: {type(error).__name__}. The record is complete; go on with: runbook resume\n"
        self.bell()
        self._exit_renderables.append(Segments([Segment("".join([*lines, told]))]))
        self._close_messages_no_wait()


def show(home: Callable[[], HomeView], opener: Opener, *, start: str | None = None, resume: bool = False) -> int:
    """Run the app; answers the process's exit code."""
    app = RunbookApp(home, opener, start, resume=resume)
    app.run()
    return DEFECT if app.return_code is None else app.return_code
