"""Attesting, going back, aborting: what the operator may do, and what it is called in the record."""

from __future__ import annotations

import pytest

from runbook.engine.errors import HardStop, OperatorGone
from runbook.engine.events import Kind
from runbook.engine.ports import Act
from runbook.engine.verdict import Observation, Verdict
from tests.support.operator import OPEN, RETRY, ScriptedOperator, abort, attest, back
from tests.support.tiny import Bench, attestation, check, closing, procedure, saying, seen, stage, unknown, wrong


def three_stages() -> Bench:
    return Bench(procedure(stage(1, "one"), stage(2, "two", check("two.a"), check("two.b")), stage(3, "three")))


# -- attesting ----------------------------------------------------------------------------------------------------
async def test_an_inconclusive_step_may_be_attested_with_a_reason_and_is_an_exception() -> None:
    operator = ScriptedOperator({"decide one.a": [attest("the console shows it")]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(unknown())))), operator)
    await bench.walk()
    result = bench.conductor.run.result("one.a")
    assert result is not None
    assert (result.verdict, result.reason) == (Verdict.ATTESTED, "the console shows it")
    assert bench.conductor.run.exceptions == ({"what": "one.a", "why": "the console shows it", "who": "Robin"},)
    assert bench.outcome == "PASS_WITH_ISSUES"


async def test_without_a_reason_nothing_is_attested_and_the_step_is_looked_at_again() -> None:
    operator = ScriptedOperator({"decide one.a": [attest("  "), abort()]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(unknown())))), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["INCONCLUSIVE", "INCONCLUSIVE"]
    assert bench.conductor.run.exceptions == ()


@pytest.mark.parametrize(
    ("observed", "attestable"), [(wrong(), True), (wrong(), False), (unknown(), False)], ids=["fail", "both", "never"]
)
async def test_a_failure_and_a_step_that_only_proof_can_pass_are_never_attested(
    observed: Observation, *, attestable: bool
) -> None:
    operator = ScriptedOperator({"decide one.a": [attest("trust me"), abort()]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(observed), attestable=attestable))), operator)
    await bench.walk()
    assert Act.ATTEST not in operator.questions("decide one.a")[0].options
    assert bench.conductor.run.exceptions == ()
    assert not bench.conductor.run.satisfied("one.a")


async def test_after_a_hard_stop_the_run_can_only_be_ended() -> None:
    operator = ScriptedOperator({"decide two.a": [RETRY, back("one"), attest("it is fine"), abort("it acts")]})
    bench = Bench(
        procedure(stage(1, "one"), stage(2, "two", check("two.a", stopping)), stage(3, "three")),
        operator,
    )
    await bench.walk()
    asked = operator.questions("decide two.a")
    assert [ask.options for ask in asked] == [(Act.ABORT,)] * 4
    assert asked[0].observed == "HARD STOP: it acts on production"
    assert (bench.conductor.run.opened, bench.conductor.run.aborted) == (("one",), "it acts")
    assert bench.outcome == "FAIL"


async def test_a_hard_stop_is_not_walked_past_by_what_failed_beside_it() -> None:
    """Two checks of one batch: the other's dialogue would offer to go back, and void the hard stop unseen."""
    stage_one = stage(1, "one", check("one.a", saying(wrong())), check("one.b", stopping), check("one.c"))
    operator = ScriptedOperator({"decide one.a": [back("one")], "decide one.b": [abort("it acts")]})
    bench = Bench(procedure(stage_one), operator)
    await bench.walk()
    assert operator.questions("decide one.a") == []
    assert [ask.options for ask in operator.questions("decide one.b")] == [(Act.ABORT,)]
    assert (bench.conductor.run.stopped, bench.conductor.run.aborted, bench.outcome) == ("one.b", "it acts", "FAIL")


async def test_a_hard_stop_outlives_the_process_that_found_it() -> None:
    found = procedure(stage(1, "one", check("one.a", stopping)), stage(2, "two"))

    def gone(_: object) -> None:
        raise OperatorGone("killed while the dialogue was open")

    first = Bench(found, ScriptedOperator({"decide one.a": [gone]}))
    with pytest.raises(OperatorGone):
        await first.walk()
    fine = procedure(stage(1, "one", check("one.a")), stage(2, "two"))
    operator = ScriptedOperator({"decide one.a": [abort("it acted")]})
    later = Bench(fine, operator, past=first.recorder.events)
    await later.conductor.resume()
    assert [ask.options for ask in operator.questions("decide one.a")] == [(Act.ABORT,)]
    assert (later.recorder.verdicts("one.a"), later.outcome) == (["FAIL"], "FAIL")


async def test_a_hard_stop_at_a_checkpoint_is_not_attempted_again() -> None:
    looks = iter([True, False])

    async def look(_: object) -> Observation:
        return seen() if next(looks, True) else await stopping(_)

    bench = Bench(
        procedure(stage(1, "one", check("one.a", look))),
        ScriptedOperator({"gate one": [OPEN], "decide one.a": [abort("it acts")]}),
        freshness_s=0,
    )
    await bench.walk()
    assert (bench.recorder.verdicts("one.a"), bench.outcome) == (["PASS", "FAIL"], "FAIL")
    assert bench.conductor.run.opened == ()


async def stopping(_: object) -> Observation:
    raise HardStop("it acts on production", fix="Stop it.", source="itself")


