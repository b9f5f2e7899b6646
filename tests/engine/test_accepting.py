"""Accepting a failure: when it is offered, what it makes of the run, and what takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.events import Kind
from runbook.engine.outcome import stage_result
from runbook.engine.ports import Act, Decision, Form
from runbook.engine.procedure import Procedure
from runbook.engine.run import replay
from runbook.engine.verdict import Observation, Verdict
from tests.support.operator import OPEN, RETRY, ScriptedOperator, abort, back
from tests.support.tiny import Bench, check, procedure, raising, saying, seen, stage, unknown, wrong

ACCEPT = Decision(Act.ACCEPT)
SIGNED = {"why": "three rows of yesterday are gone", "second": "Dr Sam Reed, clinical safety officer"}


def lossy(*sees: Observation, acceptable: bool = True, after: tuple[Observation, ...] = (seen(),)) -> Procedure[Desk]:
    content = check("two.content", saying(*(sees or (wrong("3 rows are missing"),))), acceptable=acceptable)
    return procedure(stage(1, "one"), stage(2, "two", content), stage(3, "three", check("three.a", saying(*after))))


def bench(script: Mapping[str, Any], walked: Procedure[Desk] | None = None, **more: Any) -> Bench:
    return Bench(walked or lossy(), ScriptedOperator(script), **{"accepts": True, **more})


def accepting(*answers: Any) -> dict[str, list[Any]]:
    return {"decide two.content": [ACCEPT], "fill two.content": list(answers or (SIGNED,))}


# -- what it makes of the run -------------------------------------------------------------------------------------
async def test_the_verdict_stays_fail_the_stage_is_accepted_and_the_run_passes_with_issues() -> None:
    walked = bench(accepting())
    await walked.walk()
    run, two = walked.conductor.run, walked.conductor.procedure.stage("two")
    assert walked.recorder.verdicts("two.content") == ["FAIL"]
    assert run.accepted == ("two.content",)
    assert stage_result(run, two) == "ACCEPTED"
    assert stage_result(run, walked.conductor.procedure.stage("one")) == "PASS"
    assert (run.opened, walked.outcome) == (("one", "two", "three"), "PASS_WITH_ISSUES")


async def test_who_accepted_what_and_why_is_in_the_journal() -> None:
    walked = bench(accepting())
    await walked.walk()
    (event,) = walked.recorder.of(Kind.EXCEPTION)
    assert (event.stage, event.step) == ("two", "two.content")
    assert event.data == {"what": "two.content", "who": "Robin", "accepted": True, **SIGNED}


async def test_what_is_to_be_accepted_is_stated_before_anybody_puts_a_name_to_it() -> None:
    walked = bench(accepting())
    await walked.walk()
    (form,) = walked.operator.questions("fill two.content")
    text = " ".join(form.text)
    assert "3 rows are missing" in text
    assert "The verdict stays FAIL, the stage becomes ACCEPTED and the run PASS WITH ISSUES at best" in text


async def test_a_run_that_accepted_one_failure_fails_by_another() -> None:
    walked = bench({**accepting(), "decide three.a": [abort()]}, lossy(after=(wrong(),)))
    await walked.walk()
    assert walked.outcome == "FAIL"


async def test_a_run_that_was_stopped_after_it_is_aborted_and_not_failed() -> None:
    walked = bench({**accepting(), "gate three": [abort()]})
    await walked.walk()
    assert walked.outcome == "ABORTED"


# -- when it is offered -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sees", "acceptable", "accepts", "offered"),
    [
        (wrong(), True, True, True),
        (wrong(), False, True, False),
        (wrong(), True, False, False),
        (unknown(), True, True, False),
    ],
    ids=["a failure in a recovery", "of another step", "in a drill", "what came to no verdict"],
)
async def test_only_a_failure_of_such_a_step_in_a_recovery_is_offered(
    sees: Observation, *, acceptable: bool, accepts: bool, offered: bool
) -> None:
    script = {"decide two.content": [ACCEPT, abort()], "fill two.content": [SIGNED]}
    walked = bench(script, lossy(sees, acceptable=acceptable), accepts=accepts)
    await walked.walk()
    assert (Act.ACCEPT in walked.operator.questions("decide two.content")[0].options) is offered
    assert bool(walked.conductor.run.accepted) is offered


async def test_a_checkpoint_accepts_nothing() -> None:
    walked = Bench(procedure(stage(1, "one")), ScriptedOperator({"gate one": [ACCEPT, abort()]}), accepts=True)
    await walked.walk()
    assert (walked.conductor.run.opened, walked.conductor.run.exceptions) == ((), ())


async def test_a_refusal_by_a_safety_rule_of_a_step_that_may_not_be_accepted_stays_one() -> None:
    from runbook.engine.errors import Refused

    walked = bench(
        {"decide two.a": [ACCEPT, abort()]},
        procedure(stage(1, "one"), stage(2, "two", check("two.a", raising(Refused("not this target"))))),
    )
    await walked.walk()
    assert walked.outcome == "FAIL"


# -- who may put their name to it ---------------------------------------------------------------------------------
async def test_withdrawing_from_it_asks_again_and_looks_at_nothing_again() -> None:
    script = {"decide two.content": [ACCEPT, abort()], "fill two.content": [None]}
    walked = bench(script)
    await walked.walk()
    assert len(walked.operator.questions("decide two.content")) == 2
    assert walked.recorder.verdicts("two.content") == ["FAIL"]
    assert (walked.conductor.run.exceptions, walked.outcome) == ((), "FAIL")


def second_field() -> Any:
    from runbook.engine.accepting import form
    from runbook.engine.run import Attempt
    from tests.support.clock import START

    attempt = Attempt("two.content", "two", "check", 1, Verdict.FAIL, "", "", "", START, 1)
    asked: Form = form(check("two.content"), attempt, "Robin")
    return next(field for field in asked.fields if field.key == "second")


@pytest.mark.parametrize("said", ["Dr Sam Reed", "NONE: nobody answers at this hour", "Nonette Okafor"])
def test_a_second_person_is_named_or_why_there_is_none(said: str) -> None:
    assert second_field().mistake(said) == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "needed"),
        ("NONE", "why nobody else"),
        (" none ", "why nobody else"),
        ("NONE: ", "why nobody else"),
        ("Robin", "somebody else"),
        ("robin ", "somebody else"),
    ],
)
def test_nobody_without_a_reason_and_the_same_person_twice_are_not_taken(said: str, why: str) -> None:
    assert why in second_field().mistake(said)


async def test_an_operator_who_hands_in_what_is_wrong_all_the_same_accepted_nothing() -> None:
    script = {
        "decide two.content": [ACCEPT, abort()],
        "fill two.content": [{"why": "so be it", "second": "Robin"}],
    }
    walked = bench(script)
    await walked.walk()
    assert walked.conductor.run.exceptions == ()


# -- what takes it back -------------------------------------------------------------------------------------------
async def test_going_back_behind_it_takes_the_acceptance_back() -> None:
    script = {**accepting(), "decide two.content": [ACCEPT, abort()], "gate three": [back("two")]}
    walked = bench(script)
    await walked.walk()
    run = walked.conductor.run
    assert walked.recorder.verdicts("two.content") == ["FAIL", "FAIL"]
    assert (run.accepted, run.opened, walked.outcome) == ((), ("one",), "FAIL")


async def test_a_run_that_ends_after_it_was_taken_back_has_failed() -> None:
    """Going back to stage 1 and ending there leaves nobody's name under the loss."""
    walked = bench({**accepting(), "gate three": [back("one")], "gate one": [OPEN, abort()]})
    await walked.walk()
    assert walked.recorder.verdicts("two.content") == ["FAIL"]
    assert (walked.conductor.run.accepted, walked.outcome) == ((), "FAIL")


