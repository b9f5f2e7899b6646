"""Checkpoints: what they ask for again before they open, and what keeps them shut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.errors import NoVerdict, RecordFailed, Refused
from runbook.engine.events import Kind
from runbook.engine.procedure import Lasting
from runbook.engine.verdict import Observation
from tests.support.clock import FakeClock, HeldClock
from tests.support.operator import OPEN, RETRY, ScriptedOperator, abort
from tests.support.tiny import Bench, check, procedure, raising, saying, seen, stage, unknown, wrong


class Layer:
    """A layer that a test can fell and mend; `looks` counts how often it was looked at."""

    def __init__(self) -> None:
        self.well = True
        self.looks = 0

    async def look(self, _: Desk) -> Observation:
        self.looks += 1
        return seen("it answers") if self.well else wrong("it is sealed")

    def falls(self, then: Any) -> Any:
        """An operator's answer, given just after the layer fell."""
        return self._turns(well=False, then=then)

    def mends(self, then: Any) -> Any:
        return self._turns(well=True, then=then)

    def _turns(self, *, well: bool, then: Any) -> Any:
        def answer(_: Any) -> Any:
            self.well = well
            return then

        return answer


# -- the order ----------------------------------------------------------------------------------------------------
async def test_a_stage_cannot_begin_before_the_one_before_it_is_open() -> None:
    bench = Bench(procedure(stage(1, "one"), stage(2, "two")))
    with pytest.raises(Refused, match="stage 2 \\(Two\\) cannot begin before the checkpoint of stage 1 \\(One\\)"):
        await bench.conductor.perform_stage("two")
    assert bench.recorder.events == []


async def test_a_stage_that_is_open_is_gone_back_to_with_a_reason_only() -> None:
    bench = Bench(procedure(stage(1, "one"), stage(2, "two")))
    await bench.conductor.perform_stage("one")
    with pytest.raises(Refused, match="going back to it needs a reason"):
        await bench.conductor.perform_stage("one")


async def test_an_ended_run_does_nothing_more() -> None:
    bench = Bench(procedure(stage(1, "one")), ScriptedOperator({"gate one": [abort()]}))
    await bench.walk()
    with pytest.raises(Refused, match="ended with ABORTED"):
        await bench.conductor.perform_stage("one")


async def test_a_refusal_names_the_first_step_that_is_missing() -> None:
    bench = Bench(procedure(stage(1, "one"), stage(2, "two")))
    assert bench.conductor.refusal("one") == "one.only was not done yet: one.only holds"
    assert "cannot begin" in (bench.conductor.refusal("two") or "")


@pytest.mark.parametrize(("observed", "word"), [(wrong(), "failed"), (unknown(), "came to no verdict")])
async def test_a_refusal_says_what_was_observed(observed: Observation, word: str) -> None:
    sentences: list[str | None] = []

    def stop(_: Any) -> Any:
        sentences.append(bench.conductor.refusal("one"))
        return abort()

    operator = ScriptedOperator({"decide one.a": [stop]})
    bench = Bench(procedure(stage(1, "one", check("one.a", saying(observed)))), operator)
    await bench.walk()
    assert sentences == [f"one.a {word}: {observed.observed}"]


# -- looked at again ----------------------------------------------------------------------------------------------
async def looks_after(seconds: float, lasting: Lasting, freshness_s: float = 300) -> int:
    layer, clock = Layer(), FakeClock()

    def later(_: Any) -> Any:
        clock.advance(seconds)
        return OPEN

    operator = ScriptedOperator({"gate one": [later]})
    walked = procedure(stage(1, "one", check("one.a", layer.look, lasting=lasting)))
    await Bench(walked, operator, clock=clock, freshness_s=freshness_s).walk()
    return layer.looks


@pytest.mark.parametrize(
    ("seconds", "lasting", "looks"),
    [
        (200, Lasting.STANDING, 1),
        (400, Lasting.STANDING, 2),
        (86400, Lasting.MOMENT, 1),
        (86400, Lasting.HEAVY, 1),
    ],
)
async def test_only_standing_checks_go_stale(seconds: float, lasting: Lasting, looks: int) -> None:
    assert await looks_after(seconds, lasting) == looks


async def test_a_stale_check_that_fails_now_keeps_the_gate_shut_and_is_asked_about() -> None:
    layer, clock = Layer(), FakeClock()

    def much_later(_: Any) -> Any:
        clock.advance(1000)
        layer.well = False
        return OPEN

    operator = ScriptedOperator({"gate one": [much_later], "decide one.a": [abort()]})
    bench = Bench(procedure(stage(1, "one", check("one.a", layer.look))), operator, clock=clock)
    await bench.walk()
    assert bench.conductor.run.refusals == ("one.a failed: it is sealed",)
    assert bench.conductor.run.opened == ()
    assert bench.outcome == "FAIL"


async def test_a_heartbeat_that_could_not_be_asked_does_not_repeat_hours_of_work() -> None:
    heavy = Layer()
    silent = iter([True])

    async def pulse(_: Desk) -> Observation:
        if next(silent, False):
            raise NoVerdict("AWS asks for fewer calls", source="test")
        return seen()

    operator = ScriptedOperator({"gate one": [RETRY, OPEN]})
    one = stage(1, "one", check("one.a", heavy.look, lasting=Lasting.HEAVY), heartbeat=pulse)
    bench = Bench(procedure(one), operator)
    await bench.walk()
    assert heavy.looks == 1
    assert bench.outcome == "PASS"


