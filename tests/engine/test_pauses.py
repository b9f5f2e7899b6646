"""A laptop that was shut, a clock that was set, a process that was held up: said, counted, and everything looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.objectives import criteria_time, recovery_time
from runbook.engine.pauses import Found, Reading, between
from runbook.engine.ports import Act, Decision
from runbook.engine.procedure import Lasting
from runbook.engine.run import replay
from runbook.engine.verdict import Observation
from tests.support.clock import FakeClock, HeldClock
from tests.support.operator import OPEN, ScriptedOperator, abort
from tests.support.tiny import Bench, action, check, closing, procedure, saying, seen, stage, unknown, wrong

AT = datetime(2027, 1, 15, 10, 0, tzinfo=UTC)


# -- what the clocks show -----------------------------------------------------------------------------------------
def found(*, wall_s: float, mono_s: float, asleep_s: float | None, held_up_s: float = 0.0) -> list[tuple[str, int]]:
    before = Reading(AT, 10**9, None if asleep_s is None else 100.0)
    asleep = None if asleep_s is None else 100.0 + asleep_s
    after = Reading(AT + timedelta(seconds=wall_s), int((1 + mono_s) * 10**9), asleep)
    return [(each.kind, each.seconds) for each in between(before, after, held_up_s)]


@pytest.mark.parametrize(
    ("clocks", "kinds"),
    [
        ({"wall_s": 1, "mono_s": 1, "asleep_s": 0}, []),
        ({"wall_s": 5.9, "mono_s": 1, "asleep_s": 0}, []),
        ({"wall_s": 2401, "mono_s": 1, "asleep_s": 2400}, [("suspended", 2400)]),
        ({"wall_s": 2401, "mono_s": 1, "asleep_s": None}, [("suspended", 2400)]),
        ({"wall_s": 86401, "mono_s": 1, "asleep_s": 0}, [("stepped", 86400)]),
        ({"wall_s": -86399, "mono_s": 1, "asleep_s": 0}, [("stepped", -86400)]),
        ({"wall_s": -86399, "mono_s": 1, "asleep_s": None}, [("stepped", -86400)]),
        ({"wall_s": 7, "mono_s": 7, "asleep_s": 0, "held_up_s": 6}, [("stopped", 6)]),
        ({"wall_s": 3001, "mono_s": 1, "asleep_s": 2400}, [("suspended", 2400), ("stepped", 600)]),
    ],
)
def test_wall_clock_monotonic_clock_and_sleep_tell_what_happened(
    clocks: dict[str, Any], kinds: list[tuple[str, int]]
) -> None:
    assert found(**clocks) == kinds


def test_a_machine_that_does_not_count_its_sleep_says_that_it_may_have_been_the_clock() -> None:
    (pause,) = between(Reading(AT, 0, None), Reading(AT + timedelta(seconds=2400), 0, None), 0)
    assert pause == Found("suspended", 2400, "this machine was suspended, or its clock set ahead, for 2,400 s")


# -- in a run -----------------------------------------------------------------------------------------------------
class Waiting:
    """A run of two stages that stands in a check of the second; `sees` is what the first one's heartbeat sees."""

    def __init__(self, *, tick_s: float | None = 1.0) -> None:
        self.clock = HeldClock()
        self.sees = seen()
        self.looks = 0
        self.takes_s = 0
        self.begun, self.end = asyncio.Event(), asyncio.Event()
        walked = procedure(stage(1, "one", heartbeat=self._feel), stage(2, "two", check("two.a", self._held)))
        self.bench = Bench(walked, clock=self.clock, tick_s=tick_s)

    async def _feel(self, _: Desk) -> Observation:
        self.looks += 1
        self.clock.advance(self.takes_s)
        return self.sees

    async def _held(self, _: Desk) -> Observation:
        self.begun.set()
        await self.end.wait()
        return seen()

    async def through(self, *happen: Callable[[], None]) -> list[Event]:
        """The events of the run in which these happen, one a tick."""
        run = asyncio.create_task(self.bench.walk())
        await self.begun.wait()
        for each in happen:
            await self.clock.asleep.wait()
            each()
            await self.clock.ring()
        self.end.set()
        await run
        return self.bench.recorder.events


def told(events: list[Event]) -> list[tuple[str, int]]:
    return [(e.data["pause"], e.data["seconds"]) for e in events if e.kind is Kind.HEARTBEAT and e.stage is None]


