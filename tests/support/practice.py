"""The real procedure over the estate in memory: one world, and a conductor for each process that walks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from runbook.commands.machine import LocalHouse
from runbook.config import Targets
from runbook.engine.asking import Asking
from runbook.engine.conductor import Conductor, settled
from runbook.engine.desk import Desk
from runbook.engine.events import Event, Kind
from runbook.engine.outcome import tally
from runbook.engine.ports import Operator, Secret
from runbook.engine.run import Run
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Observation
from runbook.estate.memory import MemoryEstate, names
from runbook.policy import Policy
from steps import PROCEDURE
from steps.here import EarlierRun, Held, Here, House
from tests.support.clock import FakeClock
from tests.support.operator import ScriptedOperator
from tests.support.recorder import MemoryRecorder

DECLARED = {
    "run_id": "training-20270115T100000Z-0001",
    "mode": "training",
    "scenario": "calm",
    "operator": {"name": "tester", "role": "script"},
}


class Practice:
    """A world that outlives the processes that work on it; `public_names` "none" as `hostnames` 0."""

    def __init__(
        self,
        folder: Path,
        *,
        services: int = 2,
        hostnames: int = 2,
        packages: int = 1,
        public_names: Literal["staging", "none"] = "staging",
    ) -> None:
        self.clock = FakeClock()
        named = 0 if public_names == "none" else hostnames
        self.world = MemoryEstate(self.clock.now, services=services, hostnames=named, packages=packages)
        self.environment = self.world.environment()
        self.folder = folder
        self.history: tuple[EarlierRun, ...] = ()
        self.rehearsal_exception = ""
        self.house: House | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def operator(self, script: Mapping[str, Sequence[Any]] | None = None) -> ScriptedOperator:
        known = {**self.world.custodians(), names.MFA_DEVICE: Secret(self.world.account.code)}
        return ScriptedOperator(script, shares=known, hands=self.world.hands)

    def recorder(self, past: Iterable[Event] = (), **more: Any) -> MemoryRecorder:
        return MemoryRecorder(self.clock, past, **more)

    def conductor(
        self,
        operator: Operator | None = None,
        recorder: MemoryRecorder | None = None,
        *,
        targets: Targets | None = None,
        **more: Any,
    ) -> Conductor[Here]:
        """A process of its own: what the last one held in memory is gone."""
        recorder = recorder or self.recorder()
        self.world.vault._token = None
        return Conductor(
            PROCEDURE,
            recorder=recorder,
            operator=operator or self.operator(),
            clock=self.clock,
            here_for=self._lender(targets or Targets()),
            past=tuple(recorder.events),
            **{"heartbeat_s": None, **more},
        )

    async def walk(
        self,
        operator: Operator | None = None,
        recorder: MemoryRecorder | None = None,
        *,
        declared: Mapping[str, Any] = DECLARED,
        **more: Any,
    ) -> Run:
        """A new run, from its declaration to its end."""
        return await self.conductor(operator, recorder, **more).declare(declared)

    def here(self, declared: Mapping[str, Any] = DECLARED, operator: Operator | None = None) -> Here:
        """What one step of a run that was just declared sees."""
        scribe = Scribe(self.recorder())
        scribe.say(Kind.DECLARED, **declared)
        asking = Asking(operator or self.operator(), scribe, stage="identity", step="identity.tool")

        async def nothing() -> Observation:
            return Observation.not_needed("nothing is undone here")

        desk = Desk(
            stage="identity",
            step="identity.tool",
            scribe=scribe,
            operator=asking,
            clock=self.clock,
            undo_all=nothing,
            tally=lambda: tally(scribe.run, PROCEDURE),
            settle=settled,
        )
        here: Here = self._lender(Targets())(desk)
        return here

    def _lender(self, targets: Targets) -> Any:
        estate, held = self.world.estate(), Held()
        house = self.house or LocalHouse(self.folder, "the test's own")
        credentials = self.world.credentials()

        async def credential(name: str) -> Secret:
            return credentials[name]

        def here_for(desk: Desk) -> Here:
            return Here(
                desk,
                self.environment,
                estate,
                Policy(),
                targets,
                house,
                credential,
                held,
                self.history,
                self.rehearsal_exception,
            )

        return here_for

    def done(self, operation: str) -> list[str]:
        """The targets of one kind of mutating call, in order."""
        return [target for called, target in self.world.calls if called == operation]