async def test_going_back_to_what_came_later_leaves_it() -> None:
    walked = bench({**accepting(), "gate three": [back("three")]})
    await walked.walk()
    assert walked.recorder.verdicts("two.content") == ["FAIL"]
    assert walked.conductor.run.accepted == ("two.content",)


async def test_what_passes_when_it_is_looked_at_again_needs_nobodys_name_any_more() -> None:
    walked = bench({**accepting(), "gate three": [back("two")]}, lossy(wrong(), seen()))
    await walked.walk()
    run = walked.conductor.run
    assert run.accepted == ()
    assert stage_result(run, walked.conductor.procedure.stage("two")) == "PASS"


async def test_looking_again_instead_is_always_possible() -> None:
    walked = bench({"decide two.content": [RETRY]}, lossy(wrong(), seen()))
    await walked.walk()
    assert walked.outcome == "PASS"


async def test_it_outlives_the_process_in_which_it_was_accepted() -> None:
    first = bench(accepting())
    await first.walk()
    cut = next(n for n, event in enumerate(first.recorder.events, 1) if event.kind is Kind.EXCEPTION)
    past = first.recorder.events[:cut]
    assert replay(past).satisfied("two.content")
    later = bench({}, past=past)
    await later.conductor.resume(by="test")
    assert later.operator.questions("decide two.content") == []
    assert later.outcome == "PASS_WITH_ISSUES"
