"""A calm run in the Textual app on the real servers, from home to the report, with the keyboard alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from runbook.commands.configured import Found
from runbook.commands.places import Home
from runbook.commands.shelves import Shelves
from runbook.training.client import reap
from runbook.views import Preferences
from screens.app import RunbookApp
from screens.dialogs.ask import Ask
from screens.dialogs.attest import AttestDialog
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.code import CodeDialog
from screens.dialogs.confirm import ConfirmDialog, OptionalDialog
from screens.dialogs.share import ShareDialog
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import HomeScreen
from screens.reading.report import ReportScreen
from screens.widgets.inputs import SecretInput
from tests.screens.driving import shown, words
from tests.support import training_run

pytestmark = [pytest.mark.scenarios, pytest.mark.timeout(400)]

LIMIT_S = 120
Move = Callable[[Pilot[Any], Screen[Any]], Awaitable[None]]


def _shown(pilot: Pilot[Any]) -> str:
    assert isinstance(pilot.app, RunbookApp)
    return shown(pilot.app)


async def _until(pilot: Pilot[Any], what: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(LIMIT_S):
            while not what():  # noqa: ASYNC110 - what the app shows has no event to wait for
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"did not come about; on screen:\n{_shown(pilot)}") from None


def _keys(*keys: str) -> Move:
    async def press(pilot: Pilot[Any], _: Screen[Any]) -> None:
        await pilot.press(*keys)

    return press


def _share(call: Move, hand_in: Move) -> Move:
    async def enter(pilot: Pilot[Any], screen: Screen[Any]) -> None:
        await call(pilot, screen)
        await _until(pilot, lambda: bool(screen.query_one(SecretInput).value))
        await hand_in(pilot, screen)

    return enter


def _stated(pilot: Pilot[Any], screen: Screen[Any]) -> Awaitable[None]:
    del screen
    return pilot.press(*"list of 2026-11-01", "enter")


KEYBOARD: dict[type[Ask[Any]], Move] = {
    CodeDialog: _share(_keys("f2"), _keys("enter")),
    AttestDialog: _stated,
    CheckpointDialog: _keys("o"),
    ConfirmDialog: _keys("y"),
    OptionalDialog: _keys("y"),  # the shares are proven offline first, and entered again
    ShareDialog: _share(_keys("c"), _keys("enter")),
    ChooseDialog: _keys("enter"),
    ByHandDialog: _keys("d"),
}


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Ask, ReportScreen):
        monkeypatch.setattr(kind, "GRACE_S", 0.0)


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    """A run that a failing test left half-way is not resumed by anybody."""
    yield
    for folder in Home(tmp_path).folders():
        reap(folder)


def _app(home: Home) -> RunbookApp:
    return RunbookApp(Shelves(home, Found()), Preferences())


async def _answer_all(pilot: Pilot[Any]) -> list[str]:
    """Answer every question until the report is there; answers which were asked."""
    asked: list[str] = []
    while True:
        await _until(pilot, lambda: isinstance(pilot.app.screen, (Ask, ReportScreen)) and pilot.app.screen.is_mounted)
        await pilot._wait_for_screen()
        screen = pilot.app.screen
        if isinstance(screen, ReportScreen):
            return asked
        assert type(screen) in KEYBOARD, f"nobody expected this:\n{_shown(pilot)}"
        assert isinstance(screen, Ask)
        asked.append(type(screen).__name__)
        await KEYBOARD[type(screen)](pilot, screen)
        await _until(pilot, lambda screen=screen: pilot.app.screen is not screen)  # type: ignore[misc]  # lambda default


async def test_a_calm_run_is_walked_from_home_to_the_report_with_the_keyboard_alone(tmp_path: Path) -> None:
    app = _app(Home(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t")
        await _until(pilot, lambda: isinstance(app.screen, ScenarioScreen))
        await pilot.press("enter")
        asked = await _answer_all(pilot)
        assert "This run ended: ✓ PASS (exit code 0)" in words(app)
        await pilot.press("q")
        await _until(pilot, lambda: isinstance(app.screen, HomeScreen))
    assert asked.count("CheckpointDialog") == 5
    assert asked.count("ShareDialog") == 3 + 3
    doc = training_run.document(tmp_path)
    assert doc["outcome"] == "PASS"
    assert doc["backups"]["vault"]["authenticity"].startswith("proven offline")
    assert training_run.document(tmp_path)["attended"] is True
