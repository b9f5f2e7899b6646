"""A finding of the operator's own: recorded at once, minor or major, and never lost by a refusal."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from runbook.engine.errors import WrongUse
from runbook.engine.ports import Operator
from runbook.engine.verdict import Finding
from screens.dialogs.note import LIMIT, NoteDialog
from screens.reading.report import ReportScreen
from screens.run.screen import RunScreen
from tests.screens.driving import click, running, until, until_on, words
from tests.screens.fake import FakeSession

SIZES = ((80, 24), (60, 20))
SAW = "the door was open"


async def _for_ever(session: FakeSession, _: Operator) -> None:
    session.stage_done("identity")
    await asyncio.Event().wait()


class Refusing(FakeSession):
    """A run that is over by the time it is handed in."""

    def note(self, text: str, *, severity: str = "minor") -> None:
        raise WrongUse("this run has ended")


async def _opened(session: FakeSession, app: object, pilot: object) -> NoteDialog:
    await until_on(pilot, RunScreen)  # type: ignore[arg-type]  # the pilot
    app.push_screen(NoteDialog(session))  # type: ignore[attr-defined]  # the app
    screen = await until_on(pilot, NoteDialog)  # type: ignore[arg-type]  # the pilot
    assert isinstance(screen, NoteDialog)
    return screen


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("keys", "severity"), [((), "minor"), (("f2",), "major"), (("f2", "f2"), "minor")])
async def test_it_is_recorded_at_once_with_its_weight(
    size: tuple[int, int], keys: tuple[str, ...], severity: str
) -> None:
    session = FakeSession(_for_ever)
    async with running(session, size) as (app, pilot):
        await _opened(session, app, pilot)
        await pilot.press(*SAW, *keys)
        await until(pilot, lambda: f"● {severity}" in words(app))
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.run.findings))
        await until_on(pilot, RunScreen)
        app._leave(130)
    assert session.run.findings == (Finding(SAW, severity),)


async def test_the_mouse_records_it_too() -> None:
    session = FakeSession(_for_ever)
    async with running(session) as (app, pilot):
        await _opened(session, app, pilot)
        await pilot.press(*SAW)
        await click(pilot, "weigh")
        await click(pilot, "record")
        await until(pilot, lambda: bool(session.run.findings))
        app._leave(130)
    assert session.run.findings == (Finding(SAW, "major"),)


async def test_what_is_being_typed_when_the_run_ends_is_shown_as_not_recorded() -> None:
    over = asyncio.Event()

    async def until_over(session: FakeSession, _: Operator) -> None:
        session.stage_done("identity")
        await over.wait()

    session = FakeSession(until_over)
    async with running(session) as (app, pilot):
        await _opened(session, app, pilot)
        await pilot.press(*SAW)
        over.set()
        await until_on(pilot, ReportScreen)
        await until(pilot, lambda: bool(app._notifications))
        (told,) = app._notifications
        await pilot.press("enter")
    assert (told.title, told.message) == ("Not recorded: the run had ended by then", SAW)
    assert session.run.findings == ()


async def test_nothing_typed_and_nothing_wanted_record_nothing() -> None:
    session = FakeSession(_for_ever)
    async with running(session) as (app, pilot):
        screen = await _opened(session, app, pilot)
        await pilot.press("space", "enter")
        await until(pilot, lambda: "Nothing is typed yet." in words(app))
        assert app.screen is screen
        await pilot.press("x", "escape")
        await until_on(pilot, RunScreen)
        app._leave(130)
    assert session.run.findings == ()


async def test_what_could_not_be_recorded_says_why_and_keeps_what_was_typed() -> None:
    session = Refusing(_for_ever)
    async with running(session) as (app, pilot):
        screen = await _opened(session, app, pilot)
        await pilot.press(*SAW, "enter")
        await until(pilot, lambda: "✗ not recorded: this run has ended" in words(app))
        assert screen.query_one(Input).value == SAW
        app._leave(130)


async def test_it_is_a_sentence_and_not_a_report() -> None:
    session = FakeSession(_for_ever)
    async with running(session) as (app, pilot):
        screen = await _opened(session, app, pilot)
        assert screen.query_one(Input).max_length == LIMIT
        app._leave(130)
