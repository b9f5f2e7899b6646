"""The Textual app: shows home, or goes right into a run, and from there to every other room.

    home ─┬─ train ─→ scenarios ─┐
          ├─ drill, recover ─────┤
          ├─ resume ─────────────┴─→ run (dialogues on top) ─→ report ─→ home, or out
          └─ history ─→ a report

What home does not need is loaded when its first frame stands.
"""

from __future__ import annotations

import asyncio
import importlib
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment, Segments
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from runbook.views import Preferences, Session, Source
from screens.frame import Frame
from screens.home.screen import HomeScreen, Told
from screens.looks import keymap, themes
from screens.terminal import signals
from screens.terminal.driver import ClosableDriver

if TYPE_CHECKING:
    from screens.rooms import Rooms

DEFECT = 1  # what is answered where the app itself failed
LEAVES = "A run that is not over can be resumed"
TOLD_S = 8.0  # seconds for which it is said that somebody's preferences cannot be used


def _offers() -> type[Provider]:
    """What the palette lists: what can be done now."""
    from screens.looks.palette import Now  # noqa: PLC0415 - when it is opened

    return Now


class RunbookApp(App[None]):
    """`straight` is the run that is gone right into, `watch` one that is only followed; without them home is shown.

    `return_code` after `run()`: the ending's, 130 when a run was left unfinished, 143 or 129 after a signal.
    """

    CSS_PATH = ["style.tcss", "home/home.tcss"]  # noqa: RUF012 - Textual's
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_offers}
    TITLE = "runbook"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (80, "-normal"), (110, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-short"), (24, "-tall"), (34, "-high")]  # noqa: RUF012 - own annotation
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Leave", id="app.leave", show=False, priority=True, tooltip=LEAVES),
        Binding("ctrl+g", "keys", "Keys", id="app.keys", show=False, priority=True, tooltip="All keys of this screen"),
        Binding("f3", "note", "Note", id="app.note", show=False, priority=True, tooltip="A finding of your own"),
    ]

    def __init__(
        self,
        source: Source,
        preferences: Preferences,
        *,
        straight: Session | None = None,
        watch: Session | None = None,
    ) -> None:
        super().__init__()
        self._source = source
        self._preferences = preferences
        self._straight = straight or watch
        self._watching = watch is not None
        self._loaded: Rooms | None = None
        themes.dress(self, preferences)
        keymap.apply(self, preferences)
        self._theme_kept = self.theme

    @property
    def _rooms(self) -> Rooms:
        """Everything behind home; the first use loads it, where that has not been done meanwhile."""
        if self._loaded is None:
            from screens.rooms import Rooms  # noqa: PLC0415 - after the first frame

            self._loaded = Rooms(self, self._source, alone=self._straight is not None)
        return self._loaded

    # -- where it begins ------------------------------------------------------------------------------------------
    def get_default_screen(self) -> Screen[Any]:
        """Home itself, unless a run is gone right into: no empty screen is laid out before it."""
        return super().get_default_screen() if self._straight else HomeScreen(self._tell)

    def _tell(self) -> Told:
        from screens.home import telling  # noqa: PLC0415 - in the thread that reads, after the first frame

        return telling.told(self._source.home)

    def on_mount(self) -> None:
        """Home stands already; a run is begun."""
        signals.listen(self._leave)
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        if trouble := self._preferences.trouble:
            self.notify(trouble, title="preferences.toml", severity="warning", timeout=TOLD_S, markup=False)
        if straight := self._straight:
            self._rooms.begin(straight, watching=self._watching)

    def on_unmount(self) -> None:
        """Give the signals back."""
        signals.stop_listening()

    def on_home_screen_read(self) -> None:
        """Home stands, and its records are read: there is time to load the rest, before a key needs it."""
        loading = asyncio.to_thread(importlib.import_module, "screens.rooms")
        self.run_worker(loading, name="load", description="load the other rooms")

    def on_home_screen_chosen(self, message: HomeScreen.Chosen) -> None:
        """What was chosen at home."""
        match message.what:
            case "quit":
                self.exit(return_code=self._code)
            case "train":
                view = message.told.view if message.told else None
                self._rooms.scenarios(view.scenarios if view else ())
            case "history":
                self._rooms.history()
            case "resume":
                self._rooms.open(None)
            case what:
                self._rooms.open(what)

    async def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """How the walk goes."""
        if self._loaded is not None:
            await self._loaded.hear(event)

    # -- beside a run ---------------------------------------------------------------------------------------------
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A note has a place only in a run that is walked here."""
        if action == "note":
            return True if self._loaded and self._loaded.takes_notes else None
        return super().check_action(action, parameters)

    def action_keys(self) -> None:
        """All keys of the screen that is on top."""
        self._rooms.keys()

    def action_note(self) -> None:
        """Write down a finding of one's own."""
        self._rooms.note()

    # -- leaving --------------------------------------------------------------------------------------------------
    @property
    def _code(self) -> int:
        return self._loaded.code if self._loaded else 0

    async def action_quit(self) -> None:
        """Out; a run that is not over is asked about first."""
        if self._loaded is None:
            self.exit(return_code=self._code)
        else:
            self._loaded.ask_to_leave()

    def action_help_quit(self) -> None:
        """Ctrl+C by reflex: the same question, instead of a notice about another key."""
        self.call_later(self.action_quit)

    def _leave(self, code: int) -> None:
        if self._loaded is None:
            self.exit(return_code=code)
        else:
            self._loaded.leave(code)

    # -- how somebody likes it ------------------------------------------------------------------------------------
    def _keep_theme(self, theme: Theme) -> None:
        if theme.name != self._theme_kept:
            self._theme_kept = theme.name
            self.run_worker(self._kept(theme.name), name="theme", group="theme", exclusive=True)

    async def _kept(self, name: str) -> None:
        self.notify(await asyncio.to_thread(self._source.keep_theme, name), markup=False)

    # -- what Textual would otherwise do --------------------------------------------------------------------------
    async def on_event(self, event: events.Event) -> None:
        """Clicks reach no button that is greyed, and a screen has to know of them: see `Frame.pressed`."""
        if isinstance(event, events.MouseDown) and self.screen_stack and isinstance(self.screen, Frame):
            self.screen.pressed()
        await super().on_event(event)

    def get_driver_class(self) -> type[Driver]:
        """The terminal may be closed under a run."""
        found = super().get_driver_class()
        return ClosableDriver if found is LinuxDriver else found

    def get_key_display(self, binding: Binding) -> str:
        """The keys that are in place, also where a binding says how its own are shown."""
        return keymap.display(binding, self._preferences.keys)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colours, none at all."""
        return themes.filters(self, super().get_line_filters())

    def _fatal_error(self) -> None:
        """Textual's own prints local variables, which may hold a secret; this one says where, not with what."""
        error = self._exception
        where = traceback.extract_tb(error.__traceback__) if error else []
        lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in where]
        told = f"runbook failed: {type(error).__name__}. The record is complete; go on with: runbook resume\n"
        self.bell()
        self._exit_renderables.append(Segments([Segment("".join([*lines, told]))]))
        self._close_messages_no_wait()


def show(
    source: Source, preferences: Preferences, *, straight: Session | None = None, watch: Session | None = None
) -> int:
    """Run the app; answers the process's exit code."""
    app = RunbookApp(source, preferences, straight=straight, watch=watch)
    app.run()
    return DEFECT if app.return_code is None else app.return_code
