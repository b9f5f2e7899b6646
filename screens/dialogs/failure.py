"""A step did not pass: what was expected and seen, why it matters, what to do, in whose words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import Act, Decide
from runbook.engine.verdict import Verdict
from runbook.views import Session
from screens.dialogs.ask import HELP
from screens.dialogs.deciding import Deciding
from screens.text import plain
from screens.widgets.pairs import Pair
from screens.words import VERDICTS

MEANING = {
    Verdict.FAIL: "this speaks about the backup or the layer; it cannot be attested away",
    Verdict.INCONCLUSIVE: "no verdict could be had; this says nothing about the backup",
}


ACCEPTING = (
    "press e: you and a second named person state what is lost; the step stays FAIL, the stage becomes ACCEPTED, the "
    "run PASS WITH ISSUES at best"
)


class FailureDialog(Deciding):
    """Retry, attest or accept (where allowed), close the doors (where they were opened), back, abort."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sign_in", "Sign in again", id="failure.sign-in", tooltip="Here and now; nothing is lost"),
        Binding("r", "retry", "Retry", id="failure.retry"),
        Binding("a", "attest", "Attest", id="failure.attest", tooltip="State it instead, with a reason"),
        Binding("e", "accept", "Accept", id="failure.accept", tooltip="Two people state the loss; it stays FAIL"),
        Binding("c", "close", "Close doors", id="failure.close", tooltip="Takes back what was opened to the world"),
        Binding("b", "back", "Back", id="failure.back", tooltip="To an earlier stage, with a reason"),
        Binding("q", "abort", "Abort run", id="failure.abort", tooltip="End the run, with a reason"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Decide) -> None:
        mark = VERDICTS[ask.verdict]
        super().__init__(
            session,
            kind=f"{mark.glyph} {mark.word} · {ask.step}",
            headline=ask.title,
            about=ask.step,
            options=ask.options,
            back_to=ask.back_to,
            retreat=ask.retreat,
            step=ask.step,
        )
        self._ask = ask
        self.add_class("-failure")

    def body(self) -> Iterable[Widget]:
        """Expected beside observed, then the way out."""
        ask = self._ask
        if meaning := MEANING.get(ask.verdict):
            yield Static(plain(meaning), classes="meaning")
        yield Horizontal(_side("expected", ask.expected), _side("observed", ask.observed), classes="sides")
        fix = ask.fix or "no fix is known; see the manual way"
        if Act.SIGN_IN in ask.options:
            yield Pair("do this", "press s: sign in again here and now; the step is tried again, nothing is lost")
            yield Pair("", fix)
        else:
            yield Pair("do this", fix)
        if Act.ACCEPT in ask.options:
            yield Pair("or accept it", ACCEPTING)
        if Act.CLOSE in ask.options:
            yield Pair("or", f"press c: {ask.retreat}")
        yield Pair("by hand", ask.manual or "there is no manual way")
        yield Pair("why it matters", ask.why)
        if ask.provider_text:
            yield Pair("provider said", ask.provider_text)
        yield Pair("source", ask.source)
        if ask.verdict is Verdict.INCONCLUSIVE and not self.session.procedure.step(ask.step).attestable:
            yield Pair("attest", "This step can never be attested.")


def _side(label: str, text: str) -> Vertical:
    return Vertical(Static(label, classes="side-label"), Static(plain(text)), classes=f"side -{label}")
