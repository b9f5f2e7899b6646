"""The operator of a run that nobody attends: agrees to what the run needs, states nothing, and ends what fails."""

from __future__ import annotations

from collections.abc import Mapping

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


class Nobody:
    """An `Operator`.  `typing` False (production): a name that must be typed is not."""

    name = "unattended"

    def __init__(self, *, typing: bool = True) -> None:
        self._typing = typing

    async def confirm(self, ask: Confirm) -> bool:
        """What the run can do without waits for a person."""
        return not ask.optional

    async def type_name(self, ask: TypeName) -> str:
        return ask.expected if self._typing else ""

    async def choose(self, ask: Choose) -> Choice:
        return Choice(ask.default)

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        """Shares and codes come from people, never from a store."""
        del ask
        return SecretAnswer(None, none_left=True)

    async def attest(self, ask: Attest) -> str:
        del ask
        return ""

    async def by_hand(self, ask: ByHand) -> bool:
        del ask
        return False

    async def run_command(self, ask: RunCommand) -> int | None:
        del ask
        return None

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        del ask
        return None

    async def decide(self, ask: Decide) -> Decision:
        """A failure is never attested, and trying again is for whoever looks at it."""
        return Decision(Act.ABORT, f"nobody present: {ask.observed}")

    async def gate(self, ask: Gate) -> Decision:
        if ask.refusal is None:
            return Decision(Act.OPEN)
        return Decision(Act.ABORT, f"nobody present: {ask.refusal}")
