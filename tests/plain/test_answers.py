"""How single lines are read: enough of a word, `?`, numbers, reasons."""

from __future__ import annotations

import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import OperatorGone
from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    ByHand,
    Change,
    Choice,
    Choose,
    Confirm,
    Decide,
    Decision,
    Gate,
    Option,
    Preview,
    RunCommand,
    Secret,
    TypeName,
)
from runbook.engine.verdict import Verdict
from runbook.plain import Keyboard, Lines, PlainOperator
from runbook.views import Phone
from tests.support.tiny import procedure, stage

Said = pytest.CaptureFixture[str]
PREVIEW = Preview("Restore it", "rt-1", ("rds:Restore",), (Change("class", "", "small"), Change("url", "old", "new")))
CHOOSE = Choose(
    "a.b",
    "Which?",
    ("id",),
    (Option("new", ("new",)), Option("old", ("old",)), Option("x", ("x",), "it is failed")),
    "new",
)
GATE = Gate("one", 1, "One", None, "Two", "a server", (Act.OPEN, Act.RETRY, Act.BACK, Act.ABORT), ("one",))
DECIDE = Decide(
    "a.b", "It holds", Verdict.INCONCLUSIVE, "yes", "no", "api", "mend", "E1", "because", "by hand",
    (Act.RETRY, Act.ATTEST, Act.BACK, Act.ABORT), ("identity", "vault"),
)  # fmt: skip
SHARE = AskSecret("vault.unseal", "An unseal share", ("Amara", "Bryn"), 1, 3)


def at(*lines: str, phone: Phone | None = None) -> PlainOperator:
    """An operator who types these lines."""
    source = StringIO("".join(f"{line}\n" for line in lines))
    return PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(source), lambda: phone)


@pytest.mark.parametrize(("typed", "agreed"), [("yes", True), ("y", True), ("YES", True), ("no", False), ("n", False)])
async def test_enough_of_a_word_is_the_word(typed: str, *, agreed: bool) -> None:
    assert await at(typed).confirm(Confirm("a.b", "It", PREVIEW)) is agreed


@pytest.mark.parametrize("typed", ["?", "", "maybe"])
async def test_anything_else_lists_the_answers_and_asks_again(typed: str, capsys: Said) -> None:
    assert await at(typed, "yes").confirm(Confirm("a.b", "It", PREVIEW))
    said = capsys.readouterr().out
    assert "    yes: do it\n    no: not now: nothing is done\n" in said
    assert said.count("Do it [yes / no / ?]") == 2


async def test_a_preview_names_target_calls_and_differences(capsys: Said) -> None:
    await at("no").confirm(Confirm("a.b", "It", PREVIEW))
    said = capsys.readouterr().out
    for line in (
        "    Restore it",
        "    target: rt-1",
        "    call:   rds:Restore",
        "    class: small",
        "    url: old becomes new",
    ):
        assert f"{line}\n" in said


@pytest.mark.parametrize(
    ("lines", "decision"),
    [
        (("open",), Decision(Act.OPEN)),
        (("o",), Decision(Act.OPEN)),
        (("retry",), Decision(Act.RETRY)),
        (("abort fire alarm", "yes"), Decision(Act.ABORT, "fire alarm")),
        (("ABORT  fire alarm ", "yes"), Decision(Act.ABORT, "fire alarm")),
        (("abort fire alarm", "no", "open"), Decision(Act.OPEN)),
        (("abort", "", " ", "fire alarm"), Decision(Act.ABORT, "fire alarm")),
        (("b", "one", "it restarted"), Decision(Act.BACK, "it restarted", "one")),
        (("back one  it restarted", "yes"), Decision(Act.BACK, "it restarted", "one")),
        (("back", "nowhere", "two", "one", "it restarted"), Decision(Act.BACK, "it restarted", "one")),
        (("back one.step", "it restarted"), Decision(Act.BACK, "it restarted", "one.step")),
    ],
)
async def test_what_can_be_said_at_a_gate(lines: tuple[str, ...], decision: Decision) -> None:
    assert await at(*lines).gate(GATE) == decision


SENTENCES = (
    "a custodian is on the way",
    "ab so lutely",
    "at last",
    "b vault it is slow",
    "o dear",
    "open the other one first",
    "retry in a minute",
    "c the ticket first",
)


