"""The log of events: one line of text for everything that changes, for who reads and for who listens."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widgets import Log

from runbook.engine.events import Event, Kind
from screens.run.said import sentence
from screens.text import one_line

LINES = 10_000  # what went before is in the journal


class News(Log):
    """What a run says, the newest at the bottom."""

    def __init__(self) -> None:
        super().__init__(id="log", max_lines=LINES, auto_scroll=True)
        self._down: set[str] = set()

    def on_resize(self) -> None:
        """In a smaller place too the newest line is in sight."""
        self.scroll_end(animate=False)

    def tell(self, events: Iterable[Event]) -> None:
        """In one go: each write lays the log out again."""
        lines = [line for event in list(events)[-LINES:] if (line := self._sentence(event))]
        if lines:
            self.write_lines(lines)

    def _sentence(self, event: Event) -> str | None:
        """A layer's heartbeat is no news, but that it is there again after it had fallen is."""
        if event.kind is Kind.HEARTBEAT and event.stage:
            was_down = event.stage in self._down
            if not event.data.get("alive"):
                self._down.add(event.stage)
            elif was_down:
                self._down.remove(event.stage)
                return one_line(f"{event.at:%H:%M:%S} ✓ {event.stage} is alive again", 400)
        return sentence(event)
