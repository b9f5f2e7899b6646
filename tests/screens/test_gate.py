"""No key, button or palette command opens a checkpoint that is shut."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button

from runbook.engine.ports import Act, Decision, Gate, Operator
from screens.app import RunbookApp
from screens.dialogs.checkpoint import CheckpointDialog
from screens.looks.palette import offers
from tests.screens.driving import DEADLINE_S, click, running, until, until_on, words
from tests.screens.fake import FakeSession

SHUT = "vault.health failed: HTTP 503, sealed"


def _asked_for_ever(session: FakeSession, gate: Gate | None = None) -> FakeSession:
    """Asks the same gate again and again, as the conductor does while it stays shut."""

    async def script(this: FakeSession, operator: Operator) -> None:
        this.stage_done("identity")
        while True:
            await this.ask(operator.gate(gate or this.gate_of("identity")))

    session.script = script
    return session


async def _nothing(_: FakeSession, __: Operator) -> None: ...


def _keys(screen: Screen[Any]) -> list[str]:
    """Every key bound anywhere that a key press on this screen could reach, possible or not; leaving is not opening."""
    bound = {key for _, bindings in screen._binding_chain for key in bindings.key_to_bindings}
    return sorted(bound - {"ctrl+q", "ctrl+c", "super+c"})


def _actions(app: RunbookApp, screen: Screen[Any]) -> list[str]:
    """Every action that a button or the palette could run, and every one that the screen's bindings name."""
    named = [binding.action for binding in type(screen).BINDINGS if isinstance(binding, Binding)]
    clicked = [str(button.action).removeprefix("screen.") for button in screen.query(Button)]
    commands = [each.act for each in offers(app, screen) if isinstance(each.act, partial)]
    assert commands
    return [*named, *clicked, *(command.args[0] for command in commands if isinstance(command.args[0], str))]


async def _come_back(pilot: Pilot[None]) -> None:
    """To the checkpoint, from whatever was opened on top of it."""
    deadline = time.monotonic() + DEADLINE_S
    while not isinstance(pilot.app.screen, CheckpointDialog):
        assert time.monotonic() < deadline, f"stuck on {pilot.app.screen}"
        await asyncio.sleep(0.02)
        await pilot.press("escape")


@pytest.mark.parametrize("where", ["as asked", "live", "not offered"])
async def test_nothing_on_a_shut_checkpoint_leads_to_opening_it(where: str) -> None:
    session = FakeSession(_nothing)
    gate = replace(session.gate_of("identity"), refusal=SHUT if where == "as asked" else None)
    if where == "live":
        session.shut = SHUT
    if where == "not offered":
        gate = replace(gate, options=(Act.RETRY,))
    async with running(_asked_for_ever(session, gate)) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        for key in _keys(app.screen) if where == "live" else ("o", "enter", "r"):
            await pilot.press(key)
            await _come_back(pilot)
        for action in _actions(app, app.screen) if where == "live" else ("open_gate",):
            await app.run_action(f"screen.{action}")
            await _come_back(pilot)
        await pilot.click("#do-open_gate")
        await _come_back(pilot)
        app._leave(130)
    assert session.answers
    assert {answer.act for answer in session.answers if isinstance(answer, Decision)} <= {Act.RETRY}


async def test_a_shut_checkpoint_says_why_and_greys_its_key() -> None:
    session = FakeSession(_nothing, shut=SHUT)
    async with running(_asked_for_ever(session)) as (app, pilot):
        screen = await until_on(pilot, CheckpointDialog)
        assert f"✗ SHUT {SHUT}" in words(app)
        assert screen.query_one("#do-open_gate", Button).disabled
        assert screen.active_bindings["o"].enabled is False
        assert all("Open" not in each.words for each in offers(app, screen))
        app._leave(130)


async def test_a_layer_that_falls_while_the_checkpoint_is_read_shuts_it_at_once() -> None:
    session = FakeSession(_nothing)
    async with running(_asked_for_ever(session)) as (app, pilot):
        screen = await until_on(pilot, CheckpointDialog)
        assert "✓ CAN BE OPENED" in words(app)
        session.shut = "stage 1 (Identity & Access) fell: ExpiredToken"
        await pilot.press("o")
        assert app.screen is screen
        await until(pilot, lambda: "ExpiredToken" in words(app))
        assert screen.query_one("#do-open_gate", Button).disabled
        app._leave(130)


async def test_going_back_and_aborting_need_a_reason() -> None:
    session = FakeSession(_nothing)
    async with running(_asked_for_ever(session)) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await pilot.press("b", "enter")
        assert "A reason is needed" in words(app)
        await pilot.press("o", "l", "d", "enter")
        await until(pilot, lambda: len(session.answers) == 1)
        await until_on(pilot, CheckpointDialog)
        await click(pilot, "abort")
        await pilot.press("s", "t", "o", "p", "enter")
        await until(pilot, lambda: len(session.answers) == 2)
        app._leave(130)
    assert session.answers == [Decision(Act.BACK, "old", "identity"), Decision(Act.ABORT, "stop")]
