"""A press that ends or states something for good counts the second time, after a moment's thought."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.screen import Screen
from textual.timer import Timer


class SecondThought:
    """The first press is answered with what it would do; the next one counts when nothing happened in between.

    Who holds a key, or presses it over and over to get on, never gets there: each press begins the moment anew.
    """

    AFTER_S: ClassVar[float] = 0.7

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._moment: Timer | None = None
        self.sure = False

    def pressed(self) -> bool:
        """Whether this press counts."""
        if self.sure:
            return True
        self.forget()
        self._moment = self._screen.set_timer(self.AFTER_S, self._be_sure)
        return False

    def forget(self) -> bool:
        """Something else happened, so that the next press is a first one; answers whether there had been one."""
        had = self._moment is not None
        if self._moment is not None:
            self._moment.stop()
        self._moment, self.sure = None, False
        return had

    def _be_sure(self) -> None:
        self.sure = True
