"""The configured platform, as commands see it: its file, its environments, and where its record is kept."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from runbook.commands.closing import Book
from runbook.commands.places import REAL, Home, Shelf, home_of
from runbook.config import Environment
from runbook.config import load as loading
from runbook.config.file import Configuration
from runbook.config.load import Loaded
from runbook.engine.errors import WrongUse
from runbook.records.log.logs import TestLog
from runbook.views import RunLine


@dataclass(frozen=True, slots=True)
class Configured:
    """A runbook.toml that was read and found whole."""

    loaded: Loaded

    @property
    def settings(self) -> Configuration:
        """The validated content."""
        return self.loaded.configuration

    @property
    def compliance(self) -> Path:
        """The folder of the test log."""
        return self.loaded.path.parent / self.settings.records.folder

    @property
    def shelf(self) -> Shelf:
        """The runs that touched the real environments."""
        return Shelf(self.compliance / "evidence", REAL)

    def book(self, home: Home) -> Book:
        """The test log and its evidence."""
        return Book(self.log(home), "evidence")

    def log(self, home: Home) -> TestLog:
        """The restoration-test log."""
        return TestLog(self.compliance, home.pending)

    def environment(self, mode: str) -> Environment:
        """What a run of that mode acts on."""
        return self.settings.environment(mode)


def configured(arguments: argparse.Namespace) -> Configured:
    """The configuration that the command line, the environment or this folder names; WrongUse where there is none."""
    path = loading.find(arguments.config)
    if path is None:
        raise WrongUse(
            "there is no runbook.toml here, above, or in the user's configuration folder",
            fix="`runbook config init` writes one; `runbook train` needs none.",
        )
    return Configured(loading.load(path))


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a configuration for commands that need none; `trouble` says that a file cannot be used."""

    platform: Configured | None = None
    trouble: str = ""


def configured_if_any(arguments: argparse.Namespace) -> Found:
    """Without a file, nothing; one that is wrong must not keep anybody from looking, training or resuming training."""
    path = loading.find(arguments.config)
    if path is None:
        return Found()
    try:
        return Found(Configured(loading.load(path)))
    except WrongUse as wrong:
        mistakes = len(wrong.sentence.splitlines())
        return Found(trouble=f"{path} cannot be used ({mistakes} mistake{'s' * (mistakes != 1)}): runbook config check")


def all_runs(home: Home, platform: Configured | None) -> tuple[RunLine, ...]:
    """Training's of this home and those of the platform, newest first."""
    real = platform.shelf.runs() if platform else ()
    return tuple(sorted((*real, *home.runs()), key=lambda run: run.started_at, reverse=True))


def folder_of(arguments: argparse.Namespace, run_id: str) -> Path:
    """The folder of a run of any mode; WrongUse for an id that is none, or a real one's where nothing is configured."""
    shelf = configured(arguments).shelf if run_id.partition("-")[0] in REAL else home_of(arguments).shelf
    return shelf.folder(run_id)
