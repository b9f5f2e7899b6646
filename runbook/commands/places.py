"""Where runs and records are kept on this machine, and which of them are unfinished."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runbook.engine.errors import RecordFailed, RunbookError, WrongUse
from runbook.engine.run import Run, replay
from runbook.records import journal
from runbook.views import RunLine

JOURNAL = "journal.jsonl"
ELSEWHERE = "elsewhere.json"  # in a run's folder: another machine ended it, and has its record
SECOND = "record"  # in a real run's private folder: its record, where its own place takes none
RECORDING_S = 60.0
PRIVATE = "private"  # a run's folder (0700) for what is downloaded; gone when the run ended
REAL = ("drill", "rehearsal", "recovery")
_ID = re.compile(r"([a-z]+)-\d{8}T\d{6}Z-[0-9a-f]{4,}")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder that holds the runs of these modes, a folder each, named by the run's id."""

    root: Path
    modes: tuple[str, ...]

    def folder(self, run_id: str) -> Path:
        """One run's folder; WrongUse for an id that is none."""
        if not is_run_id(run_id):
            raise WrongUse(f"{run_id} is not a run id", fix="runbook status lists them.")
        return self.root / run_id

    def holds(self, run_id: str) -> bool:
        """Whether that run's journal is here."""
        return is_run_id(run_id) and (self.root / run_id / JOURNAL).is_file()

    def folders(self) -> tuple[Path, ...]:
        """Every run's folder, oldest first."""
        if not self.root.is_dir():
            return ()
        found = (path for path in self.root.iterdir() if path.is_dir() and self._is_ours(path.name))
        return tuple(sorted(found, key=lambda path: path.name.split("-")[1:]))

    def runs(self) -> tuple[RunLine, ...]:
        """Every run that declared itself, newest first; a damaged journal is shown as that."""
        return tuple(line for folder in reversed(self.folders()) if (line := _line(folder)) is not None)

    def unfinished(self) -> tuple[str, ...]:
        """Ids of runs whose journal has no end, newest first."""
        return tuple(run.run_id for run in self.runs() if not run.outcome)

    def _is_ours(self, name: str) -> bool:
        found = _ID.fullmatch(name)
        return found is not None and found.group(1) in self.modes


@dataclass(frozen=True, slots=True)
class Home:
    """`<home>`: training records, and what a run of any mode keeps on this machine only."""

    root: Path

    @property
    def shelf(self) -> Shelf:
        """The training runs."""
        return Shelf(self.training, ("training",))

    @property
    def training(self) -> Path:
        """The folder of the training runs."""
        return self.root / "training"

    @property
    def pending(self) -> Path:
        """Rows that could not be written into their log."""
        return self.root / "pending"

    def private(self, run_id: str) -> Path:
        """Of a real run: what is downloaded never lies beside the evidence."""
        return self.root / "runs" / run_id

    def second(self, run_id: str) -> Path:
        """Where a real run's record goes on while its own place takes none: apart from what was downloaded."""
        return self.private(run_id) / SECOND

    @contextmanager
    def recording(self) -> Iterator[None]:
        """One process of this home at a time makes records: two would seal one folder twice.  RecordFailed."""
        other = RecordFailed("another process of this machine is making a record", fix="runbook resume")
        with _alone(self.root / "locks" / "recording", RECORDING_S, lambda: other, unusable=RecordFailed):
            yield

    def folder(self, run_id: str) -> Path:
        """One training run's folder; WrongUse for an id that is none."""
        return self.shelf.folder(run_id)

    def folders(self) -> tuple[Path, ...]:
        """Every training run's folder, oldest first."""
        return self.shelf.folders()

    def runs(self) -> tuple[RunLine, ...]:
        """Every training run that declared itself, newest first."""
        return self.shelf.runs()

    def unfinished(self) -> tuple[str, ...]:
        """Ids of training runs whose journal has no end, newest first."""
        return self.shelf.unfinished()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One training run at a time on this home; WrongUse names who holds it."""
        holder = self.training / "lock.pid"

        def other() -> WrongUse:
            pid = holder.read_text(encoding="ascii") if holder.exists() else "unknown"
            return WrongUse(
                f"another training run is under way in {self.root} (process {pid})",
                fix="End it first, or use another --home.",
            )

        with _alone(self.training / "lock", 0, other):
            holder.write_text(str(os.getpid()), encoding="ascii")
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)


@contextmanager
def _alone(
    file: Path, patience_s: float, other: Callable[[], RunbookError], *, unusable: type[RunbookError] = WrongUse
) -> Iterator[None]:
    """One process at a time, by a lock on `file`: `other` is raised where another has it.

    `unusable`, with the folder and what to do, where nothing can be written there.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(file, timeout=patience_s)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise other() from error
    except OSError as error:
        raise unusable(
            f"{file.parent} cannot be written: {error.strerror or error}", fix="Name a folder that can be: --home DIR."
        ) from error
    try:
        yield
    finally:
        lock.release()


def home_of(arguments: argparse.Namespace) -> Home:
    """`--home`, else RUNBOOK_HOME, else the platform's state folder."""
    chosen = arguments.home or os.environ.get("RUNBOOK_HOME")
    if chosen:
        return Home(Path(chosen).expanduser().absolute())
    from platformdirs import user_state_path

    return Home(user_state_path("runbook"))


def is_run_id(text: str) -> bool:
    """`MODE-STARTZ-RANDOM`; anything else could lead out of the folder."""
    return _ID.fullmatch(text) is not None


def state_of(folder: Path) -> Run | None:
    """The replayed state of the run in that folder; None where nothing was declared.  RecordFailed when damaged."""
    path = folder / JOURNAL
    if not path.exists() or path.stat().st_size == 0:
        return None
    return replay(journal.read(path))


def removals(folder: Path) -> tuple[Path, ...]:
    """The folders of what was removed later of the run in that folder, oldest first."""
    named = (
        each for each in folder.parent.glob(f"{folder.name}.cleanup-*") if each.name.rpartition("-")[2].isdecimal()
    )
    found = (each for each in named if (each / JOURNAL).exists())
    return tuple(sorted(found, key=lambda each: int(each.name.rpartition("-")[2])))


def _line(folder: Path) -> RunLine | None:
    mode = folder.name.partition("-")[0]
    try:
        run = state_of(folder)
    except RecordFailed:
        return RunLine(folder.name, mode, "journal damaged", _started(folder.name), "DAMAGED")
    if run is None or run.started_at is None:
        return None
    declared = run.declared
    return RunLine(run.id, str(declared["mode"]), str(declared["scenario"]), run.started_at, run.outcome or "")


def _started(run_id: str) -> datetime:
    return datetime.strptime(run_id.split("-")[1] + "+0000", "%Y%m%dT%H%M%SZ%z")
