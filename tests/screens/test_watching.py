"""A second terminal: it sees the run, changes nothing, and is left without a question."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from runbook.commands.machine import SystemClock
from runbook.commands.watching import Watched, kept
from runbook.engine.events import Kind
from runbook.records.journal import Journal
from runbook.views import Preferences
from screens.app import RunbookApp
from screens.reading.fatal import FatalScreen
from screens.run.screen import RunScreen
from steps import PROCEDURE
from tests.screens.driving import until, until_on, words
from tests.screens.fake import FakeSource

RUN = "training-20270115T100000Z-7f3a"
FIRST = PROCEDURE.stages[0]


class Walked:
    """A run that another process walks."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.journal = Journal.create(home / "training" / RUN / "journal.jsonl", SystemClock())
        self.say(Kind.DECLARED, run_id=RUN, mode="training", scenario="calm", attended=True)
        self.say(Kind.STARTED, stage=FIRST.id)

    def say(self, kind: Kind, /, stage: str | None = None, step: str | None = None, **data: object) -> None:
        self.journal.append(kind, stage=stage, step=step, data=data)

    def passed(self, step: str) -> None:
        result = {"attempt": 1, "kind": "check", "verdict": "PASS", "expected": "", "source": "", "ms": 1}
        self.say(Kind.STARTED, stage=FIRST.id, step=step, attempt=1)
        self.say(Kind.RESULT, stage=FIRST.id, step=step, observed="as it should be", **result)


@pytest.fixture
def walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walked]:
    monkeypatch.setattr("runbook.commands.tail.EVERY_S", 0.02)
    run = Walked(tmp_path)
    yield run
    run.journal.close()


@asynccontextmanager
async def watching(walked: Walked, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[RunbookApp, Pilot[None]]]:
    where = kept(argparse.Namespace(run=RUN, home=walked.home, config=None))
    app = RunbookApp(FakeSource(), Preferences(), watch=Watched(walked.journal.path, where, SystemClock()))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await until_on(pilot, RunScreen)
        yield app, pilot


async def test_what_the_run_says_is_seen_while_it_is_said(walked: Walked) -> None:
    async with watching(walked) as (app, pilot):
        await until(pilot, lambda: "WATCHING" in words(app) and FIRST.title in words(app))
        walked.passed(FIRST.steps[0].id)
        await until(pilot, lambda: "✓ PASS" in words(app))
        walked.say(Kind.FINDING, text="the contact list is two years old", severity="minor", owner="", due="")
        await until(pilot, lambda: "the contact list is two years old" in words(app))


async def test_it_offers_nothing_that_would_change_the_run(walked: Walked) -> None:
    async with watching(walked) as (app, pilot):
        await until(pilot, lambda: "WATCHING" in words(app))
        assert app.screen.check_action("note", ()) is False
        before = walked.journal.path.read_bytes()
        await pilot.press("n", "f3", "a", "r", "enter")
        await pilot.pause()
        assert isinstance(app.screen, RunScreen)
        assert walked.journal.path.read_bytes() == before


async def test_what_ended_stays_to_be_read_and_q_closes_it(walked: Walked) -> None:
    async with watching(walked) as (app, pilot):
        walked.say(Kind.ENDED, outcome="INCONCLUSIVE")
        await until(pilot, lambda: "? INCONCLUSIVE" in words(app))
        await pilot.pause()
        assert isinstance(app.screen, RunScreen)
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)


async def test_a_run_that_goes_on_is_left_without_a_question(walked: Walked) -> None:
    async with watching(walked) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)


async def test_damage_is_named_and_nothing_more_is_shown_of_the_run(walked: Walked) -> None:
    async with watching(walked) as (app, pilot):
        await until(pilot, lambda: FIRST.title in words(app))
        walked.journal.path.write_bytes(walked.journal.path.read_bytes().replace(b"calm", b"lies"))
        await until_on(pilot, FatalScreen)
        await until(pilot, lambda: "line 1: its content was changed after it was written" in words(app))
        assert "This can be followed no further; the run itself may go on" in words(app)
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 7)
