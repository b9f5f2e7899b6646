"""How checks are run, and what becomes of everything that can go wrong in one."""

from __future__ import annotations

import asyncio

import pytest

from runbook.engine.desk import Desk
from runbook.engine.errors import LayerFailed, NoVerdict, RecordFailed, Refused
from runbook.engine.events import Kind
from runbook.engine.ports import Choice, Choose, Option
from runbook.engine.run import Attempt
from runbook.engine.verdict import Observation, Verdict
from tests.support.operator import RETRY, ScriptedOperator
from tests.support.tiny import (
    Bench,
    Look,
    action,
    check,
    procedure,
    question,
    raising,
    saying,
    seen,
    stage,
    unknown,
    wrong,
)


async def result_of(look: Look, **more: float) -> Attempt:
    bench = Bench(procedure(stage(1, "one", check("one.a", look, **more))))
    await bench.walk()
    last = bench.conductor.run.last("one.a")
    assert last is not None
    return last


async def test_neighbouring_checks_run_side_by_side() -> None:
    met = asyncio.Barrier(3)

    async def meets_the_others(_: Desk) -> Observation:
        await met.wait()  # alone it would wait for ever
        return seen()

    names = ("one.a", "one.b", "one.c")
    bench = Bench(procedure(stage(1, "one", *(check(name, meets_the_others, timeout=5) for name in names))))
    await bench.walk()
    assert bench.outcome == "PASS"


async def test_a_check_waits_for_those_it_comes_after() -> None:
    order: list[str] = []

    async def look(desk: Desk) -> Observation:
        order.append(desk.step)
        return seen()

    bench = Bench(
        procedure(
            stage(1, "one", check("one.a", look, after=("one.c",)), check("one.b", look), check("one.c", look)),
        )
    )
    await bench.walk()
    assert order == ["one.b", "one.c", "one.a"]


async def test_an_action_waits_for_every_check_before_it() -> None:
    order: list[str] = []

    async def look(desk: Desk) -> Observation:
        order.append(desk.step)
        return seen()

    steps = (
        check("one.a", look),
        check("one.b", look, after=("one.a",)),
        action("one.c", look),
        check("one.d", look),
    )
    await Bench(procedure(stage(1, "one", *steps))).walk()
    assert order == ["one.a", "one.b", "one.c", "one.d"]


async def test_a_check_that_does_not_answer_in_time_is_inconclusive() -> None:
    async def never(_: Desk) -> Observation:
        await asyncio.Event().wait()
        return seen()

    last = await result_of(never, timeout=0)
    assert last.verdict is Verdict.INCONCLUSIVE
    assert last.observed == "no answer within 0 s"


@pytest.mark.parametrize(
    ("error", "verdict", "said"),
    [
        (NoVerdict("the API is down"), Verdict.INCONCLUSIVE, "the API is down"),
        (LayerFailed("the backup is empty"), Verdict.FAIL, "the backup is empty"),
        (Refused("not on production"), Verdict.FAIL, "refused by a safety rule: not on production"),
    ],
)
async def test_an_error_with_a_meaning_becomes_its_verdict(error: Exception, verdict: Verdict, said: str) -> None:
    last = await result_of(raising(error))
    assert (last.verdict, last.observed) == (verdict, said)


@pytest.mark.parametrize("error", [LayerFailed("it is jammed"), NoVerdict("no answer"), ValueError("x")])
async def test_of_an_action_that_failed_its_aim_was_expected_and_not_its_title(error: Exception) -> None:
    step = action("one.a", raising(error))
    bench = Bench(procedure(stage(1, "one", step)))
    await bench.walk()
    last = bench.conductor.run.last("one.a")
    assert last is not None
    assert last.expected == step.aim != step.title


async def test_the_providers_own_words_the_fix_and_the_source_come_along() -> None:
    last = await result_of(raising(LayerFailed("no", fix="mend", provider_text="E42", source="api")))
    assert (last.fix, last.provider_text, last.source) == ("mend", "E42", "api")


