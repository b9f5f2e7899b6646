"""A failure in full: every word of it, also the provider's, and all of it as a text for a mail or a chat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.meaning import tries
from runbook.engine.ports import Decide
from runbook.views import Session
from screens.dialogs.copying import Copying, copy_manual
from screens.text import one_line, plain
from screens.widgets.pairs import Pair
from screens.words import VERDICTS, clock

PAGE = 2_000  # characters of the provider's words: cut before anything else is done with them
NOTHING = "nothing"


class EveryWord(Copying[None]):
    """Read and closed; changes nothing.  What a provider said is shown a page at a time, however long it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,v", "close", "Close", id="every-word.close", key_display="esc", tooltip="Back"),
        Binding("c", "copy_all", "Copy all", id="every-word.copy-all", tooltip="As a text for a mail or a chat"),
        copy_manual("every-word"),
        Binding("p", "page_before", "Page before", id="every-word.before", tooltip="The page before of what was said"),
        Binding("n", "page_after", "Page after", id="every-word.after", tooltip="The next page of what was said"),
    ]

    def __init__(self, session: Session, ask: Decide) -> None:
        super().__init__(session, kind=f"Every word · {ask.step}", headline=ask.title)
        self._ask = ask
        self._page = 0
        self._pages = max(-(-len(ask.provider_text) // PAGE), 1)

    def manual(self) -> str:
        """The step's own."""
        return self._ask.manual

    def body(self) -> Iterable[Widget]:
        """The provider's words, which are cut elsewhere, then all the rest."""
        yield Static(id="quoted-label", classes="side-label", markup=False)
        yield Static(id="quoted", markup=False)
        yield Static("All the rest", classes="section")
        for label, text in lines(self.session, self._ask):
            yield Pair(label, text)

    def on_mount(self) -> None:
        """The first page."""
        self._turn(0)

    def may(self, action: str) -> bool | None:
        """Pages are turned where there are several."""
        if action not in {"page_before", "page_after"}:
            return super().may(action)
        if self._pages == 1:
            return False
        return True if 0 <= self._page + (1 if action == "page_after" else -1) < self._pages else None

    def _turn(self, by: int) -> None:
        self._page += by
        which = f", page {self._page + 1:,} of {self._pages:,}" if self._pages > 1 else ""
        said = self._ask.provider_text[self._page * PAGE : (self._page + 1) * PAGE]
        self.query_one("#quoted-label", Static).update(plain(f"The provider said{which}"))
        self.query_one("#quoted", Static).update(plain(said or NOTHING))
        self.query_one("#body").scroll_home(animate=False)
        self.refresh_bindings()

    def action_page_before(self) -> None:
        """The provider's words before these."""
        self._turn(-1)

    def action_page_after(self) -> None:
        """The provider's words after these."""
        self._turn(1)

    def action_copy_all(self) -> None:
        """The whole failure as a text."""
        self.copy(as_text(self.session, self._ask), "the whole failure")

    def action_close(self) -> None:
        """Back to the failure."""
        self.dismiss(None)


def how_often(session: Session, step: str) -> str:
    """`3 tries in 0:08:12`, counted from the first since it last held; "" where there was none."""
    failed = tries(session.run, step)
    if not failed:
        return ""
    so_long = clock((session.now() - failed[0].at).total_seconds())
    return f"for {so_long}" if len(failed) == 1 else f"{len(failed)} tries in {so_long}"


def lines(session: Session, ask: Decide) -> Iterable[tuple[str, str]]:
    """What there is to know, but for the provider's own words."""
    often = how_often(session, ask.step)
    yield "verdict", ": ".join(filter(None, (VERDICTS[ask.verdict].word, often)))
    yield "expected", ask.expected
    yield "observed", ask.observed
    yield "source", ask.source
    yield "why it matters", ask.why
    yield "do this first", ask.fix or NOTHING
    yield "manual way", ask.manual or NOTHING


def as_text(session: Session, ask: Decide) -> str:
    """All of it for somebody who sits elsewhere: which run, which step, what it said."""
    told = [
        f"{ask.step}: {ask.title}",
        *(f"{label}: {text}" for label, text in lines(session, ask)),
        f"provider said: {ask.provider_text[:PAGE] or NOTHING}",
        f"run: {session.run.id}, {session.banner.line}",
        f"at: {session.now():%Y-%m-%d %H:%M:%S} UTC",
    ]
    return "\n".join(map(one_line, told))
