"""The report of a run that just ended: how it ended, where its record lies, and the report itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from runbook.views import Banner, Ending
from screens.frame import GRACE_S
from screens.reading.markdown import Block, blocks, fact
from screens.reading.screen import ReadingScreen, keys
from screens.text import one_line
from screens.widgets.banner import BannerBar
from screens.words import BAD, GOOD, outcome


class ReportScreen(ReadingScreen[None]):
    """The report is mere text: it quotes providers, so nothing in it acts."""

    GRACE_S = GRACE_S
    BINDINGS: ClassVar[list[BindingType]] = keys("path")

    def __init__(self, banner: Banner, ending: Ending) -> None:
        super().__init__()
        self._banner = banner
        self._ending = ending

    def top(self) -> Iterable[Widget]:
        """Banner, outcome, and in training whether that was to be expected."""
        yield BannerBar(self._banner)
        ended = outcome(self._ending.outcome).content
        code = f"  (exit code {self._ending.exit_code})"
        yield Static(Content.assemble("This run ended: ", ended, code), id="report-outcome")
        if (expected := self._ending.details.get("expected")) is not None:
            yield Static(_judged(str(expected), self._ending.details.get("as_expected") == "yes"), id="report-expected")

    def on_mount(self) -> None:
        """Where the record lies stands above the report: it is written down first."""
        self.show((*_record(self._ending), *blocks(self._ending.report)))

    @property
    def copied(self) -> str:
        """Where the record lies."""
        return one_line(self._ending.folder)


def _judged(expected: str, as_expected: bool) -> Content:  # noqa: FBT001 - the one thing that it says
    judged = ("✓ as expected", GOOD) if as_expected else ("✗ not as expected", BAD)
    return Content.assemble("The scenario went ", judged, one_line(f" of a good operator: {expected}"))


def _record(ending: Ending) -> Iterator[Block]:
    details = ending.details
    yield fact("record", ending.folder)
    if row := details.get("row"):
        yield fact("row", f"{row} in {details.get('log', 'the log')}")
    if head := details.get("short"):
        yield fact("head", f"{head}  (write it down: it shows a cut log)")
    if commit := details.get("commit"):
        yield fact("commit", str(commit))
