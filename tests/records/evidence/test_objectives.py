"""The arithmetic of the objectives, which findings and evidence share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.objectives import (
    Objective,
    began,
    criteria_time,
    data_loss,
    incident,
    recovery_time,
    reference,
)
from runbook.engine.run import Run, replay
from tests.records.real_runs import DRILL, RECOVERY, drill, recovery, told
from tests.records.story import T0

INCIDENT = datetime(2027, 1, 15, 9, 30, tzinfo=UTC)
NO_OFFSET = timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "target", "actual", "met"),
    [
        (60, None, 60, "NOT_SET"),
        (60, 60, 60, "YES"),
        (60.4, 60, 60, "YES"),
        (61, 60, 61, "NO"),
        (0, 0, 0, "YES"),
        (-1, 60, None, "UNKNOWN"),
        (None, 60, None, "UNKNOWN"),
        (None, None, None, "NOT_SET"),
    ],
)
def test_a_figure_and_whether_it_was_good_enough(
    seconds: float | None, target: int | None, actual: int | None, met: str
) -> None:
    end = None if seconds is None else T0 + timedelta(seconds=seconds)
    objective = Objective(T0, end, target)
    assert (objective.actual_s, objective.met) == (actual, met)
    assert Objective(None, T0, target).actual_s is None


def _run(folder: Path, declared: dict[str, Any], **more: Any) -> Run:
    return replay(told(folder, declared, **more))


def test_a_drill_counts_from_its_start_and_a_recovery_from_the_incident(tmp_path: Path) -> None:
    a_drill, a_recovery = _run(tmp_path / "d", DRILL), _run(tmp_path / "r", RECOVERY)
    assert (began(a_drill), incident(a_drill)) == (T0, None)
    assert (began(a_recovery), incident(a_recovery)) == (INCIDENT, INCIDENT)
    drilled, recovered = (recovery_time(run, "connectivity", 60) for run in (a_drill, a_recovery))
    assert (drilled.actual_s, drilled.met) == (39, "YES")
    assert (recovered.actual_s, recovered.met) == (1839, "NO")
    steps = ("application.boots", "application.decrypt")
    assert [criteria_time(run, steps).actual_s for run in (a_drill, a_recovery)] == [31, 1831]


def test_an_incident_of_unknown_time_gives_no_figure_and_nothing_stands_in_for_it(tmp_path: Path) -> None:
    run = _run(tmp_path, RECOVERY, incident_at="")
    until = T0 - timedelta(hours=1)
    for objective in (
        recovery_time(run, "connectivity", 60),
        criteria_time(run, ("application.boots",)),
        data_loss(run, until, NO_OFFSET, 60),
    ):
        assert objective.actual_s is None
        assert objective.start is None or objective.end is None
    assert recovery_time(run, "connectivity", 60).met == "UNKNOWN"


def test_the_recovery_time_ends_with_the_last_check_that_counts_once_the_last_checkpoint_is_open(
    tmp_path: Path,
) -> None:
    run = _run(tmp_path, DRILL)
    shut = replace(run, opened=run.opened[:-1])
    assert recovery_time(shut, "connectivity").end is None
    void = replace(run, attempts=tuple(replace(each, void=each.stage == "connectivity") for each in run.attempts))
    assert recovery_time(void, "connectivity").end is None
    assert criteria_time(run, ("application.boots", "application.nothing")).end is None
    assert criteria_time(run, ()).end is None


def test_loss_is_counted_on_the_providers_clock_to_the_start_and_to_the_incident_as_stated(tmp_path: Path) -> None:
    ahead = timedelta(seconds=40)
    until = T0 - timedelta(hours=1)
    drilled = data_loss(_run(tmp_path / "d", DRILL), until, ahead, 3600)
    assert (drilled.end, drilled.actual_s, drilled.met) == (T0 - ahead, 3560, "YES")
    recovered = data_loss(_run(tmp_path / "r", RECOVERY), until, ahead, 3600)
    assert (recovered.end, recovered.actual_s) == (INCIDENT, 1800)
    assert data_loss(_run(tmp_path / "n", DRILL), T0, ahead).actual_s is None, "clocks that contradict each other"
    assert reference(Run(), ahead) is None


def test_the_evidence_says_from_when_it_counted(tmp_path: Path) -> None:
    drilled, recovered = drill(tmp_path / "d"), recovery(tmp_path / "r", targets={"rto_s": 3600, "rpo_s": 600})
    assert (drilled["rto"]["since"], drilled["rto"]["from"][:19]) == ("start", "2027-01-15T10:00:00")
    assert drilled["rto"]["met"] == "NOT_SET"
    rto, rpo = recovered["rto"], recovered["rpo"]
    assert (rto["since"], rto["from"][:19], rto["actual_s"], rto["criteria_s"]) == (
        "incident",
        "2027-01-15T09:30:00",
        1839,
        1831,
    )
    assert (rto["target_s"], rto["met"]) == (3600, "YES")
    assert (rpo["to"][:19], rpo["actual_s"], rpo["target_s"], rpo["met"]) == ("2027-01-15T09:30:00", 1800, 600, "NO")
    vault = recovered["backups"]["vault"]
    assert (vault["age_at"], vault["age_s"]) == ("incident", 5400)


def test_the_evidence_of_an_unknown_incident_says_unknown(tmp_path: Path) -> None:
    document = recovery(tmp_path, incident_at="", targets={"rto_s": 3600, "rpo_s": 600})
    for name in ("rto", "rpo"):
        assert (document[name]["actual_s"], document[name]["met"]) == (None, "UNKNOWN")
    assert document["rto"]["criteria_s"] is None
    assert document["backups"]["database"]["age_s"] is None
