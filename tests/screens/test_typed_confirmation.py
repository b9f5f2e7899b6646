"""The target's name typed into its dialogue, through the conductor: keys and pastes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from runbook.engine.ports import AskSecret, Field, Form, Operator, Permit
from screens.app import RunbookApp
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.credential import CredentialDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.fill import FillDialog
from screens.dialogs.type_name import TypeNameDialog
from screens.widgets.inputs import CredentialInput, ExactInput
from tests.screens.driving import running, until, until_on, words
from tests.screens.fake import FakeSession
from tests.support import near_misses
from tests.support.tiny import Bench, action, procedure, seen, stage

NAME = "Practice Clinic"
PASTED = (  # what an entry could swallow, and so make of it the name
    *(f"{NAME}{end}" for end in near_misses.LINE_ENDS[:3]),
    f"\n{NAME}",
    f"{NAME[:4]}\N{ZERO WIDTH SPACE}{NAME[4:]}",
    f"{NAME}\x00",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The app in front of somebody who agreed to an action of production and has to type its name."""

    app: RunbookApp
    pilot: Pilot[None]
    permits: list[Permit]

    async def enter(self, text: str, *, pasted: bool) -> None:
        """Into the empty entry of a dialogue that is new; then Enter."""
        dialog = await until_on(self.pilot, TypeNameDialog)
        entry = dialog.query_one(ExactInput)
        await until(self.pilot, lambda: entry.has_focus and entry.value == "")
        if pasted:
            entry.post_message(events.Paste(text))
            await self.pilot.pause()
        else:
            entry.insert_text_at_cursor(text)
        await self.pilot.press("enter")
        await until(self.pilot, lambda: self.app.screen is not dialog)

    async def once_more(self) -> None:
        """After three misses one is back at the step: try again, and agree to it again."""
        await until_on(self.pilot, FailureDialog)
        await self.pilot.press("r")
        await until_on(self.pilot, ConfirmDialog)
        await self.pilot.press("y")


@asynccontextmanager
async def asked() -> AsyncIterator[Asked]:
    permits: list[Permit] = []

    async def perform(desk: Any) -> Any:
        permits.append(await desk.intend("make", "x"))
        return seen()

    async def script(_: FakeSession, operator: Operator) -> None:
        walked = procedure(stage(1, "vault", action("vault.restore", perform)))
        person: Any = operator
        await Bench(walked, person, typed_target=NAME).walk()

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, ConfirmDialog)
        await pilot.press("y")
        yield Asked(app, pilot, permits)
        app._leave(130)


async def test_three_names_that_are_only_like_it_do_nothing_and_lead_back_to_the_step() -> None:
    async with asked() as person:
        for typed in ("practice clinic", f"{NAME} ", NAME.replace("a", "\N{CYRILLIC SMALL LETTER A}")):
            await person.enter(typed, pasted=False)
        await until_on(person.pilot, FailureDialog)
        assert "Attest" not in words(person.app)
        await person.once_more()
        assert person.permits == []


async def test_whatever_is_pasted_and_is_not_the_name_does_nothing() -> None:
    async with asked() as person:
        for number, typed in enumerate(PASTED, start=1):
            await person.enter(typed, pasted=True)
            if number % 3 == 0:
                await person.once_more()
        assert person.permits == []
        await person.enter(NAME, pasted=True)
        await until(person.pilot, lambda: len(person.permits) == 1)


@pytest.mark.parametrize("pasted", [True, False])
async def test_the_name_itself_counts_typed_or_pasted(*, pasted: bool) -> None:
    async with asked() as person:
        await person.enter("staging", pasted=False)
        await person.enter(NAME, pasted=pasted)
        await until(person.pilot, lambda: len(person.permits) == 1)


async def test_to_go_away_from_it_leads_back_to_the_step_at_once() -> None:
    async with asked() as person:
        await until_on(person.pilot, TypeNameDialog)
        await person.pilot.press("escape")
        await until_on(person.pilot, FailureDialog)
        assert person.permits == []


async def test_a_miss_is_said_and_how_often_it_may_be_tried() -> None:
    async with asked() as person:
        await person.enter("practice clinic", pasted=False)
        await until_on(person.pilot, TypeNameDialog)
        assert "That was not it: every letter, its case and every space count. Tries left: 2." in words(person.app)


async def test_the_dialogue_names_what_has_to_be_typed_and_does_not_fill_it_in() -> None:
    async with asked() as person:
        dialog = await until_on(person.pilot, TypeNameDialog)
        assert NAME in words(person.app)
        assert dialog.query_one(ExactInput).value == ""


# -- in the declaration of a recovery, and what is typed behind a mask --------------------------------------------
@pytest.mark.parametrize("typed", [f"{NAME} ", f" {NAME}", f"{NAME}\n", "practice clinic"], ids=ascii)
async def test_in_a_form_too_the_name_is_taken_to_the_letter(typed: str) -> None:
    field = Field("platform", "The platform", wrong=lambda text: "" if text == NAME else "that is not it", exact=True)
    session = FakeSession(lambda session, operator: session.ask(operator.fill(Form("", "Declare", (), (field,)))))
    async with running(session) as (app, pilot):
        dialog = await until_on(pilot, FillDialog)
        entry = dialog.query_one(ExactInput)
        await until(pilot, lambda: entry.has_focus)
        for text in (typed, NAME):
            entry.value = ""
            entry.post_message(events.Paste(text))
            await pilot.pause()
            await pilot.press("enter")
            if text != NAME:
                await until(pilot, lambda: "that is not it" in words(app))
                assert not session.answers
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [{"platform": NAME}]


@pytest.mark.parametrize(
    ("pasted", "handed_in"), [("a b\n", "a b"), (" pass word ", "pass word"), ("tok\r\nen", "token")]
)
async def test_a_credential_keeps_the_blanks_inside_it(pasted: str, handed_in: str) -> None:
    ask = AskSecret("identity.tool", "database-password", kind="credential")
    session = FakeSession(lambda session, operator: session.ask(operator.secret(ask)))
    async with running(session) as (app, pilot):
        dialog = await until_on(pilot, CredentialDialog)
        entry = dialog.query_one(CredentialInput)
        await until(pilot, lambda: entry.has_focus)
        entry.post_message(events.Paste(pasted))
        await pilot.pause()
        assert handed_in not in words(app)
        await pilot.press("shift+home", "ctrl+c", "ctrl+x", "enter")
        await until(pilot, lambda: bool(session.answers))
        assert app.clipboard == ""
    assert session.answers[0].secret.reveal() == handed_in