@pytest.mark.parametrize("error", [ValueError("s3cret"), TimeoutError("s3cret"), KeyError("s3cret")])
async def test_a_defect_of_ours_is_inconclusive_and_its_text_stays_in_memory(error: Exception) -> None:
    bench = Bench(procedure(stage(1, "one", check("one.a", raising(error)))))
    await bench.walk()
    last = bench.conductor.run.last("one.a")
    assert last is not None
    assert last.verdict is Verdict.INCONCLUSIVE
    assert type(error).__name__ in last.observed
    assert "tiny.py:" in last.observed
    assert "s3cret" not in str(bench.recorder.events)


async def test_a_failing_journal_ends_the_walk_as_what_it_is() -> None:
    bench = Bench(procedure(stage(1, "one", check("one.a", raising(RecordFailed("disk full"))), check("one.b"))))
    with pytest.raises(RecordFailed, match="disk full"):
        await bench.walk()


async def test_retrying_is_a_new_attempt_and_the_last_one_counts() -> None:
    operator = ScriptedOperator({"decide one.a": [RETRY, RETRY]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(wrong(), unknown(), seen())))), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["FAIL", "INCONCLUSIVE", "PASS"]
    assert [attempt.number for attempt in bench.conductor.run.attempts if attempt.step == "one.a"] == [1, 2, 3]
    assert bench.outcome == "PASS"


async def test_what_passed_beside_a_failure_is_not_run_again() -> None:
    operator = ScriptedOperator({"decide one.b": [RETRY]})
    steps = (check("one.a"), check("one.b", saying(wrong(), seen())))
    bench = Bench(procedure(stage(1, "one", *steps)), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["PASS"]


async def test_every_failure_beside_another_is_asked_about() -> None:
    operator = ScriptedOperator({"decide one.a": [RETRY], "decide one.b": [RETRY]})
    steps = (check("one.a", saying(wrong(), seen())), check("one.b", saying(unknown(), seen())))
    bench = Bench(procedure(stage(1, "one", *steps)), operator)
    await bench.walk()
    assert [place for place, _ in operator.asked] == ["decide one.a", "decide one.b", "gate one"]


async def test_what_is_asked_after_a_failure_says_everything_that_is_known() -> None:
    operator = ScriptedOperator()
    await Bench(procedure(stage(1, "one", check("one.a", saying(wrong())))), operator).walk()
    (asked,) = operator.questions("decide one.a")
    assert (asked.expected, asked.observed, asked.fix, asked.why, asked.manual, asked.back_to) == (
        "fine",
        "broken",
        "mend it",
        "because",
        "look",
        ("one",),
    )


async def test_a_question_is_a_step_like_the_others() -> None:
    bench = Bench(procedure(stage(1, "one", question("one.a", saying(seen("the newest"))))))
    await bench.walk()
    assert bench.conductor.run.satisfied("one.a")


@pytest.mark.parametrize(("detail", "kept"), [("2026-11-25T03:00:00Z", {"detail": "2026-11-25T03:00:00Z"}), ("", {})])
async def test_a_choice_is_journalled_with_what_was_typed_with_it(detail: str, kept: dict[str, str]) -> None:
    asks = Choose("one.a", "Which?", ("id",), (Option("moment", ("at a moment",), detail="Moment, UTC"),), "")

    async def ask(desk: Desk) -> Observation:
        return seen((await desk.operator.choose(asks)).key)

    operator = ScriptedOperator({"choose one.a": [Choice("moment", "before it", detail)]})
    bench = Bench(procedure(stage(1, "one", question("one.a", ask))), operator)
    await bench.walk()
    answered = next(event for event in bench.recorder.of(Kind.ANSWERED) if event.step == "one.a")
    assert answered.data == {"answer": "moment", "by": "tester", "reason": "before it", **kept}
