"""The ground of every dialogue: banner, headline, body, buttons; help for the step that asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from runbook.views import Session
from screens.frame import GRACE_S, Frame
from screens.text import block, plain, within
from screens.widgets.actions import ActionBar
from screens.widgets.banner import BannerBar

T = TypeVar("T")
LOOK_S = 0.5
FALLEN_LINES = 2  # as the stylesheet has it
UNKNOWN_WIDTH = 56  # before the first layout: what the narrowest terminal has
PATIENCE_S = 2.0  # an app that is closing builds nothing any more

HELP = Binding("question_mark,f1", "help", "Help", id="ask.help", tooltip="Why, and the manual way")


class Ask(Frame[T], ModalScreen[T]):
    """A question that is answered by `dismiss`.  `step` is whose help `?` (F1 where it is typed) shows; "" for none."""

    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    GRACE_S = GRACE_S
    SHOWS_FALLEN: ClassVar[bool] = True
    AUTO_FOCUS = "#body"  # the arrows scroll, and Enter still belongs to the dialogue

    def __init__(self, session: Session, *, kind: str, headline: str, step: str = "") -> None:
        super().__init__()
        self.session = session
        self.step = step
        self._kind = kind
        self._headline = headline

    def content(self) -> Iterable[Widget]:
        """Banner, headline, what is asked, buttons."""
        yield BannerBar(self.session.banner)
        yield Vertical(
            Static(plain(self._kind), classes="kind"),
            Static(plain(self._headline), classes="headline"),
            Static(id="fallen", markup=False),
            VerticalScroll(*self.body(), id="body"),
            Static("↓ there is more: scroll with the arrows or the wheel", id="more"),
            *self.entries(),
            Static(id="copied", markup=False),
            ActionBar(),
            id="dialog",
        )

    def on_mount(self) -> None:
        """What stands below the edge is pointed at: nothing is agreed to because it was out of sight."""
        body = self.query_one("#body")
        for what in ("scroll_y", "virtual_size", "size"):
            self.watch(body, what, self._point_down)
        self._look_around()
        self.set_interval(LOOK_S, self.rung(self._look_around))

    def _look_around(self) -> None:
        """A layer that falls while something else is asked is said at once, on whatever is open."""
        run, procedure = self.session.run, self.session.procedure
        fell = [(stage, run.pulses.get(stage.id)) for stage in procedure.stages]
        down = [f"✗ {stage.title} fell: {pulse.observed}" for stage, pulse in fell if pulse and not pulse.alive]
        line = self.query_one("#fallen", Static)
        line.display = bool(down) and self.SHOWS_FALLEN
        room = self.query_one("#dialog").content_size.width or UNKNOWN_WIDTH
        line.update(block(within(" · ".join(down), room, FALLEN_LINES)))

    def _point_down(self) -> None:
        self.call_after_refresh(self.rung(self._point_down_now))  # once the layout is what it will be

    def _point_down_now(self) -> None:
        if not self.is_attached:  # withdrawn since
            return
        body = self.query_one("#body")
        self.query_one("#more").visible = body.scroll_y < body.max_scroll_y

    def body(self) -> Iterable[Widget]:
        """What is read before answering; scrolls."""
        return ()

    def entries(self) -> Iterable[Widget]:
        """What is filled in; always in sight."""
        return ()

    async def settled(self) -> None:
        """Returns when it is there in full, or never will be: what is only half built cannot be taken away."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not self.is_mounted:  # noqa: ASYNC110 - Textual has no event for it
                    await asyncio.sleep(0.01)

    def withdraw(self) -> None:
        """The question is not asked any more: this dialogue, and what was opened on top of it, goes away."""
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        again = [each.again() for each in above if isinstance(each, Ask)]
        while self in stack and len(stack) > 1:
            self.app.pop_screen()
            stack = self.app.screen_stack
        for each in filter(None, again):
            self.app.push_screen(each)

    def again(self) -> Ask[T] | None:
        """Itself once more, as far as it is filled in; None: it goes away with the question that it stands on."""
        return None

    def action_help(self) -> None:
        """Why this step is there, and how it is done without this tool."""
        from screens.dialogs.help import HelpDialog  # noqa: PLC0415 - help is itself an Ask

        if self.step:
            self.app.push_screen(HelpDialog(self.session, self.step))
