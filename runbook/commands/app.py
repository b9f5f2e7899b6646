"""Starts the Textual app; what the screens are handed is loaded when they first ask for it, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from runbook.commands import preferences
from runbook.commands.places import Home
from runbook.views import HistoryView, HomeView, Session, Source

if TYPE_CHECKING:  # the first frame waits for none of these
    from runbook.commands.configured import Configured


def screens(
    home: Home,
    platform: Configured | None,
    *,
    begin: Session | None = None,
    resume: Session | None = None,
    watch: Session | None = None,
) -> int:
    """Right into the run that was asked for: new (`begin`), again, or only to follow it; answers the exit status."""

    def shelves() -> Source:
        from runbook.commands.configured import Found
        from runbook.commands.shelves import Shelves

        return Shelves(home, Found(platform))

    from screens.app import show

    return show(Later(shelves), preferences.read_or_default(home), straight=begin or resume, watch=watch)


class Later:
    """`views.Source` that is made when it is first asked; `home` is asked when the first frame stands."""

    def __init__(self, make: Callable[[], Source]) -> None:
        self._make = make
        self._made: Source | None = None
        self._one = threading.Lock()

    def _source(self) -> Source:
        with self._one:
            self._made = self._made or self._make()
            return self._made

    def home(self) -> HomeView:
        """As the source has it."""
        return self._source().home()

    def history(self, *, training: bool) -> HistoryView:
        """As the source has it."""
        return self._source().history(training=training)

    def report(self, run_id: str) -> str:
        """As the source has it."""
        return self._source().report(run_id)

    def keep_theme(self, name: str) -> str:
        """As the source has it."""
        return self._source().keep_theme(name)

    def open(self, what: str | None) -> Session:
        """As the source has it."""
        return self._source().open(what)
