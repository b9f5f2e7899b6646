"""Hours of work, told many times a second: what of it is in sight, and that the screen still answers."""

from __future__ import annotations

import asyncio
import time

import pytest

from runbook.engine.events import Kind
from runbook.engine.ports import Operator
from screens.app import RunbookApp
from screens.dialogs.help import HelpDialog
from screens.run.screen import REPAINT_S, RunScreen
from screens.run.steps import Detail
from tests.screens.driving import SIZES, running, shown, until, until_on, words
from tests.screens.fake import FakeSession

GIB = 2**30
STEP = "database.content"
WORDS = "comparing public.appointments, 12 of 500 tables, 0:16: 5,120 of 12,288 MiB at 320.0 MiB/s, about 22 s left"
BURST = 5000


def _below(app: RunbookApp) -> str:
    """The words of the marked step's place; the rail stands beside it."""
    place = app.screen.query_one(Detail).region
    lines = shown(app).split("\n")[place.y : place.bottom]
    return " ".join(" ".join(line[place.x : place.right] for line in lines).split())


def _at_content(session: FakeSession) -> None:
    for stage in ("identity", "vault"):
        session.stage_done(stage)
        session.opened(stage)
    session.say(Kind.STARTED, "database")
    session.result("database.snapshots")
    session.say(Kind.STARTED, "database", STEP, attempt=1)


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_share_bytes_rate_and_table_are_in_sight(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        _at_content(session)
        session.progress(STEP, 5 * GIB, 12 * GIB, WORDS)
        await asyncio.Event().wait()

    async with running(FakeSession(script), size) as (app, pilot):
        await until(pilot, lambda: f"now █████░░░░░░░ 42% {WORDS}" in _below(app))
        app._leave(130)


async def test_of_several_steps_that_run_the_marked_one_is_told_in_full() -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        _at_content(session)
        session.say(Kind.STARTED, "database", "database.restore", attempt=1)
        session.progress(STEP, 5 * GIB, 12 * GIB, WORDS)
        session.progress("database.restore", 40, 100, "rt-1 is creating")
        await asyncio.Event().wait()

    async with running(FakeSession(script)) as (app, pilot):
        await until(pilot, lambda: "now ████░░░░░░░░ 40% rt-1 is creating" in _below(app))
        await pilot.press("down")
        await until(pilot, lambda: WORDS in _below(app))
        app._leave(130)


async def test_another_attempt_does_not_begin_where_the_last_one_ended() -> None:
    again = asyncio.Event()

    async def script(session: FakeSession, _: Operator) -> None:
        _at_content(session)
        session.progress(STEP, 5 * GIB, 12 * GIB, WORDS)
        await again.wait()
        session.result(STEP)
        session.say(Kind.STARTED, "database", STEP, attempt=2)
        await asyncio.Event().wait()

    async with running(FakeSession(script)) as (app, pilot):
        await until(pilot, lambda: "42%" in words(app))
        again.set()
        await until(pilot, lambda: "attempt 2" in words(app))
        assert "42%" not in words(app)
        app._leave(130)


async def test_a_burst_from_other_threads_costs_a_few_repaints_and_keys_still_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    painted: list[float] = []
    paint = RunScreen._repaint

    def counted(screen: RunScreen) -> None:
        painted.append(time.monotonic())
        paint(screen)

    monkeypatch.setattr(RunScreen, "_repaint", counted)
    begin, begun = asyncio.Event(), asyncio.Event()

    async def script(session: FakeSession, _: Operator) -> None:
        _at_content(session)

        def burst() -> None:
            for number in range(1, BURST + 1):
                session.progress(STEP, number, BURST, f"comparing public.table_{number:04}")

        begun.set()
        await begin.wait()
        await asyncio.gather(*(asyncio.to_thread(burst) for _ in range(2)))
        await asyncio.Event().wait()

    async with running(FakeSession(script)) as (app, pilot):
        await begun.wait()
        await until(pilot, lambda: "nothing to press: database.content" in words(app))
        painted.clear()
        began = time.monotonic()
        begin.set()
        await pilot.press("question_mark")
        await until_on(pilot, HelpDialog)
        await pilot.press("escape")
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: f"100% comparing public.table_{BURST:04}" in _below(app))
        assert len(painted) <= (time.monotonic() - began) / REPAINT_S + 2
        app._leave(130)
