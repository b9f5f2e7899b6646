"""The table of recovery points: long names, narrow terminals, no default."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import DataTable, Input

from runbook.engine.events import Kind
from runbook.engine.ports import Choice, Choose, Operator, Option
from screens.dialogs.choose import ChooseDialog
from screens.widgets.fitted import cut, fitted
from tests.screens.driving import running, until, until_on, words
from tests.screens.fake import FakeSession

DELETED = "a delete marker stands on it"
BACKUPS = Choose(
    "vault.choose",
    "Which backup of the vault?",
    ("backup", "age", "size", "made"),
    tuple(
        Option(
            f"k{day}",
            (
                f"backups/production/vault/raft/2026/11/{day}/vault-eu-west-2-2026-11-{day}T030000Z.snap",
                f"{(22 - day) * 24 + 3} h",
                "1.2 MiB",
                f"2026-11-{day} 03:00",
            ),
            DELETED if day == 22 else "",
        )
        for day in range(22, 9, -1)
    ),
    "",
)


def _choosing(ask: Choose) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.choose(ask))

    return FakeSession(script)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_what_tells_one_backup_from_the_next_is_in_sight(size: tuple[int, int]) -> None:
    async with running(_choosing(BACKUPS), size) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        await until(pilot, lambda: "-21T030000Z.snap 27 h 1.2 MiB 2026-11-21 03:00" in words(app))
        assert app.screen.query_one(DataTable).row_count == 13
        app._leave(130)


async def test_the_marked_row_stays_marked_when_the_terminal_changes() -> None:
    async with running(_choosing(BACKUPS), (120, 40)) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        await pilot.press("down", "down")
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "…-19T030000Z.snap 75 h" in words(app))
        assert app.screen.query_one(DataTable).cursor_row == 3
        app._leave(130)


async def test_without_a_default_the_first_that_can_be_taken_is_marked_and_any_needs_a_reason() -> None:
    session = _choosing(BACKUPS)
    async with running(session) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        assert "No default here: a reason is needed." in words(app)
        await pilot.press("up")
        assert f"cannot be chosen: {DELETED}" in words(app)
        await pilot.press("down", "enter", "enter")
        assert not session.answers
        await pilot.press("o", "k", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Choice("k21", "ok")]


def test_the_longest_column_gives_way_and_no_other() -> None:
    rows = [["name", "age"], ["a/very/long/key/indeed.snap", "3 h"]]
    assert fitted(rows, 22)[1] == ["…ey/indeed.snap", "3 h"]
    assert fitted(rows, 80) == rows
    assert fitted(rows, 0) == rows  # not laid out yet
    assert fitted(rows, 5)[1] == ["…indeed.snap", "3 h"]  # never below its least


def test_where_the_columns_cannot_stand_beside_each_other_the_last_ones_go() -> None:
    rows = [
        ["", "snapshot", "age", "kind", "engine"],
        ["→", "2026-11-22-03-07", "23 h 53 min", "automated", "postgres"],
    ]
    assert fitted(rows, 60)[1] == rows[1]
    assert fitted(rows, 50)[1] == rows[1][:4]
    assert fitted(rows, 34)[1] == rows[1][:3]
    assert fitted(rows, 10)[1] == ["→", "…11-22-03-07", "23 h 53 min"]


def test_a_name_keeps_its_end_and_a_sentence_its_beginning() -> None:
    assert cut("rds:production-2026-11-22", 11) == "…2026-11-22"
    assert cut("still being made, 40 percent", 11) == "still bein…"
    assert cut("as it is", 8) == "as it is"


# -- options that have something typed with them --------------------------------------------------------------------
MOMENT = "Moment, UTC, as 2026-11-25T03:00:00Z"
POINTS = Choose(
    "database.choose",
    "Which recovery point?",
    ("recovery point", "age"),
    (
        Option("rds:prod-22", ("rds:prod-22", "1 h")),
        Option("moment", ("A point in time", "up to 5 min"), detail=MOMENT),
        Option("gone", ("Another point in time", "-"), unfit="it has no automated backup", detail="Another moment"),
        Option("of", ("Another instance at a point in time", "-"), detail="Instance and moment"),
    ),
    "rds:prod-22",
)
SMALL = [(80, 24), (60, 20)]


@pytest.mark.parametrize("size", SMALL)
async def test_what_an_option_asks_for_is_typed_beside_it(size: tuple[int, int]) -> None:
    session = _choosing(POINTS)
    async with running(session, size) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        assert MOMENT not in words(app)
        await pilot.press("down")
        await until(pilot, lambda: MOMENT in words(app))
        assert "Not the default: both entries below are needed." in words(app)
        for place in ("#rows", "#typed-label", "#typed", "#reason", "#do-take"):
            region = app.screen.query_one(place).region
            assert app.screen.region.contains_region(region), place
            assert region.height >= 1, place
        await pilot.press("enter", *"2026-11-25T03:00:00Z", "tab", *"before it", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Choice("moment", "before it", "2026-11-25T03:00:00Z")]


@pytest.mark.parametrize("size", SMALL)
async def test_enter_leads_to_what_is_missing_and_takes_nothing(size: tuple[int, int]) -> None:
    session = _choosing(POINTS)
    async with running(session, size) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        for keys, place in ((("down",), "typed"), (("x",), "reason"), (("space",), "reason")):
            await pilot.press(*keys, "enter")
            assert app.focused is not None
            assert app.focused.id == place
        assert not session.answers
        app._leave(130)


async def test_it_all_has_room_on_the_smallest_terminal_while_a_layer_is_down() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.say(Kind.HEARTBEAT, "vault", alive=False, observed="health 503 (SEALED), asked four times " * 3)
        await session.ask(operator.choose(POINTS))

    async with running(FakeSession(script), (60, 20)) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        await pilot.press("down")
        await until(pilot, lambda: "Encryption Vault fell" in words(app) and MOMENT in words(app))
        for place in ("#rows", "#typed", "#reason", "#do-take"):
            assert app.screen.region.contains_region(app.screen.query_one(place).region), place
        app._leave(130)


async def test_blanks_are_nothing_typed() -> None:
    session = _choosing(POINTS)
    async with running(session) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        await pilot.press("down", "enter", "space", "tab", "o", "k", "enter")
        assert app.focused is not None
        assert app.focused.id == "typed"
        assert not session.answers
        app._leave(130)


async def test_what_was_typed_for_one_option_is_not_taken_for_another() -> None:
    session = _choosing(POINTS)
    async with running(session) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        entry = app.screen.query_one("#typed", Input)
        await pilot.press("down", "enter", "x", "shift+tab", "up", "down")
        await until(pilot, lambda: entry.display)
        assert entry.value == "x"  # passing by an option that asks for nothing
        await pilot.press("down")
        await until(pilot, lambda: "it has no automated backup" in words(app))
        assert not entry.display
        await pilot.press("down")
        await until(pilot, lambda: "Instance and moment" in words(app))
        assert entry.value == ""
        app._leave(130)


async def test_a_default_may_ask_for_something_too_and_needs_no_reason() -> None:
    session = _choosing(replace(POINTS, default="moment"))
    async with running(session) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        assert "the default: needs what is asked for below" in words(app)
        await pilot.press("enter", "enter", "n", "o", "w", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Choice("moment", "", "now")]


async def test_an_option_that_asks_for_nothing_has_nothing_typed_with_it() -> None:
    session = _choosing(POINTS)
    async with running(session) as (_, pilot):
        await until_on(pilot, ChooseDialog)
        await pilot.press("down", "enter", "x", "shift+tab", "up", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Choice("rds:prod-22")]
