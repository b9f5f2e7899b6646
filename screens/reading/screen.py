"""Reading a report inside the app: scrolled, searched, section by section; and the screen of a recorded run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from runbook.views import Source
from screens.frame import Frame
from screens.reading.fatal import told
from screens.reading.markdown import Block, Paragraph, blocks
from screens.reading.reader import Reader
from screens.text import one_line, plain
from screens.widgets.actions import ActionBar

T = TypeVar("T")


def keys(copies: str) -> list[BindingType]:
    """Of every screen on which something is read; `copies` is what `c` takes to the clipboard."""
    return [
        Binding("slash", "search", "Search", id="reading.search", key_display="/"),
        Binding("left", "before", "Section before", id="reading.before", key_display="←"),
        Binding("right", "after", "Section after", id="reading.after", key_display="→"),
        Binding("c", "copy", f"Copy {copies}", id="reading.copy"),
        Binding("q,escape,enter", "close", "Close", id="reading.close", key_display="q/⏎"),
        Binding("n", "next", "Next place", id="reading.next"),
        Binding("N", "previous", "Place before", id="reading.previous", show=False),
    ]


class SearchEntry(Input):
    """What is searched for: each letter searches, Enter goes to the next place, Escape ends the typing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the text", id="search.back", tooltip="What was found stays marked"),
        Binding("enter", "submit", "Next place", id="search.next"),
    ]

    class Left(Message):
        """Nothing more is typed."""

    def __init__(self) -> None:
        super().__init__(placeholder="search in the report", compact=True, id="words")

    def action_leave(self) -> None:
        """Back to what is read."""
        self.post_message(self.Left())


class ReadingScreen(Frame[T]):
    """The ground: subclasses give what stands above (`top`), and hand what is read to `show`."""

    CSS_PATH = "reading.tcss"

    def content(self) -> Iterable[Widget]:
        """What is above, the text, the search, buttons."""
        yield from self.top()
        yield Reader(id="report")
        yield Horizontal(SearchEntry(), Static(id="found", markup=False), id="finding")
        yield ActionBar()

    def top(self) -> Iterable[Widget]:
        """What stays in sight while the text scrolls."""
        return ()

    @property
    def copied(self) -> str:
        """What `c` takes to the clipboard."""
        return ""

    @property
    def reader(self) -> Reader:
        """The text."""
        return self.query_one(Reader)

    def show(self, read: Sequence[Block]) -> None:
        """Let it be read; arrow keys scroll it."""
        self.reader.show(read)
        self.reader.focus()

    def may(self, action: str) -> bool | None:
        """There is a next place once something was found; while it is typed, its key is typed too."""
        if action == "next":
            return self.is_mounted and bool(self.reader.hits)
        return action != "search" or not isinstance(self.focused, SearchEntry)

    def action_before(self) -> None:
        """To the heading before."""
        self.reader.go(-1)

    def action_after(self) -> None:
        """To the next heading."""
        self.reader.go(1)

    def action_copy(self) -> None:
        """To the clipboard of the terminal, where it has one."""
        self.app.copy_to_clipboard(self.copied)
        self.notify(one_line(f"to the clipboard: {self.copied}"), markup=False)

    def action_close(self) -> None:
        """Back to where it was opened from."""
        self.dismiss(None)

    # -- searching ----------------------------------------------------------------------------------------------------
    def action_search(self) -> None:
        """Type what is searched for."""
        self.query_one("#finding").display = True
        self.query_one(SearchEntry).focus()

    def action_next(self) -> None:
        """To the next of the places that were found."""
        self.reader.step(1)
        self._say_found()

    def action_previous(self) -> None:
        """To the one before."""
        self.reader.step(-1)
        self._say_found()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while it is typed."""
        self.reader.search(event.value)
        self._say_found()

    def on_input_submitted(self) -> None:
        """Enter: the next one."""
        self.action_next()

    def on_search_entry_left(self) -> None:
        """What was found stays marked."""
        self.reader.focus()
        self.query_one("#finding").display = bool(self.reader.found)

    def _say_found(self) -> None:
        self.query_one("#found", Static).update(Content(self.reader.found))
        self.refresh_bindings()


class RecordScreen(ReadingScreen[None]):
    """The report of a recorded run, read from its record while this is shown."""

    BINDINGS: ClassVar[list[BindingType]] = keys("id")

    def __init__(self, source: Source, run_id: str) -> None:
        super().__init__()
        self._source = source
        self._run_id = run_id

    def top(self) -> Iterable[Widget]:
        """Which run it is."""
        yield Static(Content.assemble((" REPORT ", "bold reverse"), "  ", one_line(self._run_id, 80)), classes="title")

    @property
    def copied(self) -> str:
        """With it every command finds the run."""
        return one_line(self._run_id)

    def on_mount(self) -> None:
        """Files are read in a thread."""
        self.show((Paragraph(Content("reading the report …")),))
        self.run_worker(self._read(), name="report", description="read a report", exit_on_error=False)

    async def _read(self) -> tuple[Block, ...]:
        return await asyncio.to_thread(lambda: blocks(self._source.report(self._run_id)))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """It was read, or why it could not be."""
        if event.state is WorkerState.SUCCESS:
            self.show(event.worker.result or (Paragraph(Content("The report is empty.")),))
        elif event.state is WorkerState.ERROR:
            self.show(tuple(_trouble(event.worker.error)))


def _trouble(error: BaseException | None) -> Iterable[Block]:
    sentence, fix = told(error)
    yield Paragraph(plain(f"✗ {sentence}", "bold"))
    if fix:
        yield Paragraph(plain(f"Do this: {fix}"))
