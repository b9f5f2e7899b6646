"""A run over the estate in memory that is killed and resumed, and what must be true of it whatever the moment was."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.ports import Clock, Secret
from runbook.engine.procedure import Action, Repeat
from runbook.engine.run import Run, replay
from runbook.engine.verdict import Verdict
from runbook.estate.memory import names
from runbook.records.evidence import run_json
from runbook.records.journal import Journal
from steps import PROCEDURE
from tests.support.operator import ScriptedOperator
from tests.support.practice import DECLARED, Practice
from tests.support.recorder import Killed, MemoryRecorder

STAGES = tuple(stage.id for stage in PROCEDURE.stages)
ACTIONS = tuple(step for step in PROCEDURE.steps() if isinstance(step, Action))
ONCE = frozenset(step.id for step in ACTIONS if step.repeat is Repeat.ONCE)

Calls = Counter[tuple[str, str, str]]  # (step, operation, target) → how often the world was asked to do it


class Kept(MemoryRecorder):
    """The journal's events, in memory too."""

    def __init__(self, clock: Clock, past: Iterable[Event], journal: Journal) -> None:
        super().__init__(clock, past)
        self._journal = journal

    def append(self, kind: Kind, /, *, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Event:
        self.events.append(self._journal.append(kind, stage=stage, step=step, data=data))
        return self.events[-1]


class Crashing(Practice):
    """One world and one journal, and a process after the other.

    `made` counts the mutating calls, by their step; `called_at` are all of them, each with the length of the journal
    when it was made.
    """

    def __init__(self, folder: Path, mode: str = "drill", declared: Mapping[str, Any] | None = None) -> None:
        super().__init__(folder)
        self.declared = {**DECLARED, "run_id": f"{mode}-20270115T100000Z-0001", "mode": mode, **(declared or {})}
        self.made: Calls = Counter()
        self.called_at: list[tuple[tuple[str, str], int]] = []
        self.disk: MemoryRecorder = self.recorder()
        self.world.watch(self._called)

    def operator(self, script: Mapping[str, Sequence[Any]] | None = None) -> ScriptedOperator:
        known = {**self.world.custodians(), names.MFA_DEVICE: Secret(self.world.account.code)}
        return ScriptedOperator(script, shares=known, hands=self._hands)

    def _hands(self, act: str) -> None:
        """A vault that was wiped in mid-run is another vault: what was done to the one before it is not counted."""
        self.world.hands(act)
        if act == "wipe-vault" and self.disk.events[-1].stage == "vault":
            self.made = Counter({call: times for call, times in self.made.items() if not call[0].startswith("vault.")})

    def _called(self, operation: str, target: str) -> None:
        """An announced call: the step is that of its intent, which is on disk by now."""
        intents = [event for event in self.disk.events if event.kind is Kind.INTENT]
        said = [e for e in intents if (e.data["operation"], e.data["target"]) == (operation, target)]
        assert said, f"{operation} on {target} was called before its intent was on disk"
        self.made[said[-1].step or "", operation, target] += 1
        self.called_at.append(((operation, target), len(self.disk.events)))

    def dies(self) -> None:
        """What the process held in memory is gone, but for the vault's token: `conductor` drops that."""
        self.world.account._proven = False
        self.world.expire_login()

    def onto(self, journal: Journal) -> Kept:
        """A recorder that keeps what that journal took where this test reads it."""
        self.disk = Kept(self.clock, self.disk.events, journal)
        return self.disk

    def begin(self, **more: Any) -> Run:
        """A process that declares the run and walks it to its end."""
        self.disk = self.recorder(**more)
        return asyncio.run(self.conductor(recorder=self.disk).declare(self.declared))

    def resume(self, **more: Any) -> Run:
        """A new process, which has the journal and the world and nothing else: no session with AWS either."""
        self.dies()
        self.disk = self.recorder(self.disk.events, **more)
        return asyncio.run(self.conductor(recorder=self.disk).resume(by="tester"))

    def document(self) -> dict[str, Any]:
        """What run.json says of the run as it is now."""
        events = tuple(self.disk.events)
        return run_json.document(replay(events), events, PROCEDURE)

    def killed(self, room: int, *, late: bool) -> None:
        """A process that dies when the journal has `room` events; `late`: only when the next one would be written."""
        with pytest.raises(Killed):
            self.begin(room=room, late=late)


def calm(folder: Path, mode: str = "drill", declared: Mapping[str, Any] | None = None) -> Crashing:
    """The same run, that nobody kills."""
    practice = Crashing(folder, mode, declared)
    assert practice.begin().outcome == "PASS"
    return practice


def same_in_the_end(practice: Crashing, undisturbed: Crashing) -> None:
    """Outcome, calls, world, checkpoints and clocks of a run that was killed, against the one that was not."""
    events, run = practice.disk.events, replay(practice.disk.events)
    assert run.outcome == "PASS"
    assert events[-1].kind is Kind.ENDED
    assert once(practice.made) == once(undisturbed.made)
    assert [step.id for step in ACTIONS if not run.satisfied(step.id)] == []
    assert [attempt for attempt in current(run) if attempt.verdict is Verdict.FAIL] == []
    assert run.open_ledger == ()
    assert left_over(practice) == left_over(undisturbed)
    assert passed_over(events) == []
    assert run.opened == STAGES
    assert run.started_at == events[0].at == undisturbed.disk.events[0].at


def once(made: Calls) -> Calls:
    """The calls of the steps whose effect must be had exactly once."""
    return Counter({call: times for call, times in made.items() if call[0] in ONCE})


def current(run: Run) -> list[Any]:
    """The result that counts of every step that has one."""
    results = (run.result(step.id) for step in PROCEDURE.steps())
    return [result for result in results if result is not None]


def left_over(practice: Crashing) -> dict[str, Any]:
    """What a run must not leave in the world or on this machine, and what it must have put back."""
    world = practice.world
    return {
        "copies": sorted(world.databases.copies),
        "vault": world.server.cluster,
        "files": sorted(path.name for path in practice.folder.rglob("*") if path.is_file()),
        "groups": {name: dict(group) for name, group in world.platform.groups.items()},
        "records": dict(world.edge.zone_records),
    }


def passed_over(events: Iterable[Event]) -> list[str]:
    """Stages that were begun or acted in while a checkpoint before them was shut."""
    opened: list[str] = []
    found = []
    for event in events:
        if event.kind is Kind.CHECKPOINT and event.data["decision"] == "opened":
            opened = [*opened, *([event.stage] if event.stage and event.stage not in opened else [])]
        elif event.kind is Kind.CHECKPOINT and event.data["decision"] == "back":
            opened = [stage for stage in opened if stage not in event.data["stages"]]
        elif event.stage in STAGES and event.kind in {Kind.STARTED, Kind.INTENT}:
            before = STAGES[: STAGES.index(event.stage)]
            if missing := [stage for stage in before if stage not in opened]:
                found.append(f"{event.kind} of {event.step or event.stage} with {', '.join(missing)} shut")
    return found
