"""Taking an Action's changes back in mid-run: when it is offered, what becomes of the run, what cannot be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.errors import HardStop, LayerFailed, RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Act, Decision
from runbook.engine.procedure import Procedure
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Finding, Observation
from tests.support.clock import FakeClock
from tests.support.operator import OPEN, RETRY, ScriptedOperator, abort, back
from tests.support.recorder import Killed, MemoryRecorder
from tests.support.tiny import (
    Bench,
    action,
    check,
    closing,
    procedure,
    raising,
    saying,
    seen,
    stage,
    unknown,
    wrong,
)

RETREAT = "Close the doors again"
CLOSE = Decision(Act.CLOSE)
Script = dict[str, list[Any]]
NOT_AGAIN: Script = {"confirm two.doors": [True, False], "decide two.doors": [abort("enough")]}
"""Opened once; after they were closed the operator does not open them again, and ends the run."""
AT_GATE = (Act.OPEN, Act.RETRY, Act.CLOSE, Act.BACK, Act.ABORT)


class Doors:
    """Names that are open; `log` is what happened, in order.  A stubborn one is not shut, whatever is tried."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.open: list[str] = []
        self.log: list[str] = []
        self.stubborn: set[str] = set()

    async def find(self, _: Desk) -> Observation | None:
        return None if set(self.open) < set(self.names) else seen("all open")

    async def perform(self, desk: Desk) -> Observation:
        for name in (name for name in self.names if name not in self.open):
            await desk.intend("open", name, creates=("door", name))
            self.open.append(name)
            self.log.append(f"open {name}")
        return seen("opened")

    async def undo(self, desk: Desk, entry: LedgerEntry) -> Observation:
        await desk.intend("shut", entry.id)
        self.log.append(f"shut {entry.id}")
        if entry.id in self.stubborn:
            raise LayerFailed(f"{entry.id} is jammed", fix="push")
        self.open = [name for name in self.open if name != entry.id]
        return seen("shut")

    def walked(self, *after: Any) -> Procedure[Desk]:
        """Stage 1, then a stage that opens the doors and goes on with `after`; the closing undoes what is left."""
        opening = action("two.doors", self.perform, find=self.find, undo=self.undo, retreat=RETREAT)
        steps = (check("two.before"), opening, *(after or (check("two.after"),)))
        end = closing(action("closeout.cleanup", lambda desk: desk.undo_all(), asks=False))
        return procedure(stage(1, "one"), stage(2, "two", *steps), end=end)


def bench(doors: Doors, script: Script, *after: Any, **more: Any) -> Bench:
    return Bench(doors.walked(*after), ScriptedOperator(script), **more)


def done(of: Bench) -> list[str]:
    """The steps that were attempted, in order."""
    return [str(event.step) for event in of.recorder.of(Kind.RESULT)]


# -- when it is offered -------------------------------------------------------------------------------------------
async def test_it_is_offered_while_the_ledger_holds_such_a_change_and_not_before() -> None:
    doors = Doors("a")
    walked = procedure(
        stage(
            1,
            "one",
            check("one.before", saying(wrong(), seen())),
            action("one.doors", doors.perform, undo=doors.undo, retreat=RETREAT),
            check("one.after", saying(wrong(), seen())),
        ),
        stage(2, "two", check("two.later", saying(unknown(), seen()))),
    )
    script = {f"decide {step}": [RETRY] for step in ("one.before", "one.after", "two.later")}
    operator = ScriptedOperator(script)
    await Bench(walked, operator).walk()
    offered = {place: Act.CLOSE in ask.options for place, ask in operator.asked if place.startswith(("decide", "gate"))}
    assert offered == {
        "decide one.before": False,
        "decide one.after": True,
        "gate one": True,
        "decide two.later": True,  # from another stage
        "gate two": True,
    }
    told = [ask.retreat for place, ask in operator.asked if place.startswith(("decide", "gate"))]
    assert told == ["", *[RETREAT] * 4]


async def test_what_only_the_closing_undoes_is_not_offered() -> None:
    doors, operator = Doors("a"), ScriptedOperator()
    await Bench(procedure(stage(1, "one", action("one.doors", doors.perform, undo=doors.undo))), operator).walk()
    (gate,) = operator.questions("gate one")
    assert (Act.CLOSE in gate.options, gate.retreat) == (False, "")