async def test_a_suspended_machine_is_said_and_its_sleep_is_in_the_recovery_time() -> None:
    waiting = Waiting()
    events = await waiting.through(lambda: waiting.clock.suspend(2400))
    assert told(events) == [("suspended", 2400)]
    (pause,) = waiting.bench.conductor.run.pauses
    assert (pause.kind, pause.seconds, pause.observed) == (
        "suspended",
        2400,
        "this machine was suspended for 2,400 s",
    )
    actual = recovery_time(waiting.bench.conductor.run, "two").actual_s
    assert actual is not None
    assert 2400 <= actual < 2410
    assert waiting.bench.conductor.run.times.shares_of("two").nobody == 2400
    assert waiting.bench.outcome == "PASS"


@pytest.mark.parametrize("seconds", [-86400, 86400], ids=["a day back", "a day ahead"])
async def test_a_clock_that_was_set_is_said_and_breaks_nothing(seconds: int) -> None:
    waiting = Waiting()
    events = await waiting.through(lambda: waiting.clock.step(seconds))
    assert told(events) == [("stepped", seconds)]
    run = waiting.bench.conductor.run
    assert replay(events) == run
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert min([*(span.length for span in run.times.spans)]) >= timedelta()
    times = [recovery_time(run, "two").actual_s, criteria_time(run, ("one.only", "two.a")).actual_s]
    assert all(actual is None or actual >= 0 for actual in times)
    assert waiting.bench.outcome == "PASS"


async def test_a_process_that_was_held_up_shows_as_a_gap_between_ticks() -> None:
    waiting = Waiting()
    assert told(await waiting.through(lambda: waiting.clock.advance(6))) == [("stopped", 6)]


async def test_ticks_on_time_say_nothing() -> None:
    waiting = Waiting()
    assert told(await waiting.through(*(lambda: None,) * 3)) == []


async def test_without_ticks_nothing_is_looked_for() -> None:
    waiting = Waiting(tick_s=None)
    waiting.end.set()
    waiting.clock.suspend(2400)
    await waiting.bench.walk()
    assert told(waiting.bench.recorder.events) == []


async def test_after_a_pause_every_open_layer_is_looked_at_at_once() -> None:
    waiting = Waiting()

    def wake_up_signed_out() -> None:
        waiting.clock.suspend(2400)
        waiting.sees = wrong("the session ended")
        waiting.looks = 0

    pulses: list[str] = []

    def look() -> None:
        pulses.append(waiting.bench.conductor.run.pulses["one"].observed)
        assert waiting.looks == 1
        waiting.sees = seen()

    await waiting.through(wake_up_signed_out, look, lambda: waiting.clock.suspend(60))
    assert pulses == ["the session ended"]


async def test_a_look_that_takes_its_time_is_no_pause() -> None:
    waiting = Waiting()

    def suspended_and_slow_since() -> None:
        waiting.clock.suspend(2400)
        waiting.takes_s = 12

    events = await waiting.through(suspended_and_slow_since, lambda: None)
    assert told(events) == [("suspended", 2400)]


async def test_in_the_closing_a_pause_is_said_and_no_layer_is_looked_at_any_more() -> None:
    clock = HeldClock()
    begun, end = asyncio.Event(), asyncio.Event()
    looks: list[str] = []

    async def feel(_: Desk) -> Observation:
        looks.append("one")
        return seen()

    async def clean_up(_: Desk) -> Observation:
        begun.set()
        await end.wait()
        return seen()

    end_stage = closing(action("closeout.cleanup", clean_up, asks=False))
    bench = Bench(procedure(stage(1, "one", heartbeat=feel), end=end_stage), clock=clock, tick_s=1.0)
    run = asyncio.create_task(bench.walk())
    await begun.wait()
    looks.clear()
    await clock.asleep.wait()
    clock.suspend(2400)
    await clock.ring()
    end.set()
    await run
    assert told(bench.recorder.events) == [("suspended", 2400)]
    assert looks == []
    assert bench.recorder.events[-1].kind is Kind.ENDED


async def test_a_journal_that_fails_at_a_pause_ends_the_walk_as_what_it_is() -> None:
    waiting = Waiting()
    append = waiting.bench.recorder.append

    def full(kind: Kind, /, **more: Any) -> Event:
        if kind is Kind.HEARTBEAT and more["stage"] is None:
            waiting.end.set()
            raise RecordFailed("disk full")
        return append(kind, **more)

    waiting.bench.recorder.append = full  # type: ignore[method-assign]  # the disk
    run = asyncio.create_task(waiting.bench.walk())
    await waiting.begun.wait()
    await waiting.clock.asleep.wait()
    waiting.clock.suspend(2400)
    waiting.clock._bell.set()
    with pytest.raises(RecordFailed, match="disk full"):
        await run