@pytest.mark.parametrize("typed", SENTENCES)
async def test_a_sentence_is_no_word_and_lists_the_answers(typed: str, capsys: Said) -> None:
    """Alone the beginning of a word is enough; before more text it is the beginning of somebody's thought."""
    for options in (tuple(Act), (Act.RETRY, Act.BACK, Act.ABORT)):
        assert await at(typed, "r", "ret").decide(replace(DECIDE, options=options)) == Decision(Act.RETRY)
        assert "    retry: once more" in capsys.readouterr().out.split("a.b [")[1]


async def test_a_place_that_is_none_is_asked_for_and_withdrawn_from() -> None:
    assert await at("back up is running", "stop", "retry").decide(DECIDE) == Decision(Act.RETRY)


@pytest.mark.parametrize("typed", ["yes but not now", "y not", "done I think"])
async def test_what_takes_no_text_is_not_agreed_to_with_more_of_it(typed: str) -> None:
    assert not await at(typed, "no").confirm(Confirm("a.b", "It", PREVIEW))
    assert not await at(typed, "no").by_hand(ByHand("a.b", "It", ()))


@pytest.mark.parametrize("typed", ["attest I saw it", "attest  I saw it "])
async def test_a_reason_given_at_once_is_agreed_to_below_what_it_states(typed: str, capsys: Said) -> None:
    assert await at(typed, "yes").decide(DECIDE) == Decision(Act.ATTEST, "I saw it")
    said = capsys.readouterr().out
    assert said.index("    You state: yes\n") < said.index("  Is it so, with that reason [yes / no / ?]: ")
    assert await at(typed, "no", "retry").decide(DECIDE) == Decision(Act.RETRY)


async def test_a_gate_cannot_be_attested(capsys: Said) -> None:
    assert (await at("attest it is fine", "abort no", "yes").gate(GATE)).act is Act.ABORT
    assert "attest" not in capsys.readouterr().out


async def test_a_failure_shows_everything_and_can_be_attested_where_that_is_offered(capsys: Said) -> None:
    assert await at("attest", "I saw it").decide(DECIDE) == Decision(Act.ATTEST, "I saw it")
    said = capsys.readouterr().out
    for line in ("a.b is INCONCLUSIVE: no", "expected: yes", "why: because", "fix: mend", "by hand: by hand"):
        assert line in said


async def test_where_signing_in_again_helps_it_is_said_first(capsys: Said) -> None:
    ask = replace(DECIDE, options=(Act.SIGN_IN, *DECIDE.options))
    assert await at("s").decide(ask) == Decision(Act.SIGN_IN)
    said = capsys.readouterr().out
    assert said.index("do this: sign-in, here and now") < said.index("fix: mend")


RETREAT = "Close the doors again: the public names get their {former} records back"
CLOSABLE = replace(GATE, options=(Act.OPEN, Act.RETRY, Act.CLOSE, Act.BACK, Act.ABORT), retreat=RETREAT)


@pytest.mark.parametrize(
    ("line", "reason"),
    [("close", ""), ("cl", ""), ("close  the canary changed ", "the canary changed"), ("CLOSE now", "now")],
)
async def test_the_doors_are_closed_by_a_word_and_nobody_is_made_to_say_why(line: str, reason: str) -> None:
    assert await at(line).gate(CLOSABLE) == Decision(Act.CLOSE, reason)
    ask = replace(DECIDE, options=(Act.RETRY, Act.CLOSE, Act.ABORT), retreat=RETREAT)
    assert await at(line).decide(ask) == Decision(Act.CLOSE, reason)


async def test_what_closing_them_does_is_said_and_listed(capsys: Said) -> None:
    await at("?", "close").gate(CLOSABLE)
    said = capsys.readouterr().out
    assert f"    close, at any time: {RETREAT}\n" in said
    assert f"    close: close [REASON]: {RETREAT}\n" in said
    assert "[open / retry / close / back / abort / ?]" in said


async def test_doors_that_were_never_opened_are_not_offered_to_be_closed(capsys: Said) -> None:
    assert (await at("close", "abort x", "yes").gate(GATE)).act is Act.ABORT
    assert "close" not in capsys.readouterr().out


async def test_a_refusal_stands_at_the_gate(capsys: Said) -> None:
    shut = Gate("one", 1, "One", "stage 1 (One) fell: sealed", None, "what it made", GATE.options, ("one",))
    await at("abort x", "yes").gate(shut)
    said = capsys.readouterr().out
    assert "CHECKPOINT 1 One: stage 1 (One) fell: sealed" in said
    assert "Next: The closing touches what it made." in said


