"""A step did not pass: what was expected and seen, why it matters, what to do first, in whose words.

What to do first stands above the keys and never scrolls away; all that is cut here stands in full behind a key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.meaning import MEANS, meaning, not_offered
from runbook.engine.ports import Act, Decide, Decision
from runbook.views import Session
from screens.dialogs.ask import HELP
from screens.dialogs.copying import Copying, copy_manual
from screens.dialogs.deciding import ACTS, Deciding, act
from screens.dialogs.every_word import EveryWord, how_often
from screens.looks.keymap import key_of
from screens.text import plain
from screens.widgets.actions import shown_bindings
from screens.widgets.pairs import Pair
from screens.words import QUIET, VERDICTS

TICK_S = 1.0
FIRST_LINES = 5  # what to do first may fill
QUOTED_LINES = 3  # the provider's own words may fill, before they are read in full
FIRST = Content.styled("do this first", "bold $text-accent")
NO_FIX = "no fix is known: see the manual way"
NO_MANUAL = "there is no way without this tool"
SIGN_IN = "press {key}: sign in again here and now"


class FailureDialog(Deciding, Copying[Decision]):
    """Retry, attest or accept (where allowed), close the doors (where they were opened), back, abort."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("s", "sign_in", "Sign in again", "failure.sign-in"),
        act("r", "retry", "Retry", "failure.retry"),
        act("a", "attest", "Attest", "failure.attest"),
        act("e", "accept", "Accept", "failure.accept"),
        act("c", "close", "Close doors", "failure.close"),
        act("b", "back", "Back", "failure.back"),
        act("q", "abort", "Abort run", "failure.abort"),
        copy_manual("failure"),
        Binding("v", "every_word", "Every word", id="failure.every-word", tooltip="All that is cut here, and copy it"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Decide) -> None:
        super().__init__(
            session,
            kind=f"{VERDICTS[ask.verdict].glyph} {VERDICTS[ask.verdict].word} · {ask.step}",
            headline=ask.title,
            about=ask.step,
            options=ask.options,
            back_to=ask.back_to,
            retreat=ask.retreat,
            step=ask.step,
        )
        self._ask = ask
        self.add_class("-failure")

    def manual(self) -> str:
        """The step's own."""
        return self._ask.manual

    def on_mount(self) -> None:
        """How long it has been failing goes on counting."""
        self._tick()
        self.set_interval(TICK_S, self.rung(self._tick))

    def _tick(self) -> None:
        told = how_often(self.session, self._ask.step)
        self.query_one(".kind", Static).update(plain(" · ".join(filter(None, (self._kind, told)))))

    def body(self) -> Iterable[Widget]:
        """What it speaks about, expected beside observed, why it matters, the other ways, and what each key does."""
        ask = self._ask
        yield Static(plain(meaning(ask, self.session.run, self.session.procedure)), classes="meaning")
        yield Horizontal(_side("expected", ask.expected), _side("observed", ask.observed), classes="sides")
        yield Pair("why it matters", ask.why)
        yield Pair("manual way", ask.manual or NO_MANUAL)
        if ask.provider_text:
            yield Pair("provider said", ask.provider_text, lines=QUOTED_LINES)
        yield Pair("source", ask.source)
        yield from self._ways()

    def _ways(self) -> Iterable[Widget]:
        """What each act does; and of what is looked for in vain, why it is not there."""
        yield Static("What each key does", classes="section")
        for binding in shown_bindings(self):
            if (offered := ACTS.get(binding.action)) is not None and self.may(binding.action):
                means = self._retreat if offered is Act.CLOSE and self._retreat else MEANS[offered]
                yield Pair(
                    Content.assemble((self.app.get_key_display(binding), "bold"), f" {binding.description}"), means
                )
        for missing, reason in not_offered(self._ask, self.session.run, self.session.procedure).items():
            yield Pair(Content.styled(f"– {missing.value}", QUIET), reason)

    def entries(self) -> Iterable[Widget]:
        """What to do first: always in sight."""
        again = Act.SIGN_IN in self._ask.options
        if again:
            yield Pair(FIRST, SIGN_IN.format(key=key_of(self, "failure.sign-in")))
        yield Pair("" if again else FIRST, self._ask.fix or NO_FIX, lines=FIRST_LINES)

    def action_every_word(self) -> None:
        """All of it, uncut."""
        self.app.push_screen(EveryWord(self.session, self._ask))


def _side(label: str, text: str) -> Vertical:
    return Vertical(Static(label, classes="side-label"), Static(plain(text)), classes=f"side -{label}")