async def test_a_statement_is_attested_by_its_reason_and_is_no_exception() -> None:
    operator = ScriptedOperator({"attest one.a": ["", "I walked over and looked"], "decide one.a": [RETRY]})
    bench = Bench(procedure(stage(1, "one", attestation("one.a"))), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["INCONCLUSIVE", "ATTESTED"]
    assert (bench.conductor.run.exceptions, bench.outcome) == ((), "PASS")


async def test_nothing_about_a_checkpoint_can_be_attested() -> None:
    operator = ScriptedOperator({"gate one": [attest("let me through"), abort()]})
    bench = Bench(procedure(stage(1, "one")), operator)
    await bench.walk()
    assert bench.conductor.run.opened == ()
    assert bench.outcome == "ABORTED"


async def test_a_cable_pulled_after_a_failure_does_not_make_it_attestable() -> None:
    operator = ScriptedOperator({"decide one.a": [RETRY, abort()]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(wrong(), unknown())))), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["FAIL", "INCONCLUSIVE"]
    assert [Act.ATTEST in ask.options for ask in operator.questions("decide one.a")] == [False, False]


# -- going back ---------------------------------------------------------------------------------------------------
async def test_going_back_voids_that_stage_and_what_follows_and_nothing_before() -> None:
    bench = three_stages()
    bench.operator._script["gate three"] = [back("two", "the vault restarted")]
    await bench.walk()
    assert [bench.recorder.verdicts(step) for step in ("one.only", "two.a", "two.b", "three.only")] == [
        ["PASS"],
        ["PASS", "PASS"],
        ["PASS", "PASS"],
        ["PASS", "PASS"],
    ]
    assert bench.conductor.run.opened == ("one", "two", "three")
    assert bench.outcome == "PASS"


async def test_going_back_to_a_step_keeps_the_steps_before_it() -> None:
    bench = three_stages()
    bench.operator._script["gate three"] = [back("two.b")]
    await bench.walk()
    assert bench.recorder.verdicts("two.a") == ["PASS"]
    assert bench.recorder.verdicts("two.b") == ["PASS", "PASS"]


async def test_going_back_to_the_same_stage_is_going_back_too() -> None:
    bench = three_stages()
    bench.operator._script["gate two"] = [back("two")]
    await bench.walk()
    assert bench.recorder.verdicts("two.a") == ["PASS", "PASS"]
    assert bench.outcome == "PASS"


@pytest.mark.parametrize(("to", "reason"), [("one", " "), ("three", "ahead"), ("closeout", "the end"), ("", "where")])
async def test_going_back_needs_a_reason_and_leads_back(to: str, reason: str) -> None:
    bench = three_stages()
    bench.operator._script["gate two"] = [back(to, reason)]
    await bench.walk()
    assert "back" not in [event.data["decision"] for event in bench.recorder.of(Kind.CHECKPOINT)]
    assert bench.recorder.verdicts("one.only") == ["PASS"]


async def test_the_reason_for_going_back_is_in_the_journal() -> None:
    bench = three_stages()
    bench.operator._script["gate two"] = [back("one", "the login ran out")]
    await bench.walk()
    (event,) = [event for event in bench.recorder.of(Kind.CHECKPOINT) if event.data["decision"] == "back"]
    assert (event.data["to"], event.data["reason"], event.data["by"]) == ("one", "the login ran out", "tester")


async def test_a_failed_step_can_be_left_behind_by_going_back() -> None:
    operator = ScriptedOperator({"decide two.a": [back("one")]})
    bench = Bench(procedure(stage(1, "one"), stage(2, "two", check("two.a", saying(wrong(), seen())))), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.only") == ["PASS", "PASS"]
    assert bench.outcome == "PASS"


# -- aborting -----------------------------------------------------------------------------------------------------
async def test_an_aborted_run_is_closed_all_the_same_and_ended_is_its_last_line() -> None:
    operator = ScriptedOperator({"gate one": [abort("fire alarm")]})
    bench = Bench(procedure(stage(1, "one"), stage(2, "two")), operator)
    await bench.walk()
    assert bench.conductor.run.aborted == "fire alarm"
    assert bench.recorder.verdicts("two.only") == []
    assert bench.recorder.verdicts("closeout.declare") == ["PASS"]
    assert bench.recorder.events[-1].kind is Kind.ENDED
    assert bench.outcome == "ABORTED"


async def test_aborting_on_a_failure_is_a_failure() -> None:
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(wrong())))))
    await bench.walk()
    assert bench.outcome == "FAIL"


async def test_aborting_without_a_verdict_is_inconclusive() -> None:
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(unknown())))))
    await bench.walk()
    assert bench.outcome == "INCONCLUSIVE"


async def test_a_run_that_was_aborted_and_killed_is_only_closed_when_it_is_resumed() -> None:
    first = Bench(procedure(stage(1, "one")), ScriptedOperator({"gate one": [abort()]}))
    await first.walk()
    cut = next(n for n, e in enumerate(first.recorder.events, 1) if e.data.get("decision") == "aborted")
    second = Bench(procedure(stage(1, "one")), past=first.recorder.events[:cut])
    run = await second.conductor.resume(by="test")
    assert second.operator.asked == []
    assert run.outcome == "ABORTED"


async def test_a_failing_check_of_the_closing_does_not_keep_a_run_from_ending() -> None:
    bench = Bench(procedure(stage(1, "one"), end=closing(check("closeout.criteria", saying(wrong())))))
    await bench.walk()
    assert bench.recorder.events[-1].kind is Kind.ENDED


async def test_open_is_not_a_way_past_a_failed_step() -> None:
    operator = ScriptedOperator({"decide one.a": [OPEN, OPEN, abort()]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(wrong())))), operator)
    await bench.walk()
    assert bench.conductor.run.opened == ()
    assert operator.questions("gate one") == []
