"""How far a stage is: one word for it, whatever else is so at the same time."""

from __future__ import annotations

import pytest

from runbook.engine.events import Kind
from runbook.engine.standing import State, current_stage, state, taken_s
from tests.engine.told import Told
from tests.records.story import PROCEDURE


def state_of(told: Told, stage: str) -> State:
    return state(told.run, PROCEDURE, PROCEDURE.stage(stage))


def beat(told: Told, stage: str, *, alive: bool) -> None:
    told.say(Kind.HEARTBEAT, stage, alive=alive, observed="", verdict="PASS" if alive else "FAIL")


def test_before_it_is_entered_a_stage_is_to_come_and_the_first_is_the_current_one() -> None:
    told = Told()
    assert {state_of(told, stage.id) for stage in PROCEDURE.stages} == {State.TO_COME}
    assert current_stage(told.run, PROCEDURE).id == "identity"


def test_it_is_under_way_then_at_its_checkpoint_then_passed() -> None:
    told = Told()
    told.say(Kind.STARTED, "identity")
    assert state_of(told, "identity") is State.UNDER_WAY
    for step in PROCEDURE.stage("identity").steps:
        told.step(step.id, 1)
    assert state_of(told, "identity") is State.CHECKPOINT
    told.say(Kind.CHECKPOINT, "identity", decision="opened", by="operator")
    assert state_of(told, "identity") is State.PASSED
    assert current_stage(told.run, PROCEDURE).id == "vault"


def test_one_step_that_did_not_pass_says_more_than_those_that_are_left() -> None:
    told = Told()
    told.say(Kind.STARTED, "identity")
    told.step(PROCEDURE.stage("identity").steps[0].id, 1, verdict="FAIL")
    assert state_of(told, "identity") is State.NOT_PASSED


def test_a_layer_that_fell_is_fallen_though_it_was_passed_until_it_is_alive_again() -> None:
    told = Told()
    told.stage("identity", 10)
    beat(told, "identity", alive=False)
    assert state_of(told, "identity") is State.FELL
    beat(told, "identity", alive=True)
    assert state_of(told, "identity") is State.PASSED


def test_the_closing_is_current_after_the_last_stage_and_closed_at_the_end() -> None:
    told = Told()
    for stage in PROCEDURE.stages:
        told.stage(stage.id, 10)
    assert current_stage(told.run, PROCEDURE) is PROCEDURE.closing
    told.say(Kind.ENDED, PROCEDURE.closing.id, outcome="PASS")
    assert state_of(told, PROCEDURE.closing.id) is State.CLOSED


def test_a_stage_takes_from_its_beginning_to_its_checkpoint_and_no_longer() -> None:
    told = Told()
    assert taken_s(told.run, PROCEDURE.stage("identity"), told.at) is None
    told.stage("identity", 60)
    told.later(500)
    assert taken_s(told.run, PROCEDURE.stage("identity"), told.at) == pytest.approx(60)
    told.say(Kind.STARTED, "vault")
    told.later(7)
    assert taken_s(told.run, PROCEDURE.stage("vault"), told.at) == pytest.approx(7)