async def test_an_action_that_found_everything_right_has_nothing_to_take_back() -> None:
    doors, operator = Doors("a"), ScriptedOperator()
    doors.open.append("a")
    await Bench(doors.walked(), operator).walk()
    assert Act.CLOSE not in operator.questions("gate two")[0].options


async def test_where_it_is_not_offered_it_does_nothing() -> None:
    doors = Doors("a")
    opening = action("one.doors", doors.perform, undo=doors.undo, retreat=RETREAT)
    steps = (check("one.before", saying(wrong(), seen())), opening)
    operator = ScriptedOperator({"decide one.before": [CLOSE], "gate zero": [CLOSE]})
    run = Bench(procedure(stage(1, "zero"), stage(2, "one", *steps)), operator)
    await run.walk()
    assert [len(operator.questions(place)) for place in ("decide one.before", "gate zero")] == [1, 2]
    assert run.recorder.verdicts("one.before") == ["FAIL", "PASS"]  # looked at again
    assert {event.data["decision"] for event in run.recorder.of(Kind.CHECKPOINT)} == {"opened"}
    assert doors.log == ["open a"]


async def test_after_a_hard_stop_the_doors_can_be_closed_and_the_run_ended_and_nothing_else() -> None:
    doors = Doors("a", "b")
    stop = check("two.after", raising(HardStop("it acts on production", fix="stop", source="itself")))
    run = bench(doors, {"decide two.after": [RETRY, CLOSE, abort("it acts")]}, stop)
    await run.walk()
    asked = run.operator.questions("decide two.after")
    assert [ask.options for ask in asked] == [(Act.CLOSE, Act.ABORT), (Act.CLOSE, Act.ABORT), (Act.ABORT,)]
    assert [ask.retreat for ask in asked] == [RETREAT, RETREAT, ""]
    assert (doors.open, doors.log[2:]) == ([], ["shut b", "shut a"])
    assert run.outcome == "FAIL"


async def test_doors_that_were_left_open_after_a_hard_stop_are_shut_by_the_closing() -> None:
    doors = Doors("a")
    stop = check("two.after", raising(HardStop("it acts on production", fix="stop", source="itself")))
    run = bench(doors, {"decide two.after": [abort("it acts")]}, stop)
    await run.walk()
    assert (doors.open, doors.log[1:], run.outcome) == ([], ["shut a"], "FAIL")


# -- what it does -------------------------------------------------------------------------------------------------
async def test_the_changes_are_undone_newest_first() -> None:
    doors = Doors("a", "b", "c")
    run = bench(doors, {"gate two": [CLOSE], **NOT_AGAIN})
    await run.walk()
    assert doors.log == ["open a", "open b", "open c", "shut c", "shut b", "shut a"]
    cleanups = [(event.stage, event.data["id"], event.data["gone"]) for event in run.recorder.of(Kind.CLEANUP)]
    assert cleanups == [("two", "c", True), ("two", "b", True), ("two", "a", True)]
    assert run.conductor.run.open_ledger == ()
    assert run.outcome == "ABORTED"


async def test_its_result_and_all_later_ones_become_void_and_those_before_it_stay() -> None:
    doors = Doors("a")
    run = bench(doors, {"gate two": [CLOSE]})
    await run.walk()
    assert done(run)[:6] == ["one.only", "two.before", "two.doors", "two.after", "two.doors", "two.after"]
    voided = [(attempt.step, attempt.void) for attempt in run.conductor.run.attempts[:4]]
    assert voided == [("one.only", False), ("two.before", False), ("two.doors", True), ("two.after", True)]
    (event,) = [event for event in run.recorder.of(Kind.CHECKPOINT) if event.data["decision"] == "back"]
    assert (event.data["to"], event.data["reason"], event.data["by"]) == ("two.doors", RETREAT, "tester")
    assert doors.log == ["open a", "shut a", "open a", "shut a"]
    assert run.outcome == "PASS"


