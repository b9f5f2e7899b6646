"""One run per environment on one machine: a lock that the operating system lets go of when its holder dies.

Beside it lies who holds it, in words.  A holder that ended without giving it back is said; one that is only stopped
(SIGSTOP, a closed lid) still holds it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from runbook.engine.errors import Refused
from runbook.records.canonical import canonical, second
from runbook.records.disk import PRIVATE, make_folder, recording, replace_file
from runbook.safety.outside_text import outside_text


@dataclass(frozen=True, slots=True)
class Process:
    """A process as its machine tells it apart: pids are used again, `started` and `boot_id` are not.  "" = unknown."""

    host: str
    pid: int
    boot_id: str
    started: str


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds the lock, and for which run."""

    process: Process
    run_id: str
    since: str

    def __str__(self) -> str:
        return f"process {self.process.pid} on {self.process.host}, run {self.run_id}, since {self.since}"


@contextmanager
def local_lock(home: Path, environment: str, run_id: str) -> Iterator[str]:
    """Hold the environment on this machine.  Answers a note when its last holder ended without giving it back, or "".

    Refused, naming process, host and run, while somebody holds it; RecordFailed where it cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  # commands that only read never need it

    folder = home / "locks"
    words = folder / f"{environment}.json"
    make_folder(folder)
    lock = FileLock(folder / f"{environment}.lock", timeout=0, mode=PRIVATE)
    with recording(words, "locked"):
        try:
            lock.acquire()
        except Timeout:
            raise _refused(environment, _holding(words)) from None
    try:
        note = _note(environment, words, here := this_process())
        mine = Holding(here, run_id, second(datetime.now(UTC)))
        replace_file(words, canonical(asdict(mine)) + b"\n", mode=PRIVATE)
        try:
            yield note
        finally:
            words.unlink(missing_ok=True)
    finally:
        lock.release()


def this_process() -> Process:
    """As another process of this machine would see this one."""
    return Process(platform.node() or "this machine", os.getpid(), _boot_id(), started(os.getpid()))


def started(pid: int) -> str:
    """When that process began, in the machine's own words, always the same of one process; "" = none, or unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() else _started_by_ps(pid)
    except (OSError, IndexError):
        return ""


def _started_by_ps(pid: int) -> str:
    """macOS has no /proc."""
    try:
        said = subprocess.run(
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()


def _boot_id() -> str:
    """ "" where the machine has none: pid and start then have to do."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _note(environment: str, words: Path, here: Process) -> str:
    """What is said of a holder that is gone; Refused while it is still there although the system let go of the lock."""
    if not words.exists():
        return ""
    before = _holding(words)
    if before is None:
        return f"the lock of {environment} was left behind unreadable, by nobody who still holds it: it was taken over"
    gone = _gone(before.process, here)
    if gone is None:
        raise _refused(environment, before, f"If that is not so, remove {words} by hand.")
    return f"the lock of {environment} was left behind by {before}, {gone}: it was taken over"


def _gone(process: Process, here: Process) -> str | None:
    """Why that process cannot hold anything any more; None when it may."""
    if process.boot_id and process.boot_id == here.boot_id:
        pass  # this machine, whatever its name is today
    elif process.host != here.host:
        return None
    elif process.boot_id:
        return "before this machine was started again"
    if not _is_there(process.pid):
        return "which ended"
    if process.started and started(process.pid) != process.started:
        return "which ended; its number belongs to another process now"
    return None


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _holding(words: Path) -> Holding | None:
    """Who the file says holds it; None while it is not written yet, or cannot be read."""
    try:
        said = json.loads(words.read_bytes())
        texts = {name: outside_text(said["process"][name]) for name in ("host", "boot_id", "started")}
        process = Process(pid=int(said["process"]["pid"]), **texts)
        return Holding(process, outside_text(said["run_id"]), outside_text(said["since"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _refused(environment: str, holding: Holding | None, more: str = "") -> Refused:
    who = str(holding) if holding else "another process of this machine"
    return Refused(
        f"{environment} is being worked on: {who} holds it",
        fix=" ".join(filter(None, ("End that one first, or follow it with runbook watch.", more))),
    )
