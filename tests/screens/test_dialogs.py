"""Each dialogue: what it shows, and what its answers are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual import events

from runbook.engine.errors import NoVerdict
from runbook.engine.events import Kind
from runbook.engine.ports import Act, AskSecret, Choice, Decision, Operator, RunCommand, SecretAnswer
from runbook.engine.verdict import Verdict
from runbook.views import Phone
from screens.dialogs.ask import Ask
from screens.dialogs.help import HelpDialog
from screens.widgets.inputs import SecretInput
from tests.screens.driving import running, until, until_on, words
from tests.screens.fake import SHARE, FakeSession
from tests.screens.questions import ASK_SECRET, ATTEST, BY_HAND, CHOOSE, CONFIRM, CUSTODIANS, TYPE_NAME, decide

Question = Callable[[Operator], Awaitable[Any]]


def _asking(question: Question, **more: Any) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(question(operator))

    return FakeSession(script, **more)


async def _answer(question: Question, *keys: str, sees: tuple[str, ...] = (), **more: Any) -> Any:
    """The answer that these keys give; `sees` must be on screen before they are pressed."""
    session = _asking(question, **more)
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "TRAINING target: practice estate on 127.0.0.1, scenario calm" in words(app)
        for text in sees:
            assert text in words(app)
        await pilot.press(*keys)
        await until(pilot, lambda: bool(session.answers))
    return session.answers[0]


@pytest.mark.parametrize(("key", "agreed"), [("y", True), ("enter", True), ("n", False), ("escape", False)])
async def test_confirm(key: str, *, agreed: bool) -> None:
    sees = ("snapshot-force", "https://127.0.0.1:8200", "- uninitialised", "+ sealed, 3 of 5 shares")
    assert await _answer(lambda o: o.confirm(CONFIRM), key, sees=sees) is agreed


async def test_the_key_that_answered_one_question_does_not_answer_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ask, "GRACE_S", 3600.0)
    session = _asking(lambda o: o.confirm(CONFIRM))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("enter", "y")
        assert not session.answers
        app.screen._listen()  # type: ignore[attr-defined]  # what the timer does
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))


async def test_the_name_is_handed_in_as_it_was_typed() -> None:
    assert await _answer(lambda o: o.type_name(TYPE_NAME), "P", "r", "space", "enter") == "Pr "
    assert await _answer(lambda o: o.type_name(TYPE_NAME), "x", "escape") == ""


async def test_a_pasted_line_end_is_not_dropped_from_the_name() -> None:
    session = _asking(lambda o: o.type_name(TYPE_NAME))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        app.screen.focused.post_message(events.Paste(f"{TYPE_NAME.expected}\n"))  # type: ignore[union-attr]  # the entry has the focus
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [f"{TYPE_NAME.expected}⏎"]


async def test_an_older_recovery_point_needs_a_reason_and_an_unfit_one_cannot_be_taken() -> None:
    session = _asking(lambda o: o.choose(CHOOSE))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("down", "enter")
        assert "cannot be chosen: still being made" in words(app)
        await pilot.press("down", "enter", "enter")
        assert not session.answers
        await pilot.press("b", "a", "d", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Choice("old", "bad")]


async def test_a_share_is_masked_and_neither_copied_nor_cut() -> None:
    session = _asking(lambda o: o.secret(ASK_SECRET))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "progress is back to 0" in words(app)
        assert "1 of 3 are in" in words(app)
        await pilot.press("enter", *SHARE, "shift+home", "ctrl+c", "super+c", "ctrl+x")
        assert SHARE not in words(app)
        assert app.clipboard == ""
        assert app.screen.query_one(SecretInput).value == SHARE
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    answer = session.answers[0]
    assert answer.label == "Ada Lovelace"
    assert answer.secret.reveal() == SHARE
    assert SHARE not in repr(answer)


async def test_the_operator_may_stop_entering() -> None:
    assert await _answer(lambda o: o.secret(ASK_SECRET), "enter", "x", "escape") == SecretAnswer(None)


async def test_a_custodian_who_cannot_be_reached_says_so() -> None:
    async def nobody(label: str) -> str:
        raise NoVerdict(f"{label} does not answer")

    session = _asking(lambda o: o.secret(ASK_SECRET), phone=Phone(CUSTODIANS[:2], nobody))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("1", "c")
        await until(pilot, lambda: "Ada Lovelace does not answer" in words(app))
        await pilot.press("3")
        assert app.screen.check_action("call", ()) is None
        app._leave(130)


async def test_there_is_no_telephone_outside_training() -> None:
    session = _asking(lambda o: o.secret(ASK_SECRET))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "Call custodian" not in words(app)
        app._leave(130)


async def test_attest() -> None:
    assert await _answer(lambda o: o.attest(ATTEST), "o", "k", "enter", sees=(ATTEST.statement,)) == "ok"
    assert await _answer(lambda o: o.attest(ATTEST), "escape") == ""


@pytest.mark.parametrize(("key", "done"), [("d", True), ("n", False)])
async def test_by_hand(key: str, *, done: bool) -> None:
    assert await _answer(lambda o: o.by_hand(BY_HAND), key, sees=("Press Restart", "Wait for Running")) is done


async def test_a_failure_shows_everything_and_is_not_attested() -> None:
    sees = ("✗ FAIL", "a backup younger than 26 h", "HTTP 503 from S3", "SlowDown", "AWS console", "Wait a minute")
    decision = await _answer(lambda o: o.decide(decide()), "a", "r", sees=sees)
    assert decision == Decision(Act.RETRY)


async def test_what_came_to_no_verdict_is_attested_with_a_reason() -> None:
    ask = decide(Verdict.INCONCLUSIVE, (Act.RETRY, Act.ATTEST, Act.ABORT))
    keys = ("a", "enter", "s", "e", "e", "n", "enter")
    assert await _answer(lambda o: o.decide(ask), *keys) == Decision(Act.ATTEST, "seen")


NEVER = "this step can never be attested"


@pytest.mark.parametrize("attestable", [True, False])
async def test_that_a_step_can_never_be_attested_is_said_of_such_a_step_alone(*, attestable: bool) -> None:
    """After "not now" nothing is to be attested either, and at the next attempt it may well be."""
    session = _asking(lambda o: o.decide(decide(Verdict.INCONCLUSIVE)))
    stages = session.procedure.stages
    steps = tuple(replace(step, attestable=attestable) for step in stages[1].steps)
    session.procedure = replace(session.procedure, stages=(stages[0], replace(stages[1], steps=steps), *stages[2:]))
    async with running(session, (80, 40)) as (app, pilot):
        await until_on(pilot, Ask)
        assert (NEVER in words(app)) is not attestable
        app._leave(130)


async def test_thinking_better_of_it_leads_back_to_the_question() -> None:
    assert await _answer(lambda o: o.decide(decide()), "q", "escape", "r") == Decision(Act.RETRY)


async def test_help_tells_why_and_the_manual_way() -> None:
    session = _asking(lambda o: o.confirm(CONFIRM))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("question_mark")
        await until_on(pilot, HelpDialog)
        assert "look at restore in the provider's console" in words(app)
        await pilot.press("escape", "y")
        await until(pilot, lambda: bool(session.answers))


async def test_questions_asked_at_once_are_put_one_after_the_other() -> None:
    import asyncio

    async def both(operator: Operator) -> Any:
        return await asyncio.gather(
            operator.confirm(CONFIRM), operator.confirm(replace(CONFIRM, title="The second one"))
        )

    session = _asking(both)
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "The second one" not in words(app)
        await pilot.press("y")
        await until(pilot, lambda: "The second one" in words(app))
        await pilot.press("n")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [[True, False]]


async def test_a_question_that_is_withdrawn_leaves_the_screen() -> None:
    import asyncio

    async def withdrawn(operator: Operator) -> Any:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(operator.confirm(CONFIRM), 0.3)
        return await operator.by_hand(BY_HAND)

    session = _asking(withdrawn)
    async with running(session) as (app, pilot):
        await until(pilot, lambda: "Restart the vault" in words(app))
        assert len([screen for screen in app.screen_stack if isinstance(screen, Ask)]) == 1
        await pilot.press("d")
        await until(pilot, lambda: bool(session.answers))


# -- stage 1 and 2 ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "agreed"), [("y", True), ("enter", False), ("n", False), ("escape", False)])
async def test_what_the_run_can_do_without_is_agreed_to_by_y_alone(key: str, *, agreed: bool) -> None:
    assert (
        await _answer(lambda o: o.confirm(replace(CONFIRM, optional=True)), key, sees=("Go on without it",)) is agreed
    )


@pytest.mark.parametrize(("keys", "agreed"), [(("enter", "y"), True), (("enter", "n"), False)])
async def test_where_the_run_does_not_go_on_without_it_that_is_said_and_enter_does_nothing(
    keys: tuple[str, ...], *, agreed: bool
) -> None:
    ask = replace(CONFIRM, optional=True, without="without it the step stays a FAIL")
    session = _asking(lambda o: o.confirm(ask))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "without it the step stays a FAIL: only y agrees" in words(app)
        assert "Go on without it" not in words(app)
        await pilot.press(*keys)
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [agreed]


CODE = AskSecret("identity.aws-mfa", "The code that your MFA device shows now", ("arn:mfa/cto",), kind="code")


async def test_a_code_is_digits_of_a_device_and_nobodys_share() -> None:
    sees = ("arn:mfa/cto", "works once", "Sign in")
    answer = await _answer(lambda o: o.secret(CODE), "enter", *"27x1828", "enter", sees=sees)
    assert (answer.secret.reveal(), answer.label) == ("271828", "arn:mfa/cto")


async def test_the_practice_device_reads_its_code_out() -> None:
    async def device(label: str) -> str:
        return "314159" if label == "arn:mfa/cto" else ""

    session = _asking(lambda o: o.secret(CODE), phone=Phone(("arn:mfa/cto",), device))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("c")
        await until(pilot, lambda: app.screen.query_one(SecretInput).value == "314159")
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers[0].secret.reveal() == "314159"


async def test_without_a_device_there_is_no_code() -> None:
    assert await _answer(lambda o: o.secret(CODE), "escape") == SecretAnswer(None)


HINTED = replace(
    ASK_SECRET,
    remarks=("in 2 of the last 4 runs, last 2026-08-01", "", ""),
    hint="From a custodian's own machine: bao operator unseal -address=https://127.0.0.1:8200",
)


async def test_who_was_used_and_the_way_from_elsewhere_are_in_sight() -> None:
    sees = ("Ada Lovelace · in 2 of the last 4 runs, last 2026-08-01", "bao operator unseal -address=https://127.0.0.1")
    await _answer(lambda o: o.secret(HINTED), "escape", sees=sees)


async def test_that_nobody_else_can_be_reached_takes_a_second_press() -> None:
    session = _asking(lambda o: o.secret(ASK_SECRET))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("x")
        assert "Press x/F4 again" in words(app)
        assert not session.answers
        await until(pilot, lambda: app.screen._doubt.sure)  # type: ignore[attr-defined]  # a moment later
        await pilot.press("x")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [SecretAnswer(None, none_left=True)]


async def test_shares_from_elsewhere_are_counted_while_one_is_typed_here() -> None:
    session = _asking(lambda o: o.secret(ASK_SECRET))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("enter", *SHARE)
        session.progress("vault.unseal", 2, 3, "2 of 3 shares are in, 1 entered elsewhere")
        await until(pilot, lambda: "■■□ 2 of 3 are in" in words(app))
        assert "1 entered elsewhere" in words(app)
        assert app.screen.query_one(SecretInput).value == SHARE
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))


async def test_a_share_that_was_pasted_in_two_lines_is_one_share() -> None:
    session = _asking(lambda o: o.secret(ASK_SECRET))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        app.screen.query_one(SecretInput).focus()
        app.screen.query_one(SecretInput).post_message(events.Paste(f"  {SHARE[:2]}\r\n{SHARE[2:]}\n"))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers[0].secret.reveal() == SHARE


async def test_a_layer_that_falls_is_said_on_whatever_is_open() -> None:
    session = _asking(lambda o: o.confirm(CONFIRM))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "fell" not in words(app)
        session.say(Kind.HEARTBEAT, "vault", None, alive=False, observed="health 503 (SEALED)", source="heartbeat")
        await until(pilot, lambda: "✗ Encryption Vault fell: health 503 (SEALED)" in words(app))
        await pilot.press("y")
        await until(pilot, lambda: bool(session.answers))


async def test_signing_in_again_is_offered_where_it_helps_and_stands_first() -> None:
    ask = decide(Verdict.INCONCLUSIVE, (Act.SIGN_IN, Act.RETRY, Act.ABORT))
    sees = ("press s: sign in again here and now", "Sign in again")
    assert await _answer(lambda o: o.decide(ask), "s", sees=sees) == Decision(Act.SIGN_IN)


async def test_a_checkpoint_offers_it_as_soon_as_a_heartbeat_says_so() -> None:
    session = _asking(lambda o: o.gate(session.gate_of("vault")))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        assert "Sign in again" not in words(app)
        said = {"alive": False, "observed": "ExpiredToken", "source": "heartbeat", "signed_out": "aws"}
        session.say(Kind.HEARTBEAT, "identity", None, **said)
        session.shut = "stage 1 (Identity & Access) fell: ExpiredToken"
        await until(pilot, lambda: "Sign in again" in words(app))
        await pilot.press("s")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.SIGN_IN)]


async def test_a_command_of_another_tool_is_shown_and_can_be_put_off() -> None:
    ask = RunCommand(
        "identity.aws-mfa", "Sign in to IAM Identity Center", ("aws", "sso", "login", "--profile", "clinic")
    )
    assert await _answer(lambda o: o.run_command(ask), "n", sees=("aws sso login --profile clinic",)) is None


async def test_where_the_terminal_cannot_be_lent_no_command_is_run() -> None:
    ask = RunCommand("identity.aws-mfa", "Sign in", ("false",))
    assert await _answer(lambda o: o.run_command(ask), "y") is None  # a headless app has no terminal to lend


@pytest.mark.parametrize(("mfa", "said"), [("PROVEN", "MFA proven"), ("ATTESTED", "MFA attested"), ("NO", "NO MFA")])
@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_the_run_says_what_is_known_of_the_second_factor(mfa: str, said: str, size: tuple[int, int]) -> None:
    import asyncio

    async def script(session: FakeSession, _: Operator) -> None:
        signed_in = {"account": "1", "arn": "arn", "mfa": mfa}
        session.result("identity.aws-account", facts={"SignedInAs": signed_in})
        await asyncio.Event().wait()

    async with running(FakeSession(script), size) as (app, pilot):
        await until(pilot, lambda: said in words(app))
        app._leave(130)
