"""What a checkpoint shows: one screen of evidence, what is to be known first, the stage's time and the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast
from runbook.engine.ports import Operator
from runbook.engine.verdict import Verdict
from screens.dialogs.checkpoint import CheckpointDialog
from tests.screens.driving import running, shown, until, until_on, words
from tests.screens.fake import FakeSession

SIZES = ((80, 24), (60, 20), (120, 40))
LONG = f"{'it holds; ' * 30}to its end"


def at_gate(before: Callable[[FakeSession], None], **more: object) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        before(session)
        await session.ask(operator.gate(session.gate_of("vault")))

    return FakeSession(script, **more)  # type: ignore[arg-type]  # what a FakeSession takes


def stage_done(session: FakeSession) -> None:
    session.say(Kind.STARTED, "vault")
    for step in session.procedure.stage("vault").steps:
        session.result(step.id, observed=LONG)


@pytest.mark.parametrize("size", SIZES)
async def test_each_step_is_a_line_and_all_of_it_is_behind_a_key(size: tuple[int, int]) -> None:
    async with running(at_gate(stage_done), size) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await until(pilot, lambda: shown(app).count("✓ PASS") >= 4)
        assert "there is more" not in words(app)
        assert "to its end" not in words(app)
        await pilot.press("v")
        await until(pilot, lambda: "there is more" in words(app))
        await pilot.press("end")
        await until(pilot, lambda: "to its end" in words(app))
        await pilot.press("v")
        await until(pilot, lambda: "there is more" not in words(app))
        app._leave(130)


async def test_what_did_not_plainly_pass_stands_first_and_in_full() -> None:
    def attested(session: FakeSession) -> None:
        stage_done(session)
        session.result("vault.health", Verdict.ATTESTED, LONG)

    async with running(at_gate(attested)) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await until(pilot, lambda: "to its end" in words(app))
        at = words(app).index
        assert at("✎ attested vault.health") < at("✓ PASS vault.backup")
        app._leave(130)


@pytest.mark.parametrize(
    ("budgets", "usual", "said"),
    [
        ({"vault": 1800.0}, {}, "took 0:10:0"),
        ({"vault": 1800.0}, {}, ", budget 0:30:00"),
        ({"vault": 60.0}, {}, "! 0:10:0"),
        ({"vault": 60.0}, {}, " OVER 0:01:00"),
        ({}, {"vault": 300.0}, ", usually 0:05:00"),
    ],
)
async def test_the_time_of_the_stage_is_told_against_its_budget(
    budgets: Mapping[str, float], usual: Mapping[str, float], said: str
) -> None:
    def slowly(session: FakeSession) -> None:
        stage_done(session)
        session.at += timedelta(minutes=10)

    session = at_gate(slowly, budgets=budgets, forecast=Forecast(stages=usual, runs=3))
    async with running(session) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await until(pilot, lambda: said in words(app))
        app._leave(130)


async def test_what_people_were_waited_for_is_told_apart() -> None:
    def asked(session: FakeSession) -> None:
        stage_done(session)
        session.say(Kind.ASKED, "vault", question="?", text="")
        session.at += timedelta(minutes=5)
        session.say(Kind.ANSWERED, "vault", answer="yes", by="operator")

    async with running(at_gate(asked)) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await until(pilot, lambda: "· 0:05:01 of it waiting for people" in words(app))
        app._leave(130)


async def test_findings_are_listed_with_their_weight_the_heaviest_first() -> None:
    def found(session: FakeSession) -> None:
        stage_done(session)
        session.note("the backup is 31 h old")
        session.note("a copy is left in the bucket", severity="major")

    async with running(at_gate(found)) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await until(pilot, lambda: "Findings of this run so far (2)" in words(app))
        at = words(app).index
        assert at("! major a copy is left") < at("! minor the backup is 31 h old")
        assert "✓ CAN BE OPENED" in words(app)
        app._leave(130)
