"""From home to the report, with the keyboard alone and with the mouse alone."""

from __future__ import annotations

import pytest

from runbook.engine.ports import Act, Choice, Decision, SecretAnswer
from runbook.views import Phone
from screens.dialogs.attest import AS_STATED, AttestDialog
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.share import ShareDialog
from screens.home import HomeScreen
from screens.report import ReportScreen
from screens.scenarios import ScenarioScreen
from screens.widgets.inputs import SecretInput
from tests.screens.driving import SIZES, click, running, shown, until, until_on, words
from tests.screens.fake import SHARE, FakeSession
from tests.screens.questions import CUSTODIANS, everything


async def _ring(_: str) -> str:
    return SHARE


def _session() -> FakeSession:
    return FakeSession(everything, phone=Phone(CUSTODIANS, _ring))


def _assert_walked(session: FakeSession) -> None:
    attested, first_gate, decided, confirmed, by_hand, secret, choice, *gates = session.answers
    assert attested == AS_STATED
    assert decided == Decision(Act.RETRY)
    assert confirmed is True
    assert by_hand is True
    assert isinstance(secret, SecretAnswer)
    assert secret.secret is not None
    assert secret.secret.reveal() == SHARE
    assert secret.label == "Grace Hopper"
    assert choice == Choice("new")
    assert {gate.act for gate in (first_gate, *gates)} == {Act.OPEN}
    assert len(gates) == 4


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_is_walked_from_home_to_the_report_with_the_keyboard_alone(size: tuple[int, int]) -> None:
    session = _session()
    async with running(session, size, start=None) as (app, pilot):
        await pilot.press("t", "enter")
        for dialog, *keys in (
            (AttestDialog, "enter"),
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
    _assert_walked(session)


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_is_walked_from_home_to_the_report_with_the_mouse_alone(size: tuple[int, int]) -> None:
    session = _session()
    async with running(session, size, start=None) as (app, pilot):
        await pilot.click("#menu", offset=(3, 0))
        await until_on(pilot, ScenarioScreen)
        await click(pilot, "start")
        for dialog, *actions in (
            (AttestDialog, "state"),
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
        await pilot.click("#menu", offset=(3, 1))
    assert app.return_code == 0
    _assert_walked(session)
