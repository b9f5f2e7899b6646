"""Home: its faces, what it offers, and that nothing pressed too early is lost or moves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from runbook.engine.errors import RecordFailed
from runbook.views import HistoryView, HomeView, Preferences, RunLine
from screens.app import RunbookApp
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import READING, HomeScreen
from screens.run.screen import RunScreen
from tests.screens import gallery_pasts as pasts
from tests.screens.driving import choose, running, shown, until, until_on, words
from tests.screens.fake import NOW, FakeSession, FakeSource, a_home, an_unfinished_run

SIZES = ((60, 20), (80, 24), (120, 40))
NAME = "Sampleclinic"
FIRST = replace(a_home(), platform="no platform is configured yet: training needs none")


def _configured(history: HistoryView | None, *runs: RunLine, notices: tuple[str, ...] = ()) -> HomeView:
    return replace(a_home(*runs), configured=NAME, history=history, notices=notices)


def _drill(outcome: str) -> RunLine:
    return RunLine("drill-1", "drill", "", NOW - timedelta(hours=2), outcome)


FACES = {
    "first run": (FIRST, "Start here: Train", "A practice estate on this machine", "train"),
    "never drilled": (_configured(pasts.nothing_recorded()), "✗ NEVER DRILLED", "training does not count", "drill"),
    "passing": (_configured(pasts.passing()), "✓ PASS", "last drill, 40 days ago; the 2027-Q1 drill is due", "drill"),
    "overdue": (_configured(pasts.overdue()), "! OVERDUE", "the 2026-Q4 drill, since 31 October", "drill"),
    "failed": (_configured(pasts.failed()), "✗ LAST DRILL: FAIL", "40 days ago: repeat it", "drill"),
    "damaged": (_configured(pasts.damaged()), "✗ LOG DAMAGED", "ROW_ALTERED: what stands here rests on", "history"),
    "unread": (_configured(None, notices=("the log: Permission denied",)), "✗ LOG NOT READ", "Permission", "history"),
    "unusable": (
        replace(FIRST, notices=("/x/runbook.toml cannot be used (2 mistakes): runbook config check",)),
        "✗ CONFIGURATION",
        "/x/runbook.toml cannot be used (2 mistakes): runbook config check. Training needs none.",
        "train",
    ),
    "unfinished": (_configured(pasts.passing(), _drill("")), "… UNFINISHED DRILL", "begun 2 hours ago", "resume"),
}


class Slow:
    """A view that is only there when it is let go."""

    def __init__(self, view: HomeView) -> None:
        self.let_go = threading.Event()
        self.asked = 0
        self._view = view

    def __call__(self) -> HomeView:
        self.asked += 1
        assert self.let_go.wait(20)
        return self._view


@asynccontextmanager
async def reading(view: HomeView, session: Any = None) -> AsyncIterator[tuple[RunbookApp, Pilot[None], Slow]]:
    """Home while its records are being read."""
    slow = Slow(view)
    app = RunbookApp(FakeSource(slow, lambda _: session), Preferences())
    app.animation_level = "none"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: slow.asked > 0)
        try:
            yield app, pilot, slow
        finally:
            slow.let_go.set()


def _home(app: RunbookApp) -> HomeScreen:
    assert isinstance(app.screen, HomeScreen)
    return app.screen


def _marked(app: RunbookApp) -> str | None:
    option = app.screen.query_one(OptionList).highlighted_option
    return option.id if option else None


def _lines(app: RunbookApp, place: str) -> list[str]:
    """What stands in that place of the terminal."""
    region = app.screen.query_one(place).region
    return [line[region.x : region.right] for line in shown(app).splitlines()[region.y : region.bottom]]


def _face(app: RunbookApp) -> str:
    return "\n".join(_lines(app, "#home-face"))


def _menu(app: RunbookApp) -> list[str]:
    return _lines(app, "#menu")


# -- faces --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("face", FACES)
async def test_each_face_says_its_state_in_words_and_marks_what_comes_next(face: str, size: tuple[int, int]) -> None:
    view, state, sentence, start = FACES[face]
    async with running(start=None, home=view, size=size) as (app, _):
        assert state in _face(app)
        if size == (80, 24):
            assert sentence in words(app)
        assert not [other for key, (_, other, _, _) in FACES.items() if key != face and other in _face(app)]
        assert _marked(app) == start
        assert [line[:10].strip() for line in _menu(app) if line[0] == "▸"] == [f"▸ {start.capitalize()}"]


@pytest.mark.parametrize("size", SIZES)
async def test_how_the_platform_stands_is_told_in_words(size: tuple[int, int]) -> None:
    async with running(start=None, home=_configured(pasts.overdue()), size=size) as (app, _):
        for row in (
            "Restored   130 days ago, by the drill of 2026-07-15",
            "Quarter    2026-Q4 drill  ! OVERDUE since 31 October",
            "Last run   ■ ABORTED  recovery, 94 days ago",
            "Findings   ! 2 open",
            "Test log   ✓ verified (OK)  6 runs recorded",
            "Readiness  ○ never checked (all five layers",
        ):
            assert row in shown(app)


async def test_a_failed_quarter_that_is_late_says_both() -> None:
    async with running(start=None, home=_configured(pasts.failed())) as (app, _):
        assert "Quarter    2026-Q4 drill  ✗ FAILED ! OVERDUE on 13 October" in shown(app)


async def test_training_does_not_count_as_a_restore_of_the_platform() -> None:
    practised = RunLine("t", "training", "calm", NOW, "PASS")
    async with running(start=None, home=_configured(pasts.nothing_recorded(), practised)) as (app, _):
        assert "✗ NEVER DRILLED" in words(app)
        assert "Restored   ✗ never" in shown(app)


async def test_a_row_that_was_altered_is_neither_the_last_run_nor_a_finding() -> None:
    history = pasts.failed()
    forged = replace(history.runs[-1], outcome="PASS", damaged=True, findings_open=3)
    before = history.runs[-2]
    history = replace(history, runs=(*history.runs[:-1], forged), sound=False, verdict="ROW_ALTERED")
    async with running(start=None, home=_configured(history)) as (app, _):
        (last,) = [line for line in shown(app).splitlines() if "Last run" in line]
        assert before.outcome in last
        assert before.mode.lower() in last
        others = sum(run.findings_open for run in history.runs[:-1])
        assert (f"! {others} open" if others else "none open") in words(app)
        assert f"✗ ROW_ALTERED {len(history.runs)} runs recorded, 1 not as written" in words(app)


async def test_an_unfinished_training_run_hides_nothing_that_is_about_the_platform() -> None:
    async with running(start=None, home=_configured(pasts.overdue(), an_unfinished_run())) as (app, _):
        assert "! OVERDUE" in words(app)
        assert "▸ Resume   training calm, begun 2 hours ago" in shown(app)


async def test_what_earlier_runs_left_is_told_and_the_menu_stays_where_it_is() -> None:
    async with running(start=None, home=_configured(pasts.passing())) as (app, _):
        before = app.screen.query_one("#menu").region
    left = tuple(f"restored-{number} of drill-1 is still there" for number in range(9))
    async with running(start=None, home=_configured(pasts.passing(), notices=left)) as (app, _):
        assert "! restored-0 of drill-1 is still there" in words(app)
        assert app.screen.query_one("#menu").region == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecordFailed("the folder of runs is damaged", fix="Look at it."), "the folder of runs is damaged Look at it."),
        (PermissionError(13, "Permission denied", "/x/training"), "/x/training: Permission denied Put that right"),
        (KeyError("SENTINEL-44"), "a defect in runbook itself (KeyError at"),
    ],
)
async def test_records_that_cannot_be_read_leave_a_home_that_says_so(error: Exception, said: str) -> None:
    def fail() -> HomeView:
        raise error

    async with running(start=None, source=FakeSource(fail)) as (app, pilot):
        assert "✗ CANNOT BE READ" in words(app)
        assert said in words(app)
        assert "SENTINEL" not in words(app)
        await pilot.press("t")
        assert isinstance(app.screen, HomeScreen)
        await pilot.press("q")
    assert app.return_code == 0


async def test_home_is_read_again_when_it_is_come_back_to() -> None:
    views = [_configured(pasts.nothing_recorded()), _configured(pasts.passing())]
    async with running(start=None, source=FakeSource(lambda: views.pop(0))) as (app, pilot):
        assert "NEVER DRILLED" in words(app)
        await pilot.press("t")
        await until_on(pilot, ScenarioScreen)
        await pilot.press("escape")
        await until_on(pilot, HomeScreen)
        await until(pilot, lambda: "✓ PASS" in words(app))
    assert views == []


# -- before the records are read ----------------------------------------------------------------------------------
async def test_the_menu_stands_before_the_records_are_read_and_does_not_move() -> None:
    async with reading(_configured(pasts.passing())) as (app, pilot, slow):
        assert READING in words(app)
        before = app.screen.query_one("#menu").region
        assert [line.split()[0] for line in _menu(app)] == ["Drill", "Recover", "Train", "Resume", "History", "Quit"]
        slow.let_go.set()
        await until(pilot, lambda: _home(app).told is not None)
        await until(pilot, lambda: f"restore {NAME} into staging" in words(app))
        assert app.screen.query_one("#menu").region == before
        assert READING not in words(app)


async def test_a_key_that_was_pressed_too_early_waits_for_the_records() -> None:
    async with reading(FIRST) as (app, pilot, slow):
        await pilot.press("t")
        assert f"{READING} then: train" in words(app)
        assert isinstance(app.screen, HomeScreen)
        slow.let_go.set()
        await until_on(pilot, ScenarioScreen)
        assert "Nothing goes wrong" in words(app)


async def test_a_drill_that_was_asked_for_too_early_begins_only_where_one_is_configured() -> None:
    async with reading(FIRST) as (app, pilot, slow):
        await pilot.press("d")
        slow.let_go.set()
        await until(pilot, lambda: "Start here" in words(app))
        await until(pilot, lambda: bool(app._notifications))
        assert isinstance(app.screen, HomeScreen)
        assert [each.message for each in app._notifications] == ["needs a runbook.toml: runbook config init writes one"]


async def test_enter_chooses_nothing_before_something_is_marked() -> None:
    async with reading(_configured(pasts.passing())) as (app, pilot, slow):
        await pilot.press("enter")
        slow.let_go.set()
        await until(pilot, lambda: _marked(app) == "drill")
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)


async def test_what_is_typed_right_after_a_choice_chooses_nothing_else() -> None:
    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    source = FakeSource(lambda: _configured(pasts.passing()), lambda _: FakeSession(for_ever))
    async with running(start=None, source=source) as (app, pilot):
        home = _home(app)
        home.action_train()  # both before the app has heard of the first
        home.query_one(OptionList).action_select()
        await until_on(pilot, ScenarioScreen)
        await pilot.pause()
        assert source.opened == []


async def test_quitting_waits_for_nothing() -> None:
    async with reading(FIRST) as (app, pilot, _):
        await pilot.press("q")
        await until(pilot, lambda: app._exit)
    assert app.return_code == 0


# -- the menu -----------------------------------------------------------------------------------------------------
async def test_without_a_configuration_nothing_is_offered_that_needs_one() -> None:
    async with running(start=None, home=FIRST) as (app, pilot):
        offered = {what: app.screen.check_action(what, ()) for what in ("drill", "recover", "resume", "train")}
        assert offered == {"drill": False, "recover": False, "resume": False, "train": True}
        assert "Drill    needs a runbook.toml: runbook config init writes one" in shown(app)
        await pilot.press("d", "p", "r")
        assert isinstance(app.screen, HomeScreen)


@pytest.mark.parametrize("way", ["key", "enter", "mouse"])
@pytest.mark.parametrize(
    ("what", "key", "asked"), [("drill", "d", "drill"), ("recover", "p", "recover"), ("resume", "r", None)]
)
async def test_a_run_is_begun_by_key_by_enter_and_by_mouse(what: str, key: str, asked: str | None, way: str) -> None:
    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    view = _configured(pasts.passing(), _drill(""))
    source = FakeSource(lambda: view, lambda _: FakeSession(for_ever))
    async with running(start=None, source=source) as (app, pilot):
        menu = app.screen.query_one(OptionList)
        if way == "key":
            await pilot.press(key)
        elif way == "enter":
            menu.highlighted = menu.get_option_index(what)
            await pilot.press("enter")
        else:
            await choose(pilot, what)
        await until_on(pilot, RunScreen)
        app._leave(130)
    assert source.opened == [asked]


async def test_outside_text_on_home_is_shown_as_text() -> None:
    hostile = "\x1b[31m[/b] [@click=app.quit]x[/] \u202e" + "y" * 500
    run = RunLine("d", hostile, hostile, NOW, hostile)
    view = replace(_configured(pasts.passing(), run, notices=(hostile,)), configured=hostile, platform=hostile)
    async with running(start=None, home=view, size=(120, 40)) as (app, _):
        assert "[/b] [@click=app.quit]x[/]" in words(app)
        assert "\x1b" not in shown(app)
        assert "\u202e" not in shown(app)
