"""Help for one step: why it is there, what was seen in full, and the way without this tool."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from runbook.views import Session
from screens.dialogs.ask import Ask
from screens.widgets.pairs import Pair


class HelpDialog(Ask[None]):
    """Read and closed; changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark", "close", "Close", id="help.close", key_display="esc"),
    ]

    def __init__(self, session: Session, step: str) -> None:
        self._about = session.procedure.step(step)
        super().__init__(session, kind=f"Help · {step}", headline=self._about.title)

    def body(self) -> Iterable[Widget]:
        """Why, by hand, and the last attempt with every word of it."""
        yield Pair("why", self._about.why or "not said")
        yield Pair("by hand", self._about.manual or "there is no manual way")
        last = self.session.run.last(self._about.id)
        if last is None:
            return
        yield Pair("expected", last.expected, classes="spaced")
        yield Pair("observed", last.observed)
        yield Pair("source", last.source)
        for label, text in (("fix", last.fix), ("provider", last.provider_text), ("reason", last.reason)):
            if text:
                yield Pair(label, text)

    def action_close(self) -> None:
        """Back to where it was asked from."""
        self.dismiss(None)