async def test_a_heavy_check_is_run_again_when_a_heartbeat_failed_since() -> None:
    pulse, heavy = Layer(), Layer()
    operator = ScriptedOperator({"gate one": [pulse.falls(RETRY), pulse.mends(OPEN)]})
    one = stage(1, "one", check("one.a", heavy.look, lasting=Lasting.HEAVY), heartbeat=pulse.look)
    bench = Bench(procedure(one), operator)
    await bench.walk()
    assert heavy.looks == 2
    assert bench.outcome == "PASS"


async def test_a_negative_control_is_not_repeated_even_after_a_fall() -> None:
    pulse, control = Layer(), Layer()
    operator = ScriptedOperator({"gate one": [pulse.falls(RETRY), pulse.mends(OPEN)]})
    one = stage(1, "one", check("one.a", control.look, lasting=Lasting.MOMENT), heartbeat=pulse.look)
    await Bench(procedure(one), operator).walk()
    assert control.looks == 1


async def test_what_stands_beside_a_heartbeat_is_looked_at_whenever_the_gate_opens() -> None:
    companion = Layer()
    operator = ScriptedOperator({"gate one": [companion.falls(OPEN)]})
    bench = Bench(procedure(stage(1, "one", at_opening=(companion.look,))), operator)
    await bench.walk()
    assert bench.conductor.run.refusals == ("stage 1 (One) fell: it is sealed",)


# -- fallen layers ------------------------------------------------------------------------------------------------
async def test_a_layer_that_fell_while_the_run_waited_keeps_the_gate_shut_and_is_named() -> None:
    layer = Layer()
    operator = ScriptedOperator({"gate two": [layer.falls(OPEN)]})
    bench = Bench(procedure(stage(1, "one", heartbeat=layer.look), stage(2, "two")), operator)
    await bench.walk()
    assert operator.questions("gate two")[-1].refusal == "stage 1 (One) fell: it is sealed"
    assert bench.conductor.run.opened == ("one",)
    assert bench.outcome == "FAIL"


async def test_a_layer_that_stands_again_lets_the_gate_open() -> None:
    layer = Layer()
    operator = ScriptedOperator({"gate two": [layer.falls(OPEN), layer.mends(OPEN)]})
    bench = Bench(procedure(stage(1, "one", heartbeat=layer.look), stage(2, "two")), operator)
    await bench.walk()
    assert bench.outcome == "PASS"
    refused = [
        event.data["reason"] for event in bench.recorder.of(Kind.CHECKPOINT) if event.data["decision"] == "refused"
    ]
    assert refused == ["stage 1 (One) fell: it is sealed"]


async def test_looking_again_never_opens() -> None:
    operator = ScriptedOperator({"gate one": [RETRY, RETRY, abort()]})
    bench = Bench(procedure(stage(1, "one")), operator)
    await bench.walk()
    assert bench.conductor.run.opened == ()


@pytest.mark.parametrize("error", [NoVerdict("the network is down"), ValueError("s3cret")])
async def test_a_heartbeat_that_cannot_be_felt_is_a_fall(error: Exception) -> None:
    """It keeps the gate shut; and since nobody knows whether the layer failed, there is no verdict about it."""
    bench = Bench(procedure(stage(1, "one", heartbeat=raising(error))))
    await bench.walk()
    assert bench.conductor.run.opened == ()
    assert bench.outcome == "INCONCLUSIVE"
    assert "s3cret" not in str(bench.recorder.events)


async def test_the_gate_says_what_the_next_stage_will_touch() -> None:
    operator = ScriptedOperator()
    await Bench(procedure(stage(1, "one"), stage(2, "two")), operator).walk()
    one, two = operator.questions("gate one")[0], operator.questions("gate two")[0]
    assert (one.next_title, one.next_touches) == ("Two", "what two touches")
    assert (two.next_title, two.next_touches) == (None, "what closeout touches")


# -- in the background --------------------------------------------------------------------------------------------
class Held:
    """A check that is under way until the test lets it end."""

    def __init__(self) -> None:
        self.begun, self.end = asyncio.Event(), asyncio.Event()

    async def look(self, _: Desk) -> Observation:
        self.begun.set()
        await self.end.wait()
        return seen()


async def test_open_stages_are_watched_in_the_background_and_a_fall_is_known_before_anybody_asks() -> None:
    layer, clock, held = Layer(), HeldClock(), Held()
    walked = procedure(stage(1, "one", heartbeat=layer.look), stage(2, "two", check("two.a", held.look)))
    bench = Bench(walked, clock=clock, heartbeat_s=30)
    run = asyncio.create_task(bench.walk())
    await held.begun.wait()
    layer.well = False
    await clock.ring()
    assert bench.conductor.run.pulses["one"].observed == "it is sealed"
    layer.well = True
    await clock.ring()
    assert bench.conductor.run.pulses["one"].alive
    held.end.set()
    await run
    assert bench.outcome == "PASS"


async def test_a_stage_that_is_not_open_is_not_watched_in_the_background() -> None:
    layer, clock, held = Layer(), HeldClock(), Held()
    one = stage(1, "one", check("one.a", held.look), heartbeat=layer.look)
    run = asyncio.create_task(Bench(procedure(one), clock=clock, heartbeat_s=30).walk())
    await held.begun.wait()
    await clock.ring()
    assert layer.looks == 0
    held.end.set()
    await run
    assert layer.looks > 0


async def test_a_journal_that_fails_under_a_heartbeat_ends_the_walk_as_what_it_is() -> None:
    bench = Bench(procedure(stage(1, "one", heartbeat=raising(RecordFailed("disk full")))))
    with pytest.raises(RecordFailed, match="disk full"):
        await bench.walk()


async def test_no_heartbeat_outlives_its_run() -> None:
    clock = HeldClock()
    await Bench(procedure(stage(1, "one")), clock=clock, heartbeat_s=30).walk()
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "heartbeats"] == []
