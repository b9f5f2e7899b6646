"""Forms on screens: one entry a field, what is wrong beside it, and every field within reach on small terminals."""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from runbook.engine.ports import Field, Form, Operator
from screens.app import RunbookApp
from screens.dialogs.fill import FieldEntry, FillDialog
from tests.screens.driving import SIZES, click, running, shown, until, until_keys_are_in_sight, until_on, words
from tests.screens.fake import FakeSession

SMALL = ((80, 24), (60, 20))
MARKUP = "Digits only, such as 12; [b]no markup[/b] [@click=app.quit]x[/]."


def digits(text: str) -> str:
    return "" if text.isdecimal() else MARKUP


def form(count: int = 3, **of_first: Any) -> Form:
    """Numbers: the second has a default, the third may be left out."""
    fields = [
        Field(f"k{n}", f"Field {n}", f"hint {n}", default="22" if n == 2 else "", required=n != 3, wrong=digits)
        for n in range(1, count + 1)
    ]
    if of_first:
        fields[0] = Field("k1", "Field 1", **of_first)
    text = ("It acts on staging.", "Configuration: /home/robin/runbook.toml")
    return Form("", "Declare this drill", text, tuple(fields), submit="declare it")


def asking(ask: Form) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.answers.append(await operator.fill(ask))

    return FakeSession(script)


async def opened(pilot: Pilot[None]) -> FillDialog:
    screen = await until_on(pilot, FillDialog)
    assert isinstance(screen, FillDialog)
    await until(pilot, lambda: isinstance(screen.focused, Input))
    return screen


def at(screen: FillDialog) -> str:
    """The key of the field that is typed in."""
    return next(each.field.key for each in screen.query(FieldEntry) if each.has_focus_within)


def in_sight(screen: FillDialog) -> bool:
    entry = next(each for each in screen.query(FieldEntry) if each.has_focus_within)
    return screen.query_one("#body").region.contains_region(entry.query_one(Input).region)


async def test_enter_goes_on_to_the_next_field_and_submits_from_the_last() -> None:
    session = asking(form())
    async with running(session) as (_, pilot):
        screen = await opened(pilot)
        await pilot.press("1", "enter")
        assert at(screen) == "k2"
        await pilot.press("enter")
        assert at(screen) == "k3"
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{"k1": "1", "k2": "22", "k3": ""}]


async def test_what_is_wrong_stands_beside_its_field_as_text_and_nothing_is_handed_in() -> None:
    session = asking(form())
    async with running(session) as (app, pilot):
        screen = await opened(pilot)
        await pilot.press("x", "enter")
        await until(pilot, lambda: f"✗ {MARKUP}" in words(app))
        assert at(screen) == "k1"
        await pilot.press("backspace", "1", "enter")
        await until(pilot, lambda: MARKUP not in words(app))
        assert at(screen) == "k2"
        assert session.answers == []
        app._leave(130)


async def test_handing_in_early_leads_to_the_first_field_that_is_wrong() -> None:
    session = asking(form())
    async with running(session) as (app, pilot):
        screen = await opened(pilot)
        await pilot.press("1", "enter", "x", "f2")
        await until(pilot, lambda: "Not handed in: see what stands below 1 of 3 fields" in words(app))
        assert at(screen) == "k2"
        await pilot.press("backspace", "f2")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{"k1": "1", "k2": "22", "k3": ""}]


async def test_what_is_needed_and_left_empty_says_so() -> None:
    async with running(asking(form())) as (app, pilot):
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "✗ This is needed." in words(app))
        app._leave(130)


async def test_escape_withdraws_from_the_whole() -> None:
    session = asking(form())
    async with running(session) as (_, pilot):
        await opened(pilot)
        await pilot.press("1", "escape")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [None]


