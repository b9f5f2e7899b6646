"""Where runs and records are kept on this machine, and which of them are unfinished."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runbook.engine.errors import RecordFailed, WrongUse
from runbook.engine.run import Run, replay
from runbook.records import journal
from runbook.views import RunLine

JOURNAL = "journal.jsonl"
PRIVATE = "private"  # a run's folder (0700) for what is downloaded; gone when the run ended


@dataclass(frozen=True, slots=True)
class Home:
    """`<home>`: training records, in-flight state."""

    root: Path

    @property
    def training(self) -> Path:
        """The folder of the training runs."""
        return self.root / "training"

    def folder(self, run_id: str) -> Path:
        """One run's folder; WrongUse for an id that is none."""
        if "/" in run_id or run_id.startswith("."):
            raise WrongUse(f"{run_id} is not a run id", fix="runbook status lists them.")
        return self.training / run_id

    def folders(self) -> tuple[Path, ...]:
        """Every run's folder, oldest first (the id begins with mode and start)."""
        return tuple(sorted(path for path in self.training.glob("training-*Z-*") if path.is_dir()))

    def runs(self) -> tuple[RunLine, ...]:
        """Every training run that declared itself, newest first; a damaged journal is shown as that."""
        return tuple(line for folder in reversed(self.folders()) if (line := _line(folder)) is not None)

    def unfinished(self) -> tuple[str, ...]:
        """Ids of runs whose journal has no end, newest first."""
        return tuple(run.run_id for run in self.runs() if not run.outcome)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One training run at a time on this home; WrongUse names who holds it."""
        from filelock import FileLock, Timeout

        self.training.mkdir(mode=0o700, parents=True, exist_ok=True)
        holder = self.training / "lock.pid"
        try:
            with FileLock(self.training / "lock", timeout=0):
                holder.write_text(str(os.getpid()), encoding="ascii")
                try:
                    yield
                finally:
                    holder.unlink(missing_ok=True)
        except Timeout as error:
            pid = holder.read_text(encoding="ascii") if holder.exists() else "unknown"
            raise WrongUse(
                f"another training run is under way in {self.root} (process {pid})",
                fix="End it first, or use another --home.",
            ) from error


def home_of(arguments: argparse.Namespace) -> Home:
    """`--home`, else RUNBOOK_HOME, else the platform's state folder."""
    chosen = arguments.home or os.environ.get("RUNBOOK_HOME")
    if chosen:
        return Home(Path(chosen).expanduser().absolute())
    from platformdirs import user_state_path

    return Home(user_state_path("runbook"))


def state_of(folder: Path) -> Run | None:
    """The replayed state of the run in that folder; None where nothing was declared.  RecordFailed when damaged."""
    path = folder / JOURNAL
    if not path.exists() or path.stat().st_size == 0:
        return None
    return replay(journal.read(path))


def _line(folder: Path) -> RunLine | None:
    try:
        run = state_of(folder)
    except RecordFailed:
        return RunLine(folder.name, "training", "journal damaged", _started(folder.name), "DAMAGED")
    if run is None or run.started_at is None:
        return None
    declared = run.declared
    return RunLine(run.id, str(declared["mode"]), str(declared["scenario"]), run.started_at, run.outcome or "")


def _started(run_id: str) -> datetime:
    return datetime.strptime(run_id.split("-")[1] + "+0000", "%Y%m%dT%H%M%SZ%z")
