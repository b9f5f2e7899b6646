"""The recorded runs, newest first: filtered by mode and outcome, the marked one in full below the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runbook.views import RecordedRun
from screens.reading import recorded
from screens.text import one_line
from screens.widgets.marks import MarkList

MARK_CELLS = 1  # before a row, for the sign of the marked one
FILTERS = MODE, OUTCOME = ("mode", "outcome")


class RunList(Vertical):
    """`only` is what is listed of each filter, "" for all."""

    class Marked(Message):
        """Another run is marked, or none."""

    def __init__(self) -> None:
        super().__init__(id="history-runs")
        self._every: Sequence[RecordedRun] = ()
        self._listed: Sequence[RecordedRun] = ()
        self._only = dict.fromkeys(FILTERS, "")

    def compose(self) -> ComposeResult:
        """What is listed, the columns' titles, the rows, the marked one."""
        yield Static(id="history-only", markup=False)
        yield Static(id="history-heads", markup=False)
        yield MarkList(id="history-rows", markup=False)
        yield Static(id="history-about", markup=False)

    def show(self, runs: Iterable[RecordedRun]) -> None:
        """These from now on, all of them; they come in the log's order."""
        self._every, self._only = tuple(runs)[::-1], dict.fromkeys(FILTERS, "")
        self._list()

    def choices(self, what: str) -> Sequence[str]:
        """What that filter tells apart."""
        return sorted({getattr(run, what) for run in self._every})

    def step(self, what: str) -> None:
        """All, then each that there is, then all again."""
        choices = ["", *self.choices(what)]
        self._only[what] = choices[(choices.index(self._only[what]) + 1) % len(choices)]
        self._list()

    @property
    def marked(self) -> RecordedRun | None:
        """The run that is marked."""
        at = self.query_one(MarkList).highlighted
        return self._listed[at] if at is not None and at < len(self._listed) else None

    def _list(self) -> None:
        self._listed = [
            run for run in self._every if all(only in {"", getattr(run, what)} for what, only in self._only.items())
        ]
        which = (f"{what}: {only.lower().replace('_', ' ') or 'all'}" for what, only in self._only.items())
        said = f"{len(self._listed)} of {len(self._every)} runs, newest first │ {' │ '.join(which)}"
        self.query_one("#history-only", Static).update(Content(one_line(said)))
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        """Other columns have room."""
        del event
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if not self.is_attached:
            return
        rows = self.query_one(MarkList)
        marked = rows.highlighted or 0
        shown = recorded.columns(rows.scrollable_content_region.width - MARK_CELLS)
        self.query_one("#history-heads", Static).update(recorded.heads(shown))
        rows.set_options(Option(recorded.row(run, shown)) for run in self._listed)
        rows.highlighted = min(marked, len(self._listed) - 1) if self._listed else None
        self._tell()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another one."""
        event.stop()
        self._tell()

    def _tell(self) -> None:
        run = self.marked
        none = Content("No run is both: m and o choose others.")
        self.query_one("#history-about", Static).update(recorded.about(run) if run else none)
        self.post_message(self.Marked())
