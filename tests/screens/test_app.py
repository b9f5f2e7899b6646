"""The app around a run: home, leaving, failing, sizes, hostile text."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest
from textual.screen import Screen

from runbook.engine.errors import Refused, WrongUse
from runbook.engine.events import Kind
from runbook.engine.ports import Operator
from runbook.engine.verdict import Verdict
from runbook.views import Ending, Preferences
from screens import drop_debug_variables
from screens.app import RunbookApp
from screens.dialogs.ask import Ask
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.keys import KeysScreen
from screens.dialogs.leave import LeaveDialog
from screens.dialogs.note import NoteDialog
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import HomeScreen
from screens.reading.fatal import FatalScreen
from screens.reading.history import HistoryScreen
from screens.reading.report import ReportScreen
from screens.run.screen import RunScreen
from screens.widgets.flow import Keys
from tests.screens.driving import SIZES, running, shown, until, until_keys_are_in_sight, until_on, words
from tests.screens.fake import FakeSession, FakeSource, a_home, an_unfinished_run
from tests.screens.questions import CONFIRM, decide

HOSTILE = (
    "\x1b[31mred\x1b]52;c;AAAA\x07\x9b2J [/b] [@click=app.quit]x[/] [TODO] \u202eevil\u200b\ud800 \x1b[6n" + "y" * 5000
)


async def _for_ever(session: FakeSession, _: Operator) -> None:
    session.say(Kind.STARTED, "identity")
    session.say(Kind.STARTED, "identity", "identity.tool", attempt=1)
    await asyncio.Event().wait()


# -- where buttons are --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
async def test_buttons_stay_where_they_are_when_the_keys_come_or_go(size: tuple[int, int]) -> None:
    async with running(start=None, size=size) as (app, pilot):
        await pilot.press("t")
        screen = await until_on(pilot, ScenarioScreen)
        await until_keys_are_in_sight(pilot)
        before = screen.query_one("#do-start").region
        await screen.query_one(Keys).remove_children()
        await pilot.pause()
        assert "⏎ Start" not in words(app)
        assert screen.query_one("#do-start").region == before


# -- a run --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_a_run_says_what_it_is_doing_and_that_nothing_is_asked(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        session.stage_done("identity")
        session.opened("identity")
        session.say(Kind.STARTED, "vault")
        session.result("vault.backup", Verdict.INCONCLUSIVE, "HTTP 503")
        session.say(Kind.FINDING, "vault", text="the backup is 27 h old", severity="minor")
        session.say(Kind.STARTED, "vault", "vault.restore", attempt=1)
        session.progress("vault.restore", 3, 10, "3 of 10 MiB")
        await asyncio.Event().wait()

    async with running(FakeSession(script), size) as (app, pilot):
        await until(pilot, lambda: "30%" in words(app))
        for text in ("TRAINING target: practice estate", "▸ working, nothing to press: vault.restore", "findings 1"):
            assert text in words(app)
        assert "no target set" in words(app)
        assert "? no verdict" in words(app)
        assert ("2 Encryption Vault" if size[0] >= 80 else "1✓ 2✗ 3· 4· 5·") in words(app)
        app._leave(130)


async def test_a_layer_that_falls_goes_dark() -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        session.stage_done("identity")
        session.opened("identity")
        session.say(Kind.HEARTBEAT, "identity", alive=False, observed="ExpiredToken", source="sts")
        await asyncio.Event().wait()

    async with running(FakeSession(script, targets={"rto_s": 2, "rpo_s": None})) as (app, pilot):
        await until(pilot, lambda: "✗ DOWN" in words(app))
        assert "identity fell: ExpiredToken" in words(app)
        assert "of 0:00:02 EXCEEDED" in words(app)
        app._leave(130)


async def test_another_stage_can_be_looked_at_without_moving_the_run() -> None:
    async with running(FakeSession(_for_ever)) as (app, pilot):
        await until(pilot, lambda: "The tool of the identity" in words(app))
        await pilot.press("right")
        assert "The backup of the vault" in words(app)
        await pilot.press("left")
        assert "The tool of the identity" in words(app)
        app._leave(130)


@pytest.mark.parametrize("size", [(59, 24), (80, 19), (20, 5)])
async def test_a_gate_that_cannot_be_seen_is_not_opened(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.stage_done("identity")
        await session.ask(operator.gate(session.gate_of("identity")))

    session = FakeSession(script)
    async with running(session, size) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        assert f"This terminal is {size[0]}" in words(app)
        await pilot.press("o", "enter", "q", "tab", "enter", "space")
        assert not session.answers
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "CAN BE OPENED" in words(app))
        await pilot.press("o")
        await until(pilot, lambda: bool(session.answers))


# -- the end ------------------------------------------------------------------------------------------------------
async def test_the_exit_code_is_the_endings() -> None:
    async def script(session: FakeSession, _: Operator) -> None: ...

    session = FakeSession(script, ending=Ending("FAIL", 1, "/x/run-1", "# Report\n\n[/b] [TODO] \x1b[2J\nlast line"))
    async with running(session) as (app, pilot):
        await until_on(pilot, ReportScreen)
        for text in ("✗ FAIL", "/x/run-1", "[/b] [TODO]", "last line"):
            assert text in words(app)
        assert "\x1b" not in shown(app)
        await pilot.press("enter")
    assert app.return_code == 1


async def test_the_logs_head_is_shown_for_paper_and_what_became_of_the_commit() -> None:
    async def script(session: FakeSession, _: Operator) -> None: ...

    details = {"short": "12:9f86d081884c7d65", "commit": "the record is committed as [1a2b3c4] on main"}
    session = FakeSession(script, ending=Ending("PASS", 0, "/x/run-1", "# Report", details))
    async with running(session) as (app, pilot):
        await until_on(pilot, ReportScreen)
        assert "12:9f86d081884c7d65" in words(app)
        assert "committed as [1a2b3c4] on main" in words(app)


async def test_leaving_asks_first_and_leaves_a_run_that_can_be_resumed() -> None:
    async with running(FakeSession(_for_ever)) as (app, pilot):
        await until_on(pilot, RunScreen)
        await pilot.press("q")
        await until(pilot, lambda: "Leave this run unfinished?" in words(app))
        await pilot.press("n")
        await until_on(pilot, RunScreen)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "Leave this run unfinished?" in words(app))
        await pilot.press("y")
    assert app.return_code == 130


async def test_leaving_is_asked_about_once_whatever_was_opened_on_top_of_the_question() -> None:
    async with running(FakeSession(_for_ever)) as (app, pilot):
        await until_on(pilot, RunScreen)
        await pilot.press("ctrl+q")
        await until_on(pilot, LeaveDialog)
        await pilot.press("ctrl+g")
        await until_on(pilot, KeysScreen)
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert sum(isinstance(each, LeaveDialog) for each in app.screen_stack) == 1
        app._leave(130)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
async def test_signals_end_the_walk_in_order(number: signal.Signals, code: int) -> None:
    cancelled = []

    async def script(session: FakeSession, operator: Operator) -> None:
        try:
            await session.ask(operator.confirm(CONFIRM))
        except asyncio.CancelledError:
            cancelled.append("put its things down")
            raise

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, Ask)
        os.kill(os.getpid(), number)
        await until(pilot, lambda: bool(cancelled))
    assert app.return_code == code


async def test_a_defect_shows_its_type_and_no_value() -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        secret = "SENTINEL-42"
        raise KeyError(secret)

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, FatalScreen)
        assert "a defect in runbook itself (KeyError at test_app.py:" in words(app)
        assert "SENTINEL" not in words(app)
        assert "runbook resume goes on from here" in words(app)
        await pilot.press("q")
    assert app.return_code == 1


async def test_our_own_errors_are_sentences_with_their_exit_code() -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        raise Refused("production is read-only here", fix="Check the target.")

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, FatalScreen)
        assert "production is read-only here" in words(app)
        await pilot.press("q")
    assert app.return_code == 4


async def test_where_nothing_was_begun_nothing_is_to_be_resumed() -> None:
    def opener(_: str | None) -> Any:
        raise KeyError

    app = RunbookApp(FakeSource(a_home, opener), Preferences())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t", "enter")
        await until_on(pilot, FatalScreen)
        assert "Nothing was begun yet. Please report the defect." in words(app)
        assert "resume" not in words(app)


async def test_a_scenario_that_cannot_be_opened_is_told_and_home_stays() -> None:
    def opener(_: str | None) -> Any:
        raise WrongUse("there is no such scenario")

    app = RunbookApp(FakeSource(a_home, opener), Preferences())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t", "enter")
        await until_on(pilot, FatalScreen)
        assert "✗ No run was begun" in words(app)
        assert "there is no such scenario" in words(app)
        await pilot.press("q")
        await until_on(pilot, HomeScreen)


def test_a_crash_of_the_app_itself_prints_no_local_variable(capsys: pytest.CaptureFixture[str]) -> None:
    app = RunbookApp(FakeSource(), Preferences())

    def crash() -> None:
        secret = "SENTINEL-43"
        raise ValueError(secret)

    app.call_later(crash)
    app.run(headless=True, size=(80, 24))
    told = capsys.readouterr()
    assert app.return_code == 1
    assert "runbook failed: ValueError" in told.err
    assert "SENTINEL" not in told.err + told.out


# -- what comes from outside --------------------------------------------------------------------------------------
async def test_hostile_text_is_shown_as_text_everywhere() -> None:
    seen = asyncio.Event()

    async def script(session: FakeSession, operator: Operator) -> None:
        session.say(Kind.STARTED, "identity")
        session.result("identity.tool", Verdict.FAIL, HOSTILE)
        session.say(Kind.FINDING, "identity", text=HOSTILE, severity=HOSTILE)
        session.progress("identity.clock", 1, 0, HOSTILE)
        await seen.wait()
        await session.ask(operator.decide(decide(observed=HOSTILE)))
        await session.ask(operator.gate(session.gate_of("identity")))

    session = FakeSession(script, shut=HOSTILE)
    async with running(session, (120, 40)) as (app, pilot):
        for kind, key in ((RunScreen, ""), (FailureDialog, "r"), (CheckpointDialog, "")):
            await until_on(pilot, kind)
            await until(pilot, lambda: "[/b] [@click=app.quit]x[/]" in words(app))
            assert not {c for c in shown(app) if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F or c == "\u202e"}
            seen.set()
            if key:
                await pilot.press(key)
        app._leave(130)


def test_textuals_debugging_variables_are_dropped() -> None:
    environ = {"TEXTUAL_LOG": "log.txt", "TEXTUAL": "devtools", "TEXTUAL_ANIMATIONS": "none", "HOME": "/home/x"}
    assert set(drop_debug_variables(environ)) == {"TEXTUAL_LOG", "TEXTUAL"}
    assert environ == {"TEXTUAL_ANIMATIONS": "none", "HOME": "/home/x"}


# -- beside a run -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("on_top", [RunScreen, Ask])
async def test_a_note_can_be_written_down_whatever_is_being_asked(on_top: type[Screen[Any]]) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.say(Kind.STARTED, "identity")
        if on_top is Ask:
            await session.ask(operator.confirm(CONFIRM))
        await asyncio.Event().wait()

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        below = await until_on(pilot, on_top)
        await pilot.press("f3")
        await until_on(pilot, NoteDialog)
        await pilot.press("f3", *"the pager is silent", "enter")
        await until(pilot, lambda: app.screen is below)
        app._leave(130)
    assert [finding.text for finding in session.run.findings] == ["the pager is silent"]


async def test_where_no_run_is_walked_there_is_nothing_to_note() -> None:
    async with running(start=None) as (app, pilot):
        assert app.check_action("note", ()) is None
        await pilot.press("f3")
        assert isinstance(app.screen, HomeScreen)


async def test_a_run_that_is_watched_takes_no_note_and_is_left_without_a_question() -> None:
    operators: list[Operator | None] = []

    class Watched(FakeSession):
        async def walk(self, operator: Operator | None) -> Ending:
            operators.append(operator)
            self.stage_done("identity")
            return await asyncio.Event().wait()  # type: ignore[return-value]  # never comes back

    app = RunbookApp(FakeSource(), Preferences(), watch=Watched(_for_ever))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: "WATCHING" in words(app))
        assert app.check_action("note", ()) is None
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
    assert operators == [None]
    assert app.return_code == 0


async def test_a_theme_that_is_chosen_is_kept_and_where_is_said() -> None:
    source = FakeSource()
    async with running(start=None, source=source) as (app, pilot):
        assert source.kept == []
        app.theme = "light"
        await until(pilot, lambda: bool(app._notifications))
        assert [each.message for each in app._notifications] == ["kept"]
    assert source.kept == ["light"]


async def test_history_is_opened_from_home_and_left_to_it() -> None:
    async with running(start=None) as (_, pilot):
        await pilot.press("h")
        await until_on(pilot, HistoryScreen)
        await pilot.press("escape")
        await until_on(pilot, HomeScreen)


async def test_the_keys_of_a_screen_are_shown_on_top_of_it_once() -> None:
    async with running(start=None) as (app, pilot):
        await pilot.press("ctrl+g")
        await until_on(pilot, KeysScreen)
        assert "home.train" in words(app)
        await pilot.press("ctrl+g", "escape")
        await until_on(pilot, HomeScreen)


async def test_other_keys_are_in_place_and_named_with_the_first_frame() -> None:
    async with running(start=None, preferences=Preferences(keys={"home.train": "f5"})) as (app, pilot):
        await until(pilot, lambda: "F5 Train" in words(app))
        await pilot.press("t")
        assert isinstance(app.screen, HomeScreen)
        await pilot.press("f5")
        await until_on(pilot, ScenarioScreen)


async def test_only_one_run_is_walked_at_a_time() -> None:
    source = FakeSource(lambda: a_home(an_unfinished_run()), lambda _: FakeSession(_for_ever))
    async with running(start=None, source=source) as (app, pilot):
        await pilot.press("r")
        app._rooms.open("calm")
        await until_on(pilot, RunScreen)
        app._leave(130)
    assert source.opened == [None]
