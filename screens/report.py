"""The report of an ended run, read inside the app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from runbook.views import Banner, Ending
from screens.frame import GRACE_S, Frame
from screens.text import one_line, paragraphs
from screens.widgets.actions import ActionBar
from screens.widgets.banner import BannerBar
from screens.words import QUIET, outcome


class ReportScreen(Frame[None]):
    """Outcome, where the record lies, the report as mere text: it quotes providers, so nothing in it acts."""

    GRACE_S = GRACE_S
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter,escape", "close", "Close", id="report.close", key_display="q/⏎"),
    ]

    def __init__(self, banner: Banner, ending: Ending) -> None:
        super().__init__()
        self._banner = banner
        self._ending = ending

    def content(self) -> Iterable[Widget]:
        """Banner, outcome, folder, the log's head for paper, report."""
        yield BannerBar(self._banner)
        yield Static(
            Content.assemble(
                "This run ended: ", outcome(self._ending.outcome).content, f"  (exit code {self._ending.exit_code})"
            ),
            id="report-outcome",
        )
        yield Static(Content.assemble(("record  ", QUIET), one_line(self._ending.folder)), id="report-folder")
        if head := self._ending.details.get("short"):
            yield Static(
                Content.assemble(("head    ", QUIET), f"{head}  (write it down: it shows a cut log)"), id="report-head"
            )
        if said := self._ending.details.get("commit"):
            yield Static(Content.assemble(("commit  ", QUIET), said), id="report-commit")
        yield VerticalScroll(Static(_report(self._ending.report)), id="report")
        yield ActionBar()

    def on_mount(self) -> None:
        """Arrow keys scroll the report."""
        self.query_one("#report").focus()

    def action_close(self) -> None:
        """Home, or out."""
        self.dismiss(None)


def _report(markdown: str) -> Content:
    return Content("\n").join(_line(line) for line in paragraphs(markdown).split("\n"))


def _line(line: str) -> Content:
    if line.startswith("#"):
        return Content.styled(line.lstrip("#").strip(), "bold underline")
    return Content(line)
