"""What a run is told of how long the ones before it took."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook.commands import earlier, forecasting
from runbook.commands.forecasting import of_documents
from runbook.commands.places import Home
from runbook.commands.session import RunSession
from runbook.config.environment import StageBudgets, Targets
from runbook.engine.forecast import Forecast
from runbook.records.log.logs import TrainingLog
from tests.commands.test_earlier import recorded

STAGES = ("identity", "vault", "database", "application", "connectivity")


def document(seconds: int, **more: Any) -> dict[str, Any]:
    """run.json, as far as it says how long something took."""
    stages = [{"id": stage, "result": "PASS", "seconds": seconds, "waiting_s": 0} for stage in STAGES]
    return {"attended": True, "stages": stages, "steps": [step("vault.restore", seconds)], "answers": [], **more}


def step(name: str, seconds: float, at: str = "2027-02-01T10:10:00.000000Z", **more: Any) -> dict[str, Any]:
    said = {"id": name, "verdict": "PASS", "adopted": False, "at": at, "ms": seconds * 1000}
    return said | more


def answer(name: str, at: str) -> dict[str, Any]:
    return {"step": name, "at": at}


def test_a_figure_is_the_median_of_the_runs_that_have_it() -> None:
    other = document(500, steps=[step("vault.restore", 500), step("vault.unseal", 7)])
    found = of_documents([document(60), other, document(80)], attended=True)
    assert found.stages == dict.fromkeys(STAGES, 80)
    assert found.steps == {"vault.restore": 80, "vault.unseal": 7}
    assert found.runs == 3


def test_a_stage_counts_only_from_runs_with_the_same_people_there() -> None:
    alone = document(3, attended=False)
    found = of_documents([alone, document(60)], attended=True)
    assert (found.stages["vault"], found.runs) == (60, 2)
    assert of_documents([alone], attended=True) == Forecast(steps={"vault.restore": 3}, runs=1)


def test_time_in_which_nobody_was_there_is_left_out_of_a_stage() -> None:
    stage = {"id": "vault", "result": "PASS", "seconds": 3700, "waiting_s": 3600}
    assert of_documents([document(60, stages=[stage])], attended=True).stages == {"vault": 100}


@pytest.mark.parametrize("result", ["FAIL", "INCONCLUSIVE", "NOT_RUN", None])
def test_a_stage_that_was_not_passed_says_nothing(result: str | None) -> None:
    stage = {"id": "vault", "result": result, "seconds": 60, "waiting_s": 0}
    assert of_documents([document(60, stages=[stage])], attended=True).stages == {}


def test_of_a_step_the_last_attempt_that_passed_counts() -> None:
    tries = [step("vault.restore", 50), step("vault.restore", 40), step("vault.restore", 1, verdict="FAIL")]
    assert of_documents([document(60, steps=tries)], attended=True).steps == {"vault.restore": 40}


@pytest.mark.parametrize("more", [{"verdict": "NOT_NEEDED"}, {"verdict": "ATTESTED"}, {"adopted": True}])
def test_what_was_not_done_took_no_time(more: dict[str, Any]) -> None:
    assert of_documents([document(60, steps=[step("vault.restore", 50, **more)])], attended=True).steps == {}


def test_the_time_that_a_person_took_to_answer_is_no_time_of_the_step() -> None:
    answers = [answer("vault.restore", "2027-02-01T10:07:00Z"), answer("vault.restore", "2027-02-01T10:09:30Z")]
    said = document(60, steps=[step("vault.restore", 600)], answers=answers)
    assert of_documents([said], attended=True).steps == {"vault.restore": 30}


def test_an_answer_to_something_else_does_not_shorten_a_step() -> None:
    answers = [
        answer("vault.unseal", "2027-02-01T10:09:00Z"),
        answer("vault.restore", "2027-02-01T09:00:00Z"),
        answer("vault.restore", "2027-02-01T11:00:00Z"),
    ]
    said = document(60, steps=[step("vault.restore", 600)], answers=answers)
    assert of_documents([said], attended=True).steps == {"vault.restore": 600}


def pause(kind: str, at: str, seconds: object) -> dict[str, Any]:
    return {"pause": kind, "at": at, "seconds": seconds}


def test_while_the_process_was_stopped_no_step_was_worked_at() -> None:
    """Ten minutes before 10:10, of which the first of these took one and the second seven."""
    pauses = [pause("stopped", "2027-02-01T10:01:00Z", 3600), pause("stopped", "2027-02-01T10:09:00Z", 420)]
    assert of_documents([document(600, pauses=pauses)], attended=True).steps == {"vault.restore": 120}


def test_a_machine_that_slept_is_not_in_a_steps_time_already_but_in_the_time_since_an_answer() -> None:
    pauses = [pause("suspended", "2027-02-01T10:09:00Z", 3600)]
    said = document(60, steps=[step("vault.restore", 600)], pauses=pauses)
    assert of_documents([said], attended=True).steps == {"vault.restore": 600}
    answered = said | {"answers": [answer("vault.restore", "2027-02-01T09:08:30Z")]}
    assert of_documents([answered], attended=True).steps == {"vault.restore": 90}


@pytest.mark.parametrize(
    "odd",
    [
        pause("stepped", "2027-02-01T10:09:00Z", 420),
        pause("stepped", "2027-02-01T10:09:00Z", -420),
        pause("stopped", "2027-02-01T10:09:00Z", "420"),
        pause("stopped", "yesterday", 420),
        pause("stopped", "2027-02-01T12:00:00Z", 420),
        {},
        None,
    ],
)
def test_a_clock_that_was_set_and_an_odd_pause_shorten_no_step(odd: object) -> None:
    assert of_documents([document(600, pauses=[odd])], attended=True).steps == {"vault.restore": 600}


@pytest.mark.parametrize(
    "odd",
    [
        {"stages": None, "steps": "none", "answers": 7},
        {"stages": ["vault"], "steps": [None], "answers": [[]]},
        {"stages": [{"id": "vault", "result": ["PASS"]}], "steps": [{"verdict": "PASS"}]},
        {"stages": [{"id": "vault", "result": "PASS", "seconds": "60", "waiting_s": 0}], "steps": []},
        {"stages": [{"id": "vault", "result": "PASS", "seconds": True, "waiting_s": 0}], "steps": []},
        {"stages": [{"id": "vault", "result": "PASS", "seconds": -60, "waiting_s": 0}], "steps": []},
        {"stages": [], "steps": [step("vault.restore", 60, at="yesterday")]},
        {"stages": [], "steps": [step("vault.restore", 60, at="2027-02-01T10:10:00")]},
        {"stages": [], "steps": [step("vault.restore", 0, ms=10**400)]},
        {"stages": [], "steps": [step("vault.restore", float("nan"))]},
        {"stages": [], "steps": [step("vault.restore", 1e9)]},
        {"stages": [{"id": "vault", "result": "PASS", "seconds": 1e9, "waiting_s": 0}], "steps": []},
        {},
    ],
)
def test_an_odd_figure_adds_nothing_to_the_others(odd: dict[str, Any]) -> None:
    found = of_documents([{"attended": True, **odd}, document(60)], attended=True)
    assert found == of_documents([document(60)], attended=True)


def test_a_step_in_the_first_second_of_all_years_stops_nothing() -> None:
    odd = {"attended": True, "stages": [], "steps": [step("vault.restore", 60, at="0001-01-01T00:00:00Z")]}
    assert of_documents([odd], attended=True).steps == {"vault.restore": 60}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_home_without_runs_has_no_forecast(home: Home) -> None:
    assert forecasting.of_estate(home.shelf, TrainingLog(home.root), attended=False) == Forecast()


def test_the_newest_recorded_runs_of_a_home_make_its_forecast(home: Home) -> None:
    for number in range(1, forecasting.LOOKED_INTO + 3):
        recorded(home, number)
    found = forecasting.of_estate(home.shelf, TrainingLog(home.root), attended=False)
    assert found.runs == forecasting.LOOKED_INTO
    assert set(found.stages) == set(STAGES)
    assert found.steps["database.restore"] == 0.041
    assert not forecasting.of_estate(home.shelf, TrainingLog(home.root), attended=True).stages


def _cut(folder: Path) -> None:
    (folder / "run.json").write_bytes(b'{"steps": [')


def _gone(folder: Path) -> None:
    (folder / "run.json").unlink()


def _deep(folder: Path) -> None:
    (folder / "run.json").write_bytes(b"[" * 100_000)


@pytest.mark.parametrize("damage", [_cut, _gone, _deep])
def test_a_damaged_record_adds_nothing_and_stops_nothing(home: Home, damage: Callable[[Path], None]) -> None:
    damage(home.folder(recorded(home, 3)["run_id"]))
    whole = recorded(home, 2)
    found = forecasting.of_estate(home.shelf, TrainingLog(home.root), attended=False)
    assert found == of_documents([json.loads(json.dumps(whole))], attended=False)


def test_a_damaged_log_gives_no_forecast(home: Home) -> None:
    recorded(home, 3)
    log = TrainingLog(home.root)
    log.path.write_bytes(b"\x00\xff")
    assert forecasting.of_estate(home.shelf, log, attended=False) == Forecast()
    assert earlier.recorded(log, but="") == []


# -- what each stage may take ------------------------------------------------------------------------------------------
class Session(RunSession):
    """A session that looked at these earlier runs."""

    def __init__(self, targets: Targets, *documents: dict[str, Any]) -> None:
        super().__init__(targets=targets)
        self._forecast = of_documents(documents, attended=True)


def test_a_configured_budget_is_what_a_stage_may_take() -> None:
    targets = Targets(rto_s=5000, stages=StageBudgets(vault_s=900))
    assert Session(targets, document(60)).budgets == {"vault": 900}


def test_without_a_configured_budget_the_target_is_shared_out_as_earlier_runs_needed_it() -> None:
    assert Session(Targets(rto_s=5000), document(60)).budgets == dict.fromkeys(STAGES, 1000)
    assert Session(Targets(rto_s=5000)).budgets == {}
    assert Session(Targets(), document(60)).budgets == {}
