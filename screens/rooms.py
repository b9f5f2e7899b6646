"""Every room behind home, and the one run that is walked in the app; loaded when home's first frame stands.

The conductor owns progress.  A screen that is left, resized or killed loses nothing of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from textual.app import App
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from runbook.views import Ending, ScenarioLine, Session, Source
from screens.dialogs.keys import KeysScreen
from screens.dialogs.leave import LeaveDialog
from screens.dialogs.note import NoteDialog
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import HomeScreen
from screens.operator import ScreenOperator
from screens.reading.fatal import FatalScreen, fatality
from screens.reading.history import HistoryScreen
from screens.reading.report import ReportScreen
from screens.run.screen import RunScreen
from screens.terminal import signals

PATIENCE_S = 5.0  # a walk that was cancelled and does not end holds the terminal no longer than this
UNSENT_S = 300.0  # a note that came too late can be read, and written down elsewhere, for so long


class Rooms:
    """Shows them on the app.  `alone`: there is no home to come back to, and the app ends with its run.

    `code` is what the process answers when it is left now.
    """

    def __init__(self, app: App[None], source: Source, *, alone: bool) -> None:
        self.code = 0
        self._app = app
        self._source = source
        self._alone = alone
        self._watching = False
        self._session: Session | None = None
        self._walk: Worker[Ending] | None = None

    # -- from home ------------------------------------------------------------------------------------------------
    def scenarios(self, deck: tuple[ScenarioLine, ...]) -> None:
        """The deck, and from there a training run."""
        self._app.push_screen(ScenarioScreen(deck), lambda name: self.open(name) if name is not None else None)

    def history(self) -> None:
        """What is recorded."""
        self._app.push_screen(HistoryScreen(self._source))

    def open(self, what: str | None) -> None:
        """A run, as `Source.open` has it; in a thread, for its libraries are loaded there."""
        self._start(partial(asyncio.to_thread, self._source.open, what))

    # -- a run ----------------------------------------------------------------------------------------------------
    def begin(self, session: Session, *, watching: bool = False) -> None:
        """Walk it, or only follow it."""

        async def opened() -> Session:
            return session

        self._watching = watching
        self._start(opened)

    def _start(self, opened: Callable[[], Awaitable[Session]]) -> None:
        """One at a time."""
        if self._walk is None:
            self._walk = self._app.run_worker(
                self._through(opened), name="walk", description="walk the procedure", exit_on_error=False
            )

    async def _through(self, opened: Callable[[], Awaitable[Session]]) -> Ending:
        session = self._session = await opened()
        self.code = 0 if self._watching else signals.INTERRUPTED
        await self._app.push_screen(RunScreen(session, watching=self._watching))
        return await session.walk(None if self._watching else ScreenOperator(self._app, session))

    async def hear(self, event: Worker.StateChanged) -> None:
        """The walk ended, failed, or was left."""
        if event.worker is not self._walk:
            return
        match event.state:
            case WorkerState.SUCCESS:
                await self._ended(self._walk.result)
            case WorkerState.ERROR:
                await self._failed(self._walk.error)
            case WorkerState.CANCELLED:
                self._app.exit(return_code=self.code)
            case _:
                pass

    async def _ended(self, ending: Ending | None) -> None:
        assert ending is not None
        assert self._session is not None
        await self._show_last(ReportScreen(self._session.banner, ending), ending.exit_code)

    async def _failed(self, error: BaseException | None) -> None:
        begun = self._session is not None and self._session.run.started_at is not None
        what = fatality(error, begun=begun, watching=self._watching)
        await self._show_last(FatalScreen(what, self._session.banner if self._session else None), what.exit_code)

    async def _show_last(self, screen: Screen[None], code: int) -> None:
        self.code, self._walk = code, None
        typed = next((each.typed.strip() for each in self._app.screen_stack if isinstance(each, NoteDialog)), "")
        if await self._to_base():
            self._app.push_screen(screen, self._was_read)
            if typed:  # nothing that was typed is lost; a run that has ended takes no finding
                title = "Not recorded: the run had ended by then"
                self._app.notify(typed, title=title, severity="warning", timeout=UNSENT_S, markup=False)

    async def _to_base(self) -> bool:
        """Close the run's screens, whatever is open on top of them; home, where there is one, stays.

        False when the app is closing and there is nothing left to show anything on.
        """
        while len(self._app.screen_stack) > 1 and not isinstance(self._app.screen_stack[-1], HomeScreen):
            await self._app.pop_screen()
        return bool(self._app.screen_stack)

    def _was_read(self, _: None) -> None:
        self._session = None
        if self._alone:
            self._app.exit(return_code=self.code)

    # -- beside what is shown -------------------------------------------------------------------------------------
    def keys(self) -> None:
        """All keys of the screen that is on top."""
        if not isinstance(self._app.screen, KeysScreen):
            self._app.push_screen(KeysScreen(self._app.screen))

    @property
    def takes_notes(self) -> bool:
        """Whether a finding of the operator's own has a place: in a run that is walked here."""
        return self._session is not None and self._walk is not None and not self._watching

    def note(self) -> None:
        """Write one down, whatever is being asked."""
        under_way = any(isinstance(screen, NoteDialog) for screen in self._app.screen_stack)
        if self._session is not None and not under_way:
            self._app.push_screen(NoteDialog(self._session))

    def ask_to_leave(self) -> None:
        """A run that is not over is asked about first; to stop looking at one changes nothing."""
        if self._walk is None or self._session is None or self._watching:
            self.leave(self.code)
        elif not any(isinstance(screen, LeaveDialog) for screen in self._app.screen_stack):
            self._app.push_screen(LeaveDialog(self._session), self._left)

    def _left(self, leave: bool | None) -> None:  # noqa: FBT001 - the dialogue's answer, as Textual hands it over
        if leave:
            self.leave(signals.INTERRUPTED)

    def leave(self, code: int) -> None:
        """Out, when the conductor has put its things down."""
        self.code = code
        if self._walk is None:
            self._app.exit(return_code=code)
            return
        self._walk.cancel()  # its end calls exit
        self._app.set_timer(PATIENCE_S, lambda: self._app.exit(return_code=code))
