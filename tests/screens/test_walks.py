"""From home to the report, with the keyboard alone and with the mouse alone."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from runbook.engine.ports import Act, Choice, Decision, SecretAnswer
from runbook.views import Phone
from screens.dialogs.attest import AS_STATED, AttestDialog
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.share import ShareDialog
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import HomeScreen
from screens.reading.history import HistoryScreen
from screens.reading.report import ReportScreen
from screens.reading.screen import RecordScreen
from screens.widgets.inputs import SecretInput
from tests.screens.driving import SIZES, click, running, shown, until, until_on, words
from tests.screens.fake import SHARE, FakeSession
from tests.screens.gallery_rooms import HOME
from tests.screens.questions import CUSTODIANS, everything

BY_MOUSE = (SIZES[0], *(pytest.param(size, marks=pytest.mark.scenarios) for size in SIZES[1:]))  # as slow as a run
STATED = "as I see it"
NEWEST = "drill-20261013T100000Z-7f3a"


async def _ring(_: str) -> str:
    return SHARE


def _session() -> FakeSession:
    return FakeSession(everything, phone=Phone(CUSTODIANS, _ring))


def _assert_walked(session: FakeSession, *, share_of: str, stated: str) -> None:
    attested, first_gate, decided, confirmed, by_hand, secret, choice, *gates = session.answers
    assert attested == stated
    assert decided == Decision(Act.RETRY)
    assert confirmed is True
    assert by_hand is True
    assert isinstance(secret, SecretAnswer)
    assert secret.secret is not None
    assert secret.secret.reveal() == SHARE
    assert secret.label == share_of
    assert choice == Choice("new")
    assert {gate.act for gate in (first_gate, *gates)} == {Act.OPEN}
    assert len(gates) == 4


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_is_walked_from_home_to_the_report_with_the_keyboard_alone(size: tuple[int, int]) -> None:
    session = _session()
    async with running(session, size, start=None) as (app, pilot):
        await pilot.press("t", "enter")
        for dialog, *keys in (
            (AttestDialog, *STATED, "enter"),
            (CheckpointDialog, "o"),
            (FailureDialog, "r"),
            (ConfirmDialog, "y"),
            (ByHandDialog, "d"),
            (ShareDialog, "2", "enter", *SHARE, "enter"),
            (ChooseDialog, "enter"),
            *((CheckpointDialog, "enter"),) * 4,
        ):
            screen = await until_on(pilot, dialog)
            await pilot.press(*keys)
            await until(pilot, lambda s=screen: app.screen is not s)  # type: ignore[misc]  # lambda default
        await until_on(pilot, ReportScreen)
        assert "This run ended: ✓ PASS (exit code 0)" in words(app)
        await pilot.press("q")
        await until_on(pilot, HomeScreen)
        await pilot.press("q")
    assert app.return_code == 0
    _assert_walked(session, share_of="Grace Hopper", stated=STATED)


@pytest.mark.parametrize("size", BY_MOUSE)
async def test_a_run_is_walked_from_home_to_the_report_with_the_mouse_alone(size: tuple[int, int]) -> None:
    session = _session()
    async with running(session, size, start=None) as (app, pilot):
        await _click_entry(pilot, "train")
        await until_on(pilot, ScenarioScreen)
        await click(pilot, "start")
        for dialog, *actions in (
            (AttestDialog, "state", "state"),
            (CheckpointDialog, "open_gate"),
            (FailureDialog, "retry"),
            (ConfirmDialog, "agree"),
            (ByHandDialog, "done"),
            (ShareDialog, "call", "hand_in"),
            (ChooseDialog, "take"),
            *((CheckpointDialog, "open_gate"),) * 4,
        ):
            screen = await until_on(pilot, dialog)
            for action in actions:
                if action == "hand_in":
                    await until(pilot, lambda s=screen: bool(s.query_one(SecretInput).value))  # type: ignore[misc]  # lambda default
                await click(pilot, action)
            await until(pilot, lambda s=screen: app.screen is not s)  # type: ignore[misc]  # lambda default
        await until_on(pilot, ReportScreen)
        assert SHARE not in shown(app)
        await click(pilot, "close")
        await until_on(pilot, HomeScreen)
        await _click_entry(pilot, "quit")
    assert app.return_code == 0
    _assert_walked(session, share_of="Ada Lovelace", stated=AS_STATED)


# -- from home to the report of a recorded run, and home again --------------------------------------------------------
@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_a_recorded_report_is_come_to_from_home_with_the_keyboard_alone(size: tuple[int, int]) -> None:
    async with HOME.shown(size) as shown:
        app, pilot = shown.app, shown.pilot
        await pilot.press("h")
        await until_on(pilot, HistoryScreen)
        await until(pilot, lambda: NEWEST in words(app))
        await pilot.press("enter")
        await until_on(pilot, RecordScreen)
        await until(pilot, lambda: "What was seen: as it should be." in words(app))
        for screen in (HistoryScreen, HomeScreen):
            await pilot.press("q")
            await until_on(pilot, screen)
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_a_recorded_report_is_come_to_from_home_with_the_mouse_alone(size: tuple[int, int]) -> None:
    async with HOME.shown(size) as shown:
        app, pilot = shown.app, shown.pilot
        await _click_entry(pilot, "history")
        await until_on(pilot, HistoryScreen)
        await until(pilot, lambda: NEWEST in words(app))
        await click(pilot, "open")
        await until_on(pilot, RecordScreen)
        for screen in (HistoryScreen, HomeScreen):
            await click(pilot, "close")
            await until_on(pilot, screen)
        await _click_entry(pilot, "quit")
        await until(pilot, lambda: app.return_code == 0)


async def _click_entry(pilot: Pilot[None], entry: str) -> None:
    menu = pilot.app.screen.query_one("#menu", OptionList)
    assert await pilot.click(menu, offset=(3, menu.get_option_index(entry) - round(menu.scroll_y)))
