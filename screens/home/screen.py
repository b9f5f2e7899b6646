"""Home: how the platform stands, and what can be done.

The menu is there with the first frame; what is said of this platform is read in a thread after it, and moves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runbook.views import HomeView
from screens.frame import Frame
from screens.widgets.actions import shown_bindings
from screens.widgets.marks import MarkList

READING = "reading the records …"
SURE = frozenset({"train", "history", "quit"})
"""What can be done whatever is configured and recorded."""


class Entry(NamedTuple):
    """What the menu says of an action, and whether it can be chosen."""

    text: str
    possible: bool = True


class Told(NamedTuple):
    """Home in words.  `start`: the action that is marked at first.  `view`: None where it could not be read."""

    view: HomeView | None
    title: Content
    face: Content
    rows: Content
    below: Content
    entries: Mapping[str, Entry]
    start: str


class Menu(MarkList):
    """Here a line is chosen, by Enter or by a click."""

    check_action = OptionList.check_action
    action_select = OptionList.action_select


class HomeScreen(Frame[None]):
    """`tell` is called in a thread: when the first frame stands, and each time home is come back to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "drill", "Drill", id="home.drill", tooltip="restore the newest backups into staging"),
        Binding("p", "recover", "Recover", id="home.recover", tooltip="restore production itself after an incident"),
        Binding("t", "train", "Train", id="home.train", tooltip="practise on this machine: no account, no network"),
        Binding("r", "resume", "Resume", id="home.resume", tooltip="go on with the unfinished run"),
        Binding("h", "history", "History", id="home.history", tooltip="every recorded run, the trend, the log"),
        Binding("q", "quit", "Quit", id="home.quit", tooltip="back to the shell"),
    ]

    class Chosen(Message):
        """The action that was chosen: `drill`, `recover`, `train`, `resume`, `history` or `quit`."""

        def __init__(self, what: str, told: Told | None) -> None:
            super().__init__()
            self.what = what
            self.told = told

    class Read(Message):
        """The records were read for the first time, or could not be."""

    def __init__(self, tell: Callable[[], Told]) -> None:
        super().__init__()
        self.told: Told | None = None  # None: not read yet
        self._tell = tell
        self._entries = {each.action: Entry(str(each.tooltip), each.action in SURE) for each in shown_bindings(self)}
        self._left = False  # something was chosen: what is typed after it is not meant for the menu
        self._waiting = ""  # what was chosen before the records were read

    def content(self) -> Iterable[Widget]:
        """Title, state and menu; below them, or beside where there is room, notices and earlier runs."""
        yield Static(Content.styled(" RUNBOOK ", "bold reverse"), id="home-title")
        face, rows = Static(READING, id="home-face", markup=False), Static(id="home-rows", markup=False)
        menu = Menu(*self._options(), id="menu", markup=False)
        menu.highlighted = None  # until the records say where to start: Enter chooses nothing that nobody marked
        runs = VerticalScroll(Static(id="home-runs", markup=False), id="home-below", can_focus=False)
        yield Container(Vertical(Vertical(face, rows, id="home-state"), menu, id="home-main"), runs, id="home-body")

    def on_mount(self) -> None:
        """The records are read when the first frame stands."""
        self.call_after_refresh(self._reread)

    def on_screen_resume(self) -> None:
        """Something may have changed while another screen was shown."""
        self._left = False
        if self.told is not None:
            self._say(self.told.face)
            self._reread()

    def _reread(self) -> None:
        self.run_worker(self._fill(), exclusive=True, name="home", description="read the records")

    async def _fill(self) -> None:
        told = await asyncio.to_thread(self._tell)
        first, self.told = self.told is None, told
        self._entries.update(told.entries)
        self._paint(told)
        if first:
            self.post_message(self.Read())
        if self._waiting:
            what, self._waiting = self._waiting, ""
            self._choose(what)

    def _paint(self, told: Told) -> None:
        for place, content in (("title", told.title), ("face", told.face), ("rows", told.rows), ("runs", told.below)):
            self.query_one(f"#home-{place}", Static).update(content)
        menu = self.query_one(Menu)
        marked = menu.highlighted_option.id if menu.highlighted_option else None
        menu.set_options(self._options())
        menu.highlighted = menu.get_option_index(marked or told.start)
        menu.focus()
        self.refresh_bindings()

    def _options(self) -> Iterable[Option]:
        """One line for each key."""
        for binding in shown_bindings(self):
            entry = self._entries[binding.action]
            line = Content(f" {binding.description:<9}{entry.text} ")
            yield Option(line, id=binding.action, disabled=not entry.possible)

    def may(self, action: str) -> bool | None:
        """What needs a configuration or an unfinished run; until it is known, a key waits for it."""
        return self.told is None or action not in self._entries or self._entries[action].possible

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        event.stop()
        self._choose(event.option_id or "")

    def action_drill(self) -> None:
        """A drill: staging only."""
        self._choose("drill")

    def action_recover(self) -> None:
        """A recovery: production."""
        self._choose("recover")

    def action_train(self) -> None:
        """To the scenarios."""
        self._choose("train")

    def action_resume(self) -> None:
        """Go on with the unfinished run."""
        self._choose("resume")

    def action_history(self) -> None:
        """Every recorded run."""
        self._choose("history")

    def action_quit(self) -> None:
        """Away."""
        self._choose("quit")

    def _choose(self, what: str) -> None:
        if self._left:
            return
        if self.told is None and what != "quit":
            self._waiting = what
            self._say(f"{READING} then: {what}")
        elif self.check_action(what, ()):
            self._left = True
            self._say(f"opening: {what} …")
            self.post_message(self.Chosen(what, self.told))
        else:
            self.notify(self._entries[what].text, markup=False)

    def _say(self, sentence: str | Content) -> None:
        self.query_one("#home-face", Static).update(sentence)