@pytest.mark.parametrize("size", SIZES)
async def test_it_is_filled_in_with_the_mouse_and_next_means_the_next_field(size: tuple[int, int]) -> None:
    session = asking(form())
    async with running(session, size) as (_, pilot):
        screen = await opened(pilot)
        await pilot.press("7")
        await click(pilot, "go_on")
        await until(pilot, lambda: isinstance(screen.focused, Input) and at(screen) == "k2")
        await click(pilot, "hand_in")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{"k1": "7", "k2": "22", "k3": ""}]


@pytest.mark.parametrize("size", SMALL)
async def test_eight_fields_are_within_reach_and_nothing_is_typed_out_of_sight(size: tuple[int, int]) -> None:
    session = asking(form(8))
    async with running(session, size) as (app, pilot):
        screen = await opened(pilot)
        await until(pilot, lambda: "It acts on staging." in words(app))
        await until_keys_are_in_sight(pilot)
        for number in range(1, 9):
            await until(pilot, lambda n=number: at(screen) == f"k{n}" and in_sight(screen))  # type: ignore[misc]  # lambda default
            assert f"Field {number}" in words(app)
            await pilot.press(str(number), "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{f"k{n}": "222" if n == 2 else str(n) for n in range(1, 9)}]


async def test_where_the_text_is_longer_than_the_screen_typing_leads_to_the_field() -> None:
    ask = form()
    long = Form(ask.step, ask.title, tuple(f"line {n}" for n in range(40)), ask.fields)
    async with running(asking(long), (60, 20)) as (app, pilot):
        screen = await opened(pilot)
        await until(pilot, lambda: "line 0" in words(app))
        assert not in_sight(screen)
        await pilot.press("1")
        await until(pilot, lambda: in_sight(screen))
        app._leave(130)


async def test_what_must_be_exact_keeps_its_blanks_and_a_pasted_line_end() -> None:
    session = asking(form(1, exact=True))
    async with running(session) as (_, pilot):
        screen = await opened(pilot)
        assert screen.focused is not None
        screen.focused.post_message(events.Paste(" Clinic\n"))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{"k1": " Clinic⏎"}]


async def test_what_is_not_exact_loses_the_blanks_around_it() -> None:
    session = asking(form(1))
    async with running(session) as (_, pilot):
        await opened(pilot)
        await pilot.press("space", "1", "space", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{"k1": "1"}]


async def test_a_form_that_was_withdrawn_by_the_run_goes_away() -> None:
    import asyncio

    async def script(session: FakeSession, operator: Operator) -> None:
        asked = asyncio.ensure_future(operator.fill(form()))
        await until_shown.wait()
        asked.cancel()
        session.answers.append("gone")
        await asyncio.Event().wait()

    until_shown = asyncio.Event()
    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await opened(pilot)
        until_shown.set()
        await until(pilot, lambda: bool(session.answers) and not isinstance(app.screen, FillDialog))
        app._leave(130)


async def test_what_stands_in_a_file_is_text_wherever_it_is_shown() -> None:
    hostile = "\x1b[31mred\x9b2J [/b] [@click=app.quit]x[/] \u202eevil"
    field = Field("k1", hostile, hostile, default=hostile, wrong=lambda _: f"mistake {hostile}")
    async with running(asking(Form("", hostile, (hostile,), (field,), submit=hostile)), (120, 40)) as (app, pilot):
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "✗ mistake" in words(app))
        assert words(app).count("[/b] [@click=app.quit]x[/]") >= 5  # and in the log behind it
        assert not {c for c in shown(app) if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F or c == "\u202e"}
        app._leave(130)


@pytest.mark.parametrize("size", SMALL)
async def test_it_looks_so(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with running(asking(form(8)), size) as (app, pilot):
        await opened(pilot)
        await until(pilot, lambda: "It acts on staging." in words(app) and "there is more" in words(app))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "✗ Digits" in words(app))
        await until_keys_are_in_sight(pilot)
        assert _lines(app) == snapshot
        app._leave(130)


def _lines(app: RunbookApp) -> str:
    return "\n".join(line.rstrip() for line in shown(app).split("\n"))