async def test_a_reason_that_was_given_is_in_the_journal() -> None:
    run = bench(Doors("a"), {"gate two": [Decision(Act.CLOSE, "the canary changed")]})
    await run.walk()
    (event,) = [event for event in run.recorder.of(Kind.CHECKPOINT) if event.data["decision"] == "back"]
    assert event.data["reason"] == "the canary changed"
    answers = [event.data for event in run.recorder.of(Kind.ANSWERED) if event.data["answer"] == "close"]
    assert [(each["by"], each["reason"]) for each in answers] == [("tester", "the canary changed")]


async def test_after_a_failed_step_it_is_done_at_once_and_then_the_run_can_be_ended() -> None:
    doors = Doors("a", "b")
    run = bench(doors, {"decide two.after": [CLOSE], **NOT_AGAIN}, check("two.after", saying(wrong())))
    await run.walk()
    assert doors.log == ["open a", "open b", "shut b", "shut a"]
    shut = max(event.seq for event in run.recorder.of(Kind.CLEANUP))
    aborted = next(e.seq for e in run.recorder.of(Kind.CHECKPOINT) if e.data["decision"] == "aborted")
    assert shut < aborted
    assert run.outcome == "FAIL"  # what failed did fail


async def test_an_open_checkpoint_is_shut_again_from_a_later_stage() -> None:
    doors = Doors("a")
    walked = procedure(
        stage(1, "one", action("one.doors", doors.perform, undo=doors.undo, retreat=RETREAT), check("one.after")),
        stage(2, "two", check("two.later", saying(unknown(), seen()))),
    )
    run = Bench(walked, ScriptedOperator({"decide two.later": [CLOSE]}))
    await run.walk()
    assert done(run)[:6] == ["one.doors", "one.after", "two.later", "one.doors", "one.after", "two.later"]
    opened = [event.stage for event in run.recorder.of(Kind.CHECKPOINT) if event.data["decision"] == "opened"]
    assert opened == ["one", "one", "two"]
    assert run.conductor.run.opened == ("one", "two")


async def test_from_an_earlier_stage_the_doors_are_shut_and_that_stage_goes_on() -> None:
    """Gone back behind the Action: its result is void already, what it changed still stands."""
    doors = Doors("a")
    script: Script = {"gate two": [back("one", "the vault restarted")], "gate one": [OPEN, CLOSE, OPEN]}
    run = bench(doors, script)
    await run.walk()
    gates = run.operator.questions("gate one")
    assert [Act.CLOSE in gate.options for gate in gates] == [False, True, False]
    assert doors.log == ["open a", "shut a", "open a", "shut a"]
    assert run.recorder.verdicts("one.only") == ["PASS", "PASS"]
    assert run.outcome == "PASS"


async def test_at_the_checkpoint_it_stands_between_looking_again_and_going_back() -> None:
    run = bench(Doors("a"), {})
    await run.walk()
    assert run.operator.questions("gate two")[0].options == AT_GATE


async def test_in_the_failure_dialogue_it_stands_before_going_back() -> None:
    run = bench(Doors("a"), {"decide two.after": [RETRY]}, check("two.after", saying(unknown(), seen())))
    await run.walk()
    (ask,) = run.operator.questions("decide two.after")
    assert ask.options == (Act.RETRY, Act.ATTEST, Act.CLOSE, Act.BACK, Act.ABORT)


# -- what cannot be undone ----------------------------------------------------------------------------------------
async def test_what_cannot_be_undone_is_a_finding_and_goes_on_being_offered() -> None:
    doors = Doors("a", "b", "c")
    doors.stubborn.add("b")

    def mended(_: Any) -> Decision:
        doors.stubborn.clear()
        return CLOSE

    script: Script = {
        "gate two": [CLOSE],
        "confirm two.doors": [True, False, False],
        "decide two.doors": [mended, abort("enough")],
    }
    run = bench(doors, script)
    await run.walk()
    assert run.conductor.run.findings == (Finding(f"{RETREAT}: not done: 1 of 3 left: b (door): b is jammed", "major"),)
    first, second = run.operator.questions("decide two.doors")
    assert [(Act.CLOSE in ask.options, ask.retreat) for ask in (first, second)] == [(True, RETREAT), (False, "")]
    assert doors.log[3:] == ["shut c", "shut b", "shut a", "shut b"]
    assert (doors.open, run.conductor.run.open_ledger) == ([], ())


