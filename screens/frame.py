"""The ground of every screen: the notice for a small terminal, the footer, and keys that do nothing when unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from screens.widgets.actions import shown_bindings
from screens.widgets.flow import Keys
from screens.widgets.notice import TooSmall, too_small

T = TypeVar("T")

GRACE_S = 0.25  # a bouncing key or the second half of a double click must not answer the next question


class Frame(Screen[T]):
    """A screen of ours.  Subclasses give `content()` and, where a key is not always possible, `may()`."""

    GRACE_S: ClassVar[float] = 0.0  # seconds in which no key counts: the press that answered the screen before
    AUTO_FOCUS = ""  # nothing is focused but what a screen focuses itself: Enter must not press what was not chosen

    def __init__(self) -> None:
        super().__init__()
        self._listening = False
        self._grace: Timer | None = None
        self._chosen = False
        self._small = False
        self._focused_before: Widget | None = None

    def compose(self) -> ComposeResult:
        """The notice (hidden unless needed), the content, the footer."""
        yield TooSmall()
        yield from self.content()
        yield Keys()

    def content(self) -> Iterable[Widget]:
        """What stands between the top of the screen and the footer."""
        return ()

    def may(self, action: str) -> bool | None:
        """True: possible now; None: shown, but greyed; False: not offered here."""
        del action
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A gate that cannot be seen, or was not there to be seen yet, is not opened."""
        own = {binding.action for binding in shown_bindings(self)}
        if action in own and (not (self._listening or self._chosen) or too_small(self.app.size)):
            return None
        return self.may(action) and super().check_action(action, parameters)

    def on_mount(self) -> None:
        """Begin to listen, at once or after the grace."""
        self._listening = not self.GRACE_S
        if self.GRACE_S:
            self._grace = self.set_timer(self.GRACE_S, self._listen)

    def on_screen_resume(self) -> None:
        """What was on top of this went away: the press that closed it is no answer here either."""
        if self._grace is not None:
            self._grace.stop()
            self._grace, self._listening = self.set_timer(self.GRACE_S, self._listen), False
            self.refresh_bindings()

    def on_key(self, event: events.Key) -> None:
        """Also one that is bound to nothing."""
        del event
        self.pressed()

    def on_input_changed(self, event: Any) -> None:
        """An entry keeps its keys to itself: what is typed into it counts as well."""
        del event  # Any: home has no entry, and its first frame does not wait for them to be loaded
        self.pressed()

    def pressed(self) -> None:
        """A key or a mouse button.

        Who was typing or clicking when this came up has not read it: it listens when both have been still for a moment.
        """
        if self._grace is not None and not self._listening:
            self._grace.reset()

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Within it an action counts at once: it was chosen by its name, and is no key pressed twice."""
        self._chosen = True
        try:
            yield
        finally:
            self._chosen = False

    def rung(self, look: Callable[[], None]) -> Callable[[], None]:
        """`look`, for a timer: one that rings while the screen is still built or being taken down finds nothing."""

        def looked() -> None:
            with suppress(NoMatches):
                look()

        return looked

    def _listen(self) -> None:
        self._listening = True
        self.refresh_bindings()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Once, and only from the top: Textual pops whatever is on top, after a second click another screen."""
        on_top = self.app.screen_stack[-1:] == [self]
        return super().dismiss(result) if on_top else AwaitComplete()

    def on_resize(self) -> None:
        """What is possible depends on whether it can be seen; whoever was typing goes on where they were."""
        small = too_small(self.app.size)
        if small is self._small:
            return
        self._small = small
        self.refresh_bindings()
        if small:
            self._focused_before = self.focused  # what is hidden loses it
        elif self._focused_before is not None and self._focused_before.is_attached:
            back = partial(self.set_focus, self._focused_before, from_app_focus=True)  # selects nothing that was typed
            self.call_after_refresh(back)