async def test_nothing_looks_at_the_clocks_once_the_run_is_over() -> None:
    waiting = Waiting()
    await waiting.through()
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "pauses"] == []


# -- what a wrong clock must not do -------------------------------------------------------------------------------
async def test_a_clock_set_back_between_question_and_answer_makes_no_negative_time() -> None:
    clock = FakeClock()

    def answer(_: Any) -> Any:
        clock.step(-86400)
        return OPEN

    bench = Bench(procedure(stage(1, "one")), ScriptedOperator({"gate one": [answer]}), clock=clock)
    await bench.walk()
    assert bench.conductor.run.human_s["one"] == 0
    assert bench.outcome == "PASS"


async def test_a_clock_set_back_between_crash_and_resume_makes_no_negative_waiting() -> None:
    first = Bench(procedure(stage(1, "one")))
    await first.walk()
    clock = FakeClock(AT - timedelta(days=1))
    second = Bench(procedure(stage(1, "one")), past=first.recorder.events[:3], clock=clock)
    run = await second.conductor.resume(by="test")
    assert run.times.shares_of("one").nobody == 0
    assert recovery_time(run, "one").actual_s is None
    assert recovery_time(run, "one", 60).met == "UNKNOWN"
    assert run.outcome == "PASS"


@pytest.mark.parametrize("seconds", [-86400, 86400])
async def test_what_was_seen_before_the_clock_was_set_is_looked_at_again_at_the_gate(seconds: int) -> None:
    clock, looks = FakeClock(), iter([seen(), seen("again")])

    async def look(_: Desk) -> Observation:
        return next(looks)

    def set_the_clock(_: Any) -> Any:
        clock.step(seconds)
        return OPEN

    bench = Bench(
        procedure(stage(1, "one", check("one.a", look))),
        ScriptedOperator({"gate one": [set_the_clock]}),
        clock=clock,
    )
    await bench.walk()
    assert [attempt.observed for attempt in bench.conductor.run.attempts if attempt.step == "one.a"] == [
        "fine",
        "again",
    ]


async def test_a_heavy_check_is_run_again_after_a_fall_though_the_clock_was_set_back() -> None:
    clock, looks, pulse = FakeClock(), 0, saying(wrong("sealed"), seen(), seen())

    async def heavy(_: Desk) -> Observation:
        nonlocal looks
        looks += 1
        clock.step(-3600 if looks == 1 else 0)
        return seen()

    one = stage(1, "one", check("one.a", heavy, lasting=Lasting.HEAVY), heartbeat=pulse)
    await Bench(procedure(one), ScriptedOperator({"gate one": [OPEN]}), clock=clock).walk()
    assert looks == 2


# -- a layer that was down a moment ago ---------------------------------------------------------------------------
class Light:
    """Stage 1's light, which a step of stage 2 reads: it was down when that step first looked, and is well since."""

    def __init__(self) -> None:
        self.sees = seen()
        self.read: list[bool] = []

    async def feel(self, _: Desk) -> Observation:
        return self.sees

    async def reads(self, desk: Desk) -> Observation:
        if not self.read:
            self.sees = unknown("no answer")
            await self.bench.conductor._watch.look_at_opened()
            self.sees = seen()
        self.read.append(desk.run.pulses["one"].alive)
        return seen() if self.read[-1] else replace(unknown("one is down"), signed_out="aws")

    def run(self, *decisions: Any, **more: Any) -> Bench:
        signs_in = check("one.in", signs_in="aws")
        two = stage(2, "two", check("two.a", self.reads))
        walked = procedure(stage(1, "one", signs_in, heartbeat=self.feel), two)
        self.bench = Bench(walked, ScriptedOperator({"decide two.a": [*decisions, abort()]}), **more)
        return self.bench


@pytest.mark.parametrize("act", [Act.RETRY, Act.SIGN_IN])
async def test_a_layer_that_was_down_is_looked_at_before_a_step_is_tried_again(act: Act) -> None:
    """Else the step would read a light that is up to half a minute old."""
    light = Light()
    await light.run(Decision(act)).walk()
    assert light.read == [False, True]
    assert light.bench.outcome == "PASS"


async def test_a_layer_that_was_down_when_the_process_ended_is_looked_at_first_when_the_run_is_resumed() -> None:
    first = Light()
    await first.run().walk()
    cut = next(n for n, event in enumerate(first.bench.recorder.events, 1) if not event.data.get("alive", True))
    later = Light()
    later.read.append(False)
    await later.run(past=first.bench.recorder.events[:cut], clock=first.bench.clock).conductor.resume(by="test")
    assert later.read == [False, True]
