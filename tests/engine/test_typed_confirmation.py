"""The target's name, typed exactly: what is only like it does nothing; three misses end the attempt, not the run."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.desk import Desk
from runbook.engine.events import Kind
from runbook.engine.ports import Act, Permit, typed_exactly
from runbook.engine.verdict import Observation
from tests.support import near_misses
from tests.support.operator import RETRY, ScriptedOperator, abort
from tests.support.tiny import Bench, action, check, procedure, seen, stage

NAME = "Practice Clinic"
OTHERS = ("staging", "practice", "Practice Clinic staging")
MISSES = near_misses.of(NAME, *OTHERS)


class World:
    """What was done, and on whose permit."""

    def __init__(self) -> None:
        self.permits: list[Permit] = []

    async def do(self, desk: Desk) -> Observation:
        self.permits.append(await desk.intend("make", "x"))
        return seen()


def bench(world: World, script: dict[str, list[Any]], **more: Any) -> Bench:
    walked = procedure(stage(1, "one", action("one.a", world.do)))
    return Bench(walked, ScriptedOperator(script), typed_target=NAME, **more)


# -- what counts --------------------------------------------------------------------------------------------------
@given(st.text())
def test_a_name_counts_as_itself(name: str) -> None:
    assert typed_exactly(name, name)


@given(near_misses.altered(NAME))
def test_nothing_else_counts_as_it(typed: str) -> None:
    assert not typed_exactly(NAME, typed)


@pytest.mark.parametrize("form", ["NFD", "NFKC", "NFKD"])
def test_not_even_the_same_letters_in_another_encoding_do(form: Any) -> None:
    name = "Cl\N{LATIN SMALL LETTER I WITH DIAERESIS}nic\N{TRADE MARK SIGN}"
    assert not typed_exactly(name, unicodedata.normalize(form, name))


# -- what comes of it ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", MISSES, ids=ascii)
async def test_three_misses_do_nothing_and_no_permit_is_made(typed: str) -> None:
    world = World()
    walk = bench(world, {"type one.a": [typed] * 3})
    await walk.walk()
    assert world.permits == []
    assert [event for event in walk.recorder.of(Kind.INTENT) if event.step == "one.a"] == []
    assert len(walk.operator.questions("type one.a")) == 3
    assert walk.recorder.verdicts("one.a") == ["INCONCLUSIVE"]


@pytest.mark.parametrize("misses", [0, 1, 2])
async def test_until_the_third_time_it_may_be_typed_again(misses: int) -> None:
    world = World()
    walk = bench(world, {"type one.a": [*MISSES[:misses], NAME]})
    await walk.walk()
    assert len(world.permits) == 1
    assert len(walk.operator.questions("type one.a")) == misses + 1


async def test_after_three_misses_one_is_back_at_the_step_and_is_shown_it_again() -> None:
    world = World()
    walk = bench(world, {"type one.a": [*MISSES[:3], *MISSES[3:6], NAME], "decide one.a": [RETRY, RETRY]})
    await walk.walk()
    asked = [place for place, _ in walk.operator.asked if place.endswith("one.a")]
    once_wrong = ["confirm one.a", *["type one.a"] * 3, "decide one.a"]
    assert asked == [*once_wrong, *once_wrong, "confirm one.a", "type one.a"]
    assert walk.recorder.verdicts("one.a") == ["INCONCLUSIVE", "INCONCLUSIVE", "PASS"]
    assert len(world.permits) == 1


async def test_three_misses_are_never_attested_away_and_keep_the_checkpoint_shut() -> None:
    world = World()
    walk = bench(world, {"type one.a": list(MISSES[:3]), "decide one.a": [abort()]})
    await walk.walk()
    (decide,) = walk.operator.questions("decide one.a")
    assert Act.ATTEST not in decide.options
    assert walk.operator.questions("gate one") == []
    assert walk.outcome == "ABORTED"


async def test_who_types_nothing_is_back_at_the_step_at_once() -> None:
    world = World()
    walk = bench(world, {"type one.a": [""]})
    await walk.walk()
    assert len(walk.operator.questions("type one.a")) == 1
    assert world.permits == []


async def test_each_miss_is_answered_with_what_counts_and_how_often_it_may_be_tried_and_not_with_what_was_typed() -> (
    None
):
    walk = bench(World(), {"type one.a": ["clinic"] * 3})
    await walk.walk()
    notes = [ask.note for ask in walk.operator.questions("type one.a")]
    counts = "That was not it: every letter, its case and every space count. Tries left:"
    assert notes == ["", f"{counts} 2.", f"{counts} 1."]
    (decide,) = walk.operator.questions("decide one.a")
    assert decide.observed == "the target's name was not typed exactly in 3 tries: nothing was done"


async def test_who_does_not_agree_is_not_asked_for_the_name() -> None:
    world = World()
    walk = bench(world, {"confirm one.a": [False]})
    await walk.walk()
    assert (walk.operator.questions("type one.a"), world.permits) == ([], [])


async def test_every_action_of_the_run_wants_the_name_anew() -> None:
    world = World()
    steps = (check("one.look"), action("one.a", world.do), action("one.b", world.do))
    walk = Bench(procedure(stage(1, "one", *steps)), ScriptedOperator(), typed_target=NAME)
    await walk.walk()
    assert [place for place, _ in walk.operator.asked if place.startswith("type")] == ["type one.a", "type one.b"]
    assert len(world.permits) == 2


async def test_without_a_target_to_type_nothing_has_to_be_typed() -> None:
    world = World()
    operator = ScriptedOperator()
    await Bench(procedure(stage(1, "one", action("one.a", world.do))), operator).walk()
    assert operator.questions("type one.a") == []
    assert len(world.permits) == 1


async def test_the_journal_says_whether_it_was_typed_never_what_was() -> None:
    walk = bench(World(), {"type one.a": ["hvs.pasted-by-mistake", NAME]})
    await walk.walk()
    said = [event.data["answer"] for event in walk.recorder.of(Kind.ANSWERED) if event.step == "one.a"]
    assert said == ["yes", "something else", "as expected"]
    assert "hvs.pasted-by-mistake" not in str(walk.recorder.events)
