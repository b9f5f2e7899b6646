"""What one process walks a real run with: adapters behind one interlock, credentials, the house of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runbook.commands import earlier
from runbook.commands.configured import Configured
from runbook.commands.machine import Claim, LocalHouse, unclaimed
from runbook.commands.places import Home
from runbook.commands.real.handover import Handover, this_place
from runbook.commands.real.secrets_desk import SecretsDesk
from runbook.commands.session import Tools
from runbook.config import Environment
from runbook.engine.desk import Desk
from runbook.engine.ports import Clock, Operator
from runbook.estate.ports import Estate
from runbook.records.remote_store import Store
from runbook.safety.keychain import Keychain, service_of
from steps.here import Held, Here


@dataclass(frozen=True, slots=True)
class Workshop:
    """Opened once for a process; every run that it works on (one, and leftovers of earlier ones) shares it."""

    configured: Configured
    home: Home
    environment: Environment
    tools: Tools
    secrets: SecretsDesk
    estate: Estate
    store: Store | None = None  # the evidence bucket
    held: Held = field(default_factory=Held)

    def here_for(self, run_id: str, folder: Path, claim: Claim = unclaimed) -> Callable[[Desk], Here]:
        """What a step of that run sees; `folder` takes the run's record."""
        settings = self.configured.settings
        house = LocalHouse(folder, self.secrets.words, private=self.home.private(run_id), claim=claim)
        before = earlier.of_runs(self.configured.shelf, self.configured.book(self.home).log, run_id)
        policy, exception = settings.policy(), settings.rehearsal.policy_exception

        def here(desk: Desk) -> Here:
            return Here(
                desk,
                self.environment,
                self.estate,
                policy,
                settings.targets,
                house,
                self.secrets.credential,
                self.held,
                before,
                rehearsal_exception=exception,
            )

        return here


async def opened(configured: Configured, home: Home, mode: str, tools: Tools, operator: Operator | None) -> Workshop:
    """Have the credentials that the adapters need, and make the adapters; WrongUse where one cannot be had."""
    from runbook.commands import wiring

    environment = configured.environment(mode)
    keychain = Keychain(service_of(configured.settings.platform.name, environment.name))
    words = await asyncio.to_thread(lambda: keychain.backend)
    desk = SecretsDesk(keychain, words, operator, tools.scanner.register)
    held = await desk.all_of(wiring.needed(environment))
    bucket = configured.settings.records.bucket
    wired = await asyncio.to_thread(wiring.wired, environment, held.__getitem__, tools.interlock, tools.door, bucket)
    return Workshop(
        configured, home, environment, tools, desk, wired.estate, wired.bucket, Held(guard=tools.scanner.register)
    )


def handover(
    shop: Workshop, run_id: str, operator: str, clock: Clock, behind: Callable[[str], None]
) -> Handover | None:
    """What other machines are told of that run; None where no evidence bucket is configured."""
    bucket = shop.configured.settings.records.bucket
    if bucket is None or shop.store is None:
        return None
    who = this_place(shop.home.root, shop.tools.scanner.masked(operator))
    environment = shop.environment.name
    return Handover(shop.store, bucket.prefix, run_id, environment=environment, who=who, clock=clock, behind=behind)
