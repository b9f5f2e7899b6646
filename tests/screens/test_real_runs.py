"""What drills, rehearsals and recoveries show that training does not: their banners, home's entries, accepting,
pauses, and the step that a fix names."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decision, Operator
from runbook.engine.verdict import Verdict
from runbook.views import Banner, HomeView
from screens.dialogs.ask import Ask
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.reason import ReasonDialog
from screens.home.screen import HomeScreen
from screens.run.screen import RunScreen
from screens.widgets.banner import BannerBar
from tests.screens.driving import click, running, until, until_keys_are_in_sight, until_on, words
from tests.screens.fake import FakeSession, FakeSource, a_home
from tests.screens.questions import CONFIRM, decide

SMALL = ((80, 24), (60, 20))
ACCEPTABLE = decide(options=(Act.RETRY, Act.ACCEPT, Act.BACK, Act.ABORT))


async def _for_ever(session: FakeSession, _: Operator) -> None:
    session.stage_done("identity")
    await asyncio.Event().wait()


# -- banners ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["DRILL", "REHEARSAL", "RECOVERY", "TRAINING"])
async def test_each_mode_has_its_word_and_its_own_colour_on_the_run_and_on_every_question(mode: str) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.confirm(CONFIRM))

    session = FakeSession(script, banner=Banner(mode, "Clinic staging, account 222222222222"))
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, ConfirmDialog)
        bars = [screen.query_one(BannerBar), app.screen_stack[-2].query_one(BannerBar)]
        assert all(bar.has_class(f"-{mode.lower()}") for bar in bars)
        assert f"{mode} target: Clinic staging, account 222222222222" in words(app)
        app._leave(130)


async def test_no_two_modes_look_the_same() -> None:
    looks = set()
    for mode in ("DRILL", "REHEARSAL", "RECOVERY", "TRAINING", "?"):
        async with running(FakeSession(_for_ever, banner=Banner(mode, "x"))) as (app, pilot):
            screen = await until_on(pilot, RunScreen)
            looks.add(screen.query_one(BannerBar).styles.background.hex)
            app._leave(130)
    assert len(looks) == 5


async def test_that_the_providers_are_not_the_real_ones_is_never_cut_off() -> None:
    banner = Banner(
        "DRILL", "Clinic staging, account 222222222222, in eu-west-2, with a long name", "providers: LOOPBACK"
    )
    async with running(FakeSession(_for_ever, banner=banner), (60, 20)) as (app, pilot):
        await until_on(pilot, RunScreen)
        assert "DRILL ! providers: LOOPBACK target: Clinic staging" in words(app)
        app._leave(130)


# -- home ---------------------------------------------------------------------------------------------------------
def configured(name: str = "Sampleclinic [b]") -> HomeView:
    return replace(a_home(), configured=name)


async def test_without_a_configuration_only_training_can_be_begun() -> None:
    async with running(start=None) as (app, _):
        assert [app.screen.check_action(what, ()) for what in ("drill", "recover", "train")] == [False, False, True]
        assert "production" not in words(app)


@pytest.mark.parametrize("size", SMALL)
async def test_with_one_a_drill_and_a_recovery_are_offered_by_name(size: tuple[int, int]) -> None:
    async with running(start=None, home=configured(), size=size) as (app, pilot):
        await until_on(pilot, HomeScreen)
        assert "Drill restore Sampleclinic [b] into staging" in words(app)
        assert "Recover restore production of Sampleclinic [b]" in words(app)
        app.exit()


@pytest.mark.parametrize(("key", "wanted"), [("d", "drill"), ("p", "recover")])
async def test_each_is_begun_under_its_own_word(key: str, wanted: str) -> None:
    source = FakeSource(configured, lambda _: FakeSession(_for_ever))
    async with running(start=None, source=source) as (app, pilot):
        await until_on(pilot, HomeScreen)
        await pilot.press(key)
        await until_on(pilot, RunScreen)
        app._leave(130)
    assert source.opened == [wanted]


# -- accepting ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SMALL)
async def test_accepting_a_failure_is_offered_with_what_it_means(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.decide(ACCEPTABLE))

    session = FakeSession(script)
    async with running(session, size) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await until_keys_are_in_sight(pilot)
        await pilot.press("end")
        await until(pilot, lambda: "the step stays FAIL, the stage becomes ACCEPTED" in words(app))
        await pilot.press("e")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.ACCEPT)]


async def test_where_it_is_not_offered_no_key_accepts() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.decide(decide()))

    async with running(FakeSession(script)) as (app, pilot):
        screen = await until_on(pilot, FailureDialog)
        await pilot.press("e")
        assert app.screen is screen
        assert "ACCEPTED" not in words(app)
        app._leave(130)


@pytest.mark.parametrize("size", [*SMALL, (120, 40)])
async def test_an_accepted_step_and_its_stage_look_like_neither_passed_nor_failed(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        session.result("identity.tool", Verdict.FAIL, "3 rows are missing")
        said = {"what": "identity.tool", "why": "lost", "who": "Robin", "second": "Sam", "accepted": True}
        session.say(Kind.EXCEPTION, "identity", "identity.tool", **said)
        await asyncio.Event().wait()

    async with running(FakeSession(script), size) as (app, pilot):
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: "! accepted" in words(app))
        assert "✗ FAIL identity.tool" in words(app)  # in the log: the verdict is what it was
        assert "! accepted by Robin and Sam: identity.tool" in words(app)
        assert "✗ not passed" not in words(app)
        app._leave(130)


# -- pauses -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [*SMALL, (120, 40)])
async def test_a_pause_is_said_in_a_line_and_beside_the_clocks(size: tuple[int, int]) -> None:
    async def script(session: FakeSession, _: Operator) -> None:
        said = {"alive": True, "verdict": "PASS", "source": "this machine's clocks"}
        for kind, seconds, observed in (
            ("stopped", 7, "this process was stopped"),
            ("suspended", 2400, "this machine was suspended for 2,400 s"),
        ):
            session.say(Kind.HEARTBEAT, None, None, **said, pause=kind, seconds=seconds, observed=observed)
        await asyncio.Event().wait()

    async with running(FakeSession(script), size) as (app, pilot):
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: "suspended 0:40:00 (and 1 more)" in words(app))
        assert "! this machine was suspended for 2,400 s" in words(app)
        app._leave(130)


# -- the step that a fix names ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("back_to", "to"), [(("identity", "vault"), "vault"), (("identity", "vault", "vault.restore"), "vault.restore")]
)
async def test_the_step_that_a_fix_names_is_listed_below_its_stage_and_marked(
    back_to: tuple[str, ...], to: str
) -> None:
    ask = replace(decide(), back_to=back_to, fix="Go back to vault.restore.")

    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.decide(ask))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("b")
        await until_on(pilot, ReasonDialog)
        assert ("vault.restore The restore of the vault holds" in words(app)) is ("vault.restore" in back_to)
        await pilot.press("w", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [Decision(Act.BACK, "w", to)]


# -- one answer, one dialogue -------------------------------------------------------------------------------------
async def test_a_dialogue_that_was_answered_takes_no_other_screen_with_it() -> None:
    """A second click that was on its way: Textual would pop whatever is on top by then, and its answer never comes."""

    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.confirm(CONFIRM))
        await session.ask(operator.gate(session.gate_of("vault")))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        first = await until_on(pilot, ConfirmDialog)
        assert isinstance(first, ConfirmDialog)
        first.action_agree()
        first.action_agree()  # the run screen is on top now
        assert isinstance(app.screen, RunScreen)
        second = await until_on(pilot, Ask)
        first.action_decline()
        assert app.screen is second
        await until_keys_are_in_sight(pilot)
        await click(pilot, "open_gate")
        await until(pilot, lambda: len(session.answers) == 2)
    assert session.answers == [True, Decision(Act.OPEN)]


async def test_a_decision_that_comes_while_something_else_is_on_top_leaves_both_where_they_are() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.gate(session.gate_of("identity")))

    session = FakeSession(script)
    async with running(session) as (app, pilot):
        gate = await until_on(pilot, Ask)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app.screen is not gate)
        leave = app.screen
        gate.dismiss(Decision(Act.OPEN))
        assert app.screen is leave
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is gate)
        assert session.answers == []
        app._leave(130)
