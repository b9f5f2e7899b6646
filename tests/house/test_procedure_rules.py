"""What every step of the procedure owes its reader, and the run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbook.engine.events import Kind
from runbook.engine.procedure import Action, Check, Procedure, Repeat, Stage, Step
from steps import PROCEDURE
from steps.here import Here
from tests.support.practice import Practice
from tests.support.tiny import check, closing, stage

ALL = list(PROCEDURE.steps())
ACTIONS = [step for step in ALL if isinstance(step, Action)]
CHECKS = [step for step in ALL if isinstance(step, Check)]
NEVER_ATTESTED = {
    "vault.target",
    "vault.health",
    "database.connect",
    "database.quiet",
    "application.quiet",
    "application.boots",
    "application.database",
    "application.decrypt",
    "connectivity.still-holds",
}


def test_step_ids_are_unique_and_readable() -> None:
    ids = [step.id for step in ALL]
    assert len(set(ids)) == len(ids)
    assert [step for step in ids if not re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", step)] == []


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.id)
def test_every_step_says_what_it_shows_why_it_is_there_and_how_it_is_done_by_hand(step: Step[Here]) -> None:
    assert step.title
    assert step.why.endswith(".")
    assert step.manual


@pytest.mark.parametrize("each", [*PROCEDURE.stages, PROCEDURE.closing], ids=lambda each: each.id)
def test_every_stage_names_its_clause_and_what_it_touches(each: Stage[Here]) -> None:
    assert re.fullmatch(r"3\.[1-5]|5", each.clause)
    assert each.touches


def test_every_stage_goes_on_being_watched() -> None:
    assert [each.id for each in PROCEDURE.stages if each.heartbeat is None] == []


def test_a_check_comes_after_steps_of_its_own_stage_that_stand_before_it() -> None:
    ids = [step.id for step in ALL]
    assert [
        f"{step.id} after {earlier}"
        for step in CHECKS
        for earlier in step.after
        if earlier not in ids[: ids.index(step.id)] or earlier.partition(".")[0] != step.stage
    ] == []


def test_the_three_criteria_and_both_controls_are_there_once() -> None:
    assert sorted(step.criterion for step in CHECKS if step.criterion) == ["boots", "connects", "decrypts"]
    assert sorted(step.control for step in CHECKS if step.control) == ["damaged", "sealed"]


def test_what_only_proof_can_pass_is_never_attested() -> None:
    assert {step.id for step in ALL if not step.attestable} == NEVER_ATTESTED


def test_every_action_declares_whether_it_may_be_done_again() -> None:
    assert {step.id for step in ACTIONS if step.repeat is Repeat.AGAIN} == {
        "vault.initialise",
        "vault.restart",
        "vault.unseal",
        "vault.login",
        "database.password",
        "database.quiet",
        "database.analyze",
        "closeout.cleanup",
    }


async def test_whatever_creates_something_can_undo_it(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    recorder = practice.recorder()
    await practice.walk(recorder=recorder)
    creating = {event.step for event in recorder.of(Kind.INTENT) if event.data["creates"] and event.step}
    makers = [PROCEDURE.step(step) for step in creating]
    assert creating
    assert [step.id for step in makers if not isinstance(step, Action) or step.undo is None] == []


async def test_no_check_announces_a_change(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    recorder = practice.recorder()
    await practice.walk(recorder=recorder)
    announcing = {event.step for event in recorder.of(Kind.INTENT)}
    assert announcing <= {step.id for step in ACTIONS}


# -- the procedure as data refuses nonsense -----------------------------------------------------------------------
def test_stages_are_numbered_in_their_order() -> None:
    with pytest.raises(ValueError, match="numbered 1, 2, 3"):
        Procedure(stages=(stage(2, "two"), stage(1, "one")), closing=closing())


def test_a_step_stands_in_the_stage_of_its_name() -> None:
    with pytest.raises(ValueError, match=r"must begin with one\."):
        stage(1, "one", check("two.a"))


def test_no_step_stands_twice() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        Procedure(stages=(stage(1, "one", check("one.a"), check("one.a")),), closing=closing())
