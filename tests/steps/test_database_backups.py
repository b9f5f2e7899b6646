"""Which recovery point: how well they were kept, the newest by default, an older one or a moment with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from runbook.engine.ports import Choice
from runbook.engine.verdict import Verdict
from runbook.policy import Policy
from runbook.training.production import snapshot_moments
from steps.database import backups
from steps.database.backups import PITR
from steps.facts import SnapshotChosen
from steps.here import iso
from tests.support.operator import OPEN, back
from tests.support.practice import DECLARED, Practice

CHOOSE = "choose database.choose"
SNAPSHOT = "rds:RestoreDBInstanceFromDBSnapshot"
TO_MOMENT = "rds:RestoreDBInstanceToPointInTime"


def at(practice: Practice, **before: float) -> str:
    return iso(practice.clock.now() - timedelta(**before))


async def observed(practice: Practice, step: str, script: dict[str, list[Any]] | None = None) -> str:
    """At a step that failed."""
    last = (await practice.walk(practice.operator(script))).last(step)
    assert last is not None
    assert last.verdict is Verdict.FAIL, last
    return last.observed


async def test_the_newest_is_the_default_and_a_moment_stands_second(practice: Practice) -> None:
    operator = practice.operator()
    run = await practice.walk(operator)
    (ask,) = operator.questions(CHOOSE)
    assert ask.default == ask.options[0].key
    assert ask.options[1].key == PITR
    assert "Moment in UTC" in ask.options[1].detail
    assert [len(option.cells) for option in ask.options] == [len(ask.columns)] * len(ask.options)
    assert "Enabled" in ask.options[0].cells
    assert (run.outcome, run.findings) == ("PASS", ())


async def test_an_older_snapshot_with_its_reason_is_a_finding(practice: Practice) -> None:
    run = await practice.walk(practice.operator({CHOOSE: [lambda ask: Choice(ask.options[2].key, "ransomware")]}))
    assert run.outcome == "PASS_WITH_ISSUES"
    assert [finding.text for finding in run.findings] == [
        "an older snapshot of the database was used (1 d 1 h old): ransomware"
    ]


async def test_an_older_one_without_a_reason_is_not_chosen(practice: Practice) -> None:
    script: dict[str, list[Any]] = {CHOOSE: [lambda ask: Choice(ask.options[2].key, "  ")]}
    assert "no reason was given" in await observed(practice, "database.choose", script)


async def test_a_moment_is_restored_by_the_call_for_moments(practice: Practice) -> None:
    typed = at(practice, minutes=30)
    run = await practice.walk(practice.operator({CHOOSE: [Choice(PITR, "before the intruder", typed)]}))
    chosen = run.fact(SnapshotChosen)
    assert chosen is not None
    assert (chosen.method, chosen.created_at) == ("PITR", typed)
    assert len(practice.done(TO_MOMENT)) == 1
    assert practice.done(SNAPSHOT) == []
    assert run.outcome == "PASS_WITH_ISSUES"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "nothing is no moment; type it as 2026-01-31T23:59:59Z"),
        ("yesterday", "yesterday is no moment"),
        ("2040-01-01T00:00:00Z", "cannot be restored yet: the latest moment is"),
        ("2001-01-01", "cannot be restored any more: the earliest moment is"),
    ],
)
async def test_a_moment_that_cannot_be_restored_is_refused(practice: Practice, typed: str, sentence: str) -> None:
    script: dict[str, list[Any]] = {CHOOSE: [Choice(PITR, "why not", typed)]}
    assert sentence in await observed(practice, "database.choose", script)
    assert practice.done(TO_MOMENT) == []


async def test_going_back_to_the_same_snapshot_adopts_the_copy(practice: Practice) -> None:
    script: dict[str, list[Any]] = {"gate application": [back("database.choose", "to look again"), OPEN]}
    run = await practice.walk(practice.operator(script))
    assert len(practice.done(SNAPSHOT)) == 1
    assert run.outcome == "PASS"


async def test_going_back_to_another_one_makes_a_second_copy_and_both_are_removed(practice: Practice) -> None:
    older = [lambda ask: Choice(ask.default), lambda ask: Choice(ask.options[2].key, "older")]
    script: dict[str, list[Any]] = {
        "gate application": [back("database.choose", "it is in there"), OPEN],
        CHOOSE: older,
    }
    await practice.walk(practice.operator(script))
    first, second = practice.done(SNAPSHOT)
    assert second == f"{first}-2"
    assert sorted(practice.done("rds:DeleteDBInstance")) == [first, second]


async def test_missing_days_and_a_closed_window_are_findings_and_shut_nothing(practice: Practice) -> None:
    practice.world.no_snapshot_today(days=2)
    practice.world.no_point_in_time()
    run = await practice.walk()
    texts = " | ".join(finding.text for finding in run.findings)
    assert "no snapshot on" in texts
    assert "point-in-time recovery is off" in texts
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_a_snapshot_from_the_future_is_no_recovery_point(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = practice.world.databases.snapshots

    async def later(instance: str) -> Any:
        return tuple(replace(each, created=each.created + timedelta(hours=3)) for each in await ask(instance))

    monkeypatch.setattr(practice.world.databases, "snapshots", later)
    assert "in the future" in await observed(practice, "database.snapshots")


async def test_a_disabled_key_is_told_before_anything_is_restored(practice: Practice) -> None:
    practice.world.keys.key_state = "Disabled"
    assert "key Disabled" in await observed(practice, "database.snapshots")


# -- a moment that the run was begun for --------------------------------------------------------------------------
def begun_for(moment: str) -> dict[str, Any]:
    return {**DECLARED, "mode": "drill", "run_id": "drill-20270115T100000Z-0001", "point_in_time": moment}


async def test_the_moment_that_a_run_was_begun_for_is_restored_and_nobody_is_asked(practice: Practice) -> None:
    operator = practice.operator()
    run = await practice.walk(operator, declared=begun_for("2027-01-15T09:00:00Z"))
    chosen = run.fact(SnapshotChosen)
    assert chosen is not None
    assert (chosen.method, chosen.created_at) == ("PITR", "2027-01-15T09:00:00Z")
    assert operator.questions("choose database.choose") == []
    assert len(practice.done("rds:RestoreDBInstanceToPointInTime")) == 1


@pytest.mark.parametrize("moment", ["2027-01-15T09:59:00Z", "2020-01-01T00:00:00Z", "yesterday"])
async def test_a_declared_moment_that_cannot_be_restored_is_refused(practice: Practice, moment: str) -> None:
    run = await practice.walk(declared=begun_for(moment))
    last = run.last("database.choose")
    assert last is not None
    assert last.verdict == "FAIL"
    assert practice.done("rds:RestoreDBInstanceToPointInTime") == []


def findings_at(now: datetime, made: Iterable[datetime]) -> list[str]:
    here: Any = SimpleNamespace(policy=Policy(), kept_until=lambda: now)
    snapshots: list[Any] = [SimpleNamespace(created=at) for at in made]
    return [finding.text for finding in backups._missing_days(here, snapshots)]


def test_daily_snapshots_leave_no_day_out_at_any_minute_of_the_day() -> None:
    """They are made at about the same time; around midnight some of them fall on the day before."""
    for minute in range(24 * 60):
        now = datetime(2027, 1, 15, tzinfo=UTC) + timedelta(minutes=minute)
        assert findings_at(now, snapshot_moments(now)) == [], now


@pytest.mark.parametrize(
    ("left_out", "days"),
    [
        ({5}, "no snapshot on 1 of the last 30 days: 2027-01-10"),
        ({0, 1}, "1 of the last 30 days: 2027-01-14"),  # today's may still come
        ({28, 29}, "2 of"),
        ({3, 9}, "2 of"),
    ],
)
def test_a_day_without_a_snapshot_is_named(left_out: set[int], days: str) -> None:
    now = datetime(2027, 1, 15, 14, tzinfo=UTC)
    made = [at for age, at in enumerate(reversed(snapshot_moments(now))) if age not in left_out]
    (text,) = findings_at(now, made)
    assert days in text
