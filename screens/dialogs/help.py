"""Help for one step: why it is there, what was seen in full, and the way without this tool."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from runbook.views import Session
from screens.dialogs.copying import Copying, copy_manual
from screens.widgets.pairs import Pair
from screens.words import clock

USUALLY = "{so_long} (median; {runs} looked at)"
UNKNOWN = "no forecast yet: no earlier run of this estate has it"


class HelpDialog(Copying[None]):
    """Read and closed; changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark", "close", "Close", id="help.close", key_display="esc", tooltip="Back"),
        copy_manual("help"),
    ]

    def __init__(self, session: Session, step: str) -> None:
        self._about = session.procedure.step(step)
        super().__init__(session, kind=f"Help · {step}", headline=self._about.title)

    def body(self) -> Iterable[Widget]:
        """Why, by hand, and the last attempt with every word of it."""
        stage = self.session.procedure.stage(self._about.stage)
        yield Pair("why", self._about.why or "not said")
        yield Pair("policy", f"§ {stage.clause}, stage {stage.number}: {stage.title}" if stage.clause else stage.title)
        yield Pair("usually takes", self._usually())
        yield Pair("manual way", self._about.manual or "there is no way without this tool")
        last = self.session.run.last(self._about.id)
        if last is None:
            return
        yield Pair("expected", last.expected, classes="spaced")
        yield Pair("observed", last.observed)
        yield Pair("source", last.source)
        for label, text in (("fix", last.fix), ("provider", last.provider_text), ("reason", last.reason)):
            if text:
                yield Pair(label, text)

    def _usually(self) -> str:
        usual, runs = self.session.forecast.steps.get(self._about.id), self.session.forecast.runs
        count = f"{runs} earlier run{'s' * (runs != 1)}"
        return UNKNOWN if usual is None else USUALLY.format(so_long=clock(usual), runs=count)

    def manual(self) -> str:
        """The step's own."""
        return self._about.manual

    def action_close(self) -> None:
        """Back to where it was asked from."""
        self.dismiss(None)
