"""Closing the doors again: where it is offered, what it says, and that nothing has to be typed for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.binding import Binding

from runbook.engine.ports import Act, Decision, Gate, Operator
from runbook.engine.procedure import Action, Repeat
from runbook.engine.verdict import Verdict
from screens.dialogs.ask import Ask
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.reason import ReasonDialog
from screens.looks.palette import offers
from tests.screens.driving import click, running, until, until_keys_are_in_sight, until_on, words
from tests.screens.fake import FakeSession
from tests.screens.questions import CONFIRM, decide

pytestmark = pytest.mark.scenarios  # as slow, all together, as a whole run

RETREAT = "Close the doors again: the public names get their former records back"
ACTS = (Act.SIGN_IN, Act.RETRY, Act.ATTEST, Act.CLOSE, Act.BACK, Act.ABORT)
AT_GATE = (Act.SIGN_IN, Act.OPEN, Act.RETRY, Act.CLOSE, Act.BACK, Act.ABORT)
SIZES = ((80, 24), (60, 20))
Question = Callable[[Operator], Awaitable[Any]]


def _asking(question: Question) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.stage_done("connectivity")
        await session.ask(question(operator))

    return FakeSession(script)


def _failed(operator: Operator) -> Awaitable[Decision]:
    return operator.decide(replace(decide(Verdict.INCONCLUSIVE, ACTS), retreat=RETREAT))


def _gate(**more: Any) -> Gate:
    asked = FakeSession(_nothing).gate_of("connectivity")
    return replace(asked, **{"options": AT_GATE, "retreat": RETREAT, **more})


async def _nothing(_: FakeSession, __: Operator) -> None: ...


def _at_gate(operator: Operator) -> Awaitable[Decision]:
    return operator.gate(_gate())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("question", [_failed, _at_gate], ids=["failure", "checkpoint"])
async def test_two_keys_close_the_doors_after_the_sentence_was_shown(question: Question, size: tuple[int, int]) -> None:
    session = _asking(question)
    async with running(session, size) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("c")
        await until_on(pilot, ReasonDialog)
        assert RETREAT in words(app)
        assert not session.answers
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.CLOSE)]


def _with_retreat(session: FakeSession) -> FakeSession:
    """Its step `connectivity.waf` is the one whose changes can be taken back."""
    stages = session.procedure.stages
    zone, plain, https = stages[-1].steps
    waf: Action[Any] = Action(
        id=plain.id,
        title=plain.title,
        aim=plain.title,
        why=plain.why,
        manual=plain.manual,
        find=_never,
        preview=_never,
        perform=_never,
        repeat=Repeat.ONCE,
        retreat=RETREAT,
    )
    last = replace(stages[-1], steps=(zone, waf, https))
    session.procedure = replace(session.procedure, stages=(*stages[:-1], last))
    return session


async def _never(_: object) -> Any:
    raise AssertionError("screens do nothing of this")


@pytest.mark.parametrize("size", SIZES)
async def test_what_becomes_void_is_said_before_they_are_closed(size: tuple[int, int]) -> None:
    async with running(_with_retreat(_asking(_failed)), size) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("c")
        await until_on(pilot, ReasonDialog)
        await until(pilot, lambda: "becomes void 2: connectivity.waf, connectivity.https" in words(app))
        app._leave(130)


# -- afterwards ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("first", [_failed, _at_gate], ids=["failure", "checkpoint"])
async def test_after_they_were_closed_enter_does_not_open_them_again(first: Question) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.stage_done("connectivity")
        await session.ask(first(operator))
        for _ in range(3):
            await session.ask(operator.confirm(CONFIRM))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("c", "enter")
        await until_on(pilot, ConfirmDialog)
        assert "only y agrees" in words(app)
        assert "y/⏎" not in words(app)
        await pilot.press("enter")
        assert len(session.answers) == 1
        await pilot.press("n")
        await until(pilot, lambda: len(session.answers) == 2)
        await until_on(pilot, ConfirmDialog)
        await pilot.press("enter", "y")
        await until(pilot, lambda: len(session.answers) == 3)
        await until_on(pilot, ConfirmDialog)
        await pilot.press("enter")
        await until(pilot, lambda: len(session.answers) == 4)
    assert session.answers == [Decision(Act.CLOSE), False, True, True]


async def test_a_reason_may_be_given() -> None:
    session = _asking(_failed)
    async with running(session) as (_, pilot):
        await until_on(pilot, Ask)
        await pilot.press("c")
        await until_on(pilot, ReasonDialog)
        await pilot.press(*"fire", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.CLOSE, "fire")]


async def test_thinking_better_of_it_closes_nothing() -> None:
    session = _asking(_failed)
    async with running(session) as (_, pilot):
        await until_on(pilot, Ask)
        await pilot.press("c")
        await until_on(pilot, ReasonDialog)
        await pilot.press("escape")
        await until_on(pilot, FailureDialog)
        assert not session.answers
        await pilot.press("r")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.RETRY)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("question", [_failed, _at_gate], ids=["failure", "checkpoint"])
async def test_the_mouse_closes_them_too(question: Question, size: tuple[int, int]) -> None:
    session = _asking(question)
    async with running(session, size) as (_, pilot):
        await until_on(pilot, Ask)
        await until_keys_are_in_sight(pilot)
        await click(pilot, "close")
        await until_on(pilot, ReasonDialog)
        await click(pilot, "hand_in")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.CLOSE)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("question", [_failed, _at_gate], ids=["failure", "checkpoint"])
async def test_every_way_on_has_its_button_and_its_key_in_sight(question: Question, size: tuple[int, int]) -> None:
    async with running(_asking(question), size) as (app, pilot):
        screen = await until_on(pilot, Ask)
        await until_keys_are_in_sight(pilot)
        assert {act.value for act in ACTS} - {"attest"} <= {_act(binding) for binding in type(screen).BINDINGS}
        app._leave(130)


def _act(binding: object) -> str:
    return binding.action.replace("_", "-") if isinstance(binding, Binding) else ""


async def test_it_is_in_the_palette_only_where_it_is_offered() -> None:
    for act, offered in ((Act.CLOSE, True), (Act.RETRY, False)):
        session = _asking(lambda operator, act=act: operator.gate(_gate(options=(Act.OPEN, act, Act.ABORT))))  # type: ignore[misc]  # lambda default
        async with running(session) as (app, pilot):
            screen = await until_on(pilot, CheckpointDialog)
            assert any(each.words == "Close doors" for each in offers(app, screen)) is offered
            app._leave(130)


@pytest.mark.parametrize(
    "question", [lambda o: o.decide(decide()), lambda o: o.gate(_gate(options=(Act.OPEN, Act.ABORT)))]
)
async def test_doors_that_were_never_opened_are_not_closed(question: Question) -> None:
    session = _asking(question)
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, Ask)
        assert "Close doors" not in words(app)
        await pilot.press("c")
        assert app.screen is screen
        app._leave(130)


async def test_a_shut_checkpoint_says_that_they_can_be_closed() -> None:
    session = _asking(lambda o: o.gate(_gate(refusal="stage 4 (Application Tier) fell: 502")))
    async with running(session) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        assert f"press c: {RETREAT.partition(':')[0]}" in words(app)
        app._leave(130)


async def test_a_failure_says_what_closing_does_beside_its_key() -> None:
    async with running(_asking(_failed), (80, 40)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: f"c Close doors {RETREAT}" in words(app))
        app._leave(130)


def test_its_key_can_be_given_another_one() -> None:
    ids = {
        binding.id
        for dialog in (FailureDialog, CheckpointDialog)
        for binding in dialog.BINDINGS
        if isinstance(binding, Binding) and binding.action == "close"
    }
    assert ids == {"failure.close", "checkpoint.close"}