# -- choices ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lines", "choice"),
    [
        (("",), Choice("new")),
        (("1",), Choice("new")),
        (("2", "", "the newest holds the mistake"), Choice("old", "the newest holds the mistake")),
        (("9", "0", "-1", "²", "?", "1"), Choice("new")),
    ],
)
async def test_a_choice_is_a_number_and_another_than_the_default_needs_a_reason(
    lines: tuple[str, ...], choice: Choice
) -> None:
    assert await at(*lines).choose(CHOOSE) == choice


DETAILED = replace(CHOOSE, options=(*CHOOSE.options, Option("moment", ("at a moment",), detail="Moment, UTC")))


async def test_what_an_option_asks_for_is_typed_after_its_number(capsys: Said) -> None:
    choice = await at("4", "2026-11-25T03:00:00Z ", "before it").choose(DETAILED)
    assert choice == Choice("moment", "before it", "2026-11-25T03:00:00Z")
    assert "  Number (Enter = default): \n  Moment, UTC: \n  Reason" in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["?", "", "  "])
async def test_nothing_typed_says_what_is_asked_for_and_asks_again(typed: str, capsys: Said) -> None:
    assert (await at("4", typed, "now", "before it").choose(DETAILED)).detail == "now"
    assert "    TEXT: Moment, UTC: this choice needs it; it goes into the record\n" in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["", "4"])
async def test_a_default_may_ask_for_something_too_and_needs_no_reason(typed: str) -> None:
    assert await at(typed, "now").choose(replace(DETAILED, default="moment")) == Choice("moment", "", "now")


async def test_a_default_that_is_not_listed_is_none() -> None:
    assert await at("", "1", "why").choose(replace(CHOOSE, default="gone")) == Choice("new", "why")


async def test_what_cannot_be_chosen_says_why(capsys: Said) -> None:
    assert await at("3", "").choose(CHOOSE) == Choice("new")
    assert "It cannot be chosen: it is failed." in capsys.readouterr().out


# -- secrets ------------------------------------------------------------------------------------------------------
async def test_a_share_is_asked_for_by_whose_it_is(capsys: Said) -> None:
    answer = await at("2", "s3cret").secret(SHARE)
    assert (answer.secret, answer.label) == (Secret("s3cret"), "Bryn")
    said = capsys.readouterr().out
    assert "of Bryn, 1 of 3 are in (not shown)" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("lines", [("stop",), ("1", "stop")])
async def test_entering_can_be_stopped(lines: tuple[str, ...]) -> None:
    assert (await at(*lines).secret(SHARE)).secret is None


@pytest.mark.parametrize("lines", [("?", "1", "s3cret"), ("1", "?", "s3cret")])
async def test_a_question_mark_is_no_share(lines: tuple[str, ...], capsys: Said) -> None:
    answer = await at(*lines).secret(SHARE)
    assert answer.secret == Secret("s3cret")
    said = capsys.readouterr().out
    assert "stop: no more for now" in said
    assert "none: nobody else can be reached" in said


@pytest.mark.parametrize("lines", [("none", "yes"), ("1", "none", "y")])
async def test_that_nobody_else_can_be_reached_is_another_end_and_asked_once_more(
    lines: tuple[str, ...], capsys: Said
) -> None:
    answer = await at(*lines).secret(SHARE)
    assert (answer.secret, answer.none_left) == (None, True)
    assert "This attempt ends as FAIL" in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["", "no", "perhaps"])
async def test_thinking_better_of_it_leads_back_to_whose_share(typed: str) -> None:
    answer = await at("none", typed, "2", "s3cret").secret(SHARE)
    assert (answer.secret, answer.label) == (Secret("s3cret"), "Bryn")


async def test_blanks_in_what_was_pasted_are_no_part_of_the_share() -> None:
    assert (await at("1", "", "  s3c ret ").secret(SHARE)).secret == Secret("s3cret")


async def test_remarks_and_the_way_from_elsewhere_are_said(capsys: Said) -> None:
    ask = replace(SHARE, remarks=("in 2 of the last 4 runs", ""), hint="bao operator unseal -address=https://v")
    await at("stop").secret(ask)
    said = capsys.readouterr().out
    assert "    1  Amara  (in 2 of the last 4 runs)\n    2  Bryn\n" in said
    assert "  bao operator unseal -address=https://v\n" in said


