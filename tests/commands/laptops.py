"""Two laptops with one bucket between them: each with a home, a journal's file and an operator of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook.commands.real.handover import Handover, this_place
from runbook.engine.conductor import Conductor
from runbook.engine.desk import Desk
from runbook.engine.events import Kind
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run
from runbook.engine.verdict import Observation
from runbook.estate.memory.evidence import MemoryEvidence
from runbook.records.journal import Journal, read
from tests.support.clock import FakeClock
from tests.support.operator import ScriptedOperator
from tests.support.tiny import action, procedure, seen, stage

RUN = "drill-20270115T100000Z-7f3a"
PREFIX = "runbook/"
Script = Mapping[str, Sequence[Any]]


def two_stages(world: list[str]) -> Procedure[Desk]:
    """Each stage changes the world once."""

    async def make(desk: Desk) -> Observation:
        permit = await desk.intend("make", desk.step)
        world.append(permit.target)
        return seen()

    return procedure(stage(1, "one", action("one.make", make)), stage(2, "two", action("two.make", make)))


@dataclass
class Laptop:
    """One machine with one person at it; `said` is what it was told of the bucket, `world` what anybody changed."""

    root: Path
    person: str
    bucket: MemoryEvidence
    world: list[str]
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    takes_over: bool = True

    @property
    def path(self) -> Path:
        return self.root / "compliance" / "evidence" / RUN / "journal.jsonl"

    def handover(self, run_id: str = RUN, limit_s: float = 5.0) -> Handover:
        return Handover(
            self.bucket,
            PREFIX,
            run_id,
            environment="staging",
            who=this_place(self.root / "home", self.person),
            clock=self.clock,
            behind=self.said.append,
            limit_s=limit_s,
        )

    async def take_over(self, run_id: str, sentence: str) -> bool:
        self.asked.append((run_id, sentence))
        return self.takes_over

    async def begin(self, script: Script | None = None) -> Run:
        """A new run, as far as the script lets it."""
        handover = self.handover()
        await handover.claim(self.take_over)
        journal = Journal.create(self.path, self.clock, on_line=handover.line)
        conductor = self._conductor(journal, handover, script)
        declared = {
            "run_id": RUN,
            "mode": "drill",
            "environment": "staging",
            "operator": {"name": self.person, "role": "x"},
        }
        try:
            return await conductor.declare(declared)
        finally:
            journal.close()
            await handover.leave()

    async def go_on(self, script: Script | None = None) -> Run:
        """The run as the bucket or this machine knows it, whichever knows more; given back once it ended."""
        handover = self.handover()
        await handover.take_up(self.path, self.take_over)
        journal = Journal.open(self.path, self.clock, on_line=handover.line)
        try:
            run = await self._conductor(journal, handover, script).resume(by=self.person)
            assert await handover.release() == ""
            return run
        finally:
            journal.close()
            await handover.leave()

    def events(self, kind: Kind) -> list[dict[str, object]]:
        return [dict(event.data) for event in read(self.path) if event.kind is kind]

    def _conductor(self, journal: Journal, handover: Handover, script: Script | None) -> Conductor[Desk]:
        operator = ScriptedOperator(script)
        operator.name = self.person
        return Conductor(
            two_stages(self.world),
            recorder=journal,
            operator=operator,
            clock=self.clock,
            here_for=lambda desk: desk,
            past=journal.past,
            heartbeat_s=None,
            settle=handover.settle,
        )
