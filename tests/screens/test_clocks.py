"""The run's clocks and its rail: how long it took, how long it may, how long it will."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runbook.engine.events import Kind
from screens.run.rail import Rail
from screens.run.status import Clocks
from tests.screens.driving import running, until, words
from tests.screens.fake import NOW, FakeSession
from tests.screens.gallery import Said, a_run
from tests.screens.seeing import ALL, EARLIER, STAGES, TARGETS, at, comparing, done, later, sees


# -- the clocks -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", ALL)
async def test_the_recovery_clock_runs_with_its_forecast_against_the_target(size: tuple[int, int]) -> None:
    def before(session: FakeSession) -> None:
        done(session, "identity", "vault")
        session.at = NOW + timedelta(seconds=1, minutes=10)

    whole = 600 + STAGES["database"] + STAGES["application"] + STAGES["connectivity"]
    assert whole == 45 * 60
    wanted = "RTO 0:10:00 of 1:00:00 │ forecast 0:45:00, in time"
    await sees(before, wanted, size=size, where=Clocks, targets=TARGETS, forecast=EARLIER)


async def test_a_forecast_beyond_the_target_is_said_to_be_too_late() -> None:
    def before(session: FakeSession) -> None:
        session.at = NOW + timedelta(seconds=1, minutes=20)

    await sees(before, "forecast 1:05:00, TOO LATE", where=Clocks, targets=TARGETS, forecast=EARLIER)


async def test_a_target_that_was_passed_is_said_in_a_word() -> None:
    def before(session: FakeSession) -> None:
        session.at = NOW + timedelta(seconds=1, hours=2)

    await sees(before, "RTO 2:00:00 of 1:00:00 EXCEEDED", where=Clocks, targets=TARGETS)


async def test_without_earlier_runs_no_end_is_forecast() -> None:
    await sees(comparing, "no target set │ no forecast yet", where=Clocks)


async def test_once_all_five_stand_the_clock_stops_and_says_that_it_was_in_time() -> None:
    def before(session: FakeSession) -> None:
        done(session, *STAGES)
        session.say(Kind.STARTED, "closeout")
        later(session, 5000)

    async with running(a_run(before, targets=TARGETS, forecast=EARLIER)) as (app, pilot):
        await until(pilot, lambda: "of 1:00:00, met" in at(app, Clocks))
        assert "forecast" not in at(app, Clocks)
        app._leave(130)


def _recovery(incident_at: str) -> Said:
    """A recovery of which that is known, ten minutes after T0."""

    def before(session: FakeSession) -> None:
        declared = {**session.run.declared, "mode": "recovery", "incident_at": incident_at}
        session.run = replace(session.run, declared=declared)
        session.at = NOW + timedelta(seconds=1, minutes=10)

    return before


async def test_a_recovery_counts_from_the_incident() -> None:
    await sees(_recovery("2026-11-23T02:00:01Z"), "RTO 1:10:00 of 2:00:00", where=Clocks, targets={"rto_s": 7200})


async def test_an_incident_whose_time_nobody_knows_gives_no_figure() -> None:
    await sees(_recovery(""), "RTO unknown: nobody knows when the incident was", where=Clocks, targets=TARGETS)


def _with_rows_until(at: str) -> Said:
    def before(session: FakeSession) -> None:
        session.result("database.content", facts={"DataUntil": {"at": at}, "ClockOffset": {"ms": 0}})

    return before


@pytest.mark.parametrize(
    ("until", "rpo", "wanted"),
    [
        (NOW - timedelta(hours=1), 86400, "RPO 1:00:01 of 24:00:00, met"),
        (NOW - timedelta(hours=30), 86400, "RPO 30:00:01 of 24:00:00 MISSED"),
        (NOW - timedelta(hours=1), None, "RPO 1:00:01, no target set"),
        (NOW + timedelta(hours=1), 86400, "RPO unknown: the clocks disagree"),
    ],
)
async def test_what_is_lost_is_known_from_the_newest_row(until: Any, rpo: int | None, wanted: str) -> None:
    await sees(_with_rows_until(until.isoformat()), wanted, where=Clocks, targets={"rto_s": None, "rpo_s": rpo})


@pytest.mark.parametrize("odd", ["yesterday", "2026-11-23T02:00:00", ""])
async def test_a_moment_that_is_none_is_not_known(odd: str) -> None:
    await sees(_with_rows_until(odd), "RPO not known yet, target 24:00:00", where=Clocks, targets=TARGETS)


async def test_the_time_of_people_is_told_apart_from_the_machines() -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        session.say(Kind.ASKED, "database", question="?", text="")
        later(session, 99)
        session.say(Kind.ANSWERED, "database", answer="yes", by="Pat")
        later(session, 59)
        session.say(Kind.ASKED, "database", question="?", text="")
        later(session, 20)
        session.at = NOW + timedelta(seconds=1, minutes=10)

    async with running(a_run(before)) as (app, pilot):
        await until(pilot, lambda: "RTO 0:10:00" in at(app, Clocks))
        people, machines = re.findall(r"(?:people|machines) 0:(\d\d):(\d\d)", at(app, Clocks))
        asked = app.screen.session.run.questions[0][1]  # type: ignore[attr-defined]  # the run's screen
        open_s = int((NOW + timedelta(seconds=1, minutes=10) - asked).total_seconds())
        assert int(people[0]) * 60 + int(people[1]) == 100 + open_s
        assert int(machines[0]) * 60 + int(machines[1]) == 600 - 100 - open_s
        app._leave(130)


# -- the rail ---------------------------------------------------------------------------------------------------------
async def test_a_stage_over_its_budget_says_so_in_a_word_also_when_it_is_passed() -> None:
    def before(session: FakeSession) -> None:
        session.say(Kind.STARTED, "identity")
        later(session, 400)
        done(session, "identity")
        session.say(Kind.STARTED, "vault")
        later(session, 1000)

    budgets = {"identity": 300.0, "vault": 900.0, "database": 1800.0}
    wanted = ("✓ passed 0:06:48 OVER", "▸ under way 0:16:40 OVER 0:15:00", "· to come, budget 0:30:00")
    await sees(before, *wanted, where=Rail, budgets=budgets)


async def test_without_a_budget_the_usual_time_stands_there_and_is_no_limit() -> None:
    def before(session: FakeSession) -> None:
        done(session, "identity")
        session.say(Kind.STARTED, "vault")
        later(session, 400)

    async with running(a_run(before, forecast=EARLIER)) as (app, pilot):
        await until(pilot, lambda: "▸ under way 0:06:40, usually 0:08:00" in at(app, Rail))
        assert "· to come, usually 0:25:00" in at(app, Rail)
        later(app.screen.session, 400)  # type: ignore[attr-defined]  # the run's screen
        await until(pilot, lambda: "0:13:20, usually 0:08:00" in at(app, Rail))
        assert "OVER" not in words(app)
        app._leave(130)


async def test_with_neither_only_the_time_stands_there() -> None:
    async with running(a_run(comparing)) as (app, pilot):
        await until(pilot, lambda: "▸ under way 0:00:01" in at(app, Rail))
        assert not re.search("usually|budget|OVER", at(app, Rail))
        app._leave(130)


async def test_on_a_wide_terminal_a_light_says_when_it_was_last_seen() -> None:
    def before(session: FakeSession) -> None:
        done(session, "identity")
        later(session, 12)

    await sees(before, "Identity & Access ● alive 12 s ago", size=(120, 40), where=Rail)


async def test_on_a_narrow_terminal_the_line_says_that_the_stage_is_over_its_budget() -> None:
    def before(session: FakeSession) -> None:
        done(session, "identity")
        session.say(Kind.STARTED, "vault")
        later(session, 1000)

    wanted = "1✓ 2▸ 3· 4· 5· Encryption Vault ▸ under way 0:16:40 OVER"
    await sees(before, wanted, size=(60, 20), budgets={"vault": 900.0})
