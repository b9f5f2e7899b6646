"""Entering shares and codes: what arrives meanwhile, what goes away with its question, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual import events

from runbook.engine.events import Kind
from runbook.engine.ports import Act, AskSecret, Decision, Operator, SecretAnswer
from screens.dialogs import ask, checkpoint
from screens.dialogs.ask import Ask
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.doubt import SecondThought
from screens.dialogs.help import HelpDialog
from screens.dialogs.leave import LeaveDialog
from screens.dialogs.share import ShareDialog
from screens.run.rail import Rail
from screens.run.screen import RunScreen
from screens.widgets.inputs import SecretInput
from screens.widgets.marks import MarkList
from tests.screens.driving import click, running, until, until_on, words
from tests.screens.fake import SHARE, FakeSession
from tests.screens.questions import ASK_SECRET, BY_HAND

NONCE = "2dbd10f1-8528-6246-09e7-82b25b8aba63"
FULL = AskSecret(
    "vault.unseal",
    "An unseal share",
    ("Amara Okafor (CTO)", "Bryn Hughes (COO)", "Chandra Nair (CEO)", "Dag Holm (safety officer)", "Efua Mensah"),
    1,
    3,
    remarks=("in 4 of the last 4 runs, last 2026-08-01", "in already", "never used in a recorded run", "", ""),
    hint="From a custodian's own machine: bao operator unseal -address=https://vault-restored.staging.clinic.example"
    f":8200, which must show nonce {NONCE}",
)


def _asking(question: AskSecret) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.secret(question))

    return FakeSession(script)


# -- two ways to end ----------------------------------------------------------------------------------------------
async def test_neither_a_held_key_nor_a_double_click_says_that_nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecondThought, "AFTER_S", 3600.0)
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        await until_on(pilot, ShareDialog)
        await pilot.press(*"xxxx", "f4")
        await click(pilot, "none_left")
        await click(pilot, "none_left")
        assert "this attempt ends as FAIL" in words(app)
        assert not session.answers
        app._leave(130)


@pytest.mark.parametrize("key", ["z", "down", "2"])
async def test_anything_else_takes_the_first_press_back(key: str) -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, ShareDialog)
        await pilot.press("x")
        await until(pilot, lambda: screen._doubt.sure)  # type: ignore[attr-defined]  # a moment later
        await pilot.press(key)
        assert "Press x/F4 again" not in words(app)
        await pilot.press("x")
        assert "Press x/F4 again" in words(app)
        assert not session.answers
        app._leave(130)


async def test_help_that_was_opened_with_the_mouse_takes_it_back_too() -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        screen: Any = await until_on(pilot, ShareDialog)
        await click(pilot, "none_left")
        await until(pilot, lambda: screen._doubt.sure)
        await click(pilot, "help")
        await until_on(pilot, HelpDialog)
        await pilot.press("escape")
        await until_on(pilot, ShareDialog)
        await click(pilot, "none_left")
        assert not session.answers
        app._leave(130)


async def test_a_share_that_comes_in_meanwhile_takes_it_back_too() -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        await until_on(pilot, ShareDialog)
        await pilot.press("x")
        session.progress("vault.unseal", 2, 3, "2 of 3 shares are in, 1 entered elsewhere")
        await until(pilot, lambda: "1 entered elsewhere" in words(app))
        assert "Press x/F4 again" not in words(app)
        app._leave(130)


async def test_while_typing_x_is_a_letter_and_f4_is_the_key() -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (_, pilot):
        screen = await until_on(pilot, ShareDialog)
        await pilot.press("enter", "x", "f4")
        assert screen.query_one(SecretInput).value == "x"
        await until(pilot, lambda: screen._doubt.sure)  # type: ignore[attr-defined]  # a moment later
        await pilot.press("f4")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [SecretAnswer(None, none_left=True)]


# -- what is in sight ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_address_and_nonce_for_a_custodian_elsewhere_can_be_read(size: tuple[int, int]) -> None:
    async with running(_asking(FULL), size) as (app, pilot):
        await until_on(pilot, ShareDialog)
        run_together = words(app).replace(" ", "").replace("│", "")
        assert FULL.hint.replace(" ", "") in run_together or size[0] == 120  # the run is shown beside it there
        assert NONCE in words(app)
        assert "2 Bryn Hughes (COO) · in already" in words(app)
        app._leave(130)


async def test_what_was_wrong_with_the_last_share_stays_when_another_comes_in_elsewhere() -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        await until_on(pilot, ShareDialog)
        session.progress("vault.unseal", 2, 3, "2 of 3 shares are in, 1 entered elsewhere")
        await until(pilot, lambda: "1 entered elsewhere" in words(app))
        assert "✗ progress is back to 0" in words(app)
        app._leave(130)


async def test_the_only_custodian_left_is_named_and_not_chosen() -> None:
    session = _asking(replace(ASK_SECRET, labels=("Ada Lovelace",)))
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, ShareDialog)
        assert not screen.query(MarkList)
        assert "1 Ada Lovelace" in words(app)
        await pilot.press(*SHARE, "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers[0].label == "Ada Lovelace"


# -- what is typed ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pasted", [f"\n  {SHARE}\n", f"\ufeff{SHARE}\u200b", f"{SHARE[:2]}\r\n\t{SHARE[2:]}"])
async def test_what_a_mail_program_adds_is_no_part_of_the_share(pasted: str) -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (_, pilot):
        entry = (await until_on(pilot, ShareDialog)).query_one(SecretInput)
        entry.focus()
        await pilot.press("w", "r", "o", "n", "g", "shift+home")
        entry.post_message(events.Paste(pasted))
        await until(pilot, lambda: entry.value != "wrong")
        await pilot.press("space", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers[0].secret.reveal() == SHARE


async def test_blanks_are_no_share() -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        await until_on(pilot, ShareDialog)
        await pilot.press("enter", "space", "space", "enter")
        assert "Nothing is typed yet." in words(app)
        assert not session.answers
        app._leave(130)


# -- the vault opens elsewhere ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "on_top"), [("", ShareDialog), ("f1", HelpDialog), ("ctrl+q", LeaveDialog)])
async def test_a_share_entry_that_is_not_needed_any_more_goes_away_with_what_was_typed(
    key: str, on_top: type[Ask[Any]]
) -> None:
    opened = asyncio.Event()

    async def script(session: FakeSession, operator: Operator) -> None:
        asked = asyncio.ensure_future(operator.secret(ASK_SECRET))
        await opened.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await session.ask(operator.by_hand(BY_HAND))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        entry = (await until_on(pilot, ShareDialog)).query_one(SecretInput)
        await pilot.press("enter", *SHARE, *([key] if key else []))
        await until_on(pilot, on_top)
        opened.set()
        await until_on(pilot, ByHandDialog)
        assert [type(screen) for screen in app.screen_stack if isinstance(screen, Ask)] == [ByHandDialog]
        assert entry.value == ""
        await pilot.press("d")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [True]


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 20])
async def test_a_question_can_be_withdrawn_while_it_is_still_being_put(turns: int) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        asked = asyncio.ensure_future(operator.secret(ASK_SECRET))
        for _ in range(turns):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await session.ask(operator.by_hand(BY_HAND))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await until_on(pilot, ByHandDialog)
        assert [type(screen) for screen in app.screen_stack if isinstance(screen, Ask)] == [ByHandDialog]
        await pilot.press("d")
        await until(pilot, lambda: bool(session.answers))


async def test_who_is_still_typing_when_a_question_comes_up_has_not_answered_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Moment:
        put_off = 0

        def reset(self) -> None:
            self.put_off += 1

    monkeypatch.setattr(Ask, "GRACE_S", 3600.0)
    session = FakeSession(lambda session, operator: session.ask(operator.by_hand(BY_HAND)))
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, ByHandDialog)
        screen._grace = moment = Moment()  # type: ignore[attr-defined]  # the timer
        await pilot.press("d", "z")
        assert moment.put_off == 2
        assert not session.answers
        app._leave(130)


# -- a layer falls meanwhile --------------------------------------------------------------------------------------
FELL = "✗ Encryption Vault fell: health 503 (SEALED)"


async def _falls(session: FakeSession, stage: str = "vault", **more: Any) -> None:
    said = {"alive": False, "observed": "health 503 (SEALED)", "source": "heartbeat", **more}
    session.say(Kind.HEARTBEAT, stage, None, **said)


def test_a_fall_is_looked_for_more_than_once_a_second() -> None:
    assert max(ask.LOOK_S, checkpoint.LOOK_S) < 1.0


async def test_a_layer_that_falls_is_said_in_the_share_entry_and_in_its_help_and_what_is_typed_stays() -> None:
    session = _asking(ASK_SECRET)
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, ShareDialog)
        await pilot.press("enter", *SHARE)
        await _falls(session)
        await until(pilot, lambda: FELL in words(app))
        assert screen.query_one(SecretInput).value == SHARE
        await pilot.press("f1")
        await until_on(pilot, HelpDialog)
        assert FELL in words(app)
        session.say(Kind.HEARTBEAT, "vault", None, alive=True, observed="health 200", source="heartbeat")
        await until(pilot, lambda: FELL not in words(app))
        app._leave(130)


async def test_the_rail_behind_the_question_shows_it_too() -> None:
    """On a wide terminal it is in sight beside the dialogue."""
    session = _asking(ASK_SECRET)
    async with running(session, (120, 40)) as (app, pilot):
        await until_on(pilot, ShareDialog)
        behind = next(screen for screen in app.screen_stack if isinstance(screen, RunScreen))
        await _falls(session)
        await until(pilot, lambda: "✗ DOWN" in str(behind.query_one(Rail).content))
        app._leave(130)


async def test_a_checkpoint_says_which_layer_fell_and_that_signing_in_helps() -> None:
    session = FakeSession(lambda session, operator: session.ask(operator.gate(session.gate_of("database"))))
    async with running(session) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await _falls(session, "identity", observed="ExpiredToken", signed_out="aws")
        session.shut = "stage 1 (Identity & Access) fell: ExpiredToken"
        await until(pilot, lambda: "✗ SHUT stage 1 (Identity & Access) fell: ExpiredToken" in words(app))
        await until(pilot, lambda: "press s: sign in again here, nothing is lost" in words(app))  # on a line of its own
        await pilot.press("o", "enter")
        assert not session.answers
        await click(pilot, "sign_in")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.SIGN_IN)]


async def test_a_later_layers_sign_in_is_not_offered_at_an_earlier_checkpoint() -> None:
    session = FakeSession(lambda session, operator: session.ask(operator.gate(session.gate_of("identity"))))
    async with running(session) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await _falls(session, "vault", signed_out="vault")
        await pilot.pause(0.3)
        assert "Sign in again" not in words(app)
        app._leave(130)