async def test_the_only_custodian_left_is_not_asked_for() -> None:
    answer = await at("s3cret").secret(replace(SHARE, labels=("Bryn",)))
    assert (answer.secret, answer.label) == (Secret("s3cret"), "Bryn")


CODE = AskSecret("identity.aws-mfa", "The code that your MFA device shows now", ("arn:mfa/cto",), kind="code")


async def test_a_code_is_digits_and_anything_else_says_so(capsys: Said) -> None:
    answer = await at("?", "nonsense", "12345", "123 456").secret(CODE)
    assert answer.secret == Secret("123456")
    assert capsys.readouterr().out.count("The 6 digits that the device shows now") == 3


async def test_without_a_device_there_is_no_code() -> None:
    assert (await at("stop").secret(CODE)).secret is None


async def test_what_can_be_left_out_is_left_out_with_enter() -> None:
    assert not await at("").confirm(Confirm("a.b", "Prove it", PREVIEW, optional=True))
    assert await at("yes").confirm(Confirm("a.b", "Prove it", PREVIEW, optional=True))


async def test_what_comes_of_not_agreeing_is_said_where_the_run_does_not_go_on(capsys: Said) -> None:
    ask = Confirm("a.b", "Take it", PREVIEW, optional=True, without="without it the step stays a FAIL")
    assert not await at("").confirm(ask)
    said = capsys.readouterr().out
    assert "without it the step stays a FAIL" in said
    assert "go on without it" not in said


async def test_a_choice_without_a_default_needs_a_number_and_a_reason(capsys: Said) -> None:
    choice = await at("", "1", "it is the only one").choose(replace(CHOOSE, default=""))
    assert choice == Choice("new", "it is the only one")
    assert "there is no default here" in capsys.readouterr().out


async def test_a_command_of_another_tool_is_shown_and_run_here(tmp_path: Path, capsys: Said) -> None:
    ask = RunCommand("identity.aws-mfa", "Sign in", (sys.executable, "-c", "raise SystemExit(3)"))
    assert await at("yes").run_command(ask) == 3
    assert await at("no").run_command(ask) is None
    assert await at("yes").run_command(replace(ask, argv=(str(tmp_path / "no such tool"),))) is None
    assert "    command: " in capsys.readouterr().out


async def test_calling_is_offered_only_where_somebody_can_be_called(capsys: Said) -> None:
    async def call(label: str) -> str:
        return f"the share of {label}"

    await at("?", "stop").secret(SHARE)
    assert "call NAME" not in capsys.readouterr().out
    await at("?", "call br", "stop", phone=Phone(("Amara", "Bryn"), call)).secret(SHARE)
    said = capsys.readouterr().out
    assert "call NAME" in said
    assert "Bryn reads out: the share of Bryn" in said


# -- the rest -----------------------------------------------------------------------------------------------------
async def test_a_name_is_taken_as_it_was_typed() -> None:
    assert await at(" production ").type_name(TypeName("a.b", "production")) == " production "


async def test_a_statement_is_shown_and_its_reason_taken(capsys: Said) -> None:
    assert await at("I went there").attest(Attest("a.b", "The door is locked")) == "I went there"
    assert "You state: The door is locked" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "done"), [("done", True), ("no", False)])
async def test_work_by_hand_is_listed_and_asked_about(typed: str, capsys: Said, *, done: bool) -> None:
    assert await at(typed).by_hand(ByHand("a.b", "Wipe it", ("stop", "empty", "start"))) is done
    assert "    2. empty\n" in capsys.readouterr().out


QUESTIONS: list[tuple[str, Any]] = [
    ("confirm", Confirm("a.b", "It", PREVIEW)),
    ("type_name", TypeName("a.b", "x")),
    ("choose", CHOOSE),
    ("choose", replace(DETAILED, default="moment")),
    ("secret", SHARE),
    ("attest", Attest("a.b", "It")),
    ("by_hand", ByHand("a.b", "It", ())),
    ("decide", DECIDE),
    ("gate", GATE),
]


@pytest.mark.parametrize(("name", "ask"), QUESTIONS, ids=[name for name, _ in QUESTIONS])
async def test_at_the_end_of_input_the_operator_is_gone(name: str, ask: Any) -> None:
    with pytest.raises(OperatorGone):
        await getattr(at(), name)(ask)
