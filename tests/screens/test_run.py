"""The run's own screen: what it is doing, whether it needs anybody, what it saw; and who only looks on."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.ports import Operator
from runbook.engine.procedure import Action, Repeat
from runbook.engine.verdict import Verdict
from runbook.views import Banner
from screens.run.news import LINES, News
from screens.run.rail import Rail
from screens.run.screen import RunScreen
from screens.run.side import Side
from screens.run.status import Clocks, Doing
from screens.run.steps import Detail, StepList
from tests.screens.driving import running, until, until_on, words
from tests.screens.fake import NOW, FakeSession
from tests.screens.gallery import a_run
from tests.screens.seeing import ALL, EARLIER, SMALL, at, comparing, done, later, sees


# -- does it need anybody ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", ALL)
async def test_what_runs_says_for_how_long_and_how_long_it_usually_takes(size: tuple[int, int]) -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        later(session, 72)

    told = "0:01:12, usually 0:07:00"
    await sees(before, told, size=size, where=Detail, forecast=EARLIER)
    if size[0] >= 80:
        await sees(before, f"nothing to press: database.content, {told}", size=size, where=Doing, forecast=EARLIER)


async def test_what_runs_longer_than_usual_says_so() -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        later(session, 600)

    await sees(before, "0:10:00, longer than the usual 0:07:00", where=Detail, forecast=EARLIER)


async def test_what_never_ran_before_has_no_forecast_and_nothing_is_invented() -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        later(session, 5)

    await sees(before, "0:00:05, no forecast yet", where=Doing)


async def test_what_has_only_just_begun_does_not_count_its_seconds() -> None:
    async with running(a_run(comparing, forecast=EARLIER)) as (app, pilot):
        await until(pilot, lambda: "nothing to press: database.content" in at(app, Doing))
        assert not re.search(r"\d:\d\d:\d\d", at(app, Doing))
        app._leave(130)


async def test_time_until_the_answer_is_no_time_of_the_step() -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        session.say(Kind.ASKED, "database", "database.content", question="confirm", text="Go on?")
        later(session, 900)
        session.say(Kind.ANSWERED, "database", "database.content", answer="yes", by="Pat")
        later(session, 30)

    await sees(before, "0:00:30, usually 0:07:00", where=Detail, forecast=EARLIER)


@pytest.mark.parametrize("size", ALL)
async def test_a_question_is_said_to_wait_and_since_when(size: tuple[int, int]) -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        session.say(Kind.ASKED, "database", "database.content", question="secret", text="?")
        later(session, 240)

    async with running(a_run(before), size) as (app, pilot):
        await until(pilot, lambda: "◆ waiting for your answer, 0:04:00 · Core Database" in at(app, Doing))
        assert "nothing to press" not in words(app)
        app._leave(130)


async def test_between_an_answer_and_the_next_step_it_works_again() -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        session.result("database.content")
        session.say(Kind.ASKED, "database", question="checkpoint", text="?")
        session.say(Kind.ANSWERED, "database", answer="open", by="Pat")
        later(session, 7)

    await sees(before, "▸ working, nothing to press: Core Database, 0:00:07", where=Doing)


async def test_a_run_that_is_over_asks_for_nothing() -> None:
    def before(session: FakeSession) -> None:
        comparing(session)
        session.say(Kind.ENDED, outcome="ABORTED")

    await sees(before, "run over: ■ ABORTED", where=Doing)


# -- the table, and the marked step -----------------------------------------------------------------------------------
async def test_what_was_seen_stands_beside_each_step_and_what_was_expected_where_there_is_room() -> None:
    def before(session: FakeSession) -> None:
        session.say(Kind.STARTED, "identity")
        session.result("identity.tool", observed="51 MiB free")

    await sees(before, "✓ PASS tool 51 MiB free", where=StepList)
    both = "The tool of the identity holds 51 MiB free expected: identity.tool as configured"
    await sees(before, both, size=(190, 40), where=StepList)


@pytest.mark.parametrize("size", SMALL)
async def test_of_the_marked_step_what_was_expected_stays_in_sight_however_much_was_seen(
    size: tuple[int, int],
) -> None:
    def before(session: FakeSession) -> None:
        session.say(Kind.STARTED, "identity")
        session.result("identity.tool", Verdict.FAIL, observed="word " * 200, fix="free some space")

    await sees(before, "expected identity.tool as configured fix free some space", size=size, where=Detail)


@pytest.mark.parametrize("size", SMALL)
async def test_before_it_ran_a_step_says_whether_it_changes_anything_and_why_it_is_there(
    size: tuple[int, int],
) -> None:
    wanted = "does only reads why without tool nothing after it can be trusted (policy 3.1)"
    await sees(lambda session: session.say(Kind.STARTED, "identity"), wanted, size=size, where=Detail)


def _with_an_action(session: FakeSession) -> None:
    async def never(_: object) -> Any:
        raise AssertionError("screens do not run steps")

    identity, *others = session.procedure.stages
    tool = identity.steps[0]
    about: dict[str, Any] = {"id": tool.id, "title": tool.title, "why": tool.why, "manual": ""}
    acts: Action[Any] = Action(**about, aim=tool.title, find=never, preview=never, perform=never, repeat=Repeat.ONCE)
    session.procedure = replace(
        session.procedure, stages=(replace(identity, steps=(acts, *identity.steps[1:])), *others)
    )
    session.say(Kind.STARTED, "identity")


async def test_an_action_says_that_it_changes_something_and_then_what_it_called() -> None:
    def announced(session: FakeSession) -> None:
        _with_an_action(session)
        session.say(Kind.STARTED, "identity", "identity.tool", attempt=1)
        session.say(Kind.INTENT, "identity", "identity.tool", operation="rds:CreateDBInstance", target="rt-7f3a")

    await sees(_with_an_action, "changes something: the exact calls are shown", where=Detail)
    await sees(announced, "changes something: rds:CreateDBInstance on rt-7f3a", where=Detail)


# -- the log ----------------------------------------------------------------------------------------------------------
async def test_a_layer_that_is_there_again_is_said_once() -> None:
    def before(session: FakeSession) -> None:
        done(session, "identity")
        for alive in (True, False, True, True):
            session.say(Kind.HEARTBEAT, "identity", alive=alive, observed="ExpiredToken" if not alive else "answers")

    async with running(a_run(before)) as (app, pilot):
        await until(pilot, lambda: "identity is alive again" in at(app, News))
        said = "\n".join(app.screen.query_one(News).lines)
        assert (said.count("alive again"), said.count("identity fell: ExpiredToken")) == (1, 1)
        app._leave(130)


async def test_ten_thousand_lines_are_kept_and_the_newest_is_in_sight() -> None:
    def before(session: FakeSession) -> None:
        session.say(Kind.STARTED, "identity")
        for number in range(LINES + 500):
            session._tell(Event(0, NOW, 0, "boot", Kind.FINDING, "identity", None, {"text": f"number {number}"}))

    async with running(a_run(before)) as (app, pilot):
        await until(pilot, lambda: f"number {LINES + 499}" in at(app, News))
        assert app.screen.query_one(News).line_count == LINES
        app._leave(130)


# -- what there is room for -------------------------------------------------------------------------------------------
def _made(session: FakeSession) -> None:
    session.say(Kind.STARTED, "identity")
    session.say(Kind.FINDING, "identity", text="the list is old", severity="minor")
    for number in (1, 2):
        creates = {"kind": "rds:instance", "id": f"rt-{number}"}
        session.say(
            Kind.INTENT, "identity", "identity.tool", operation="rds:X", target="rt", creates=creates, detail={}
        )
    session.say(Kind.CLEANUP, "closeout", kind="rds:instance", id="rt-1", name="rt-1", gone=True, observed="")


@pytest.mark.parametrize(("size", "panel"), [((120, 40), "#below-rail"), ((120, 24), "#beside-log")])
async def test_a_wide_terminal_shows_findings_and_what_the_run_made(size: tuple[int, int], panel: str) -> None:
    async with running(a_run(_made), size) as (app, pilot):
        await until(pilot, lambda: "findings 1 ! minor the list is old made by this run 2" in at(app, Side, panel))
        if size[1] >= 40:
            assert "● there rt-2 rds:instance ✓ undone rt-1 rds:instance" in at(app, Side, panel)
            assert "people 0:00:00" in at(app, Side, panel)
        app._leave(130)


async def test_a_terminal_that_grows_shows_what_it_then_has_room_for() -> None:
    async with running(a_run(_made), (60, 20)) as (app, pilot):
        await until(pilot, lambda: "1▸" in words(app))
        assert "made by this run" not in words(app)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "made by this run 2" in words(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "made by this run" not in words(app) and "Identity & Access" in at(app, Rail))
        app._leave(130)


# -- looking on -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", ALL)
async def test_who_looks_on_is_told_so_and_can_note_nothing(size: tuple[int, int]) -> None:
    session = a_run(comparing, banner=Banner("DRILL", "staging", "providers: LOOPBACK"))
    async with running(a_run(), size) as (app, pilot):
        comparing(session)
        session.say(Kind.ASKED, "database", question="?", text="")
        later(session, 180)
        app.push_screen(RunScreen(session, watching=True))
        await until(pilot, lambda: "◆ waiting for the operator's answer, 0:03:00" in words(app))
        assert "DRILL ! WATCHING, read-only ! providers: LOOPBACK" in words(app)
        assert app.screen.check_action("note", ()) is False
        assert "Note" not in words(app)
        app._leave(130)


async def test_who_looks_on_is_told_that_nothing_was_heard_for_long() -> None:
    session = a_run(comparing)
    async with running(a_run(), (120, 40)) as (app, pilot):
        comparing(session)
        later(session, 119)
        app.push_screen(RunScreen(session, watching=True))
        await until(pilot, lambda: "▸ working: database.content, 0:01:59" in words(app))
        assert "SILENT" not in words(app)
        later(session, 2)
        await until(pilot, lambda: "SILENT for 0:02:01" in words(app))
        app._leave(130)


# -- a note -----------------------------------------------------------------------------------------------------------
async def test_a_note_has_a_key_from_the_beginning_to_the_end_of_a_run() -> None:
    go, gone = asyncio.Event(), asyncio.Event()

    class Slow(FakeSession):
        async def walk(self, operator: Operator | None) -> Any:
            await go.wait()
            return await super().walk(operator)

    async def script(session: FakeSession, _: Operator) -> None:
        session.say(Kind.STARTED, "identity")
        await gone.wait()
        session.say(Kind.ENDED, outcome="ABORTED")
        await asyncio.Event().wait()

    async with running(Slow(script)) as (app, pilot):
        screen = await until_on(pilot, RunScreen)
        assert screen.check_action("note", ()) is None
        go.set()
        await until(pilot, lambda: screen.check_action("note", ()) is True)
        gone.set()
        await until(pilot, lambda: screen.check_action("note", ()) is None)
        app._leave(130)


# -- what it costs ----------------------------------------------------------------------------------------------------
async def test_what_only_moves_on_within_a_second_paints_nothing_else_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(a_run(comparing, forecast=EARLIER)) as (app, pilot):
        await until(pilot, lambda: "nothing to press: database.content" in at(app, Doing))
        await pilot.pause()
        painted: list[str] = []
        for kind in (Rail, Clocks, StepList):
            show = kind.show

            def counted(*given: Any, show: Any = show, name: str = kind.__name__) -> None:
                painted.append(name)
                show(*given)

            monkeypatch.setattr(kind, "show", counted)
        app.screen.session.progress("database.content", 1, 2, "half of it")  # type: ignore[attr-defined]  # the run's
        await until(pilot, lambda: "50% half of it" in at(app, Detail))
        assert painted == []
        app._leave(130)


async def test_a_repaint_that_comes_when_the_screen_is_being_taken_down_is_none() -> None:
    async def for_ever(_: FakeSession, __: Operator) -> None:
        await asyncio.Event().wait()

    session = FakeSession(for_ever)
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, RunScreen)
        assert isinstance(screen, RunScreen)
        await screen.query("*").remove()
        session.stage_done("identity")
        screen.rung(screen.repaint_if_needed)()
        app._leave(130)
    assert app.return_code == 130
