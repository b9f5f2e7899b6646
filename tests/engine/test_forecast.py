"""How long is left: from earlier runs, less what is done, and never from nothing."""

from __future__ import annotations

import pytest

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast, left_s, shared_out
from tests.engine.told import Told as AnyRun
from tests.records.story import PROCEDURE

STAGES = {"identity": 60.0, "vault": 300.0, "database": 900.0, "application": 240.0, "connectivity": 100.0}
STEPS = {"vault.backup": 20.0, "vault.sealed-control": 100.0, "vault.damaged-control": 80.0}
EARLIER = Forecast(steps=STEPS, stages=STAGES, runs=3)
WHOLE = sum(STAGES.values())


class Told(AnyRun):
    """With how long is left of it."""

    def left(self, forecast: Forecast = EARLIER) -> float | None:
        return left_s(self.run, PROCEDURE, forecast, self.at)


def test_before_anything_is_done_it_takes_as_long_as_it_usually_does() -> None:
    assert Told().left() == WHOLE


def test_a_stage_that_is_passed_counts_no_more_however_long_it_took() -> None:
    told = Told()
    told.stage("identity", 5000)
    assert told.left() == WHOLE - 60


def test_of_the_current_stage_its_time_so_far_is_taken_off() -> None:
    told = Told()
    told.stage("identity", 60)
    told.say(Kind.STARTED, "vault")
    told.later(90)
    assert told.left() == WHOLE - 60 - 90


def test_a_stage_that_takes_too_long_still_has_its_open_steps_before_it() -> None:
    told = Told()
    told.stage("identity", 60)
    told.say(Kind.STARTED, "vault")
    told.step("vault.backup", 1000)
    after = STAGES["database"] + STAGES["application"] + STAGES["connectivity"]
    assert told.left() == 100 + 80 + after
    told.say(Kind.STARTED, "vault", "vault.sealed-control", attempt=1)
    told.later(30)
    assert told.left() == 70 + 80 + after
    told.later(3000)
    assert told.left() == 80 + after, "what runs over its time is not taken to owe any back"


def test_a_step_that_failed_is_to_be_done_again() -> None:
    told = Told()
    told.stage("identity", 60)
    told.say(Kind.STARTED, "vault")
    told.step("vault.backup", 1000, verdict="FAIL")
    assert told.left() == 200 + STAGES["database"] + STAGES["application"] + STAGES["connectivity"]


def test_a_stage_that_is_shut_again_is_to_come_again() -> None:
    told = Told()
    told.stage("identity", 60)
    told.stage("vault", 300)
    void = [step.id for step in PROCEDURE.stage("vault").steps]
    told.say(Kind.CHECKPOINT, "vault", decision="back", to="vault", void=void, stages=["vault"])
    assert told.left() == sum(STEPS.values()) + WHOLE - 60 - 300


def test_when_all_five_stand_nothing_is_left() -> None:
    told = Told()
    for stage in STAGES:
        told.stage(stage, 60)
    assert told.left() == 0


@pytest.mark.parametrize("missing", [*STAGES])
def test_a_stage_without_an_earlier_time_gives_no_forecast_until_it_is_passed(missing: str) -> None:
    known = Forecast(stages={stage: seconds for stage, seconds in STAGES.items() if stage != missing}, runs=1)
    told = Told()
    for stage in STAGES:
        assert told.left(known) is None
        told.stage(stage, 60)
        if stage == missing:
            break
    assert told.left(known) is not None


def test_without_earlier_runs_there_is_no_forecast() -> None:
    assert Told().left(Forecast()) is None


# -- what a stage may take --------------------------------------------------------------------------------------------
def test_the_target_is_shared_out_as_earlier_runs_needed_it() -> None:
    shared = shared_out(3200, EARLIER, STAGES)
    assert shared == {"identity": 120, "vault": 600, "database": 1800, "application": 480, "connectivity": 200}


@pytest.mark.parametrize(
    ("rto", "forecast"),
    [
        (None, EARLIER),
        (3200, Forecast()),
        (3200, Forecast(stages=dict.fromkeys(STAGES, 0.0))),
        (3200, Forecast(stages={"identity": 60.0})),
    ],
    ids=["no target", "no earlier runs", "runs that took no time", "one stage only"],
)
def test_nothing_is_shared_out_that_is_not_known(rto: int | None, forecast: Forecast) -> None:
    assert shared_out(rto, forecast, STAGES) == {}
