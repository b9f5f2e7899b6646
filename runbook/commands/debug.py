"""The redacted log: what happened, never what was in it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from runbook.engine.events import Event, Said

SCHEMA = 1
LOGGER = logging.getLogger("runbook")


class _JsonLines(logging.Formatter):
    """One JSON object a line, with a schema number."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        return json.dumps({"schema": SCHEMA, "at": at, "level": record.levelname, "said": record.getMessage()})


@contextmanager
def logged(arguments: argparse.Namespace) -> Iterator[None]:
    """With `--debug`, keep this tool's own log in a file and name it; never the providers': theirs hold tokens."""
    if not arguments.debug:
        yield
        return
    path = _file()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    LOGGER.info("command %s", arguments.command or "home")
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()
        os.write(2, f"runbook: log written to {path}\n".encode())


def hear(said: Said) -> None:
    """A listener of the conductor: what happened where, and how it ended; never what was seen or said."""
    if isinstance(said, Event):
        LOGGER.debug("%s %s %s %s", said.seq, said.kind, said.step or said.stage or "", said.data.get("verdict", ""))


def keep(error: BaseException) -> Path:
    """Write where an unexpected error came from (types, files and lines; no values) and answer the file."""
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    path = _file()
    path.write_text(json.dumps({"schema": SCHEMA, "error": type(error).__name__, "at": at}) + "\n", encoding="utf-8")
    return path


def _file() -> Path:
    descriptor, name = tempfile.mkstemp(prefix="runbook-", suffix=".log")
    os.close(descriptor)
    return Path(name)
