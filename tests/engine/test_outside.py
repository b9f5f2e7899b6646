"""What the conductor is told from outside the run: obstacles, a mirror of the journal, a changed configuration."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.events import Kind
from runbook.engine.procedure import Action
from runbook.engine.run import LedgerEntry, replay
from runbook.engine.verdict import Observation
from tests.support.operator import OPEN, RETRY, ScriptedOperator, abort
from tests.support.tiny import Bench, action, check, closing, procedure, seen, stage

CHANGED = "runbook.toml was changed while the run went on: [staging.database] instance_class"


class Obstacle:
    """Something outside the run; `sentence` is what it says now."""

    def __init__(self, sentence: str | None = CHANGED) -> None:
        self.sentence = sentence
        self.asked = 0

    async def __call__(self) -> str | None:
        self.asked += 1
        return self.sentence

    def comes(self, then: Any) -> Any:
        return self._turns(CHANGED, then)

    def goes(self, then: Any) -> Any:
        return self._turns(None, then)

    def _turns(self, sentence: str | None, then: Any) -> Any:
        def answer(_: Any) -> Any:
            self.sentence = sentence
            return then

        return answer


# -- obstacles ----------------------------------------------------------------------------------------------------
async def test_an_obstacle_keeps_the_gate_shut_in_its_own_words() -> None:
    obstacle = Obstacle()
    operator = ScriptedOperator({"gate one": [OPEN, abort()]})
    bench = Bench(procedure(stage(1, "one")), operator, obstacle=obstacle)
    sentences: list[str | None] = []
    bench.conductor.subscribe(lambda _: sentences.append(bench.conductor.refusal("one")))
    await bench.walk()
    assert [gate.refusal for gate in operator.questions("gate one")] == [CHANGED, CHANGED]
    assert bench.conductor.run.refusals == (CHANGED,)
    assert CHANGED in sentences
    assert (bench.conductor.run.opened, bench.outcome) == ((), "ABORTED")


async def test_an_obstacle_that_comes_while_the_gate_is_read_is_met_when_it_is_tried() -> None:
    obstacle = Obstacle(None)
    operator = ScriptedOperator({"gate one": [obstacle.comes(OPEN), obstacle.goes(OPEN)]})
    bench = Bench(procedure(stage(1, "one")), operator, obstacle=obstacle)
    await bench.walk()
    assert bench.conductor.run.refusals == (CHANGED,)
    assert bench.outcome == "PASS"


async def test_looking_again_sees_that_an_obstacle_is_gone() -> None:
    obstacle = Obstacle()
    operator = ScriptedOperator({"gate one": [obstacle.goes(RETRY), OPEN]})
    bench = Bench(procedure(stage(1, "one")), operator, obstacle=obstacle)
    await bench.walk()
    assert [gate.refusal for gate in operator.questions("gate one")] == [CHANGED, None]
    assert bench.outcome == "PASS"


async def test_what_the_run_itself_lacks_is_named_before_any_obstacle() -> None:
    bench = Bench(procedure(stage(1, "one")), obstacle=Obstacle())
    assert bench.conductor.refusal("one") == "one.only was not done yet: one.only holds"


async def test_a_resumed_run_knows_of_an_obstacle_before_anything_is_attempted() -> None:
    first = Bench(procedure(stage(1, "one")), ScriptedOperator({"gate one": [abort()]}))
    await first.walk()
    cut = next(n for n, event in enumerate(first.recorder.events) if event.kind is Kind.ASKED)
    obstacle = Obstacle()
    operator = ScriptedOperator({"gate one": [abort()]})
    later = Bench(procedure(stage(1, "one")), operator, past=first.recorder.events[:cut], obstacle=obstacle)
    known: list[str | None] = []
    later.conductor.subscribe(lambda _: known.append(later.conductor.refusal("one")))
    await later.conductor.resume(by="test")
    assert known[1] == CHANGED  # the first is the line that says that it was resumed
    assert operator.questions("gate one")[0].refusal == CHANGED


# -- the journal's mirror -----------------------------------------------------------------------------------------
async def test_a_permit_is_given_once_the_intent_is_wherever_the_journal_is_kept() -> None:
    log: list[str] = []

    async def settle() -> None:
        log.append(f"settled {bench.recorder.events[-1].kind}")

    async def perform(desk: Desk) -> Observation:
        await desk.intend("create", "thing")
        log.append("created")
        return seen()

    bench = Bench(procedure(stage(1, "one", action("one.a", perform))), settle=settle)
    await bench.walk()
    assert log == ["settled intent", "created"]


async def test_a_mirror_that_cannot_be_written_gives_no_permit() -> None:
    from runbook.engine.errors import RecordFailed

    made: list[str] = []

    async def settle() -> None:
        raise RecordFailed("the evidence bucket does not answer")

    async def perform(desk: Desk) -> Observation:
        await desk.intend("create", "thing")
        made.append("thing")
        return seen()

    bench = Bench(procedure(stage(1, "one", action("one.a", perform))), settle=settle)
    with pytest.raises(RecordFailed, match="evidence bucket"):
        await bench.walk()
    assert made == []


# -- a changed configuration --------------------------------------------------------------------------------------
async def killed_at_gate(stage_id: str) -> tuple[Bench, list[Any]]:
    bench = Bench(procedure(stage(1, "one"), stage(2, "two"), stage(3, "three")))
    await bench.walk()
    events = bench.recorder.events
    cut = next(n for n, event in enumerate(events) if event.kind is Kind.ASKED and event.stage == stage_id)
    return bench, events[:cut]


async def test_a_changed_configuration_voids_what_was_seen_from_the_stage_that_reads_it_on() -> None:
    first, past = await killed_at_gate("three")
    later = Bench(first.conductor.procedure, past=past, clock=first.clock)
    run = await later.conductor.resume(by="test", void_from="two", why="instance_class was changed")
    assert [a.step for a in run.attempts if a.void] == ["two.only", "three.only"]
    (event,) = [e for e in later.recorder.of(Kind.CHECKPOINT) if e.data["decision"] == "back"]
    assert (event.data["to"], event.data["reason"], event.data["by"]) == (
        "two",
        "instance_class was changed",
        "resume",
    )
    assert later.recorder.verdicts("one.only") == ["PASS"]
    assert later.recorder.verdicts("two.only") == ["PASS", "PASS"]
    assert (run.opened, run.outcome) == (("one", "two", "three"), "PASS")
    assert replay(later.recorder.events) == run


async def test_with_all_stages_open_the_run_goes_back_too() -> None:
    bench, _ = await killed_at_gate("three")
    events = bench.recorder.events
    cut = next(n for n, event in enumerate(events) if event.stage == "closeout")
    later = Bench(bench.conductor.procedure, past=events[:cut], clock=bench.clock)
    run = await later.conductor.resume(by="test", void_from="three", why="changed")
    assert later.recorder.verdicts("three.only") == ["PASS", "PASS"]
    assert run.outcome == "PASS"


async def test_what_the_closing_has_begun_to_take_down_is_not_done_again() -> None:
    bench, _ = await killed_at_gate("three")
    events = bench.recorder.events
    cut = next(n for n, event in enumerate(events) if event.stage == "closeout") + 1
    later = Bench(bench.conductor.procedure, past=events[:cut], clock=bench.clock)
    run = await later.conductor.resume(by="test", void_from="three", why="changed")
    assert later.recorder.verdicts("three.only") == ["PASS"]
    assert run.outcome == "PASS"


# -- what is handed over ------------------------------------------------------------------------------------------
class Makes:
    """Makes two things; `keeps` says whether the closing hands them over."""

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self.undone: list[str] = []

    def bench(self) -> Bench:
        makes = action("one.makes", self._make, undo=self._undo, keeps=lambda _: self.keeps)
        helps = action("one.helps", self._help, undo=self._undo)
        assert isinstance(makes, Action)
        end = closing(action("closeout.cleanup", lambda desk: desk.undo_all(), asks=False))
        return Bench(procedure(stage(1, "one", makes, helps), end=end))

    async def _make(self, desk: Desk) -> Observation:
        await desk.intend("create", "db", creates=("database", "db-1"))
        return seen()

    async def _help(self, desk: Desk) -> Observation:
        await desk.intend("create", "folder", creates=("folder", "f-1"))
        return seen()

    async def _undo(self, _: Desk, entry: LedgerEntry) -> Observation:
        self.undone.append(entry.id)
        return seen("gone")


async def test_what_is_handed_over_is_said_and_not_undone_and_everything_else_is() -> None:
    makes = Makes(keeps=True)
    bench = makes.bench()
    await bench.walk()
    told = {e.data["id"]: (e.data["gone"], e.data.get("kept", False)) for e in bench.recorder.of(Kind.CLEANUP)}
    assert told == {"db-1": (False, True), "f-1": (True, False)}
    assert makes.undone == ["f-1"]
    run = bench.conductor.run
    assert run.open_ledger == ()
    assert [(entry.id, entry.kept is not None, entry.destroyed is not None) for entry in run.ledger] == [
        ("db-1", True, False),
        ("f-1", False, True),
    ]
    assert bench.outcome == "PASS"
    assert replay(bench.recorder.events) == run


async def test_where_nothing_is_handed_over_everything_is_undone() -> None:
    makes = Makes(keeps=False)
    await makes.bench().walk()
    assert makes.undone == ["f-1", "db-1"]


# -- a fix that names a step --------------------------------------------------------------------------------------
async def test_the_step_that_a_fix_names_can_be_gone_back_to_right_away() -> None:
    async def fails(_: Desk) -> Observation:
        return Observation.that(
            holds,
            expected="fine",
            observed="key 3 is missing",
            source="test",
            fix="Go back to one.b, or try two.a or two.z again.",
        )

    holds = False
    operator = ScriptedOperator({"decide two.a": [abort()]})
    walked = procedure(
        stage(1, "one", check("one.a"), check("one.b")), stage(2, "two", check("two.a", fails), check("two.b"))
    )
    await Bench(walked, operator).walk()
    assert operator.questions("decide two.a")[0].back_to == ("one", "one.b", "two")
