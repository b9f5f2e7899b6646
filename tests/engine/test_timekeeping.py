"""Whose time it was: every second once, by stage and by who was waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast, left_s
from runbook.engine.standing import shares, taken_s
from runbook.engine.timekeeping import Shares
from tests.engine.told import Told
from tests.records.story import PROCEDURE

NIGHT = 8 * 3600
STAGES = {"identity": 60.0, "vault": 300.0, "database": 900.0, "application": 240.0, "connectivity": 100.0}


def beat(told: Told, stage: str) -> None:
    told.say(Kind.HEARTBEAT, stage, alive=True, verdict="PASS", observed="")


def pause(told: Told, kind: str, seconds: int) -> None:
    """That long, and noticed at its end."""
    told.later(seconds)
    told.say(Kind.HEARTBEAT, alive=True, verdict="PASS", observed="", source="", pause=kind, seconds=seconds)


def ask(told: Told, stage: str = "vault") -> None:
    told.say(Kind.ASKED, stage, f"{stage}.backup", question="confirm", text="")


def answer(told: Told, stage: str = "vault") -> None:
    told.say(Kind.ANSWERED, stage, f"{stage}.backup", answer="yes", by="Pat Example", reason="")


def back(told: Told, stage: str, to: str, *shut: str) -> None:
    told.say(Kind.CHECKPOINT, stage, decision="back", to=to, void=[], stages=[*shut], reason="", by="")


def taken(told: Told, stage: str) -> float | None:
    return taken_s(told.run, PROCEDURE.stage(stage), told.at)


def in_vault() -> Told:
    """Identity took a minute, the vault ten seconds so far."""
    told = Told()
    told.stage("identity", 60)
    told.say(Kind.STARTED, "vault")
    told.later(10)
    return told


def test_while_a_question_is_open_people_are_waited_for() -> None:
    told = in_vault()
    ask(told)
    told.later(90)
    assert shares(told.run, told.at) == Shares(people=90, nobody=0, machines=70), "unanswered too"
    answer(told)
    told.later(5)
    assert shares(told.run, told.at) == Shares(people=90, nobody=0, machines=75)
    assert told.run.human_s == {"identity": 0, "vault": 90}


def test_two_questions_at_a_time_make_no_second_of_it_two() -> None:
    told = in_vault()
    ask(told)
    ask(told)
    told.later(90)
    answer(told)
    answer(told)
    assert shares(told.run, told.at).people == 90


def test_a_crash_is_nobodys_time_in_the_stage_that_was_worked_at_whatever_layer_beat_last() -> None:
    told = in_vault()
    beat(told, "identity")
    told.later(NIGHT)
    told.say(Kind.RESUMED, by="Pat Example")
    assert told.run.times.shares_of("vault") == Shares(people=0, nobody=NIGHT, machines=10)
    assert told.run.times.shares_of("identity") == Shares(people=0, nobody=0, machines=60)
    assert told.run.last_stage == "vault"


def test_a_question_that_was_left_open_counts_until_the_last_that_was_heard_of_the_run() -> None:
    told = in_vault()
    ask(told)
    told.later(1800)
    beat(told, "identity")
    assert told.run.times.shares() == Shares(people=1800, nobody=0, machines=70), "as long as nobody goes on with it"
    told.later(30)
    told.say(Kind.RESUMED, by="Pat Example")
    told.later(5)
    assert shares(told.run, told.at) == Shares(people=1800, nobody=30, machines=75)


def test_a_stage_that_is_gone_back_to_counts_on_and_the_one_it_was_left_from_does_not() -> None:
    told = in_vault()
    told.later(90)
    told.say(Kind.CHECKPOINT, "vault", decision="opened", by="")
    told.say(Kind.STARTED, "database")
    told.later(3500)
    back(told, "database", "vault", "vault", "database")
    told.say(Kind.STARTED, "vault")
    told.later(30)
    assert (taken(told, "vault"), taken(told, "database")) == (130, 3500)
    told.later(10)
    told.say(Kind.CHECKPOINT, "vault", decision="opened", by="")
    told.say(Kind.STARTED, "database")
    told.later(7)
    assert (taken(told, "vault"), taken(told, "database")) == (140, 3507)


def test_what_is_taken_back_is_done_in_the_stage_that_it_was_decided_in() -> None:
    told = in_vault()
    back(told, "vault", "identity", "identity", "vault")
    told.later(120)
    told.say(Kind.STARTED, "identity")
    told.later(3)
    assert (taken(told, "identity"), taken(told, "vault")) == (63, 130)


def test_a_run_that_is_to_end_is_in_no_stage_until_the_closing() -> None:
    told = in_vault()
    told.say(Kind.CHECKPOINT, "vault", decision="aborted", reason="", by="")
    told.later(40)
    told.say(Kind.STARTED, "closeout")
    told.later(20)
    told.say(Kind.ENDED, "closeout", outcome="ABORTED")
    told.later(NIGHT)
    assert (taken(told, "vault"), taken(told, "closeout")) == (10, 20)
    assert shares(told.run, told.at) == Shares(people=0, nobody=0, machines=130)


def test_a_sign_in_on_the_way_is_time_of_the_stage_that_needed_it() -> None:
    told = in_vault()
    told.say(Kind.STARTED, "identity", "identity.aws-account", attempt=2)
    ask(told, "identity")
    told.later(45)
    answer(told, "identity")
    assert told.run.times.shares_of("vault") == Shares(people=45, nobody=0, machines=10)
    assert told.run.last_stage == "vault"


@pytest.mark.parametrize("kind", ["suspended", "stopped"])
@pytest.mark.parametrize("asked", [False, True], ids=["at work", "at a question"])
def test_a_machine_that_slept_is_nobodys_time_and_counts_once(kind: str, *, asked: bool) -> None:
    told = in_vault()
    if asked:
        ask(told)
    told.later(20)
    pause(told, kind, NIGHT)
    told.later(5)
    whole = Shares(people=25, nobody=NIGHT, machines=70) if asked else Shares(people=0, nobody=NIGHT, machines=95)
    assert shares(told.run, told.at) == whole


def test_a_machine_that_slept_and_a_process_that_was_held_up_at_once_are_both_counted() -> None:
    told = in_vault()
    told.later(6)
    pause(told, "suspended", NIGHT)
    told.say(Kind.HEARTBEAT, alive=True, verdict="PASS", observed="", source="", pause="stopped", seconds=6)
    assert shares(told.run, told.at) == Shares(people=0, nobody=NIGHT + 6, machines=70)


def test_what_was_said_after_the_sleep_and_before_it_was_noticed_changes_nothing() -> None:
    told = in_vault()
    told.later(NIGHT)
    told.say(Kind.CHECKPOINT, "vault", decision="opened", by="")
    told.say(Kind.STARTED, "database")
    told.later(1)
    told.say(Kind.HEARTBEAT, alive=True, verdict="PASS", observed="", source="", pause="suspended", seconds=NIGHT)
    assert shares(told.run, told.at) == Shares(people=0, nobody=NIGHT, machines=71)
    assert told.run.times.shares_of("vault").nobody == NIGHT - 1
    assert told.run.times.shares_of("vault").whole == NIGHT + 10


@pytest.mark.parametrize("seconds", [-86400, 86400], ids=["back", "ahead"])
def test_a_clock_that_was_set_is_nobodys_absence_and_takes_no_time_away(seconds: int) -> None:
    told = in_vault()
    beat(told, "identity")
    told.at += timedelta(seconds=seconds)
    told.say(Kind.HEARTBEAT, alive=True, verdict="PASS", observed="", source="", pause="stepped", seconds=seconds)
    told.later(10)
    assert shares(told.run, told.at) == Shares(people=0, nobody=0, machines=80 + max(seconds, 0))


# -- how long is left --------------------------------------------------------------------------------------------------
def crashed(told: Told) -> None:
    beat(told, "identity")
    told.later(NIGHT)
    told.say(Kind.RESUMED, by="Pat Example")


def slept(told: Told) -> None:
    pause(told, "suspended", NIGHT)


@pytest.mark.parametrize("absent", [crashed, slept])
def test_time_in_which_nobody_was_there_brings_the_end_no_nearer(absent: Callable[[Told], None]) -> None:
    told, known = in_vault(), Forecast(stages=STAGES, runs=1)
    before = left_s(told.run, PROCEDURE, known, told.at)
    absent(told)
    assert left_s(told.run, PROCEDURE, known, told.at) == before == sum(STAGES.values()) - 60 - 10


def test_nor_the_end_of_a_step_that_it_fell_into() -> None:
    told, known = in_vault(), Forecast(steps={"vault.backup": 600.0}, stages=STAGES | {"vault": 0.0}, runs=1)
    told.say(Kind.STARTED, "vault", "vault.backup", attempt=1)
    told.later(100)
    slept(told)
    later = sum(STAGES[stage] for stage in ("database", "application", "connectivity"))
    assert left_s(told.run, PROCEDURE, known, told.at) == 500 + later


def test_a_stage_that_was_gone_back_to_has_only_its_own_time_taken_off() -> None:
    told, known = in_vault(), Forecast(stages=STAGES, runs=1)
    told.say(Kind.CHECKPOINT, "vault", decision="opened", by="")
    told.say(Kind.STARTED, "database")
    told.later(3600)
    back(told, "database", "vault", "vault", "database")
    told.say(Kind.STARTED, "vault")
    assert left_s(told.run, PROCEDURE, known, told.at) == sum(STAGES.values()) - 60 - 10
