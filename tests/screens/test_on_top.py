"""What is opened on top of a question: the press that closes it answers nothing below, and a note outlives it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from runbook.engine.ports import Operator
from screens.app import RunbookApp
from screens.dialogs.ask import Ask
from screens.dialogs.attest import AttestDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.help import HelpDialog
from screens.dialogs.keys import KeysScreen
from screens.dialogs.note import NoteDialog
from screens.dialogs.share import ShareDialog
from screens.frame import GRACE_S, Frame
from screens.run.screen import RunScreen
from tests.screens.driving import click, running, until, until_on
from tests.screens.fake import FakeSession
from tests.screens.questions import ASK_SECRET, ATTEST, CONFIRM

SAW = "the door was open"
LONG_S = 60.0  # a grace that no slow machine outlasts
TYPING_S = 3.0  # one that is begun anew at each key, and else would be over before the last of them


@pytest.fixture(autouse=True)
def with_the_grace(no_grace: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests do without."""
    monkeypatch.setattr(Ask, "GRACE_S", GRACE_S)


async def _gate(session: FakeSession, operator: Operator) -> None:
    session.stage_done("identity")
    await session.ask(operator.gate(session.gate_of("identity")))
    await asyncio.Event().wait()


async def _confirm(session: FakeSession, operator: Operator) -> None:
    session.stage_done("identity")
    await session.ask(operator.confirm(CONFIRM))
    await asyncio.Event().wait()


async def _until_it_listens(pilot: Any, kind: type[Frame[Any]]) -> Any:
    screen: Any = await until_on(pilot, kind)
    await until(pilot, lambda: screen._listening)
    return screen


def _press(app: RunbookApp, x: int, y: int) -> None:
    """As the terminal's driver tells it; the pilot's own clicks go past the app."""
    for kind in (events.MouseDown, events.MouseUp):
        app.post_message(kind(None, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y))


@pytest.mark.parametrize(
    ("script", "question", "opens", "on_top", "first"),
    [
        (_gate, CheckpointDialog, "f3", NoteDialog, ("x",)),
        (_gate, CheckpointDialog, "ctrl+g", KeysScreen, ()),
        (_confirm, ConfirmDialog, "question_mark", HelpDialog, ()),
    ],
)
async def test_enter_pressed_twice_closes_what_is_on_top_and_answers_nothing(
    script: Any,
    question: type[Any],
    opens: str,
    on_top: type[Any],
    first: tuple[str, ...],
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await _until_it_listens(pilot, question)
        await pilot.press(opens)
        await _until_it_listens(pilot, on_top)
        monkeypatch.setattr(question, "GRACE_S", LONG_S)
        await pilot.press(*first, "enter", "enter")
        asked: Any = await until_on(pilot, question)
        await pilot.press("enter")
        assert session.answers == []
        asked._listen()  # the grace is over
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
        assert asked not in app.screen_stack
        app._leave(130)


async def test_a_statement_is_not_made_by_who_was_typing_a_note_when_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AttestDialog, "GRACE_S", TYPING_S)
    asked = asyncio.Event()

    async def script(session: FakeSession, operator: Operator) -> None:
        session.stage_done("identity")
        await asked.wait()
        await session.ask(operator.attest(ATTEST))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await until_on(pilot, RunScreen)
        await pilot.press("n")
        await _until_it_listens(pilot, NoteDialog)
        await pilot.press(*SAW[:4])
        asked.set()
        await until_on(pilot, AttestDialog)
        for key in SAW[4:] + SAW:
            await pilot.press("space" if key == " " else key)
        await pilot.press("enter")
        assert session.answers == []
        assert isinstance(app.screen, AttestDialog)
        app._leave(130)


async def test_a_note_outlives_the_question_that_it_was_opened_on() -> None:
    asking: list[asyncio.Future[Any]] = []

    async def script(_: FakeSession, operator: Operator) -> None:
        asking.append(asyncio.ensure_future(operator.secret(ASK_SECRET)))
        await asyncio.wait(asking)
        await asyncio.Event().wait()

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await _until_it_listens(pilot, ShareDialog)
        await pilot.press("f3")
        first = await _until_it_listens(pilot, NoteDialog)
        await pilot.press(*SAW[:8], "f2")
        asking[0].cancel()
        await until(pilot, lambda: first not in app.screen_stack and isinstance(app.screen, NoteDialog))
        note = await _until_it_listens(pilot, NoteDialog)
        assert note.query_one(Input).value == SAW[:8]
        await pilot.press(*SAW[8:], "enter")
        await until_on(pilot, RunScreen)
        app._leave(130)
    assert [(found.text, found.severity) for found in session.run.findings] == [(SAW, "major")]


async def test_who_clicks_over_and_over_answers_what_he_saw_and_nothing_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A greyed button gets no click, and it counts all the same."""

    async def twice(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.confirm(CONFIRM))
        await session.ask(operator.confirm(replace(CONFIRM, title="Another one")))

    session = FakeSession(twice)
    async with running(session) as (app, pilot):
        first = await _until_it_listens(pilot, ConfirmDialog)
        monkeypatch.setattr(Ask, "GRACE_S", LONG_S)
        await click(pilot, "agree")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog) and app.screen is not first)
        second: Any = await until_on(pilot, ConfirmDialog)
        begun: list[bool] = []
        monkeypatch.setattr(second._grace, "reset", lambda: begun.append(True))
        button = second.query_one("#do-agree")
        assert button.disabled
        for _ in range(2):
            _press(app, button.region.x + 2, button.region.y)
        await until(pilot, lambda: begun == [True, True])
        assert session.answers == [True]
        app._leave(130)
