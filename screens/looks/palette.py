"""The command palette: what can be done now on the screen below it, in words; nothing that a key could not do.

What is greyed there is not listed here, and what is done goes through the same `check_action`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from screens.frame import Frame
from screens.looks.keymap import answering, declared
from screens.looks.themes import SAID, THEMES
from screens.words import QUIET

WIDE = 22  # cells of the words; the key stands beside them


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the palette."""

    words: str
    key: str
    help: str
    act: Callable[[], object]

    def line(self, words: Content) -> Content:
        """What it is, and the key that does the same."""
        gap = " " * max(WIDE - words.cell_length, 2)
        return Content.assemble(words, gap, (self.key, QUIET)) if self.key else words


def offers(app: App[Any], screen: Screen[Any]) -> list[Offer]:
    """What can be done now, the screen's own first."""
    here = [(of, each) for of in answering(screen) for each in declared(type(of)) if each.show and _can(of, each)]
    own = [_offer(app, of, each) for of, each in here]
    said = {each.words for each in own}
    everywhere = [
        _offer(app, app, each) for each in declared(type(app)) if each.id and each.description and _can(app, each)
    ]
    theme = [] if app.no_color else [Offer("Theme", "", "Dark, light or another look", partial(choose_theme, app))]
    return [*own, *theme, *(each for each in everywhere if each.words not in said)]


def _can(of: Any, binding: Binding) -> bool:
    return of.check_action(binding.action, ()) is True


def _offer(app: App[Any], of: DOMNode, binding: Binding) -> Offer:
    async def act() -> None:
        with of.chosen() if isinstance(of, Frame) else nullcontext():
            await app.run_action(binding.action, default_namespace=of)

    return Offer(binding.description, app.get_key_display(binding), binding.tooltip, act)


class _Offers(Provider):
    """A list of offers as the palette reads it; found by any of their words."""

    def offers(self) -> Iterable[Offer]:
        """What is listed."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        """All of them, in their order."""
        for each in self.offers():
            yield DiscoveryHit(each.line(Content(each.words)), each.act, text=each.words, help=each.help)

    async def search(self, query: str) -> Hits:
        """Those that say something like it; what is in the words themselves comes first."""
        matcher = self.matcher(query)
        for each in self.offers():
            score = matcher.match(each.words) or matcher.match(f"{each.words} {each.help}") / 2
            if score > 0:
                yield Hit(score, each.line(matcher.highlight(each.words)), each.act, text=each.words, help=each.help)


class Now(_Offers):
    """What can be done now."""

    def offers(self) -> Iterable[Offer]:
        """Of the screen that the palette was opened on."""
        return offers(self.app, self.screen)


class Looks(_Offers):
    """Our themes."""

    def offers(self) -> Iterable[Offer]:
        """Each with what it is for."""
        return [Offer(name, "", SAID[name], partial(setattr, self.app, "theme", name)) for name in THEMES]


def choose_theme(app: App[Any]) -> None:
    """Which of our themes?"""
    app.push_screen(CommandPalette(providers=[Looks], placeholder="Which theme?"))
