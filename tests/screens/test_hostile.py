"""Sizes that change at any moment, floods of lines, and texts that mean harm: nothing breaks, nothing acts."""

from __future__ import annotations

import asyncio
import io
import random
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Log, Static

from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decision, Operator
from runbook.engine.verdict import Verdict
from runbook.plain import Lines
from runbook.views import Ending, Phone
from screens.app import RunbookApp
from screens.dialogs.attest import AttestDialog
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.help import HelpDialog
from screens.dialogs.reason import ReasonDialog
from screens.dialogs.share import ShareDialog
from screens.reading.report import ReportScreen
from screens.run.news import LINES
from screens.run.screen import RunScreen
from screens.widgets.inputs import SecretInput
from tests.screens.driving import running, shown, until, until_on, words
from tests.screens.fake import SHARE, FakeSession
from tests.screens.questions import ASK_SECRET, ATTEST, CUSTODIANS, decide, everything

MEGABYTES = 10
CLAWS = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m[bold]loud[/] [@click=app.quit]go[/] "
    "\u202eesrever\u2066 e\u0301\u0301 漢字👩\u200d⚕️ \x00 \ud800 \u2028\r\n\t"
)
FLOOD = CLAWS * (MEGABYTES * (1 << 20) // len(CLAWS) + 1)
NEVER_PAINTED = frozenset({"Cc", "Cs", "Co", "Cn"})  # escapes among them
NEVER_OUTSIDE = frozenset({"\u202e", "\u2066", "\u2028"})
HELD = 250_000  # characters that any one widget may hold


async def _for_ever(session: FakeSession, _: Operator) -> None:
    await asyncio.Event().wait()


# -- what is painted and held ---------------------------------------------------------------------------------------
def _raw(app: RunbookApp) -> set[str]:
    return {each for each in shown(app) if each != "\n" and _is_raw(each)}


def _is_raw(character: str) -> bool:
    return unicodedata.category(character) in NEVER_PAINTED or character in NEVER_OUTSIDE


def _held(widgets: Iterable[Widget]) -> int:
    """Characters in the largest of them."""
    texts = (widget.visual for widget in widgets if isinstance(widget, Static))
    return max((len(text.plain) for text in texts if isinstance(text, Content)), default=0)


def _assert_harmless(app: RunbookApp, *, literally: str = "[bold]") -> None:
    assert _raw(app) == set()
    assert literally in words(app)
    assert _held(app.screen.walk_children(Widget)) <= HELD


async def _tells(session: FakeSession, operator: Operator) -> None:
    """Harm wherever a provider's words come in, then the failure itself."""
    session.say(Kind.STARTED, "identity")
    session.result("identity.tool", Verdict.FAIL, FLOOD, fix=FLOOD, provider_text=FLOOD, manual=FLOOD)
    session.say(Kind.FINDING, None, None, text=FLOOD, severity="major")
    session.progress("identity.clock", 1, 3, FLOOD)
    ask = decide(Verdict.FAIL, observed=FLOOD)
    await session.ask(operator.decide(replace(ask, step="identity.tool", fix=FLOOD, provider_text=FLOOD, why=FLOOD)))
    session.result("identity.tool", Verdict.PASS, FLOOD)
    await session.ask(operator.gate(session.gate_of("identity")))


async def test_ten_megabytes_of_harm_are_mere_text_in_the_failure_its_help_the_log_and_the_checkpoint() -> None:
    session = FakeSession(_tells, ending=Ending("PASS", 0, f"/home/{CLAWS}", f"# Report\n\n{FLOOD}"))
    async with running(session, (120, 40)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        _assert_harmless(app)
        await pilot.press("?")
        await until_on(pilot, HelpDialog)
        await pilot.pause()
        assert _raw(app) == set()
        await pilot.press("escape")
        await until_on(pilot, FailureDialog)
        await pilot.press("r")
        await until_on(pilot, CheckpointDialog)
        _assert_harmless(app)
        run = next(screen for screen in app.screen_stack if isinstance(screen, RunScreen))
        assert all(len(line) <= HELD and not any(map(_is_raw, line)) for line in run.query_one(Log).lines)
        await pilot.press("o")
        await until_on(pilot, ReportScreen)
        _assert_harmless(app)


async def test_a_flood_of_harm_on_the_run_screen_is_not_painted_raw() -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        session.say(Kind.STARTED, "identity")
        session.say(Kind.STARTED, "identity", "identity.tool", attempt=1)
        session.progress("identity.tool", 1, 3, FLOOD)
        session.say(Kind.FINDING, None, None, text=FLOOD, severity="major")
        await asyncio.Event().wait()

    async with running(FakeSession(script), (120, 40)) as (app, pilot):
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: "[bold]" in words(app))
        _assert_harmless(app)
        app._leave(130)


async def test_harm_in_a_note_of_ones_own_stays_a_text() -> None:
    session = FakeSession(_for_ever)
    async with running(session, (120, 40)) as (app, pilot):
        await until_on(pilot, RunScreen)
        session.note(FLOOD)
        await until(pilot, lambda: "[bold]" in words(app))
        _assert_harmless(app)
        app._leave(130)


@pytest.mark.parametrize("kind", [Kind.FINDING, Kind.RESULT])
def test_the_lines_of_plain_mode_carry_no_escape_whatever_they_are_told(kind: Kind) -> None:
    out = io.StringIO()
    session = FakeSession(_for_ever)
    session.subscribe(Lines(session.procedure, out).hear)
    if kind is Kind.FINDING:
        session.note(FLOOD)
    else:
        session.result("identity.tool", Verdict.FAIL, FLOOD, adopted=False, fix=FLOOD, provider_text=CLAWS)
    assert {each for each in set(out.getvalue()) - {"\n"} if not each.isprintable()} == set()
    assert "[bold]loud[/]" in out.getvalue()


# -- many lines -----------------------------------------------------------------------------------------------------
async def test_of_a_flood_of_lines_the_newest_are_kept_and_the_keys_still_answer() -> None:
    session = FakeSession(_for_ever)
    async with running(session, (120, 40)) as (app, pilot):
        screen = await until_on(pilot, RunScreen)
        for number in range(LINES + 500):
            session.note(f"line {number} of a flood")
        await until(pilot, lambda: f"line {LINES + 499} of" in shown(app))
        assert len(screen.query_one(Log).lines) == LINES
        await pilot.press("?")
        await until_on(pilot, HelpDialog)
        app._leave(130)


# -- sizes that change ----------------------------------------------------------------------------------------------
KEYS: dict[type[Any], tuple[str, ...]] = {
    AttestDialog: ("k", "enter"),
    CheckpointDialog: ("o",),
    FailureDialog: ("r",),
    ConfirmDialog: ("y",),
    ByHandDialog: ("d",),
    ChooseDialog: ("enter",),
    ShareDialog: ("2", "enter", *SHARE, "enter"),
}


async def _resized(pilot: Pilot[None], chance: random.Random, times: int) -> None:
    for _ in range(times):
        await pilot.resize_terminal(chance.randint(1, 200), chance.randint(1, 60))


async def test_who_was_typing_goes_on_where_they_were_when_the_terminal_is_large_enough_again() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.attest(ATTEST))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await until_on(pilot, AttestDialog)
        await pilot.press("a")
        for size in ((30, 10), (80, 24), (59, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: app.size == size)  # type: ignore[misc]  # lambda default
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("b", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == ["ab"]


@pytest.mark.scenarios  # as long as one: a whole run, resized all the way
@pytest.mark.parametrize("seed", range(3))
async def test_a_terminal_that_changes_its_size_before_and_after_every_answer_loses_none(seed: int) -> None:
    async def ring(_: str) -> str:
        return SHARE

    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    session = FakeSession(everything, phone=Phone(CUSTODIANS, ring))
    async with running(session) as (app, pilot):
        while not isinstance(app.screen, ReportScreen):
            await until(pilot, lambda: isinstance(app.screen, (*KEYS, ReportScreen)) and app.screen.is_mounted)
            if isinstance(screen := app.screen, ReportScreen):
                break
            await _resized(pilot, chance, 2)
            await pilot.resize_terminal(80, 24)
            before = len(session.answers)
            await pilot.press(*KEYS[type(screen)])
            await _resized(pilot, chance, 1)
            await until(pilot, lambda before=before: len(session.answers) > before)  # type: ignore[misc]  # lambda default
        await _resized(pilot, chance, 2)
        app._leave(0)
    assert len(session.answers) == 11


@pytest.mark.parametrize("seed", range(1))
async def test_what_is_typed_stays_whatever_becomes_of_the_terminal(seed: int) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.decide(decide()))

    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    session = FakeSession(script)
    async with running(session) as (_, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("q")
        screen = await until_on(pilot, ReasonDialog)
        await pilot.press(*"seen enough")
        await _resized(pilot, chance, 8)
        await pilot.resize_terminal(80, 24)
        assert screen.query_one(Input).value == "seen enough"
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.ABORT, reason="seen enough")]


async def test_a_share_that_is_half_entered_stays_while_the_terminal_is_too_small_for_it() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.secret(ASK_SECRET))

    async with running(FakeSession(script)) as (app, pilot):
        screen = await until_on(pilot, ShareDialog)
        await pilot.press("2", "enter", *"half")
        await pilot.resize_terminal(5, 3)
        await pilot.resize_terminal(80, 24)
        assert screen.query_one(SecretInput).value == "half"
        assert "half" not in shown(app)
        app._leave(130)


async def test_a_report_is_laid_out_at_every_width_however_narrow() -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        session.stage_done("identity")

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, ReportScreen)
        for width in range(1, 12):
            await pilot.resize_terminal(width, 10)
        await pilot.resize_terminal(80, 24)
        assert "This run ended" in words(app)
        app._leave(0)
