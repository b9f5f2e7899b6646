"""The state of a run is a fold over its events: nothing is known that the journal does not say."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.engine.desk import Desk
from runbook.engine.events import Event, Said
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run, replay
from runbook.engine.verdict import Finding, Observation, Verdict
from tests.support.operator import OPEN, RETRY, ScriptedOperator, abort, attest, back
from tests.support.tiny import DECLARED, Bench, action, check, closing, procedure, saying, seen, stage, unknown, wrong

DECISIONS = st.sampled_from([RETRY, attest(), attest(""), back("one"), back("two.deed"), back("three"), abort(), OPEN])
OBSERVATIONS = st.sampled_from([seen(), wrong(), unknown(), Observation.not_needed("not here")])


CALM: list[list[Observation]] = [[], [], [], []]


def world(looks: list[list[Observation]]) -> Procedure[Desk]:
    """Three small stages; their checks and the first one's heartbeat see what is given, and are fine from then on."""

    async def made(desk: Desk) -> Observation:
        await desk.intend("make", "it", creates=("thing", f"{desk.step} {len(desk.run.ledger)}"), size=3)
        return Observation.passed(
            expected="made", observed="made", source="test", findings=(Finding("it was made"),), facts=(Finding("f"),)
        )

    async def undone(desk: Desk, entry: Any) -> Observation:
        return seen(f"{entry.id} is gone")

    async def all_undone(desk: Desk) -> Observation:
        return await desk.undo_all()

    one, two, three, beat = (saying(*observations, seen()) for observations in looks)
    return procedure(
        stage(1, "one", check("one.a", one), check("one.b"), heartbeat=beat),
        stage(2, "two", check("two.a", two), action("two.deed", made, undo=undone)),
        stage(3, "three", check("three.a", three)),
        end=closing(action("closeout.cleanup", all_undone)),
    )


async def walked(looks: list[list[Observation]], script: dict[str, list[Any]]) -> tuple[list[Event], list[Run]]:
    bench = Bench(world(looks), ScriptedOperator(script))
    states: list[Run] = []

    def heard(said: Said) -> None:
        if isinstance(said, Event):
            states.append(bench.conductor.run)

    bench.conductor.subscribe(heard)
    await bench.walk()
    return bench.recorder.events, states


@settings(max_examples=40, deadline=None)
@given(
    looks=st.lists(st.lists(OBSERVATIONS, max_size=3), min_size=4, max_size=4),
    decisions=st.lists(DECISIONS, max_size=6),
    gates=st.lists(DECISIONS, max_size=3),
)
def test_replaying_any_prefix_of_any_run_gives_the_state_of_that_moment(
    looks: list[list[Observation]], decisions: list[Any], gates: list[Any]
) -> None:
    script = {f"decide {name}.a": list(decisions) for name in ("one", "two", "three")}
    script |= {f"gate {name}": list(gates) for name in ("one", "two", "three")}
    events, states = asyncio.run(walked(looks, script))
    assert states[-1].outcome is not None
    for number, state in enumerate(states, start=1):
        assert replay(events[:number]) == state


async def test_a_resumed_conductor_begins_with_the_state_that_the_journal_tells() -> None:
    events, states = await walked(CALM, {})
    for number in (1, len(events) // 2, len(events)):
        assert Bench(world(CALM), past=events[:number]).conductor.run == states[number - 1]


async def test_the_ended_event_is_the_last_line() -> None:
    events, _ = await walked(CALM, {})
    assert [event.kind for event in events].count(events[-1].kind) == 1
    assert (events[0].data["run_id"], events[-1].data["outcome"]) == (DECLARED["run_id"], "PASS_WITH_ISSUES")


async def test_facts_are_read_back_as_what_they_were() -> None:
    events, _ = await walked(CALM, {})
    run = replay(events)
    assert run.fact(Finding) == Finding("f")
    assert run.fact(Observation) is None


async def test_what_was_made_is_in_the_ledger_before_it_exists_and_marked_when_it_is_gone() -> None:
    events, states = await walked(CALM, {})
    made = next(number for number, event in enumerate(events) if event.kind == "intent")
    assert [(e.kind, e.id, e.detail) for e in states[made].open_ledger] == [("thing", "two.deed 0", {"size": 3})]
    assert states[-1].open_ledger == ()
    assert states[-1].ledger[0].destroyed is not None


async def test_time_that_a_person_took_is_counted_for_the_stage_that_asked() -> None:
    def slowly(_: Any) -> Any:
        bench.clock.advance(90)  # type: ignore[attr-defined]  # the fake one
        return OPEN

    bench = Bench(procedure(stage(1, "one")), ScriptedOperator({"gate one": [slowly]}))
    await bench.walk()
    assert 90 <= bench.conductor.run.human_s["one"] < 91


async def test_time_between_a_crash_and_its_resume_is_waiting_and_not_work() -> None:
    first = Bench(procedure(stage(1, "one")))
    await first.walk()
    before = first.recorder.events[:4]
    first.clock.advance(3600)  # type: ignore[attr-defined]  # the fake one
    second = Bench(procedure(stage(1, "one")), past=before, clock=first.clock)
    run = await second.conductor.resume(by="test")
    assert run.resumes == 1
    assert 3600 <= run.times.shares_of("one").nobody < 3601


def test_only_three_verdicts_open_a_checkpoint() -> None:
    assert {v for v in Verdict if v.satisfies} == {Verdict.PASS, Verdict.NOT_NEEDED, Verdict.ATTESTED}
