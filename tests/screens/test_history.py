"""History: what the log answers, every run of it, where the figures go, and each state of a log told apart."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from threading import Event

import pytest
from textual.pilot import Pilot

from runbook.engine.errors import RecordFailed
from runbook.views import HistoryView, Trend
from screens.app import RunbookApp
from screens.reading import recorded
from screens.reading.history import HistoryScreen
from screens.reading.plot import FEWEST_LINES, picture
from screens.reading.screen import RecordScreen
from screens.widgets.marks import MarkList
from tests.screens import gallery_pasts as pasts
from tests.screens.driving import click, running, shown, until, until_on, words
from tests.screens.fake import FakeSource, a_home

NEWEST = "drill-20261013T100000Z-7f3a"


@asynccontextmanager
async def history(
    tests: HistoryView | None, size: tuple[int, int] = (80, 24), source: FakeSource | None = None
) -> AsyncIterator[tuple[RunbookApp, Pilot[None]]]:
    source = source or FakeSource(a_home, tests=tests, training=pasts.practised(), reports={NEWEST: "# The report"})
    async with running(size=size, start=None, source=source) as (app, pilot):
        app.push_screen(HistoryScreen(source))
        await until_on(pilot, HistoryScreen)
        await until(pilot, lambda: "reading the log" not in words(app))
        yield app, pilot


def rows(app: RunbookApp) -> list[str]:
    """The listed runs as they are painted."""
    listed = app.screen.query_one(MarkList)
    every = [str(listed.get_option_at_index(at).prompt) for at in range(listed.option_count)]
    return [row for row in every if row]  # without a word until the columns are laid out


async def until_listed(pilot: Pilot[None], count: int) -> None:
    await until(pilot, lambda: len(rows(pilot.app)) == count)  # type: ignore[arg-type]  # the pilot's app is ours


async def until_said(pilot: Pilot[None], *texts: str) -> None:
    await until(pilot, lambda: all(text in words(pilot.app) for text in texts))  # type: ignore[arg-type]  # ours


# -- what is answered, and what is listed ---------------------------------------------------------------------------
async def test_the_answer_the_quarters_and_the_state_of_the_log_stand_above_the_runs() -> None:
    async with history(pasts.passing()) as (_, pilot):
        await until_listed(pilot, 7)
        await until_said(pilot, "✓ OK: every row is as it was written")
        await until_said(pilot, "Last successful restore from backup: 13 October 2026", "[DSPT 7.3.5]")
        await until_said(pilot, "2027-Q1 ○ DUE in January", "2026-Q4 ✓ PASSED")


async def test_each_run_is_a_row_newest_first_with_its_state_as_glyph_and_word() -> None:
    async with history(pasts.passing()) as (app, pilot):
        await until_listed(pilot, 7)
        told = [row.split() for row in rows(app)]
        assert [row[0] for row in told] == sorted((row[0] for row in told), reverse=True)
        assert " ".join(told[0]) == "2026-10-13 drill ✓ PASS ✓ 0:42:00 ✓ 1:00:00 ✓ signed -"
        assert " ".join(told[2]) == "2026-07-15 drill ✓ PASS ✗ 1:05:00 ✓ 1:00:00 ✗ declined -"
        assert " ".join(told[5]) == "2026-04-16 drill ! PASS WITH ISSUES ✓ 0:51:00 ✓ 1:00:00 · pending 2"


async def test_the_marked_run_is_told_in_full() -> None:
    async with history(pasts.passing()) as (app, pilot):
        await until_listed(pilot, 7)
        await until(pilot, lambda: NEWEST in words(app))
        assert "RTO 0:42:00 of 1:00:00, met" in words(app)
        assert "sign-off signed by Robin Board" in words(app)
        await pilot.press("down", "down")
        await until_said(pilot, "RTO 1:05:00 of 1:00:00, MISSED")


async def test_modes_and_outcomes_filter_in_turn_and_the_line_says_so() -> None:
    async with history(pasts.passing()) as (app, pilot):
        await until_listed(pilot, 7)
        for mode, count in (("drill", 5), ("recovery", 1), ("rehearsal", 1), ("all", 7)):
            await pilot.press("m")
            await until_said(pilot, f"mode: {mode}")
            await until_listed(pilot, count)
        await pilot.press("o")
        await until(pilot, lambda: "1 of 7 runs, newest first │ mode: all │ outcome: aborted" in words(app))
        await pilot.press("m")
        await until(pilot, lambda: "No run is both" in words(app))
        assert app.screen.check_action("open", ()) is None


async def test_what_has_one_kind_only_is_not_filtered() -> None:
    async with history(pasts.passing()) as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: "TRAINING LOG" in words(app) and len(rows(app)) == 3)
        await until(pilot, lambda: app.screen.check_action("mode", ()) is None)
        assert app.screen.check_action("outcome", ()) is None
        assert "practice, and no evidence of a restoration test" in words(app)
        await pilot.press("t")
        await until(pilot, lambda: "TEST LOG" in words(app) and len(rows(app)) == 7)


@pytest.mark.parametrize("way", ["key", "mouse"])
async def test_the_marked_runs_report_is_opened_and_come_back_from(way: str) -> None:
    async with history(pasts.passing()) as (app, pilot):
        await until_listed(pilot, 7)
        await (pilot.press("enter") if way == "key" else click(pilot, "open"))
        await until_on(pilot, RecordScreen)
        await until(pilot, lambda: "The report" in shown(app))
        await pilot.press("q")
        await until_on(pilot, HistoryScreen)
        await pilot.press("q")
        await until(pilot, lambda: not isinstance(app.screen, HistoryScreen))


async def test_hundreds_of_runs_are_gone_through() -> None:
    view = pasts.passing()
    async with history(replace(view, runs=view.runs * 60)) as (app, pilot):
        await until_listed(pilot, 420)
        await pilot.press("end")
        await until(pilot, lambda: app.screen.query_one(MarkList).highlighted == 419)
        assert "420 of 420 runs" in words(app)


# -- the states of a log ----------------------------------------------------------------------------------------------
async def test_a_damaged_log_says_which_damage_and_what_to_do_and_marks_the_row() -> None:
    async with history(pasts.damaged()) as (app, pilot):
        await until_listed(pilot, 7)
        await until_said(pilot, "✗ ROW_ALTERED: a row is not as it was written", "Do this: runbook log verify")
        assert ["ROW DAMAGED" in row for row in rows(app)].count(True) == 1


async def test_every_verdict_on_a_log_has_its_sentence() -> None:
    from runbook.records.log.verdicts import LogVerdict

    assert set(recorded.LOG) == {str(verdict) for verdict in LogVerdict}


async def test_a_log_that_was_not_begun_says_how_to_begin() -> None:
    async with history(pasts.nothing_recorded()) as (app, pilot):
        await until_said(pilot, "○ EMPTY: nothing is recorded yet", "Do this: q, then d at home.")
        assert app.screen.check_action("open", ()) is None
        assert app.screen.check_action("part", ()) is None


async def test_without_a_platform_it_says_so_and_training_is_one_key_away() -> None:
    async with history(None) as (_, pilot):
        await until_said(
            pilot, "✗ no platform is configured yet", "Do this: runbook config init. t shows training's log."
        )
        await pilot.press("t")
        await until_listed(pilot, 3)


async def test_a_log_that_cannot_be_read_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: FakeSource, *, training: bool) -> HistoryView:
        raise RecordFailed("restoration-test-log.csv is a symbolic link", fix="Name the file itself.")

    monkeypatch.setattr(FakeSource, "history", fails)
    async with history(None) as (_, pilot):
        await until_said(
            pilot, "✗ restoration-test-log.csv is a symbolic link", "Do this: Name the file itself. t shows"
        )


async def test_it_says_that_it_reads_while_it_reads_and_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Event()

    def slow(self: FakeSource, *, training: bool) -> HistoryView:
        assert read.wait(20)
        return pasts.passing()

    monkeypatch.setattr(FakeSource, "history", slow)
    source = FakeSource(a_home)
    async with running(start=None, source=source) as (app, pilot):
        app.push_screen(HistoryScreen(source))
        try:
            await until(pilot, lambda: "reading the log" in words(app))
            await pilot.press("q")
            await until(pilot, lambda: not isinstance(app.screen, HistoryScreen))
        finally:
            read.set()
        await asyncio.sleep(0)


# -- the plot ----------------------------------------------------------------------------------------------------
def trend(name: str) -> Trend:
    return next(each for each in pasts.passing().trends if each.name == name)


def test_the_picture_tells_met_missed_and_target_apart_without_colour() -> None:
    text = picture(trend("RTO"), 78, 14).plain
    assert text.startswith("RTO: time to recover")
    assert text.count("●") == 3 + 1  # and in the key
    assert text.count("✗") == 1 + 1
    assert "╌╌╌" in text
    assert "● met   ✗ missed   ╌╌ target" in text
    assert "2026-01-15" in text
    assert "1:00:00" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [29, 40, 78, 150])
@pytest.mark.parametrize("height", [4, 10, 20])
def test_the_picture_stays_in_its_place(width: int, height: int) -> None:
    lines = picture(trend("RPO"), width, height).plain.split("\n")
    assert max(map(len, lines)) <= max(width, len("RPO: age of newest data (passed drills)"))
    assert len(lines) <= height or height < FEWEST_LINES


def test_what_is_not_to_be_compared_is_said_and_not_drawn() -> None:
    of_one = replace(trend("RTO"), points=trend("RTO").points[:1], sentence="RTO 57 min 0 s, the first")
    assert "the first" in picture(of_one, 78, 14).plain
    assert "●" not in picture(of_one, 78, 14).plain
    assert "nothing to draw" in picture(replace(of_one, points=()), 78, 14).plain


def test_no_target_is_no_line_and_nothing_is_met() -> None:
    points = tuple(
        (replace(run, rto=replace(run.rto, target_s=None, met="NOT_SET")), s) for run, s in trend("RTO").points
    )
    text = picture(replace(trend("RTO"), points=points), 78, 14).plain
    assert "╌" not in text
    assert "● measured" in text


def test_of_more_points_than_there_is_room_for_the_newest_are_drawn() -> None:
    many = replace(trend("RTO"), points=trend("RTO").points * 50)
    assert "newest 13 of 200" in picture(many, 40, 14).plain


def test_drawing_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    picture(trend("RTO"), 78, 14)
    assert capfd.readouterr() == ("", "")


async def test_one_key_goes_from_the_runs_to_both_trends_and_back() -> None:
    async with history(pasts.passing()) as (_, pilot):
        await until_listed(pilot, 7)
        for name in ("RTO: time to recover", "RPO: age of newest data", "7 of 7 runs"):
            await pilot.press("p")
            await until_said(pilot, name)
        await pilot.press("p", "m")
        await until_said(pilot, "mode: drill", "2026-10-13 drill ✓ PASS")
        await until_listed(pilot, 5)


async def test_a_wide_terminal_shows_both_trends_beside_the_runs_and_needs_no_key_for_them() -> None:
    async with history(pasts.passing(), (120, 40)) as (app, pilot):
        await until(pilot, lambda: "RTO: time to recover" in words(app) and "RPO: age of newest data" in words(app))
        await until(pilot, lambda: "2026-10-13 drill" in words(app))
        assert app.screen.check_action("part", ()) is False
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "RTO: time to recover" not in words(app) and len(rows(app)) == 7)
        assert app.screen.check_action("part", ()) is True


async def test_beside_the_runs_of_a_wide_and_low_terminal_the_key_shows_the_other_trend() -> None:
    async with history(pasts.passing(), (120, 24)) as (app, pilot):
        for name in ("RTO: time to recover", "RPO: age of newest data", "RTO: time to recover"):
            await until_said(pilot, name, "2026-10-13 drill")
            assert app.screen.check_action("part", ()) is True
            await pilot.press("p")


@pytest.mark.parametrize(
    ("took", "limit", "told", "beside"),
    [
        (359_999, 3600, "✗ 99:59:59", "✗ 99:59:59 of 1:00:00"),
        (400_000, 3600, "✗ 4d 15h", "✗ 4d 15h of 1:00:00"),
        (864_000, 360_000, "✗ 10d 0h", "✗ 10d 0h of 4d 4h"),
        (86_399_999, 86_399_998, "✗ 999d 23h", "✗ 999d 23h of 999d 23h"),
        (86_400_000, None, "✗ 1000d 0h", "✗ 1000d 0h"),
        (864_000_000, None, "✗ 10000d …", "✗ 10000d 0h"),
        (None, None, "unknown", "unknown"),
    ],
)
def test_a_long_time_is_never_shown_as_another_one(took: int | None, limit: int | None, told: str, beside: str) -> None:
    objective = replace(pasts.passing().runs[0].rto, actual_s=took, target_s=limit, met="NO")
    run = replace(pasts.passing().runs[0], rto=objective)
    for title, width, said in (("  RTO", 60, told), ("  RTO of target", 200, beside)):
        (column,) = [each for each in recorded.columns(width) if each.title == title]
        assert recorded.row(run, [column]).plain.strip() == said


def test_every_column_takes_its_own_cells_and_no_more() -> None:
    run = replace(pasts.passing().runs[0], mode="漢字" * 20, outcome="漢字" * 20)
    for width in (50, 77, 200):
        shown = recorded.columns(width)
        assert recorded.row(run, shown).cell_length == sum(each.cells for each in shown) + len(shown) - 1


@pytest.mark.parametrize(("size", "last"), [((60, 20), "0:42:00"), ((80, 24), "-"), ((170, 40), "24:00:00 ✓ signed -")])
async def test_the_columns_are_those_that_there_is_room_for(size: tuple[int, int], last: str) -> None:
    async with history(pasts.passing(), size) as (app, pilot):
        await until(pilot, lambda: len(rows(app)) == 7 and " ".join(rows(app)[0].split()).endswith(last))
        assert all(row.split()[0] in shown(app) for row in rows(app)[:2])


def test_the_plot_library_is_loaded_by_nothing_but_the_reading_of_a_history() -> None:
    code = (
        "import sys, screens.app, screens.reading.history, screens.reading.report\nsys.exit('plotext' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
