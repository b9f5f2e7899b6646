"""Actions: asked before, announced before, found instead of repeated, and undone newest first."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.errors import LayerFailed, NoVerdict, Outdated, RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Act, AskSecret, Permit, Secret, SecretAnswer
from runbook.engine.procedure import Procedure, Repeat
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from tests.support.operator import RETRY, ScriptedOperator, abort
from tests.support.tiny import (
    DECLARED,
    Bench,
    Look,
    action,
    check,
    closing,
    procedure,
    question,
    raising,
    saying,
    seen,
    stage,
    unknown,
)


class World:
    """Things that exist; each call is written down with what the journal said when it was made."""

    def __init__(self) -> None:
        self.things: list[str] = []
        self.gone: list[str] = []
        self.stubborn: set[str] = set()
        self.permits: list[Permit] = []

    def maker(self, *names: str) -> Look:
        async def make(desk: Desk) -> Observation:
            for name in names:
                self.permits.append(await desk.intend("make", name, creates=("thing", name)))
                self.things.append(name)
            return seen()

        return make

    async def undo(self, _: Desk, entry: LedgerEntry) -> Observation:
        if entry.id in self.stubborn:
            raise LayerFailed(f"{entry.id} is protected")
        self.gone.append(entry.id)
        return seen("not found")


async def clean_up(desk: Desk) -> Observation:
    return await desk.undo_all()


def two_makers(world: World) -> Procedure[Desk]:
    steps = (
        action("one.a", world.maker("x", "y"), undo=world.undo),
        action("one.b", world.maker("z"), undo=world.undo),
    )
    return procedure(stage(1, "one", *steps), end=closing(action("closeout.cleanup", clean_up, asks=False)))


# -- asked before -------------------------------------------------------------------------------------------------
async def test_the_preview_is_shown_before_anything_is_done() -> None:
    world, operator = World(), ScriptedOperator({"confirm one.a": [lambda _: not world.things]})
    bench = Bench(procedure(stage(1, "one", action("one.a", world.maker("x"), undo=world.undo))), operator)
    await bench.walk()
    (asked,) = operator.questions("confirm one.a")
    assert (asked.preview.what, asked.preview.target) == ("do one.a", "the target")
    assert world.things == ["x"]


async def test_a_declined_action_does_nothing_and_can_be_agreed_to_later() -> None:
    world = World()
    declining: dict[str, Any] = {
        "confirm one.a": [False, True],
        "decide one.a": [lambda _: RETRY if not world.things else abort()],
    }
    bench = Bench(
        procedure(stage(1, "one", action("one.a", world.maker("x"), undo=world.undo))), ScriptedOperator(declining)
    )
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["INCONCLUSIVE", "PASS"]
    assert world.things == ["x"]


async def test_what_asks_by_itself_is_not_asked_about_twice() -> None:
    operator = ScriptedOperator()
    await Bench(procedure(stage(1, "one", action("one.a", asks=False))), operator).walk()
    assert operator.questions("confirm one.a") == []


# -- typed confirmation -------------------------------------------------------------------------------------------
LOOK_ALIKE = "pr\N{CYRILLIC SMALL LETTER O}duction"


@pytest.mark.parametrize("typed", ["Production", "production ", "production\n", LOOK_ALIKE])
async def test_a_name_that_is_not_typed_exactly_does_nothing(typed: str) -> None:
    world = World()
    operator = ScriptedOperator({"type one.a": [typed] * 3})
    walked = procedure(stage(1, "one", action("one.a", world.maker("x"), undo=world.undo)))
    await Bench(walked, operator, typed_target="production").walk()
    assert len(operator.questions("type one.a")) == 3
    assert world.things == []


async def test_the_third_try_may_be_the_right_one() -> None:
    world = World()
    operator = ScriptedOperator({"type one.a": ["staging", "Production", "production"]})
    walked = procedure(stage(1, "one", action("one.a", world.maker("x"), undo=world.undo)))
    await Bench(walked, operator, typed_target="production").walk()
    assert world.things == ["x"]


async def test_what_was_typed_wrongly_is_not_in_the_journal() -> None:
    operator = ScriptedOperator({"type one.a": ["my-password"] * 3})
    bench = Bench(procedure(stage(1, "one", action("one.a"))), operator, typed_target="production")
    await bench.walk()
    assert "my-password" not in str(bench.recorder.events)


# -- announced before ---------------------------------------------------------------------------------------------
async def test_the_intent_is_on_disk_before_the_call_is_made() -> None:
    announced: list[Kind] = []

    async def perform(desk: Desk) -> Observation:
        permit = await desk.intend("make", "x", creates=("thing", "x"))
        announced.append(bench.recorder.events[-1].kind)
        assert permit == Permit("run-1", "one.a", "make", "x")
        return seen()

    bench = Bench(procedure(stage(1, "one", action("one.a", perform))))
    await bench.walk()
    assert announced == [Kind.INTENT]


async def test_without_a_journal_there_is_no_permit_and_no_call() -> None:
    world = World()

    async def perform(desk: Desk) -> Observation:
        bench.recorder.append = full  # type: ignore[method-assign]  # the disk is full from now on
        return await world.maker("x")(desk)

    def full(*_: Any, **__: Any) -> Event:
        raise RecordFailed("no space left")

    bench = Bench(procedure(stage(1, "one", action("one.a", perform))))
    with pytest.raises(RecordFailed):
        await bench.walk()
    assert (world.things, world.permits) == ([], [])


async def test_a_secret_is_told_to_the_guard_before_anything_else_holds_it_and_is_never_said() -> None:
    guarded: list[Secret] = []

    async def ask(desk: Desk) -> Observation:
        answer = await desk.operator.secret(AskSecret(desk.step, "A share", ("Amara",)))
        assert guarded == [answer.secret]
        return seen()

    operator = ScriptedOperator({"secret one.a": [SecretAnswer(Secret("s3cret"), "Amara")]})
    bench = Bench(procedure(stage(1, "one", question("one.a", ask))), operator, guard=guarded.append)
    await bench.walk()
    assert bench.outcome == "PASS"
    assert "s3cret" not in str(bench.recorder.events)


# -- found instead of repeated ------------------------------------------------------------------------------------
async def test_what_is_found_is_adopted_and_nobody_is_asked() -> None:
    async def found(_: Desk) -> Observation | None:
        return seen("it is there")

    world, operator = World(), ScriptedOperator()
    bench = Bench(procedure(stage(1, "one", action("one.a", world.maker("x"), find=found))), operator)
    await bench.walk()
    last = bench.conductor.run.last("one.a")
    assert last is not None
    assert (last.adopted, world.things, operator.questions("confirm one.a")) == (True, [], [])


async def test_finding_comes_first_on_every_attempt() -> None:
    world = World()

    async def perform(desk: Desk) -> Observation:
        await world.maker("x")(desk)
        raise NoVerdict("the answer was lost")

    async def find(_: Desk) -> Observation | None:
        return seen() if world.things else None

    operator = ScriptedOperator({"decide one.a": [RETRY]})
    bench = Bench(procedure(stage(1, "one", action("one.a", perform, find=find, undo=world.undo))), operator)
    await bench.walk()
    assert bench.recorder.verdicts("one.a") == ["INCONCLUSIVE", "PASS"]
    assert world.things == ["x"]


# -- undone -------------------------------------------------------------------------------------------------------
async def test_the_ledger_is_undone_newest_first() -> None:
    world = World()
    bench = Bench(two_makers(world))
    await bench.walk()
    assert world.gone == ["z", "y", "x"]
    assert bench.outcome == "PASS"


async def test_what_changed_since_it_was_agreed_to_is_asked_again_and_never_attested() -> None:
    said = iter([Outdated("changed since it was shown", fix="Try again.")])

    async def perform(_: Desk) -> Observation:
        for error in said:
            raise error
        return seen()

    operator = ScriptedOperator({"decide one.a": [RETRY]})
    bench = Bench(procedure(stage(1, "one", action("one.a", perform))), operator)
    await bench.walk()
    assert Act.ATTEST not in operator.questions("decide one.a")[0].options
    assert len(operator.questions("confirm one.a")) == 2
    assert (bench.recorder.verdicts("one.a"), bench.outcome) == (["INCONCLUSIVE", "PASS"], "PASS")


async def test_what_cannot_be_undone_is_asked_about_and_named_in_the_end() -> None:
    world = World()
    world.stubborn.add("y")
    bench = Bench(two_makers(world))
    await bench.walk()
    assert world.gone == ["z", "x"]
    assert [entry.id for entry in bench.conductor.run.open_ledger] == ["y"]
    assert "1 of 3 left: y (thing): y is protected" in bench.conductor.run.findings[-1].text
    assert bench.outcome == "PASS_WITH_ISSUES"


async def test_cleanup_can_be_tried_again_and_then_undoes_only_what_is_left() -> None:
    world = World()
    world.stubborn.add("y")

    def released(_: Any) -> Any:
        world.stubborn.clear()
        return RETRY

    bench = Bench(two_makers(world), ScriptedOperator({"decide closeout.cleanup": [released]}))
    await bench.walk()
    assert world.gone == ["z", "x", "y"]
    assert bench.outcome == "PASS"


async def test_an_aborted_run_is_cleaned_up_too() -> None:
    world = World()
    bench = Bench(two_makers(world), ScriptedOperator({"gate one": [abort()]}))
    await bench.walk()
    assert world.gone == ["z", "y", "x"]


async def test_made_again_after_it_was_undone_it_stands_in_the_ledger_twice() -> None:
    world = World()

    async def perform(desk: Desk) -> Observation:
        await world.maker("x")(desk)
        await desk.undo_all()
        return await world.maker("x")(desk)

    bench = Bench(
        procedure(
            stage(1, "one", action("one.a", perform, undo=world.undo)),
            end=closing(action("closeout.cleanup", clean_up, asks=False)),
        )
    )
    await bench.walk()
    assert [entry.destroyed is not None for entry in bench.conductor.run.ledger] == [True, True]
    assert world.gone == ["x", "x"]


# -- obtained again after a resume --------------------------------------------------------------------------------
def with_a_sign_in(signed: list[str], **more: Any) -> Procedure[Desk]:
    async def sign_in(desk: Desk) -> Observation:
        signed.append(desk.step)
        return seen()

    signing = action("one.login", sign_in, repeat=Repeat.AGAIN, **more)
    return procedure(stage(1, "one", signing), stage(2, "two", check("two.a", saying(unknown()))))


async def resumed(signed: list[str], stop: str, **more: Any) -> Bench:
    """Walked until `stop` is asked, killed there, resumed."""
    first = Bench(with_a_sign_in([], **more))
    await first.conductor.declare(DECLARED)
    cut = next(n for n, e in enumerate(first.recorder.events, 1) if e.kind is Kind.STARTED and e.stage == stop)
    second = Bench(with_a_sign_in(signed, **more), past=first.recorder.events[:cut])
    await second.conductor.resume(by="test")
    return second


async def test_what_was_held_in_memory_is_obtained_again_without_asking() -> None:
    signed: list[str] = []
    bench = await resumed(signed, "two", regain=lambda _: True)
    assert signed == ["one.login"]
    assert bench.operator.questions("confirm one.login") == []


async def test_what_cannot_be_had_again_sends_the_run_back_to_it() -> None:
    """A later stage must not go on as if the sign-in were there, nor end on it without being asked."""
    first = Bench(with_a_sign_in([], regain=lambda _: True))
    await first.conductor.declare(DECLARED)
    cut = next(n for n, e in enumerate(first.recorder.events, 1) if e.kind is Kind.STARTED and e.stage == "two")
    lost = action("one.login", raising(NoVerdict("sealed")), repeat=Repeat.AGAIN, regain=lambda _: True)
    steps = stage(1, "one", lost), stage(2, "two", check("two.a", saying(unknown())))
    second = Bench(procedure(*steps), past=first.recorder.events[:cut])
    assert "one" in second.conductor.run.opened
    await second.conductor.resume(by="test")
    assert second.conductor.run.opened == ()
    assert len(second.operator.questions("decide one.login")) == 1


async def test_what_is_not_needed_any_more_is_not_obtained_again() -> None:
    signed: list[str] = []
    await resumed(signed, "two", regain=lambda _: False)
    assert signed == []


async def test_the_closing_needs_nothing_that_was_held_in_memory() -> None:
    signed: list[str] = []
    await resumed(signed, "closeout", regain=lambda _: True)
    assert signed == []


async def test_in_a_stage_that_is_not_open_yet_it_is_asked_for_again_as_if_new() -> None:
    signed: list[str] = []
    steps = (action("one.login", regain=lambda _: True), check("one.b"))
    first = Bench(procedure(stage(1, "one", *steps)))
    await first.walk()
    cut = next(n for n, e in enumerate(first.recorder.events, 1) if e.step == "one.b")
    second = Bench(procedure(stage(1, "one", *steps)), past=first.recorder.events[:cut])
    await second.conductor.resume(by="test")
    assert len(second.operator.questions("confirm one.login")) == 1
    assert second.outcome == "PASS"
    assert signed == []


async def test_what_is_had_again_on_its_own_leaves_the_results_after_it_standing() -> None:
    """Hours of comparing must not be repeated for the sake of a password."""
    steps = (action("one.login", regain=lambda _: True, regained_alone=True), check("one.b"), check("one.c"))
    first = Bench(procedure(stage(1, "one", *steps)))
    await first.walk()
    cut = next(n for n, e in enumerate(first.recorder.events, 1) if e.kind is Kind.CHECKPOINT)
    second = Bench(procedure(stage(1, "one", *steps)), past=first.recorder.events[: cut - 1])
    await second.conductor.resume(by="test")
    again = [attempt.step for attempt in second.conductor.run.attempts if attempt.number > 1]
    assert again == ["one.login"]
    assert second.operator.questions("confirm one.login") == []
    assert second.outcome == "PASS"
