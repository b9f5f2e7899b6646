"""Runs a program under strace, and lets one call on the files that it is about fail, or kill it there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
_CALL = re.compile(r"(?m)^\d+ +(\w+)\((.*)$")


@dataclass(frozen=True)
class Injection:
    """What happens at which call: the `number`-th (from 1) of this name."""

    call: str
    number: int
    what: str  # as strace writes it: signal=SIGKILL, error=EIO

    def __str__(self) -> str:
        return f"{self.call}:{self.what}:when={self.number}"


@dataclass(frozen=True)
class Traced:
    """How a run ended, what it said, and its calls on the files, as strace wrote them."""

    code: int
    said: str
    trace: str

    @property
    def struck(self) -> bool:
        """Whether it came to what was to happen: else the run says nothing."""
        return "(INJECTED)" in self.trace or "killed by SIGKILL" in self.trace

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Names of the calls, in order, and the rest of each line."""
        return tuple((match[1], match[2]) for match in _CALL.finditer(self.trace))

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Each call by name and number."""
        seen = Counter[str]()
        found = list[tuple[str, int]]()
        for name, _ in self.calls:
            seen[name] += 1
            found.append((name, seen[name]))
        return tuple(found)

    @property
    def synced_again(self) -> bool:
        """Whether an fsync was tried again on a descriptor whose last one failed."""
        lost = set[str]()
        for name, rest in self.calls:
            descriptor = rest.partition(")")[0]
            if name == "fsync" and descriptor in lost:
                return True
            if name == "fsync" and " = -1 " in rest:
                lost.add(descriptor)
            elif name == "close":
                lost.discard(descriptor)
        return False


def traced(program: Sequence[str], paths: Sequence[Path], trace: Path, injection: Injection | None = None) -> Traced:
    """The run of a Python module under strace, which only sees the calls on these paths."""
    strace = shutil.which("strace")
    assert strace is not None
    about = [part for path in paths for part in ("-P", str(path))]
    injected = ["-e", f"inject={injection}"] if injection else []
    command = [strace, "-f", "-qq", "-o", str(trace), *about, *injected, sys.executable, "-m", *program]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=root, check=False)
    return Traced(done.returncode, done.stdout + done.stderr, trace.read_text("utf-8", "replace"))


def why_not() -> str | None:
    """Why nothing can be traced on this machine; None where it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run([strace, "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None
