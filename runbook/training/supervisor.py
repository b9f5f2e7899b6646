"""The process that owns a practice estate: `python -m runbook.training.supervisor FOLDER --seed N`.

It lives in a session of its own, outlives a killed run and a closed terminal, and keeps `FOLDER/estate.json` true.
It ends on SIGTERM, on `POST /stop`, and when no client called for `IDLE_LIMIT` seconds; then it stops every server,
removes every temporary folder, and `estate.json` last.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from runbook.training import statefile
from runbook.training.control import Control
from runbook.training.layers import Layers, practice
from runbook.training.process import Child
from runbook.training.servers.web import LoopbackServer
from runbook.training.statefile import EstateFile, Listed, State
from runbook.training.variant import CHOICES, Variant, option

IDLE_LIMIT = 30 * 60.0
TICK = 0.1
PREFIX = "runbook-estate-"
"""Every temporary folder of an estate is named so: the reaper removes no other."""

Build = Callable[[Path, str], Layers]


class Supervisor:
    """One practice estate from start to end; `clock` gives seconds, for the idle limit only."""

    def __init__(
        self, folder: Path, build: Build, *, clock: Callable[[], float] = time.monotonic, idle_limit: float = IDLE_LIMIT
    ) -> None:
        self._folder = folder
        self._build = build
        self._clock = clock
        self._idle_limit = idle_limit
        self._last_client = clock()
        self._began = time.monotonic()
        self._lock = threading.RLock()
        self._stopping = threading.Lock()
        self._stopped = False
        self._ended = False
        self._layers: Layers | None = None
        self._starter = threading.Thread(target=self._start, daemon=True)
        self._root = Path(tempfile.mkdtemp(prefix=PREFIX))
        control = Control(self)
        self._server = LoopbackServer(control)
        control.host = f"127.0.0.1:{self._server.port}"
        me = Listed("supervisor", os.getpid(), psutil.Process().create_time())
        self._content = EstateFile(me, self._server.url, (str(self._root),))

    def run(self) -> None:
        """Start the estate, keep it until it is asked to end or nobody comes any more, and leave nothing."""
        try:
            self._write()
            self._server.start()
            self._starter.start()
            while not self._ended and self._clock() - self._last_client < self._idle_limit:
                self._refresh()
                time.sleep(TICK)
        finally:
            self.shut_down()
            self._server.stop()
            statefile.remove(self._folder)

    # -- what the control server asks ---------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """`estate.json` as it is now."""
        self._refresh()
        return {"schema": statefile.SCHEMA, **asdict(self._content)}

    def layers(self) -> Layers | None:
        """The estate while it is ready."""
        return self._layers if self._content.state == "ready" else None

    def touch(self) -> None:
        """A client was there."""
        self._last_client = self._clock()

    def end(self) -> None:
        """Let `run` come to its end; safe in a signal handler."""
        self._ended = True

    def shut_down(self) -> None:
        """Stop the estate and remove its temporary folders; the second call waits for the first and does nothing."""
        with self._stopping:
            if self._stopped:
                return
            if self._content.state != "failed":
                self._say("stopping")
            if self._starter.is_alive():
                self._starter.join(60)  # a server that is just being started would otherwise be missed
            self._clear()

    # -- inside -------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        try:
            self._layers = self._build(self._root, self._server.url)
            self._refresh()  # its temporary folders are on disk before anything starts in them
            self._layers.start()
        except Exception as error:  # noqa: BLE001  # whatever it was, the run is told why there is no estate
            traceback.print_exc()
            self._say("failed", f"{type(error).__name__}: {error}")
            self._clear()
        else:
            if self._content.state == "starting":
                self._say("ready")

    def _clear(self) -> None:
        """Stop the layers and remove what they left; what cannot be stopped keeps nothing else from being so."""
        folders = {Path(path) for path in self._content.temporary}
        if self._layers is not None:
            folders.update(self._layers.data.temporary())
            try:
                self._layers.stop()
            except Exception:  # noqa: BLE001  # the rest must go all the same; the log says why
                traceback.print_exc()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._stopped = True
        self._refresh()

    def _say(self, state: State, message: str = "") -> None:
        with self._lock:
            seconds = round(time.monotonic() - self._began, 2)
            self._content = replace(self._content, state=state, message=message, seconds=seconds)
            self._refresh(always=True)

    def _refresh(self, *, always: bool = False) -> None:
        """Write the file again when a process or a temporary folder came or went."""
        with self._lock:
            layers = None if self._stopped else self._layers
            processes = _listed(layers.children()) if layers is not None else ()
            folders = [self._root, *(layers.data.temporary() if layers is not None else ())]
            now = replace(self._content, processes=processes, temporary=tuple(map(str, folders)))
            if always or now != self._content:
                self._content = now
                self._write()

    def _write(self) -> None:
        """A full disk keeps the old file, and the reaper finds the rest; without the folder nobody finds us: end."""
        try:
            statefile.write(self._folder, self._content)
        except FileNotFoundError:
            self.end()
        except OSError:
            traceback.print_exc()


def _listed(children: list[Child]) -> tuple[Listed, ...]:
    """Those that live; one may end while it is looked at."""
    found = []
    for child in children:
        try:
            told = child.describe()
        except psutil.NoSuchProcess:
            continue
        if told["pid"] is not None and told["started"] is not None:
            found.append(Listed(told["name"], told["pid"], told["started"], told["address"]))
    return tuple(found)


def _ignore(*_: object) -> None:
    """Instead of SIG_IGN, which the servers would inherit: they must still end on SIGINT."""


def asked(arguments: Sequence[str] | None = None) -> tuple[Path, int, Variant]:
    """Folder, seed and variant that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    for name, choices in CHOICES.items():
        parser.add_argument(option(name), choices=choices, required=True)
    chosen = parser.parse_args(arguments)
    return chosen.folder, chosen.seed, Variant(**{name: getattr(chosen, name) for name in CHOICES})


def main() -> None:
    """Run the supervisor of the folder named on the command line."""
    folder, seed, variant = asked()
    os.umask(0o077)
    supervisor = Supervisor(folder, functools.partial(practice, seed=seed, variant=variant))
    signal.signal(signal.SIGTERM, lambda *_: supervisor.end())
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, _ignore)
    supervisor.run()
    sys.exit(0)


if __name__ == "__main__":
    main()
