"""Reading a report: nothing in it acts, nothing of it is lost, and what is looked for is found."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from runbook.views import Ending
from screens.app import RunbookApp
from screens.looks import palette
from screens.reading import markdown
from screens.reading.finding import find
from screens.reading.markdown import Entry, Heading, Paragraph, Table, blocks
from screens.reading.reader import Reader
from screens.reading.report import ReportScreen
from screens.reading.screen import RecordScreen
from screens.reading.typeset import typeset
from tests.screens.driving import running, shown, until, until_on, words
from tests.screens.fake import BANNER, ENDING, FakeSource, a_home

DIGEST = "sha256:" + "0123456789abcdef" * 4
REPORT = f"""# Restoration drill, Practice Clinic: PASS

**LOOPBACK: no real provider**

All five layers were restored \\[see below\\].

## At a glance

- run: drill-20270115T100100Z-0006
- policy: version 3 {DIGEST}

## Backups

- **vault** made 2027-01-15
  - [click me](https://evil.example/) \\<script>

| step | exercised | what was seen |
|------|-----------|---------------|
| connectivity.waf | yes | rules \\| on |
| connectivity.origin | NO | nobody looked at it, which is a long sentence that has to go on in its own column |

## How to verify

{"A long paragraph. " * 60}
"""
READ = replace(ENDING, report=REPORT)
DETAILS = {"row": "3", "log": "training-log.csv", "short": "ab12 cd34", "commit": "committed as 12ab34"}


@asynccontextmanager
async def reading(
    ending: Ending = READ, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[RunbookApp, Pilot[None]]]:
    async with running(size=size, start=None) as (app, pilot):
        app.push_screen(ReportScreen(BANNER, ending))
        await until_on(pilot, ReportScreen)
        await until(pilot, lambda: "record" in shown(app))
        yield app, pilot


def lines(width: int, text: str = REPORT) -> list[str]:
    return [line.plain for line in typeset(blocks(text), width).lines]


# -- what it is made of -------------------------------------------------------------------------------------------
def test_headings_entries_and_tables_are_told_apart() -> None:
    found = blocks(REPORT)
    assert [(each.level, each.text.plain) for each in found if isinstance(each, Heading)] == [
        (1, "Restoration drill, Practice Clinic: PASS"),
        (2, "At a glance"),
        (2, "Backups"),
        (2, "How to verify"),
    ]
    assert [each.depth for each in found if isinstance(each, Entry)] == [0, 0, 0, 1]
    (table,) = [each for each in found if isinstance(each, Table)]
    assert [cell.plain for cell in table.rows[0]] == ["connectivity.waf", "yes", "rules | on"]


def test_what_a_provider_said_is_mere_text() -> None:
    text = "\n".join(lines(100))
    assert "[click me](https://evil.example/) <script>" in text
    assert "restored [see below]." in text


def test_a_control_character_and_an_odd_line_are_shown_and_do_nothing() -> None:
    (one, other) = blocks("~~~ [bold]x[/] \x1b[31m\n| lonely **cell")
    assert isinstance(one, Paragraph)
    assert one.text.plain == "~~~ [bold]x[/] \N{REPLACEMENT CHARACTER}[31m"
    assert isinstance(other, Table)
    assert other.heads[0].plain == "lonely **cell"


@pytest.mark.parametrize(
    ("row", "cells"),
    [("| a |", ["a", ""]), ("| a | b | c |", ["a", "b | c"]), ("| a \\| b | c |", ["a | b", "c"]), ("|", ["", ""])],
)
def test_a_row_that_does_not_fit_its_table_keeps_all_that_it_says(row: str, cells: list[str]) -> None:
    (table,) = blocks(f"| one | two |\n|---|---|\n{row}")
    assert isinstance(table, Table)
    assert [cell.plain for cell in table.rows[0]] == cells


@pytest.mark.parametrize("width", [40, 56, 76, 116])
def test_no_line_is_wider_than_its_place_and_no_word_is_lost(width: int) -> None:
    assert max(map(len, lines(width))) <= width
    told = "".join("".join(lines(width)).split())
    for word in (DIGEST, "exercised", "drill-20270115T100100Z-0006"):
        assert word in told or find(lines(width), word), word


def test_columns_are_aligned_where_there_is_room_and_told_as_lists_where_there_is_none() -> None:
    wide, narrow = lines(100), lines(30)
    head = next(line for line in wide if line.startswith("step"))
    row = next(line for line in wide if line.startswith("connectivity.waf"))
    assert head.index("exercised") == row.index("yes")
    assert "• step: connectivity.waf" in narrow


def test_two_thousand_lines_are_typeset_in_less_than_a_second() -> None:
    long = REPORT * 80
    assert long.count("\n") > 1500
    began = time.process_time()
    typeset(blocks(long), 76)
    assert time.process_time() - began < 1.0


def test_a_long_cell_does_not_cost_a_row_its_other_cells_and_what_is_cut_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (table, *_) = blocks(f"| one | two |\n|---|---|\n| {'long ' * 1000} | last |")
    assert isinstance(table, Table)
    assert table.rows[0][1].plain == "last"
    monkeypatch.setattr(markdown, "LONGEST", 20)
    (*_, end) = blocks("word\n" * 5)
    assert isinstance(end, Paragraph)
    assert "not all of it" in end.text.plain


# -- finding ------------------------------------------------------------------------------------------------------
def test_what_goes_on_in_the_next_line_is_found_too() -> None:
    assert find(["a LONG wo", "  rd here"], "long word") == (((0, 2, 9), (1, 2, 4)),)
    assert find(["say", "  never more"], "say never") == (((0, 0, 3), (1, 2, 7)),)


def test_nothing_is_found_where_nothing_is_asked_or_a_word_is_only_alike() -> None:
    assert find(["no need"], "none") == ()
    assert find(["anything"], "  ") == ()
    assert find(["a.c abc"], "a.c") == (((0, 0, 3),),)


# -- the screens --------------------------------------------------------------------------------------------------
async def test_the_ending_says_where_everything_is_and_whether_it_was_expected() -> None:
    judged = {"expected": "FAIL at vault.unseal", "as_expected": "no"}
    async with reading(replace(READ, details={**DETAILS, **judged})) as (app, _):
        said = words(app)
        for each in ("✓ PASS (exit code 0)", "record /home/x/training/run-1", "row 3 in training-log.csv"):
            assert each in said
        assert "head ab12 cd34 (write it down" in said
        assert "commit committed as 12ab34" in said
        assert "✗ not as expected of a good operator: FAIL at vault.unseal" in said


async def test_a_run_without_such_details_says_nothing_about_them() -> None:
    async with reading() as (app, _):
        assert not {"row", "head", "commit", "expected"} & set(words(app).split())


async def test_arrows_go_from_section_to_section() -> None:
    async with reading() as (app, pilot):
        assert "How to verify" not in shown(app)
        await pilot.press("right", "right", "right", "right")
        await until(pilot, lambda: "How to verify" in shown(app))
        await pilot.press("left", "left", "left", "left")
        await until(pilot, lambda: "Restoration drill" in shown(app))


async def test_words_are_searched_while_they_are_typed_and_gone_through_with_enter_and_n() -> None:
    async with reading() as (app, pilot):
        reader = app.screen.query_one(Reader)
        await pilot.press("slash", *"CONNECTIVITY")
        await until(pilot, lambda: "1 of 2" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "2 of 2" in shown(app))
        await pilot.press("escape", "n")
        await until(pilot, lambda: "1 of 2" in shown(app))
        await pilot.press("N")
        await until(pilot, lambda: "2 of 2" in shown(app))
        assert app.focused is reader
        assert "connectivity.origin" in shown(app)


async def test_the_next_place_is_offered_only_when_there_is_one() -> None:
    async with reading() as (app, pilot):
        assert app.screen.check_action("next", ()) is False
        await pilot.press("slash", *"zebra")
        await until(pilot, lambda: "not found" in shown(app))
        assert app.screen.check_action("next", ()) is False
        app.screen.query_one(Input).value = "vault"
        await until(pilot, lambda: app.screen.check_action("next", ()) is True)


async def test_while_words_are_typed_the_footer_names_what_works_there_and_nothing_else() -> None:
    async with reading() as (app, pilot):
        await until(pilot, lambda: "/ Search" in words(app))
        await pilot.press("slash", *"vault")
        await until(pilot, lambda: "esc Back to the text" in words(app) and "⏎ Next place" in words(app))
        for typed in ("/ Search", "Close", "n Next place", "Section"):
            assert typed not in shown(app).rstrip().splitlines()[-1]
        offered = {offer.words for offer in palette.offers(app, app.screen)}
        assert {"Back to the text", "Next place"} <= offered
        await pilot.press("escape")
        await until(pilot, lambda: "/ Search" in words(app) and "Back to the text" not in words(app))


async def test_an_abandoned_search_takes_no_room() -> None:
    async with reading() as (app, pilot):
        await pilot.press("slash", "escape")
        await until(pilot, lambda: not app.screen.query_one("#finding").display)


async def test_another_width_keeps_the_place() -> None:
    async with reading() as (app, pilot):
        await pilot.press("end")
        reader = app.screen.query_one(Reader)
        await until(pilot, lambda: reader.scroll_y > 0)
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: reader.virtual_size.width < 60)
        assert reader.scroll_y > reader.virtual_size.height / 3


async def test_c_takes_the_path_to_the_clipboard_and_says_so() -> None:
    async with reading() as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == "/home/x/training/run-1")
        assert [said.message for said in app._notifications] == ["to the clipboard: /home/x/training/run-1"]


async def test_what_is_marked_with_the_mouse_is_what_stands_there() -> None:
    async with reading() as (app, pilot):
        reader = app.screen.query_one(Reader)
        await pilot.mouse_down(reader, offset=(0, 0))
        await pilot.hover(reader, offset=(6, 0))
        await pilot.mouse_up(reader, offset=(6, 0))
        await until(pilot, lambda: (app.screen.get_selected_text() or "").startswith("record"))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_the_report_begins_in_sight_at_every_size(size: tuple[int, int]) -> None:
    async with reading(replace(READ, details=DETAILS), size) as (app, _):
        assert "Restoration drill" in shown(app)
        assert "Close" in shown(app)


# -- from the history -----------------------------------------------------------------------------------------------
@asynccontextmanager
async def recorded(reports: dict[str, str]) -> AsyncIterator[tuple[RunbookApp, Pilot[None]]]:
    source = FakeSource(a_home, reports=reports)
    async with running(start=None, source=source) as (app, pilot):
        app.push_screen(RecordScreen(source, "drill-1"))
        await until_on(pilot, RecordScreen)
        yield app, pilot


async def test_a_recorded_report_is_read_and_closed() -> None:
    async with recorded({"drill-1": REPORT}) as (app, pilot):
        await until(pilot, lambda: "At a glance" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == "drill-1")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RecordScreen))


async def test_a_report_that_is_not_there_is_said() -> None:
    async with recorded({}) as (app, pilot):
        await until(pilot, lambda: "✗ there is no report of drill-1 on this machine" in words(app))


async def test_an_empty_report_is_said() -> None:
    async with recorded({"drill-1": "\n"}) as (app, pilot):
        await until(pilot, lambda: "The report is empty." in words(app))


async def test_a_defect_shows_its_type_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: FakeSource, run_id: str) -> str:
        raise ValueError("a secret")

    monkeypatch.setattr(FakeSource, "report", fails)
    async with recorded({}) as (app, pilot):
        await until(pilot, lambda: "a defect in runbook itself (ValueError" in words(app))
        assert "a secret" not in words(app)
