"""The failure dialogue: what to do first is always in sight, what each key does is said, all of it can be copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.containers import VerticalScroll

from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decide, Decision, Operator
from runbook.engine.verdict import Verdict
from runbook.views import Preferences
from screens.dialogs.every_word import PAGE, EveryWord
from screens.dialogs.failure import FailureDialog
from screens.dialogs.reason import ReasonDialog
from tests.screens.driving import click, running, shown, until, until_keys_are_in_sight, until_on, words
from tests.screens.fake import FakeSession
from tests.screens.questions import decide

SIZES = ((80, 24), (60, 20), (120, 40))
LONG = "; ".join(f"worker-{number:02}: health says database=error" for number in range(12))
FIX = "Look at the backup job, then retry; or go back to vault.choose and take an older one."
FAILED = replace(decide(), expected=LONG, observed=LONG, fix=FIX, provider_text="SlowDown " * 300)
HOSTILE = "\x1b[31mred\x9b2J [b]bold[/b] [@click=app.quit]x[/] \u202eevil\n" * 200_000


def asking(ask: Decide, before: Callable[[FakeSession], None] = lambda _: None) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        before(session)
        await session.ask(operator.decide(ask))

    return FakeSession(script)


def tried(session: FakeSession) -> None:
    """Once as it should be, then three times not."""
    for verdict in (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.FAIL):
        session.result("vault.backup", verdict)


# -- what is in sight ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
async def test_what_to_do_first_is_in_sight_however_much_was_observed(size: tuple[int, int]) -> None:
    async with running(asking(FAILED), size) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until_keys_are_in_sight(pilot)
        first = next(line for line in shown(app).split("\n") if "do this first" in line)
        assert "Look at the backup job" in first
        assert "take an older one." in words(app).replace("│ │ ", "")
        assert app.screen.query_one("#body", VerticalScroll).size.height >= 5
        app._leave(130)


@pytest.mark.parametrize(("size", "beside"), [((80, 24), True), ((60, 20), False), ((120, 40), True)])
async def test_expected_stands_beside_observed_where_there_is_room(size: tuple[int, int], *, beside: bool) -> None:
    async with running(asking(decide()), size) as (app, pilot):
        screen = await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "HTTP 503 from S3" in words(app))
        expected, observed = (screen.query_one(place).region for place in (".-expected", ".-observed"))
        assert (expected.y == observed.y) is beside
        assert (expected.x < observed.x) is beside
        app._leave(130)


async def test_how_often_and_for_how_long_counts_from_the_first_that_failed() -> None:
    session = asking(decide(), tried)
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, FailureDialog)
        assert isinstance(screen, FailureDialog)
        await until(pilot, lambda: "✗ FAIL · vault.backup · 3 tries in 0:00:05" in words(app))
        session.at = session.at.replace(hour=4)
        screen._tick()
        await until(pilot, lambda: "3 tries in 1:00:0" in words(app))
        app._leave(130)


# -- what it speaks about -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "verdict", "said"),
    [
        ("identity.clock", Verdict.FAIL, "about the way in, not about the backup"),
        ("vault.backup", Verdict.FAIL, "about the backup of the vault"),
        ("database.content", Verdict.FAIL, "about the recovery point"),
        ("application.image", Verdict.FAIL, "about the application on the restored layers"),
        ("connectivity.zone", Verdict.FAIL, "about the way from the Internet"),
        ("closeout.cleanup", Verdict.FAIL, "about the end of the run"),
        ("vault.backup", Verdict.INCONCLUSIVE, "this says nothing about the backup"),
    ],
)
async def test_it_says_what_it_speaks_about(step: str, verdict: Verdict, said: str) -> None:
    async with running(asking(replace(decide(verdict), step=step))) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: said in words(app))
        app._leave(130)


@pytest.mark.parametrize(
    ("more", "said"),
    [({"declined": True}, "You did not agree, so nothing was done"), ({"hard_stop": True}, "can only be ended")],
)
async def test_what_was_not_agreed_to_and_what_stops_the_run_are_told_apart(more: dict[str, Any], said: str) -> None:
    ask = decide(Verdict.INCONCLUSIVE, (Act.ABORT,))
    session = asking(ask, lambda s: s.result("vault.backup", Verdict.INCONCLUSIVE, **more))
    async with running(session) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: said in words(app))
        app._leave(130)


# -- what each key does -------------------------------------------------------------------------------------------
async def test_each_act_that_is_offered_says_what_it_does_and_what_is_not_says_why() -> None:
    async with running(asking(decide(options=(Act.RETRY, Act.BACK, Act.ABORT))), (80, 40)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("end")
        for said in (
            "r Retry once more",
            "b Back to an earlier stage",
            "q Abort run ends this run for good",
            "– attest not offered: a FAIL can never be attested",
        ):
            await until(pilot, lambda said=said: said in words(app))  # type: ignore[misc]  # lambda default
        assert "– retry" not in words(app)
        app._leave(130)


async def test_a_doubt_after_a_failure_says_why_it_is_not_attested() -> None:
    def failed_before(session: FakeSession) -> None:
        session.result("vault.backup", Verdict.FAIL)
        session.result("vault.backup", Verdict.INCONCLUSIVE)

    async with running(asking(decide(Verdict.INCONCLUSIVE), failed_before), (80, 40)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "it was a FAIL earlier in this run" in words(app))
        app._leave(130)


async def test_what_the_keys_do_is_said_of_the_keys_that_somebody_gave_them() -> None:
    mine = Preferences(keys={"failure.retry": "t"})
    async with running(asking(decide()), (80, 40), preferences=mine) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "t Retry once more" in words(app))
        app._leave(130)


# -- taking it along ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
async def test_the_manual_way_is_copied_by_a_key_and_said_in_a_line(size: tuple[int, int]) -> None:
    async with running(asking(decide()), size) as (app, pilot):
        screen = await until_on(pilot, FailureDialog)
        await pilot.press("m")
        await until(pilot, lambda: "✓ copied: the manual way" in words(app))
        assert app.clipboard == "AWS console, S3"
        assert app.screen is screen
        await pilot.press("r")
        await until(pilot, lambda: app.screen is not screen)


async def test_where_there_is_no_manual_way_none_is_copied() -> None:
    async with running(asking(replace(decide(), manual=""))) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("m")
        assert "Copy manual way" not in words(app)
        assert app.clipboard == ""
        app._leave(130)


async def test_the_whole_failure_is_copied_as_a_text_that_somebody_elsewhere_understands() -> None:
    async with running(asking(decide(), tried)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("v")
        await until_on(pilot, EveryWord)
        await pilot.press("c")
        await until(pilot, lambda: "✓ copied: the whole failure" in words(app))
        app._leave(130)
    lines = app.clipboard.split("\n")
    assert lines[0] == "vault.backup: The newest backup is fresh"
    assert lines[1].startswith("verdict: FAIL: 3 tries in 0:00:0")
    for line in (
        "expected: a backup younger than 26 h",
        "observed: HTTP 503 from S3",
        "do this first: Wait a minute and retry.",
        "provider said: SlowDown",
        "run: training-20261123T030000Z-0001, TRAINING: practice estate on 127.0.0.1, scenario calm",
    ):
        assert line in lines


# -- every word ---------------------------------------------------------------------------------------------------
async def test_ten_megabytes_of_escapes_and_markup_are_read_a_page_at_a_time_and_never_painted_raw() -> None:
    ask = replace(decide(), provider_text=HOSTILE, observed=HOSTILE, fix=HOSTILE, manual=HOSTILE)
    pages = -(-len(HOSTILE) // PAGE)
    async with running(asking(ask)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until_keys_are_in_sight(pilot)
        await pilot.press("v")
        await until_on(pilot, EveryWord)
        await until(pilot, lambda: f"The provider said, page 1 of {pages:,}" in words(app))
        assert app.screen.check_action("page_before", ()) is None
        await pilot.press("n")
        await until(pilot, lambda: f"page 2 of {pages:,}" in words(app))
        assert "[b]bold[/b] [@click=app.quit]x[/]" in words(app)
        assert not {"\x1b", "\x9b", "\u202e"} & set(shown(app))
        await pilot.press("p", "c", "m")
        await until(pilot, lambda: f"page 1 of {pages:,}" in words(app) and "✓ copied" in words(app))
        assert len(app.clipboard) <= 20_000
        assert not {"\x1b", "\x9b", "\u202e"} & set(app.clipboard)
        app._leave(130)


async def test_what_a_provider_said_is_cut_on_the_failure_and_whole_behind_its_key() -> None:
    text = " ".join(f"word-{number}" for number in range(180))
    assert len(text) < PAGE
    async with running(asking(replace(decide(), provider_text=text))) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "word-0" in words(app))
        assert "word-179" not in words(app)
        await click(pilot, "every_word")
        screen = await until_on(pilot, EveryWord)
        assert "Page after" not in words(app)
        assert "word-179" in str(screen.query_one("#quoted").render())
        await pilot.press("escape")
        await until_on(pilot, FailureDialog)
        app._leave(130)


# -- what is asked about once more --------------------------------------------------------------------------------
async def test_an_attestation_shows_what_is_stated() -> None:
    ask = decide(Verdict.INCONCLUSIVE, (Act.RETRY, Act.ATTEST, Act.ABORT))
    async with running(asking(ask, tried)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("a")
        await until_on(pilot, ReasonDialog)
        await until(pilot, lambda: "you state vault.backup as configured" in words(app))
        app._leave(130)


async def test_going_back_names_what_becomes_void_for_the_marked_place() -> None:
    def walked(session: FakeSession) -> None:
        session.stage_done("identity")
        session.stage_done("vault")

    session = asking(decide(), walked)
    async with running(session) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("b")
        await until_on(pilot, ReasonDialog)
        of_vault = "4: vault.backup, vault.restore, vault.unseal, vault.health"
        await until(pilot, lambda: f"becomes void {of_vault}" in words(app) and "▸2 Encryption Vault" in words(app))
        await pilot.press("shift+tab", "up")
        await until(pilot, lambda: "becomes void 7: identity.tool," in words(app))
        assert "and 1 more" in words(app)
        assert "▸1 Identity & Access" in words(app)
        await pilot.press("tab", "x", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.BACK, "x", "identity")]


async def test_an_abort_names_what_there_is_to_clean_up() -> None:
    def made(session: FakeSession) -> None:
        creates = {"kind": "db-instance", "id": "drill-7f3a"}
        session.say(Kind.INTENT, "vault", "vault.restore", operation="x", target="y", creates=creates, detail={})

    async with running(asking(decide(), made)) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("q")
        await until_on(pilot, ReasonDialog)
        await until(pilot, lambda: "to clean up 1: drill-7f3a" in words(app))
        app._leave(130)
