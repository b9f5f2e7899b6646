"""The table of recovery points: long names, narrow terminals, no default."""

from __future__ import annotations

import pytest
from textual.widgets import DataTable

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


def test_a_name_keeps_its_end_and_a_sentence_its_beginning() -> None:
    assert cut("rds:production-2026-11-22", 11) == "…2026-11-22"
    assert cut("still being made, 40 percent", 11) == "still bein…"
    assert cut("as it is", 8) == "as it is"
