"""What all parts of the estate in memory share: the clock, what was called, and who does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from runbook.engine.errors import NoVerdict, Refused, SignedOut
from runbook.engine.ports import Permit
from runbook.estate.memory.rates import MemoryRates

Now = Callable[[], datetime]
_TURNS = 4  # of the event loop that a call waits where the provider's allowance is spent


class World:
    """`down` says who does not answer, and why.

    `calls` are the mutating calls as (operation, target), in order, without the `dry_runs`.  `log` is every call that
    has a name, reads and dry runs too; a dry run's name ends in ` (dry run)`.
    """

    def __init__(self, now: Now) -> None:
        self.now = now
        self.calls: list[tuple[str, str]] = []
        self.dry_runs: list[tuple[str, str]] = []
        self.log: list[tuple[str, str]] = []
        self.watchers: list[Callable[[str, str], None]] = []  # told of each mutating call before it is done
        self.down: dict[str, str] = {}
        self.signed_out = False  # of the cloud account
        self.rates = MemoryRates()

    async def ask(self, provider: str, operation: str = "", target: str = "") -> None:
        """The way to a provider: lets others run, as the network does, and fails while the provider is down."""
        await asyncio.sleep(0)
        if operation:
            self.log.append((operation, target))
        if provider in self.down:
            why = self.down[provider]
            raise NoVerdict(f"{provider} could not be asked: {why}", fix="Retry.", provider_text=why, source=provider)
        if provider == "aws" and self.signed_out:
            words = "ExpiredToken: The security token included in the request is expired"
            raise SignedOut("aws", "AWS no longer accepts this session", provider_text=words, source="aws")
        while self.rates.refuses(provider):
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        self.rates.let_in(provider)

    async def change(self, permit: Permit, operation: str, target: str, *, dry_run: bool = False) -> None:
        """`ask` for a mutating call: the permit is judged as the interlock does it, and the call counted."""
        if (permit.operation, permit.target) != (operation, target):
            raise Refused(f"the permit is for {permit.operation} on {permit.target}, not for {operation} on {target}")
        named = f"{operation} (dry run)" if dry_run else operation
        await self.ask(operation.partition(":")[0].replace("rds", "aws"), named, target)
        if dry_run:
            self.dry_runs.append((operation, target))
            return
        for watcher in self.watchers:
            watcher(operation, target)
        self.calls.append((operation, target))
