"""An operator under the name that was declared: who answered stands in the journal by name."""

from __future__ import annotations

from collections.abc import Mapping

from runbook.engine.ports import (
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
    Operator,
    RunCommand,
    SecretAnswer,
    TypeName,
)


class Named:
    """`inner` answers; the journal says that `name` did."""

    def __init__(self, inner: Operator, name: str) -> None:
        self._inner = inner
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    async def confirm(self, ask: Confirm) -> bool:
        return await self._inner.confirm(ask)

    async def type_name(self, ask: TypeName) -> str:
        return await self._inner.type_name(ask)

    async def choose(self, ask: Choose) -> Choice:
        return await self._inner.choose(ask)

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        return await self._inner.secret(ask)

    async def attest(self, ask: Attest) -> str:
        return await self._inner.attest(ask)

    async def by_hand(self, ask: ByHand) -> bool:
        return await self._inner.by_hand(ask)

    async def run_command(self, ask: RunCommand) -> int | None:
        return await self._inner.run_command(ask)

    async def fill(self, form: Form) -> Mapping[str, str] | None:
        return await self._inner.fill(form)

    async def decide(self, ask: Decide) -> Decision:
        return await self._inner.decide(ask)

    async def gate(self, ask: Gate) -> Decision:
        return await self._inner.gate(ask)
