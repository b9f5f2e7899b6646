"""What all parts of the estate in memory share: the clock, what was called, and who does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from runbook.engine.errors import NoVerdict, Refused, SignedOut
from runbook.engine.ports import Permit

Now = Callable[[], datetime]


class World:
    """`calls` are the mutating calls as (operation, target), in order; `down` says who does not answer, and why."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.calls: list[tuple[str, str]] = []
        self.dry_runs: list[tuple[str, str]] = []
        self.down: dict[str, str] = {}
        self.signed_out = False  # of the cloud account

    async def ask(self, provider: str) -> None:
        """The way to a provider: lets others run, as the network does, and fails while the provider is down."""
        await asyncio.sleep(0)
        if provider in self.down:
            why = self.down[provider]
            raise NoVerdict(f"{provider} could not be asked: {why}", fix="Retry.", provider_text=why, source=provider)
        if provider == "aws" and self.signed_out:
            words = "ExpiredToken: The security token included in the request is expired"
            raise SignedOut("aws", "AWS no longer accepts this session", provider_text=words, source="aws")

    async def change(self, permit: Permit, operation: str, target: str) -> None:
        """`ask` for a mutating call: the permit is judged as the interlock does it, and the call counted."""
        if (permit.operation, permit.target) != (operation, target):
            raise Refused(f"the permit is for {permit.operation} on {permit.target}, not for {operation} on {target}")
        await self.ask(operation.partition(":")[0].replace("rds", "aws"))
        self.calls.append((operation, target))
