"""The Operator port on screens: each question is a dialogue that is pushed and awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from textual.app import App

from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    ByHand,
    Choice,
    Choose,
    Confirm,
    Decide,
    Decision,
    Form,
    Gate,
    RunCommand,
    SecretAnswer,
    TypeName,
)
from runbook.views import Session
from screens.dialogs.ask import Ask
from screens.dialogs.attest import AttestDialog
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.code import CodeDialog
from screens.dialogs.command import CommandDialog
from screens.dialogs.confirm import CarefulDialog, ConfirmDialog, OptionalDialog
from screens.dialogs.credential import CredentialDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.fill import FillDialog
from screens.dialogs.share import ShareDialog
from screens.dialogs.type_name import TypeNameDialog
from screens.terminal.lending import lend_terminal

T = TypeVar("T")

ENTRIES: Final[Mapping[str, Callable[[Session, AskSecret], Ask[SecretAnswer]]]] = MappingProxyType(
    {"share": ShareDialog, "code": CodeDialog, "credential": CredentialDialog}
)


class ScreenOperator:
    """Asks one question at a time.  To be used inside a worker of the app (Textual's rule for awaiting a screen)."""

    def __init__(self, app: App[Any], session: Session, name: str = "operator") -> None:
        self._app = app
        self._session = session
        self._name = name
        self._one_at_a_time = asyncio.Lock()
        self._taken_back = False  # changes were, and nothing was agreed to since

    @property
    def name(self) -> str:
        """Who answers, as the journal says it."""
        return self._name

    async def confirm(self, ask: Confirm) -> bool:
        if ask.optional and not ask.without:
            return await self._answer(OptionalDialog(self._session, ask))
        if ask.optional:
            return await self._answer(CarefulDialog(self._session, ask, ask.without))
        agreed = await self._answer(self._confirmation(ask))
        self._taken_back = self._taken_back and not agreed
        return agreed

    def _confirmation(self, ask: Confirm) -> ConfirmDialog:
        """After changes were taken back Enter does not make them again."""
        if self._taken_back:
            return CarefulDialog(self._session, ask, "changes were taken back just now")
        return ConfirmDialog(self._session, ask)

    async def type_name(self, ask: TypeName) -> str:
        return await self._answer(TypeNameDialog(self._session, ask))

    async def choose(self, ask: Choose) -> Choice:
        return await self._answer(ChooseDialog(self._session, ask))

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        return await self._answer(ENTRIES[ask.kind](self._session, ask))

    async def attest(self, ask: Attest) -> str:
        return await self._answer(AttestDialog(self._session, ask))

    async def by_hand(self, ask: ByHand) -> bool:
        return await self._answer(ByHandDialog(self._session, ask))

    async def run_command(self, ask: RunCommand) -> int | None:
        """With the app suspended: the command has the terminal; heartbeats and the record go on, unpainted."""
        if not await self._answer(CommandDialog(self._session, ask)):
            return None
        async with self._one_at_a_time:
            return await lend_terminal(self._app, ask.argv)

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        return await self._answer(FillDialog(self._session, ask))

    async def decide(self, ask: Decide) -> Decision:
        return self._decided(await self._answer(FailureDialog(self._session, ask)))

    async def gate(self, ask: Gate) -> Decision:
        return self._decided(await self._answer(CheckpointDialog(self._session, ask)))

    def _decided(self, decision: Decision) -> Decision:
        self._taken_back = self._taken_back or decision.act is Act.CLOSE
        return decision

    async def _answer(self, dialog: Ask[T]) -> T:
        async with self._one_at_a_time:
            try:
                return await self._app.push_screen_wait(dialog)
            except asyncio.CancelledError:
                await dialog.settled()
                dialog.withdraw()
                raise