async def test_what_stays_changed_is_tried_by_the_closing_too_and_named_in_the_end() -> None:
    doors = Doors("a", "b")
    doors.stubborn.add("a")
    run = bench(doors, {"gate two": [CLOSE], **NOT_AGAIN})
    await run.walk()
    assert doors.log[2:] == ["shut b", "shut a", "shut a"]
    assert [entry.id for entry in run.conductor.run.open_ledger] == ["a"]
    findings = [finding.text for finding in run.conductor.run.findings]
    assert findings == [
        f"{RETREAT}: not done: 1 of 2 left: a (door): a is jammed",
        "not finished: 1 of 1 left: a (door): a is jammed",
    ]


# -- killed in between --------------------------------------------------------------------------------------------
CLOSING: Script = {"gate two": [CLOSE], **NOT_AGAIN}


async def _between() -> tuple[int, int]:
    """The numbers of the events that say that it was asked for, and that the last change was undone."""
    whole = bench(Doors("a", "b"), CLOSING)
    await whole.walk()
    asked = next(e.seq for e in whole.recorder.of(Kind.ANSWERED) if e.data["answer"] == "close")
    return asked, whole.recorder.of(Kind.CLEANUP)[1].seq


EVENTS = 6  # asked for; its result void; each of two doors: intent, cleanup


async def test_there_are_as_many_places_to_be_killed_at_as_are_tried_here() -> None:
    asked, done = await _between()
    assert done - asked + 1 == EVENTS


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", range(EVENTS))
async def test_killed_while_it_is_done_it_is_offered_again_and_finished(after: int, *, late: bool) -> None:
    asked, _ = await _between()
    doors, clock = Doors("a", "b"), FakeClock()
    killed = MemoryRecorder(clock, room=asked + after, late=late)
    with pytest.raises(Killed):
        await bench(doors, CLOSING, clock=clock, recorder=killed).walk()
    second = bench(doors, {**CLOSING, "confirm two.doors": [False]}, past=killed.events)
    await second.conductor.resume(by="test")
    assert (doors.open, second.conductor.run.open_ledger) == ([], ())
    assert [line for line in doors.log if line.startswith("open")] == ["open a", "open b"]
    assert doors.log.index("shut b") < doors.log.index("shut a")


async def test_a_result_that_says_open_never_outlives_the_first_change_that_is_undone() -> None:
    whole = bench(Doors("a", "b"), CLOSING)
    await whole.walk()
    void = next(e.seq for e in whole.recorder.of(Kind.CHECKPOINT) if e.data["decision"] == "back")
    assert void < whole.recorder.of(Kind.CLEANUP)[0].seq


async def test_many_that_cannot_be_undone_are_counted_and_each_is_in_the_journal() -> None:
    names = [f"door-{number}" for number in range(30)]
    doors = Doors(*names)
    doors.stubborn.update(names)
    run = bench(doors, {"gate two": [CLOSE], **NOT_AGAIN})
    await run.walk()
    (text,) = [finding.text for finding in run.conductor.run.findings if finding.text.startswith(RETREAT)]
    assert "30 of 30 left: door-29 (door)" in text
    assert text.endswith("; and 26 more")
    assert {event.data["name"] for event in run.recorder.of(Kind.CLEANUP)} == set(names)


async def test_what_cannot_be_announced_is_not_undone() -> None:
    """The disk is full when the intent is to be written: nothing is called."""
    asked, _ = await _between()
    doors, clock = Doors("a", "b"), FakeClock()

    class Full(MemoryRecorder):
        def append(self, kind: Kind, /, *, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Event:
            if len(self.events) >= asked:
                raise RecordFailed("the disk is full")
            return super().append(kind, stage=stage, step=step, data=data)

    with pytest.raises(RecordFailed):
        await bench(doors, CLOSING, clock=clock, recorder=Full(clock)).walk()
    assert (doors.open, doors.log) == (["a", "b"], ["open a", "open b"])
