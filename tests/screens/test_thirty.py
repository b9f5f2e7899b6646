"""Thirty of everything, long names and long values, on small terminals: it scrolls, and no key is out of sight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from runbook.engine.events import Kind
from runbook.engine.ports import Act, Change, Choose, Confirm, Operator, Option, Preview
from runbook.engine.verdict import Verdict
from screens.app import RunbookApp
from screens.dialogs.ask import Ask
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.run import about
from screens.run.steps import Detail
from screens.text import within
from screens.widgets.fitted import fitted
from tests.screens.driving import running, shown, until, until_keys_are_in_sight, until_on, words
from tests.screens.fake import FakeSession
from tests.screens.questions import decide

SMALL = ((80, 24), (60, 20))
Question = Callable[[Operator], Awaitable[Any]]
NAMES = [f"patients-{number:02}.appointments.clinic.example.nhs.uk" for number in range(30)]
OLD = "CNAME p01--web--clinic-production-{:02}.northflank-old-origin.code.run, NOT proxied"
NEW = "CNAME p01--web--clinic-staging-{:02}.code.run, proxied"
DOORS = Confirm(
    "connectivity.records",
    "Route the public names to the restored application",
    Preview(
        "Route 30 public names through the edge",
        "clinic.example.nhs.uk",
        tuple(f"PATCH zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records/{number:032x}" for number in range(30)),
        tuple(Change(name, OLD.format(number), NEW.format(number)) for number, name in enumerate(NAMES)),
    ),
)
SENTENCE = "; ".join(f"worker-{number:02}: health says database=error" for number in range(12))[:400]
assert len(SENTENCE) == 400
IMAGES = Choose(
    "application.choose",
    "Which image is deployed?",
    ("tag", "digest", "made", "commit"),
    tuple(
        Option(
            f"image-{number}",
            (
                f"v1.{30 - number}.0",
                f"sha256:{number:064x}",
                f"2027-01-{30 - number:02} 03:00",
                f"Fix the reminder of clinic {number} for everybody whose appointment was moved twice in a week",
            ),
            SENTENCE if number == 0 else "",
        )
        for number in range(30)
    ),
    "image-1",
)


def _asking(question: Question) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(question(operator))

    return FakeSession(script)


async def _scrolled(app: RunbookApp, pilot: Pilot[None]) -> str:
    """All that comes into sight while the keyboard scrolls to the end, as words; the keys stay where they are."""
    body, seen = app.screen.query_one("#body", VerticalScroll), [words(app)]
    await until_keys_are_in_sight(pilot)
    while body.scroll_y < body.max_scroll_y:
        aim = min(body.scroll_y + body.size.height, body.max_scroll_y)
        await pilot.press("pagedown")
        await until(pilot, lambda aim=aim: body.scroll_y >= aim)  # type: ignore[misc]  # lambda default
        seen.append(words(app))
    await until_keys_are_in_sight(pilot)
    return " ".join(seen)


# -- the preview --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SMALL)
async def test_thirty_changes_and_calls_are_read_with_the_keyboard_to_the_last_one(size: tuple[int, int]) -> None:
    session = _asking(lambda o: o.confirm(DOORS))
    async with running(session, size) as (app, pilot):
        await until_on(pilot, Ask)
        await until(pilot, lambda: "there is more" in words(app))
        assert "What changes (30)" in words(app)
        seen = await _scrolled(app, pilot)
        assert "there is more" not in words(app)
        assert [name for name in NAMES if name not in seen] == []  # none is broken, whatever its length
        assert "Exact calls (30)" in seen
        await pilot.press("y")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [True]


@pytest.mark.parametrize("size", SMALL)
async def test_thirty_changes_look_so(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with running(_asking(lambda o: o.confirm(DOORS)), size) as (app, pilot):
        await until_on(pilot, Ask)
        await until(pilot, lambda: "there is more" in words(app))
        await until_keys_are_in_sight(pilot)
        assert _lines(app) == snapshot
        app._leave(130)


def _lines(app: RunbookApp) -> str:
    return "\n".join(line.rstrip() for line in shown(app).split("\n"))


async def test_short_names_have_their_values_beside_them() -> None:
    changes = (Change("OUTBOUND_MAIL", "on", "off"), Change("DATABASE_URL", "old:5432", "new:5432"))
    ask = replace(DOORS, preview=replace(DOORS.preview, changes=changes))
    async with running(_asking(lambda o: o.confirm(ask))) as (app, pilot):
        await until_on(pilot, Ask)
        assert "OUTBOUND_MAIL   - on" in shown(app)
        app._leave(130)


MARKUP = "[b]bold[/b] [@click=app.quit]x[/] [red]"


async def test_the_values_of_a_change_are_never_markup() -> None:
    changes = (Change(MARKUP, f"was {MARKUP}", f"is {MARKUP}\x1b[2J\u202e"),)
    ask = replace(DOORS, preview=Preview(MARKUP, MARKUP, (MARKUP,), changes))
    async with running(_asking(lambda o: o.confirm(ask)), (120, 40)) as (app, pilot):
        await until_on(pilot, Ask)
        assert words(app).count(MARKUP) == 6
        assert "\x1b" not in shown(app)
        assert "\u202e" not in shown(app)
        app._leave(130)


# -- the choice ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SMALL)
async def test_of_thirty_rows_every_column_is_in_sight_and_what_is_cut_says_so(size: tuple[int, int]) -> None:
    async with running(_asking(lambda o: o.choose(IMAGES)), size) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        table = app.screen.query_one(DataTable)
        await until(pilot, lambda: "tag digest made commit" in words(app))
        assert table.virtual_size.width <= table.size.width
        assert table.row_count == 30
        row = next(line for line in shown(app).split("\n") if "v1.28.0" in line)
        assert row.count("…") >= 2, row
        await until_keys_are_in_sight(pilot)
        app._leave(130)


@pytest.mark.parametrize("size", SMALL)
async def test_the_marked_row_is_told_in_full_where_it_is_cut(size: tuple[int, int]) -> None:
    async with running(_asking(lambda o: o.choose(IMAGES)), size) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        await until(pilot, lambda: f"v1.29.0·sha256:{1:064x}·" in "".join(shown(app).split()))
        await pilot.press("ctrl+end")
        await until(pilot, lambda: "2027-01-01 03:00 · Fix the reminder" in words(app))
        await until_keys_are_in_sight(pilot)
        await pilot.resize_terminal(260, 40)
        await until(pilot, lambda: "· Fix the reminder" not in words(app))  # there is room for all of it
        app._leave(130)


@pytest.mark.parametrize("size", SMALL)
async def test_why_it_cannot_be_chosen_is_said_in_full(size: tuple[int, int]) -> None:
    async with running(_asking(lambda o: o.choose(IMAGES)), size) as (app, pilot):
        await until_on(pilot, ChooseDialog)
        await pilot.press("up")
        await until(pilot, lambda: f"cannot be chosen: {SENTENCE}" in words(app))
        await until_keys_are_in_sight(pilot)
        assert app.screen.query_one(DataTable).region.height >= 3
        app._leave(130)


def test_the_longest_columns_give_way_one_after_the_other() -> None:
    rows = [["tag", "digest", "why"], ["v1", "0123456789abcdefghij", "a sentence of thirty-four letters."]]
    assert fitted(rows, 63) == rows  # 3, 20 and 34 cells, and 2 for each column
    assert fitted(rows, 55)[1] == ["v1", "0123456789abcdefghij", "a sentence of thirty-four…"]
    assert fitted(rows, 45)[1] == ["v1", "…3456789abcdefghij", "a sentence of thi…"]
    assert fitted(rows, 10)[1] == ["v1", "…9abcdefghij", "a sentence …"]  # never below the least


# -- failures -----------------------------------------------------------------------------------------------------
ACTS = (Act.SIGN_IN, Act.RETRY, Act.ATTEST, Act.CLOSE, Act.BACK, Act.ABORT)
FAILED = replace(
    decide(Verdict.INCONCLUSIVE, ACTS, SENTENCE),
    expected=SENTENCE,
    fix=SENTENCE,
    provider_text=SENTENCE,
    retreat="Close",
)


@pytest.mark.parametrize("size", SMALL)
async def test_a_failure_of_four_hundred_characters_is_read_to_its_end(size: tuple[int, int]) -> None:
    async with running(_asking(lambda o: o.decide(FAILED)), size) as (app, pilot):
        await until_on(pilot, Ask)
        await until(pilot, lambda: "there is more" in words(app))
        seen = await _scrolled(app, pilot)
        assert "there is more" not in words(app)
        assert "source s3:ListObjectsV2" in seen
        for number in range(8):
            assert f"worker-{number:02}" in seen
        app._leave(130)


@pytest.mark.parametrize("size", SMALL)
async def test_a_checkpoint_that_is_shut_with_four_hundred_characters_keeps_its_keys(size: tuple[int, int]) -> None:
    gate = replace(
        FakeSession(_nothing).gate_of("connectivity"),
        options=(Act.SIGN_IN, Act.OPEN, Act.RETRY, Act.CLOSE, Act.BACK, Act.ABORT),
        refusal=SENTENCE,
        retreat="Close the doors again: the public names get their former records back",
    )

    async def script(session: FakeSession, operator: Operator) -> None:
        session.say(Kind.STARTED, "connectivity")
        for step in session.procedure.stage("connectivity").steps:
            session.result(step.id, observed=f"{'it holds; ' * 40}at the end of {step.id.partition('.')[2]}")
        await session.ask(operator.gate(gate))

    async with running(FakeSession(script), size) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        await pilot.press("v")
        await until(pilot, lambda: "there is more" in words(app))
        assert "press c: Close the doors again" in words(app)
        assert words(app).count("worker-00: health") == 1, "the refusal stands once"
        assert app.screen.query_one("#body").region.height >= 6
        seen = await _scrolled(app, pilot)
        for step in ("zone", "waf", "https"):
            assert f"connectivity.{step}" in seen
            assert f"at the end of {step}" in seen
        assert SENTENCE[-40:] in str(app.screen.query_one("#refusal", Static).content)
        app._leave(130)


@pytest.mark.parametrize("size", SMALL)
async def test_a_short_refusal_stands_beside_the_keys_and_nowhere_else(size: tuple[int, int]) -> None:
    gate = replace(FakeSession(_nothing).gate_of("connectivity"), refusal="stage 4 (Application Tier) fell: 502")

    async def script(session: FakeSession, operator: Operator) -> None:
        session.stage_done("connectivity")
        await session.ask(operator.gate(gate))

    async with running(FakeSession(script), size) as (app, pilot):
        await until_on(pilot, CheckpointDialog)
        assert words(app).count("fell: 502") == 1
        assert "✗ SHUT stage 4 (Application Tier) fell: 502" in words(app)
        app._leave(130)


async def _nothing(_: FakeSession, __: Operator) -> None: ...


@pytest.mark.parametrize("size", SMALL)
async def test_a_layer_that_fell_with_many_words_says_that_there_are_more(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        session.say(Kind.HEARTBEAT, "application", None, alive=False, observed=SENTENCE, source="heartbeat")
        await session.ask(operator.confirm(DOORS))

    async with running(FakeSession(script), size) as (app, pilot):
        await until_on(pilot, Ask)
        line = app.screen.query_one("#fallen", Static)
        await until(pilot, lambda: line.region.height == 2)
        rows = shown(app).split("\n")[line.region.y : line.region.bottom]
        assert rows[-1].rstrip().endswith("…")
        await until_keys_are_in_sight(pilot)
        app._leave(130)


@pytest.mark.parametrize(("width", "lines"), [(20, 2), (56, 2), (8, 3)])
def test_what_is_cut_to_some_lines_ends_with_a_sign(width: int, lines: int) -> None:
    told = within(SENTENCE, width, lines).split("\n")
    assert len(told) == lines
    assert told[-1].endswith("…")
    assert max(map(len, told)) <= width
    assert within("it fits", width, lines) == "it fits"


def test_wide_characters_take_the_two_cells_that_they_need() -> None:
    for told in (within("漢字" * 40, 21, 3), within("漢字" * 4 + " " + "かな 漢字 " * 20, 21, 3)):
        lines = told.split("\n")
        assert len(lines) == 3
        assert lines[-1].endswith(" …")
        assert max(map(cell_len, lines)) <= 21
    assert within("漢字 かな", 9, 1) == "漢字 かな"


def test_what_a_provider_said_in_wide_characters_leaves_room_for_what_was_expected_and_the_fix() -> None:
    told = {"observed": "漢字" * 200, "expected": "200", "fix": "Look there"}
    said = [about.Entry(label, text, needed=True) for label, text in told.items()]
    lines = about.fitted("A step", said, 58, 6).plain.split("\n")
    assert max(map(cell_len, lines)) <= 58
    assert len(lines) == 6
    assert lines[-2:] == ["expected  200", "fix       Look there"]


# -- work ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SMALL)
async def test_while_thirty_things_are_looked_at_the_step_says_how_many_and_which(size: tuple[int, int]) -> None:
    looking = asyncio.Event()

    async def script(session: FakeSession, _: Operator) -> None:
        for stage in ("identity", "vault", "database"):
            session.stage_done(stage)
            session.opened(stage)
        session.say(Kind.STARTED, "application")
        session.say(Kind.STARTED, "application", "application.deploy", attempt=1)
        for number, name in enumerate(NAMES, start=1):
            session.progress("application.deploy", number, 30, f"looking at: {name}, {number} of 30")
            if number == 17:
                looking.set()
                await again.wait()
        await asyncio.Event().wait()

    again = asyncio.Event()
    async with running(FakeSession(script), size) as (app, pilot):
        await looking.wait()
        await until(pilot, lambda: f"57%lookingat:{NAMES[16]},17of30" in _detail(app))
        doing = next(line for line in shown(app).split("\n") if "nothing to press" in line)
        assert "application.deploy, 57%" in doing
        assert doing.rstrip().endswith("…")
        again.set()
        await until(pilot, lambda: "100%lookingat:" in _detail(app))
        app._leave(130)


def _detail(app: RunbookApp) -> str:
    """Without blanks: a name may be longer than its line."""
    place = app.screen.query_one(Detail).region
    lines = shown(app).split("\n")[place.y : place.bottom]
    return "".join("".join(line[place.x : place.right] for line in lines).split())
