"""Every screen and dialogue in every face that it has: how it is come to, and at which sizes it is looked at.

One `Shot` a face.  A screen that is in none of them fails `test_gallery`; `test_bindings` presses the keys of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from runbook.engine.ports import Operator
from runbook.views import Preferences, Session
from screens.app import RunbookApp
from screens.run.screen import REPAINT_S, RunScreen
from tests.screens import painting
from tests.screens.driving import until_on, until_read
from tests.screens.fake import FakeSession, FakeSource

SIZES = ((80, 24), (60, 20))
Question = Callable[[Operator], Awaitable[Any]]
Said = Callable[[FakeSession], None]


def _says_nothing(_: FakeSession) -> None:
    """Nothing happened before."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One face.  `keys` are pressed, each run of them on the screen of that class; then `top` is there.

    `source` makes what the app is shown, `straight` the run that it begins with (or follows: `watching`), `opens` a
    screen that is put on top of it.
    """

    name: str
    top: type[Screen[Any]]
    keys: tuple[tuple[type[Screen[Any]], tuple[str, ...]], ...] = ()
    source: Callable[[], FakeSource] = FakeSource
    straight: Callable[[], FakeSession] | None = None
    watching: bool = False
    opens: Callable[[Session], Screen[Any]] | None = None
    sizes: tuple[tuple[int, int], ...] = SIZES

    @asynccontextmanager
    async def shown(self, size: tuple[int, int] = SIZES[0]) -> AsyncIterator[Shown]:
        """The app with that face on screen."""
        session = self.straight() if self.straight else None
        source = self.source()
        walked, watched = (None, session) if self.watching else (session, None)
        app = RunbookApp(source, Preferences(), straight=walked, watch=watched)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            await until_read(pilot)
            shown = Shown(app, pilot, source, session)
            await self._go(shown)
            yield shown
            app._leave(130)

    async def _go(self, shown: Shown) -> None:
        if self.opens is not None:
            await shown.app.push_screen(self.opens(shown.session or a_run()), shown.dismissed.append)
        await self.come_back(shown)

    async def come_back(self, shown: Shown) -> None:
        """To that face, from whatever was opened on top of where it is come to from."""
        app, pilot = shown.app, shown.pilot
        base = self.keys[0][0] if self.keys else self.top
        while any(isinstance(screen, base) for screen in app.screen_stack[:-1]):
            await app.pop_screen()
        for screen, keys in self.keys:
            await until_on(pilot, screen)
            await until_still(shown)
            await pilot.press(*keys)
        await until_on(pilot, self.top)


@dataclass(slots=True)
class Shown:
    """An app with a face of the gallery on screen, and what came of it."""

    app: RunbookApp
    pilot: Pilot[None]
    source: FakeSource
    session: FakeSession | None
    dismissed: list[Any] = field(default_factory=list)  # what a screen that was put on top answered

    @property
    def answers(self) -> list[Any]:
        """What the run's questions were answered with."""
        return self.session.answers if self.session else []


async def until_still(shown: Shown) -> None:
    """Wait until what is shown has caught up with the run."""
    looks: list[str] = []
    while len(looks) < 2 or looks[-2] != looks[-1]:
        looks.append(painting.text(shown.app))
        await asyncio.sleep(1.5 * REPAINT_S)


# -- how a run comes to a face --------------------------------------------------------------------------------------
async def _for_ever(_: FakeSession, __: Operator) -> None:
    await asyncio.Event().wait()


def a_run(before: Said = _says_nothing, **more: Any) -> FakeSession:
    """A run to which that happened, and that goes on without a question."""

    async def script(session: FakeSession, operator: Operator) -> None:
        before(session)
        await _for_ever(session, operator)

    return FakeSession(script, **more)


def running(name: str, before: Said = _says_nothing, **more: Any) -> Shot:
    """The run's own screen."""
    return Shot(name, RunScreen, straight=lambda: a_run(before, **more))


def asked(
    name: str,
    top: type[Screen[Any]],
    question: Question,
    *,
    before: Said = _says_nothing,
    **more: Any,
) -> Shot:
    """What the run asks, over the run's screen; then it asks the same again, as the conductor may."""

    async def script(session: FakeSession, operator: Operator) -> None:
        session.stage_done("identity")
        session.opened("identity")
        before(session)
        while True:
            await session.ask(question(operator))

    return Shot(name, top, straight=lambda: FakeSession(script, **more))


def then(shot: Shot, name: str, top: type[Screen[Any]], *keys: str) -> Shot:
    """What those keys make of a shot's screen."""
    return replace(shot, name=name, top=top, keys=(*shot.keys, (shot.top, keys)))
