"""The palette: what can be done now, in our words, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot

from runbook.engine.ports import Act, Operator
from runbook.views import Preferences
from screens.app import RunbookApp
from screens.dialogs.failure import FailureDialog
from screens.dialogs.keys import KeysScreen
from screens.home.screen import HomeScreen
from screens.looks import palette, themes
from screens.run.screen import RunScreen
from tests.screens import questions
from tests.screens.driving import running, until, until_on, words
from tests.screens.fake import FakeSession, FakeSource, a_home


def _failing() -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.decide(questions.decide()))

    return FakeSession(script)


def _lines(app: RunbookApp) -> list[str]:
    """What it lists, a text a line of ours."""
    return [str(each.hit.text) for each in app.screen.query_one(CommandList).options]  # type: ignore[attr-defined]


async def _open(app: RunbookApp, pilot: Pilot[Any], typed: str = "") -> list[str]:
    await pilot.press("ctrl+p")
    await until_on(pilot, CommandPalette)
    await until(pilot, lambda: app.screen.query_one(CommandList).option_count > 1)
    if typed:
        before = _lines(app)
        await pilot.press(*typed)
        await until(pilot, lambda: _lines(app) != before)
    return _lines(app)


async def test_it_lists_what_can_be_done_now_on_a_dialogue_first_and_then_what_always_can() -> None:
    async with running(_failing()) as (app, pilot):
        await until_on(pilot, FailureDialog)
        listed = await _open(app, pilot)
        assert listed[:2] == ["Retry", "Back"]
        assert "Attest" not in listed  # not offered for a FAIL
        assert {"Theme", "Leave", "Keys", "Help", "Note"} <= set(listed)


async def test_the_key_that_does_the_same_stands_beside_it() -> None:
    async with running(_failing(), preferences=Preferences(keys={"failure.retry": "f5"})) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await _open(app, pilot)
        assert "Retry F5" in words(app)
        assert "Back b" in words(app)


async def test_what_is_greyed_is_not_listed() -> None:
    async with running(home=a_home(), start=None) as (app, pilot):
        await until_on(pilot, HomeScreen)
        listed = await _open(app, pilot)
        assert "Train" in listed
        assert "Note" not in listed
        assert "Resume" not in listed


async def test_what_is_chosen_is_done_on_the_screen_below() -> None:
    session = _failing()
    async with running(session) as (app, pilot):
        await until_on(pilot, FailureDialog)
        assert (await _open(app, pilot, "retry"))[0] == "Retry"
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers[0].act is Act.RETRY


async def test_it_finds_by_what_the_help_says_too() -> None:
    async with running(_failing()) as (app, pilot):
        await until_on(pilot, FailureDialog)
        assert "Keys" in await _open(app, pilot, "all keys")


async def test_the_list_of_keys_comes_from_it() -> None:
    async with running(_failing()) as (app, pilot):
        await until_on(pilot, FailureDialog)
        assert (await _open(app, pilot, "keys"))[0] == "Keys"
        await pilot.press("enter")
        screen = await until_on(pilot, KeysScreen)
        assert "failure.retry" in words(app)
        assert screen is app.screen


async def test_a_theme_is_put_on_and_kept() -> None:
    source = FakeSource(a_home)
    async with running(source=source, start=None) as (app, pilot):
        await until_on(pilot, HomeScreen)
        assert "Theme" in await _open(app, pilot, "theme")
        await pilot.press("enter")
        await until(pilot, lambda: "Which theme?" in words(app) and app.screen.query_one(CommandList).option_count == 4)
        assert _lines(app) == list(themes.THEMES)
        await pilot.press(*"light", "enter")
        await until(pilot, lambda: app.theme == themes.LIGHT)
        await until(pilot, lambda: source.kept == [themes.LIGHT])


async def test_a_theme_that_is_put_on_leaves_the_run_as_it_is() -> None:
    session = _failing()
    async with running(session) as (app, pilot):
        await until_on(pilot, FailureDialog)
        app.theme = themes.LIGHT
        source = app._source
        assert isinstance(source, FakeSource)
        await until(pilot, lambda: source.kept == [themes.LIGHT])
        await pilot.press("r")
        await until(pilot, lambda: bool(session.answers))


async def test_with_no_color_there_is_no_theme_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(start=None) as (app, pilot):
        await until_on(pilot, HomeScreen)
        assert "Theme" not in await _open(app, pilot)


@pytest.mark.parametrize(("size", "named"), [((80, 24), True), ((120, 40), True), ((60, 20), False)])
async def test_the_footer_names_its_key_where_there_is_room(size: tuple[int, int], named: bool) -> None:  # noqa: FBT001
    async with running(_failing(), size=size) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "? Help" in words(app))
        await pilot.pause()
        assert ("ctrl+p What now" in words(app)) is named


async def test_nothing_is_offered_that_has_no_key() -> None:
    async with running(_failing()) as (app, pilot):
        screen = await until_on(pilot, FailureDialog)
        offered = palette.offers(app, screen)
        assert [each.words for each in offered if not each.key] == ["Theme"]
        assert not isinstance(screen, RunScreen)
