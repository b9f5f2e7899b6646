"""Where a real run's credentials come from: this machine's store, else asked for once, masked, held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runbook.engine.errors import WrongUse
from runbook.engine.ports import AskSecret, Operator, Secret
from runbook.safety.keychain import NAMES, Keychain

STEP = "identity.tool"  # the step whose business it is where secrets come from


class SecretsDesk:
    """One for a process.  `operator` None: nobody is there, and only the store has anything."""

    def __init__(
        self, keychain: Keychain, words: str, operator: Operator | None, guard: Callable[[Secret], None]
    ) -> None:
        self.words = words  # where they come from, for the record
        self._keychain = keychain
        self._operator = operator
        self._guard = guard
        self._one_at_a_time = asyncio.Lock()

    async def credential(self, name: str) -> Secret:
        """The credential of that name; WrongUse where there is none and nobody can be asked.

        It is not remembered: a step that is tried again asks again, since what was typed may have been wrong.
        """
        async with self._one_at_a_time:
            secret = await self._found(name)
            self._guard(secret)
            return secret

    async def all_of(self, names: tuple[str, ...]) -> dict[str, Secret]:
        """Each of them, asked for in this order."""
        return {name: await self.credential(name) for name in names}

    async def _found(self, name: str) -> Secret:
        if await asyncio.to_thread(self._keychain.has, name):
            return await asyncio.to_thread(self._keychain.credential, name)
        if self._operator is None:
            raise WrongUse(
                f"{name} is not in the credential store ({self.words}), and nobody is there to enter it",
                fix=f"runbook credentials set {name}",
            )
        asked = AskSecret(step=STEP, prompt=f"{name}: {NAMES[name]}", kind="credential")
        answer = await self._operator.secret(asked)
        if answer.secret is None:
            raise WrongUse(
                f"{name} was not entered: without it nothing can be begun", fix="Have it at hand, then try again."
            )
        return answer.secret
