"""Ended runs that lack their record, since a process was killed or a disk was full: finished, each for itself.

Nothing of an earlier run stands in the way of a new one: what cannot be finished is told, and stays as it is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from runbook.commands.closing import finish_recording
from runbook.commands.configured import Configured
from runbook.commands.places import ELSEWHERE, JOURNAL, SECOND, Home, removals, state_of
from runbook.commands.real.leftovers import amend, sealed, standing
from runbook.engine.errors import RecordFailed
from runbook.engine.run import replay
from runbook.records import journal
from runbook.records.disk import Disk, make_folder, read_whole, recording, replace_file
from runbook.records.evidence.sealing import SUMS
from runbook.records.journal import Journal
from runbook.views import Ending


@dataclass(slots=True)
class Completed:
    """What was finished now, and a sentence for each thing that could not be."""

    endings: list[Ending] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @contextmanager
    def each(self, name: str) -> Iterator[None]:
        """One thing to finish; its failure is its own."""
        try:
            yield
        except RecordFailed as failure:
            self.troubles.append(f"{name}: {failure.sentence}")
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # not as this tool writes it
            self.troubles.append(f"{name}: its record cannot be made out ({type(error).__name__})")


def complete(home: Home, platform: Configured) -> Completed:
    """Rows that wait, evidence that was kept on this machine, ended runs without a row, removals without theirs."""
    done = Completed()
    with done.each("records of earlier runs"), home.recording():
        _complete(home, platform, done)
    return done


def _complete(home: Home, platform: Configured, done: Completed) -> None:
    book = platform.book(home)
    for told in sorted((home.root / "runs").glob(f"*/{SECOND}/{JOURNAL}")):
        with done.each(told.parent.parent.name):
            _brought_home(told.parent, platform)
    with done.each(str(book.log.path)):
        book.log.bring_in()
    done.troubles += book.log.pending_troubles()
    for folder in platform.shelf.folders():
        if (folder / ELSEWHERE).exists():
            continue
        with done.each(folder.name):
            run = state_of(folder)
            if run is not None and run.outcome is not None and not book.log.recorded(folder.name):
                done.endings.append(finish_recording(book, folder))
        for removal in removals(folder):
            with done.each(removal.name):
                _removal_finished(home, platform, folder, removal)


def _removal_finished(home: Home, platform: Configured, folder: Path, removal: Path) -> None:
    """Its process may have ended before it sealed the folder, or before the row stood."""
    if not (removal / SUMS).exists():
        left = standing(folder)
        if left is None or not journal.read(removal / JOURNAL):  # it came to nothing
            return
        sealed(home, platform, left, removal)
    amend(home, platform, folder.name, removal)


def _brought_home(kept: Path, platform: Configured) -> None:
    """Evidence that its own place did not take: it follows as soon as it does, and is compared before it goes here."""
    events = journal.read(kept / JOURNAL)
    if not events or events[0].data.get("platform") != platform.settings.platform.name:
        return
    disk, place = Disk(), platform.shelf.folder(kept.parent.name)
    if not (kept / SUMS).exists():
        if replay(events).outcome is not None:  # its process came no further; one that goes on is `resume`'s
            Journal.bring_back(kept / JOURNAL, place / JOURNAL)
        return
    names = sorted((each.name for each in kept.iterdir() if each.is_file()), key=lambda name: (name == SUMS, name))
    make_folder(place, disk)
    for name in names:  # the seal comes last: a folder that has one is whole
        content = read_whole(kept / name, disk)
        if not (place / name).exists() or read_whole(place / name, disk) != content:
            _refuse_other_content(place / name, place / SUMS)
            replace_file(place / name, content, disk=disk)
    with recording(kept, "removed"):
        shutil.rmtree(kept)
    with suppress(OSError):  # what was downloaded may still lie beside it
        kept.parent.rmdir()


def _refuse_other_content(path: Path, sums: Path) -> None:
    """A sealed folder is not written over: both stay, for people to compare."""
    if sums.exists():
        raise RecordFailed(f"{path.name} is there already with other content, and sealed", source=str(path))


def write_elsewhere(folder: Path, run_id: str, outcome: str) -> None:
    """That another machine ended this run, and has its record."""
    words = json.dumps({"schema": 1, "run_id": run_id, "outcome": outcome}) + "\n"
    replace_file(folder / ELSEWHERE, words.encode())
