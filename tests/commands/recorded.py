"""A home and a platform with recorded runs in them, told over the small procedure, and `runbook log …` over both."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands.closing import Book, training_book
from runbook.commands.configured import Configured
from runbook.commands.log import amend, sign
from runbook.commands.places import Home
from runbook.config import load as loading
from runbook.records.evidence import sealing
from runbook.records.evidence.witness_code import witness_code
from runbook.records.signoff import standing
from runbook.records.signoff.findings import Finding
from tests.records import real_runs, story
from tests.support import runbook_toml
from tests.support.clock import START, FakeClock

TRAINING = story.RUN_ID
DRILL = str(real_runs.DRILL["run_id"])
OPERATOR = "Pat Example"
WITNESS = "Sam Example"
SIGNERS = '\n[[people.signers]]\nname = "{name}"\nrole = "{role}"\nkey = "{key}"\n'


class Killed(BaseException):
    """As abrupt as SIGKILL, for what runs in this process."""


def killed(*_: object, **__: object) -> None:
    raise Killed


class Terminal(StringIO):
    """Standard input with somebody at it."""

    def isatty(self) -> bool:
        return True


class Recorded:
    """One machine of one platform, a day after the runs."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = Home(root / "home")
        self.file = root / "platform" / "runbook.toml"
        self.file.parent.mkdir(parents=True)
        self.configure()
        self.clock = FakeClock(START + timedelta(days=1))
        self._root = root
        self._monkeypatch = monkeypatch
        for module in (sign, amend):
            monkeypatch.setattr(module, "SystemClock", lambda: self.clock)

    def configure(self, more: str = "") -> None:
        """runbook.toml, with more in it."""
        self.file.write_text(runbook_toml.GOOD + more, encoding="utf-8")

    @property
    def platform(self) -> Configured:
        return Configured(loading.load(self.file))

    # -- runs -----------------------------------------------------------------------------------------------------
    def training(self) -> Path:
        """A calm training run, recorded."""
        clock = story.FakeClock()
        recorder = story.journal(self._root / "told", clock)
        events = story.tell_calm(recorder, clock)
        recorder.close()
        return _record(training_book(self.home), self.home.shelf.folder(TRAINING), story.document_of(events))

    def drill(self, **more: Any) -> Path:
        """A calm drill, recorded; `more` are other keys of its run.json."""
        document = {**real_runs.drill(self._root / "told"), **more}
        return _record(self.platform.book(self.home), self.platform.shelf.folder(document["run_id"]), document)

    # -- the command line -----------------------------------------------------------------------------------------
    def log(self, *arguments: str, typed: str | None = None) -> int:
        """`runbook log …`; `typed` on a terminal, None: there is none."""
        self._monkeypatch.setattr("sys.stdin", StringIO() if typed is None else Terminal(typed))
        return cli.main(["log", *arguments, "--home", str(self.home.root), "--config", str(self.file)])

    # -- what is left ---------------------------------------------------------------------------------------------
    def rows(self, run_id: str = DRILL) -> list[dict[str, str]]:
        log = training_book(self.home).log if run_id == TRAINING else self.platform.log(self.home)
        assert log.verify().sound
        with log.path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def left(self) -> tuple[int, list[str]]:
        """Rows of the test log, and the folders beside the drill's evidence."""
        return len(self.rows()), sorted(path.name for path in self.platform.shelf.root.iterdir())

    @property
    def untouched(self) -> bool:
        """Whether the drill is all that is recorded."""
        return self.left() == (1, [DRILL])

    def findings(self) -> tuple[Finding, ...]:
        """Of the drill, as they stand now."""
        return standing.of(self.platform.log(self.home), self.folder(DRILL)).findings

    def folder(self, name: str) -> Path:
        shelf = self.home.shelf if name.startswith("training") else self.platform.shelf
        return shelf.root / name

    def document(self, name: str, file: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder(name) / file).read_text(encoding="utf-8"))
        return loaded


def code_of(folder: Path) -> str:
    """As somebody reads it from the report of that run."""
    return witness_code((folder / "run.json").read_bytes())


def _record(book: Book, folder: Path, document: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True)
    sealing.write_document(folder, document)
    sealing.write_text(folder / "report.md", "# The report\n")
    digest = sealing.seal(folder)
    book.log.record(document, evidence_path=book.evidence_path(folder), evidence_digest=digest)
    return folder
