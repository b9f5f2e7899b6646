"""Which log a command is about, and where its evidence lies: configured, found here, or named."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.engine.errors import WrongUse

if TYPE_CHECKING:  # whoever only reads a log needs none of these, and may have nothing else
    from runbook.commands.closing import Book
    from runbook.commands.places import Shelf

NAME = "restoration-test-log.csv"
DEFAULT_FOLDER = "compliance"


@dataclass(frozen=True, slots=True)
class Place:
    """A log to be read.  `named`: somebody named the file; it may be a copy, away from its evidence."""

    path: Path
    named: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A recorded run, and the one log that may take further rows of it."""

    book: Book
    shelf: Shelf
    folder: Path


def to_read(arguments: argparse.Namespace, file: Path | None) -> Place:
    """The file that is named; else the configured platform's log; else the one here or above (`compliance/` too).

    A configuration that cannot be used keeps nobody from reading.  The file need not exist.  WrongUse where nothing
    says which log is meant.
    """
    if file is not None:
        return Place(file.absolute(), named=True)
    from runbook.commands.configured import configured_if_any

    found = configured_if_any(arguments)
    if found.platform is not None:
        return Place(found.platform.compliance / NAME)
    here = Path.cwd()
    places = [path for at in (here, *here.parents) for path in (at / DEFAULT_FOLDER / NAME, at / NAME)]
    path = next((each for each in places if each.exists() or each.is_symlink()), None)
    if path is None:
        raise WrongUse(
            f"there is no {NAME} here or above, and no runbook.toml says where it is",
            fix="Name the file (verify FILE, show --file FILE), or the configuration (--config).",
        )
    return Place(path)


def to_write(arguments: argparse.Namespace, run_id: str) -> Written:
    """The book of that run: training's, or the configured platform's.  WrongUse for what is no run id."""
    from runbook.commands.closing import training_book
    from runbook.commands.configured import configured
    from runbook.commands.places import REAL, home_of, is_run_id

    if not is_run_id(run_id):
        raise WrongUse(f"{run_id} is not a run id", fix="runbook log show lists them.")
    home = home_of(arguments)
    if run_id.partition("-")[0] in REAL:
        platform = configured(arguments)
        return Written(platform.book(home), platform.shelf, platform.shelf.folder(run_id))
    return Written(training_book(home), home.shelf, home.shelf.folder(run_id))
