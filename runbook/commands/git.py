"""Runs git for the record's folder: this machine's own, with its hooks and settings, and never waiting for anybody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runbook.safety.outside_text import outside_text

LOOKING_S: Final = 10.0
WRITING_S: Final = 60.0  # hooks take their time
_ELSEWHERE: Final = ("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "COMMON_DIR", "PREFIX", "NAMESPACE")
_SAID: Final = 200  # characters of what git says


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: it did not finish in time, or could not be started."""

    status: int | None
    out: bytes = b""
    err: bytes = b""

    @property
    def done(self) -> bool:
        """Whether it did what it was told."""
        return self.status == 0

    @property
    def text(self) -> str:
        """What it answered, without the line's end."""
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def why_not(self) -> str:
        """Its own last words, fit for a screen."""
        if self.status is None:
            return outside_text(self.err, _SAID)
        said = [line for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        fatal = [line for line in said if line.startswith((b"fatal:", b"error:"))]
        return outside_text((fatal or said or [b"it does not say why"])[0], _SAID).strip()


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder."""

    program: str
    folder: Path

    def __call__(self, *arguments: str, given: bytes = b"", timeout_s: float = LOOKING_S) -> Answer:
        """Run one command, argument by argument.

        In a session of its own, so that nothing that it starts can ask on this terminal: not for a passphrase either.
        """
        command = [self.program, "-c", "core.fsmonitor=false", *arguments]
        try:
            with subprocess.Popen(
                command,
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            ) as process:
                return _answered(process, given, timeout_s)
        except OSError as error:
            return Answer(None, err=f"git could not be started: {error.strerror}".encode())


def git_in(folder: Path) -> Git | None:
    """None where there is no git on this machine."""
    program = shutil.which("git")
    return Git(program, folder) if program else None


def _answered(process: subprocess.Popen[bytes], given: bytes, timeout_s: float) -> Answer:
    try:
        out, err = process.communicate(given, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its hooks too
        process.communicate()
        return Answer(None, err=f"git did not finish within {timeout_s:.0f} s".encode())
    return Answer(process.returncode, out, err)


def _environment() -> dict[str, str]:
    """The user's, but for what would lead to another repository or ask on this terminal; its messages in English."""
    left_out = {*(f"GIT_{name}" for name in _ELSEWHERE), "GPG_TTY", "LANGUAGE"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
