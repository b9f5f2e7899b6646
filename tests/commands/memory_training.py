"""`runbook` in this process, where training starts worlds in memory instead of servers."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands import training_session, wiring
from runbook.engine.conductor import Conductor
from runbook.estate.memory import MemoryEstate
from runbook.training.client import PracticeEstate
from runbook.training.variant import Variant
from tests.support.clock import FakeClock
from tests.support.practice_estate import MemoryPracticeEstate


class MemoryTraining:
    """A home, the worlds that runs on it started, and what the runs left."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.clock = FakeClock()
        self.estates: dict[Path, MemoryPracticeEstate] = {}
        self.prepare: Callable[[MemoryEstate], None] = lambda _: None  # what is different in every world from its start
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(training_session, "SystemClock", lambda: self.clock)
        monkeypatch.setattr(training_session, "PracticeEstate", self)
        # no heartbeats beside the run: on this clock thirty seconds pass at once, and again, and again
        monkeypatch.setattr(training_session, "Conductor", partial(Conductor, heartbeat_s=None))
        monkeypatch.setattr(wiring, "connect", lambda *_: self.newest.world.estate())

    # -- what stands in for the class PracticeEstate --------------------------------------------------------------
    def start(self, folder: Path, *, variant: Variant, **_: Any) -> PracticeEstate:
        folder.mkdir(parents=True)
        self.estates[folder] = MemoryPracticeEstate(
            MemoryEstate(self.clock.now, hostnames=0 if variant.public_names == "none" else 2)
        )
        if variant.seal == "awskms":
            self.estates[folder].world.sealed_by_kms()
        self.prepare(self.estates[folder].world)
        return self.estates[folder].as_client()

    def adopt(self, folder: Path) -> PracticeEstate | None:
        estate = self.estates.get(folder)
        if estate is None or estate.stopped:
            return None
        estate.world.vault._token = None  # it was the killed process that held it
        return estate.as_client()

    @property
    def newest(self) -> MemoryPracticeEstate:
        return list(self.estates.values())[-1]

    # -- the command line -----------------------------------------------------------------------------------------
    def runbook(self, *arguments: str, typed: str = "") -> int:
        """The exit status of that command, a minute after the one before; `typed` is its standard input."""
        self.clock.advance(60)
        self._monkeypatch.setattr("sys.stdin", StringIO(typed))
        return cli.main([*arguments, "--home", str(self.home)])

    # -- what is left ---------------------------------------------------------------------------------------------
    @property
    def folders(self) -> list[Path]:
        return sorted(self.home.glob("training/training-*Z-*"))

    def document(self, number: int = -1) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folders[number] / "run.json").read_text(encoding="utf-8"))
        return loaded

    def rows(self) -> list[dict[str, str]]:
        with (self.home / "training" / "training-log.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def keep_only(self, events: int) -> Path:
        """The newest run as a kill after that many events leaves it: no more journal, no record."""
        journal = self.folders[-1] / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)[:events]
        shutil.rmtree(journal.parent)
        journal.parent.mkdir()
        journal.write_bytes(b"".join(lines))
        return journal
