"""Real sessions in this process, over worlds in memory: a runbook.toml, a compliance folder, a home each machine."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runbook.commands import configured as configuring
from runbook.commands import wiring
from runbook.commands.configured import Configured
from runbook.commands.places import Home
from runbook.commands.real import session as real_session
from runbook.commands.real import workshop
from runbook.commands.real.beginning import Intention
from runbook.commands.real.session import RealSession
from runbook.commands.wiring import Wired
from runbook.config import Environment
from runbook.config import load as loading
from runbook.config.file import ENVIRONMENT_OF
from runbook.engine.conductor import Conductor
from runbook.engine.ports import AskSecret, Form, Operator, Secret, SecretAnswer
from runbook.estate.memory import MemoryEstate, names
from runbook.estate.memory.evidence import MemoryEvidence
from runbook.safety.keychain import NAMES
from runbook.views import Ending
from tests.support import runbook_toml
from tests.support.clock import FakeClock
from tests.support.operator import ScriptedOperator

DECLARATION = {
    "scenario": "The quarterly test",
    "operator": "Ada Okafor",
    "operator_role": "CTO",
    "witness": "Bo Turing",
    "witness_role": "clinical safety officer",
    "class": "LOSS",
    "incident_at": "unknown",
    "platform": "Practice Clinic",
}


class Store:
    """A machine's credential store: it has what `values` has, None: it cannot be used."""

    def __init__(self, values: Mapping[str, Secret] | None) -> None:
        self._values = values or {}
        self.backend = "a store of the test's" if values else "asked for at the prompt: no usable credential store"

    def has(self, name: str) -> bool:
        return name in self._values

    def credential(self, name: str) -> Secret:
        return self._values[name]


class MemoryReal:
    """One platform and its world; `machines` are homes by name."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.clock = FakeClock()
        self.world = MemoryEstate(self.clock.now)
        self.bucket = MemoryEvidence()
        self.stored = False  # whether this machine's store has the credentials
        self.freed = False  # whether a full disk has room again
        self.file = root / "platform" / "runbook.toml"
        self.file.parent.mkdir(parents=True)
        self.write()
        monkeypatch.setattr(real_session, "SystemClock", lambda: self.clock)
        monkeypatch.setattr(workshop, "Keychain", lambda _: Store(self._store() if self.stored else None))
        monkeypatch.setattr(wiring, "wired", lambda *_: Wired(self.world.estate(), self.bucket))
        monkeypatch.setattr(configuring.Configured, "environment", lambda _, mode: self._environment(mode))
        # no heartbeats and no ticks beside the run: on this clock thirty seconds pass at once, and again, and again
        monkeypatch.setattr(real_session, "Conductor", partial(Conductor, heartbeat_s=None))
        monkeypatch.setattr(real_session, "TICK_S", None)

    def write(self, **edits: Any) -> None:
        """runbook.toml, with these edits."""
        self.file.write_text(runbook_toml.text(**edits), encoding="utf-8")

    def _environment(self, mode: str) -> Environment:
        return self.world.environment().model_copy(update={"name": ENVIRONMENT_OF[mode]})

    def _store(self) -> Mapping[str, Secret]:
        return {name: self.world.credentials().get(name, Secret("of-no-account")) for name in NAMES}

    @property
    def platform(self) -> Configured:
        return Configured(loading.load(self.file))

    def home(self, machine: str = "laptop") -> Home:
        return Home(self.root / machine)

    def operator(self, script: Mapping[str, Sequence[Any]] | None = None, **declared: str) -> Person:
        known = {**self.world.custodians(), names.MFA_DEVICE: Secret(self.world.account.code)}
        return Person(
            script, shares=known, hands=self.world.hands, declared=declared, credentials=self.world.credentials()
        )

    def session(
        self, mode: str, *, run_id: str | None = None, machine: str = "laptop", attended: bool = True
    ) -> RealSession:
        """A process of its own, a minute after the one before: what the last one held in memory is gone."""
        self.clock.advance(60)
        self.world.vault._token = None
        return RealSession(self.home(machine), self.platform, Intention(mode, attended, run_id))

    def walk(self, mode: str, operator: Operator | None = None, **more: Any) -> Ending:
        """A run to its end."""
        return asyncio.run(self.session(mode, **more).walk(operator or self.operator()))

    # -- what is left ---------------------------------------------------------------------------------------------
    @property
    def folders(self) -> list[Path]:
        return sorted(path for path in (self.file.parent / "compliance" / "evidence").iterdir())

    def rows(self) -> list[dict[str, str]]:
        log = self.file.parent / "compliance" / "restoration-test-log.csv"
        with log.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def document(self, run_id: str) -> dict[str, Any]:
        path = self.file.parent / "compliance" / "evidence" / run_id / "run.json"
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return loaded


class Person(ScriptedOperator):
    """Declares the run, and has every credential at hand; otherwise as calm as the script."""

    def __init__(self, *args: Any, declared: Mapping[str, str], credentials: Mapping[str, Secret], **more: Any) -> None:
        super().__init__(*args, **more)
        self._credentials = credentials
        self._declared = {**DECLARATION, **declared}

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        if ask.kind == "credential":
            self.asked.append((f"secret {ask.prompt.partition(':')[0]}", ask))
            return SecretAnswer(self._credentials.get(ask.prompt.partition(":")[0], Secret("of-no-account")))
        return await super().secret(ask)

    async def fill(self, form: Form) -> Mapping[str, str] | None:
        if form.step == "declaring" and "fill declaring" not in self._script:
            self.asked.append((f"fill {form.step}", form))
            return {field.key: self._declared.get(field.key, field.default) for field in form.fields}
        return await super().fill(form)
