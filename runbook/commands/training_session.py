"""A training run: starts or adopts the practice estate, walks the same procedure with the same adapters, records it.

Nothing here can write the restoration-test log: the only recorder that is wired is the training log's.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from runbook import __version__
from runbook.commands import abandoned, debug, earlier
from runbook.commands.closing import record, training_book
from runbook.commands.machine import LocalHouse, SystemClock
from runbook.commands.places import JOURNAL, Home
from runbook.commands.plans import Plan, policy_hash
from runbook.commands.session import TICK_S, RunSession, Tools, uninterrupted
from runbook.config import Environment, Targets
from runbook.engine.conductor import Conductor
from runbook.engine.desk import Desk
from runbook.engine.errors import RunbookError, WrongUse
from runbook.engine.ports import Operator, Secret
from runbook.engine.run import Run, replay
from runbook.engine.verdict import Verdict
from runbook.policy import Policy
from runbook.records.journal import Journal
from runbook.safety import bounds
from runbook.training.client import PracticeEstate, reap
from runbook.training.operators import Mishaps, PracticeOperator, WithFaults
from runbook.training.spent import unspent
from runbook.views import Banner, Ending, Phone
from steps import PROCEDURE
from steps.here import Held, Here

BANNER = Banner("TRAINING", "practice estate on this machine; nothing of yours is touched")
KNOCK_S = 60.0


class TrainingSession(RunSession):
    """`views.Session` for training.  `walk` may be called once."""

    def __init__(self, home: Home, plan: Plan) -> None:
        super().__init__(SystemClock())
        self._home = home
        self._plan = plan
        self._estate: PracticeEstate | None = None
        self._labels: tuple[str, ...] = ()

    @property
    def banner(self) -> Banner:
        return BANNER

    @property
    def phone(self) -> Phone | None:
        return Phone(self._labels, self._call) if self._labels else None

    async def walk(self, operator: Operator | None) -> Ending:
        """None: the practice operator of the scenario answers.  RunbookError; cancelling leaves the run resumable."""
        with self._home.locked():
            await self._look_at_earlier(training_book(self._home), self._home.shelf, attended=operator is not None)
            await self._load_adapters(attended=operator is not None)
            return await (self._new(operator) if self._plan.run_id is None else self._resumed(operator))

    # -- a new run, or the same one again -------------------------------------------------------------------------
    async def _new(self, operator: Operator | None) -> Ending:
        for line in await asyncio.to_thread(abandoned.end_all, self._home, self._clock):
            self._show(line)
        run_id = f"training-{self._clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        folder = self._home.folder(run_id)
        with self._tools(bounds.practice()) as tools:
            try:
                await self._start(folder)
                await asyncio.to_thread(Mishaps(self._ready, self._plan.scenario.faults).happen, "start")
                journal = Journal.create(folder / JOURNAL, self._clock, scan=tools.scanner.scan)
                conductor = await self._conduct(folder, journal, tools, operator)
            except BaseException:  # nothing was declared yet: nothing can be resumed, so nothing may stay behind
                await uninterrupted(asyncio.to_thread(reap, folder))
                raise
            async with self._kept_alive():
                run = await conductor.declare(_declared(run_id, self._plan, operator))
            return await self._end(folder, journal, tools, run)

    async def _resumed(self, operator: Operator | None) -> Ending:
        assert self._plan.run_id is not None
        folder = self._home.folder(self._plan.run_id)
        estate = await asyncio.to_thread(PracticeEstate.adopt, folder)
        if estate is None:
            ending = await asyncio.to_thread(
                abandoned.end, self._home, folder, self._clock, "its practice estate was gone when it was resumed"
            )
            if ending is None:
                raise WrongUse(f"{folder.name} declared nothing: there is nothing to resume", fix="runbook train")
            return ending
        self._estate = estate
        with self._tools(bounds.practice()) as tools:
            journal = Journal.open(folder / JOURNAL, self._clock, scan=tools.scanner.scan)
            self._past = replay(journal.past)
            conductor = await self._conduct(folder, journal, tools, operator)
            async with self._kept_alive():
                run = await conductor.resume(by=operator.name if operator else "practice operator")
            return await self._end(folder, journal, tools, run)

    async def _start(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()

        def said(text: str) -> None:
            loop.call_soon_threadsafe(self._show, text)

        estate = await uninterrupted(
            asyncio.to_thread(
                PracticeEstate.start,
                folder,
                seed=self._plan.seed,
                variant=self._plan.scenario.estate,
                on_progress=said,
            )
        )
        self._estate = estate

    async def _conduct(
        self, folder: Path, journal: Journal, tools: Tools, operator: Operator | None
    ) -> Conductor[Here]:
        environment = await asyncio.to_thread(self._ready.environment)
        custodians, _ = await asyncio.to_thread(self._ready.custodians)
        device = environment.aws.sign_in.mfa_serial
        self._labels = (*custodians, *((device,) if device else ()))
        here_for = await self._here_for(folder, environment, tools)
        scenario = self._plan.scenario
        answers, faults = unspent(scenario.operator.answers, scenario.faults, journal.past)
        mishaps = Mishaps(self._ready, faults)
        conductor = Conductor(
            PROCEDURE,
            recorder=journal,
            operator=WithFaults(
                operator or PracticeOperator(self._ready, answers, self._clock.now), self._ready, mishaps
            ),
            clock=self._clock,
            here_for=here_for,
            past=journal.past,
            guard=tools.scanner.register,
            tick_s=TICK_S,
        )
        looking_back = self._looking_back(journal, tools.scanner)
        for listener in (self._tell, debug.hear, mishaps.hear, looking_back):
            conductor.subscribe(listener)
        self._conductor = conductor
        return conductor

    async def _here_for(self, folder: Path, environment: Environment, tools: Tools) -> Callable[[Desk], Here]:
        from runbook.commands.wiring import connect

        def credential(name: str) -> Secret:
            secret = self._ready.credential(name)
            tools.scanner.register(secret)
            return secret

        async def asked(name: str) -> Secret:
            return await asyncio.to_thread(credential, name)

        estate = await asyncio.to_thread(connect, environment, credential, tools.interlock, tools.door)
        held = Held(guard=tools.scanner.register)
        house = LocalHouse(folder, "the practice estate's own")
        before = await asyncio.to_thread(earlier.of_runs, self._home.shelf, training_book(self._home).log, folder.name)
        return lambda desk: Here(desk, environment, estate, Policy(), Targets(), house, asked, held, before)

    async def _end(self, folder: Path, journal: Journal, tools: Tools, run: Run) -> Ending:
        """The estate goes first: the record then says what is true of this machine."""
        journal.close()
        self._show("ending the practice estate")
        await uninterrupted(asyncio.to_thread(self._ready.stop))
        LocalHouse(folder, "").leave()
        self._past = run
        extra = {"calls": tools.interlock.counts}
        ending = await asyncio.to_thread(
            record,
            training_book(self._home),
            folder,
            extra=extra,
            scanner=tools.scanner,
        )
        return replace(ending, details={**ending.details, **self._judged(ending, run)})

    def _judged(self, ending: Ending, run: Run) -> dict[str, str]:
        """What the scenario expected, and whether the run ended so: with that outcome, at that step."""
        expect = self._plan.scenario.expect
        last = run.last(expect.fails_at) if expect.fails_at else None
        there = not expect.fails_at or (last is not None and last.verdict is Verdict.FAIL)
        words = f"{expect.outcome} at {expect.fails_at}" if expect.fails_at else str(expect.outcome)
        return {"expected": words, "as_expected": "yes" if there and ending.outcome == expect.outcome else "no"}

    @asynccontextmanager
    async def _kept_alive(self) -> AsyncIterator[None]:
        """The practice estate ends itself when nobody asks anything of it; a person may think longer than that."""

        async def knock() -> None:
            while True:
                await asyncio.sleep(KNOCK_S)
                with contextlib.suppress(RunbookError):
                    await asyncio.to_thread(self._ready.state)

        knocking = asyncio.create_task(knock(), name="keep the practice estate")
        try:
            yield
        finally:
            knocking.cancel()

    # -- small parts ----------------------------------------------------------------------------------------------
    @property
    def _ready(self) -> PracticeEstate:
        assert self._estate is not None
        return self._estate

    async def _call(self, label: str) -> str:
        said = await asyncio.to_thread(self._ready.read_out, label)
        return said.reveal()


def _declared(run_id: str, plan: Plan, operator: Operator | None) -> dict[str, Any]:
    who = {"name": "practice operator", "role": "script of the scenario"}
    return {
        "run_id": run_id,
        "mode": "training",
        "scenario": plan.scenario.name,
        "attended": plan.attended,
        "environment": "practice",
        "operator": who if operator is None else {"name": getpass.getuser(), "role": "operator"},
        "witness": None,
        "targets": Targets().model_dump(),
        "policy": {"ref": Policy().reference, "sha256": policy_hash(Policy())},
        "tool_version": __version__,
        "providers": "LOOPBACK",
        "seed": plan.seed,
        "script": plan.scenario.model_dump(mode="json", by_alias=True),
    }
