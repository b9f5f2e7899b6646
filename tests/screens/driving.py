"""Driving the app and reading what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, OptionList

from runbook.views import HomeView, Preferences
from screens.app import RunbookApp
from screens.home.screen import HomeScreen
from tests.screens.fake import FakeSession, FakeSource, a_home

SIZES = ((80, 24), (120, 40))
DEADLINE_S = 20.0


def shown(app: RunbookApp) -> str:
    """The screen as text, a line a row."""
    return "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())


def words(app: RunbookApp) -> str:
    """The screen as words: line breaks and runs of spaces do not count."""
    return " ".join(shown(app).split())


async def until(pilot: Pilot[Any], what: Callable[[], bool]) -> None:
    """Let the app work until that holds; fails with what was on screen."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not what():  # noqa: ASYNC110 - what the app shows has no event to wait for
                await asyncio.sleep(0.04)
    except TimeoutError:
        raise AssertionError(f"did not come about; on screen:\n{shown(pilot.app)}") from None  # type: ignore[arg-type]  # the pilot's app is ours


async def until_on(pilot: Pilot[Any], kind: type[Screen[Any]]) -> Screen[Any]:
    """Wait for a screen of that kind to be on top and painted."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted)
    await pilot._wait_for_screen()
    return pilot.app.screen


async def until_read(pilot: Pilot[Any]) -> None:
    """At home, wait until what it says of the platform is there; elsewhere there is nothing to wait for."""
    home = pilot.app.screen
    if isinstance(home, HomeScreen):
        await until(pilot, lambda: home.told is not None)
        await pilot.pause()


def _still(button: Button) -> Callable[[], bool]:
    """Whether it stands where it stood a look ago: a busy machine paints a new screen in several goes."""
    places: list[Any] = []

    def stands() -> bool:
        places.append(button.region)
        return bool(button.region) and places[-2:] == [button.region] * 2

    return stands


async def click(pilot: Pilot[Any], action: str) -> None:
    """Click the button of that action, with the mouse and nothing else."""
    button = pilot.app.screen.query_one(f"#do-{action}", Button)
    assert not button.disabled
    await until(pilot, _still(button))
    assert await pilot.click(button), f"{action} is not where the mouse reaches it"


async def choose(pilot: Pilot[Any], what: str) -> None:
    """Click that line of home's menu, by the name of its action."""
    menu = pilot.app.screen.query_one("#menu", OptionList)
    assert await pilot.click(menu, offset=(3, menu.get_option_index(what)))


def _out_of_sight(app: RunbookApp) -> list[str]:
    """The ways on that are offered, and have no button or no key on screen."""
    screen, said = app.screen, words(app)
    offered = [
        binding
        for binding in type(screen).BINDINGS
        if isinstance(binding, Binding) and screen.check_action(binding.action, ()) is not False
    ]
    found = {binding.action: screen.query(f"#do-{binding.action}") for binding in offered}
    if missing := [action for action, each in found.items() if not each]:
        return missing  # a screen that is on top is composed a moment later
    buttons = {action: each.first().region for action, each in found.items()}
    hidden = [
        action for action, region in buttons.items() if not (region.area and screen.region.contains_region(region))
    ]
    return [*hidden, *(f"key of {each.action}" for each in offered if not _is_said(app, each, said))]


def _is_said(app: RunbookApp, binding: Binding, said: str) -> bool:
    """Whether its keys stand there with what it does; or, where a binding does not say how, one that works there."""
    keys = app.get_key_display(binding)
    return any(f"{key} {binding.description}" in said for key in (keys, *keys.split("/")))


async def until_keys_are_in_sight(pilot: Pilot[Any]) -> None:
    """Wait until every way on has its button and its key on screen; the footer is composed a moment later."""
    app = pilot.app
    assert isinstance(app, RunbookApp)
    try:
        await until(pilot, lambda: not _out_of_sight(app))
    except AssertionError as never:
        raise AssertionError(f"out of sight: {_out_of_sight(app)}; {never}") from None


@asynccontextmanager
async def running(
    session: FakeSession | None = None,
    size: tuple[int, int] = (80, 24),
    home: HomeView | None = None,
    *,
    start: str | None = "calm",
    source: FakeSource | None = None,
    preferences: Preferences | None = None,
) -> AsyncIterator[tuple[RunbookApp, Pilot[None]]]:
    """The app, right inside a run of `session`, or at home with `start=None`."""

    source = source or FakeSource(lambda: home or a_home(), lambda _: session)
    app = RunbookApp(source, preferences or Preferences(), straight=session if start is not None else None)
    app.animation_level = "none"  # a test would only wait for it
    async with app.run_test(size=size) as pilot:
        await until_read(pilot)
        yield app, pilot
