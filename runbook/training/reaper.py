"""Ends what a killed practice estate left: processes by id and start time, never by name, and its own folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.training import statefile
from runbook.training.statefile import EstateFile, Listed

if TYPE_CHECKING:
    import psutil

PREFIX = "runbook-"  # of every temporary folder of an estate; no other is ever removed
"""Temporary folders of an estate are named so; no other is ever removed."""

SAME_START = 2.0
"""Seconds by which two readings of one process's start may differ: some systems count it from a corrected boot time."""

GRACE_SUPERVISOR = 20.0
GRACE_SERVER = 5.0


def alive(folder: Path) -> bool:
    """True while the supervisor that `estate.json` names lives."""
    content = statefile.read(folder)
    return content is not None and _process(content.supervisor) is not None


def reap(folder: Path) -> list[str]:
    """End the supervisor and every server listed, remove the temporary folders and `estate.json`; says what it did.

    A supervisor that lives is asked to end by itself first.  May be called at any time, and twice.
    """
    content = statefile.read(folder)
    if content is None:
        return []
    done = _end_supervisor(content)
    content = statefile.read(folder) or content  # it may have listed more, or have cleaned up everything
    done += _end_servers(content)
    done += [f"removed {path}" for path in content.temporary if _removed(Path(path))]
    statefile.remove(folder)
    return done


def _process(listed: Listed) -> psutil.Process | None:
    """The process that was listed; None when it is gone or its id is another's by now."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(listed.pid)
        same = abs(process.create_time() - listed.started) <= SAME_START
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    return None


def _end_supervisor(content: EstateFile) -> list[str]:
    process = _process(content.supervisor)
    if process is None:
        return []
    _end([process], signal.SIGTERM, GRACE_SUPERVISOR)
    return [f"ended the supervisor (pid {process.pid})"]


def _end_servers(content: EstateFile) -> list[str]:
    """SIGINT first: to PostgreSQL it is the fast shutdown that leaves no shared memory behind."""
    import psutil

    found = {process.pid: (listed.name, process) for listed in content.processes if (process := _process(listed))}
    for process in _unlisted(content):
        found.setdefault(process.pid, ("a server that was not listed yet", process))
    offspring: list[psutil.Process] = []
    for _, process in found.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            offspring += process.children(recursive=True)
    _end([process for _, process in found.values()], signal.SIGINT, GRACE_SERVER)
    _end(offspring, signal.SIGKILL, GRACE_SERVER)
    return [f"ended {name} (pid {pid})" for pid, (name, _) in found.items()]


def _unlisted(content: EstateFile) -> list[psutil.Process]:
    """Servers started in the instant before the supervisor was killed: of its session, started after it, and with
    one of the estate's own folders on their command line.  The session's number stays taken while any of them lives.
    """
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(process.pid) != content.supervisor.pid or process.pid == content.supervisor.pid:
                continue
            ours = any(path in word for word in process.cmdline() for path in content.temporary)
            if ours and process.create_time() >= content.supervisor.started - SAME_START:
                found.append(process)
    return found


def _end(processes: list[psutil.Process], by: signal.Signals, grace: float) -> None:
    """Ask, wait, and kill what is left."""
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(by)
    _, left = psutil.wait_procs(processes, timeout=grace)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=GRACE_SERVER)


def _removed(path: Path) -> bool:
    """Remove a temporary folder of ours; anything that does not look like one is left alone."""
    if not path.is_absolute() or not path.name.startswith(PREFIX) or path.is_symlink() or not path.is_dir():
        return False
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()
