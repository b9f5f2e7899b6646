"""`estate.json`: what a practice estate's supervisor runs and where, for whoever comes after a kill.  No secrets."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

NAME = "estate.json"
SCHEMA = 1
State = Literal["starting", "ready", "stopping", "failed"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A process: its id and when it started (seconds since the epoch), by which a reused id is told apart."""

    name: str
    pid: int
    started: float
    address: str = ""


@dataclass(frozen=True, slots=True)
class EstateFile:
    """The file's content; `seconds` is how long the start took, or has taken so far."""

    supervisor: Listed
    control: str
    temporary: tuple[str, ...]
    processes: tuple[Listed, ...] = ()
    state: State = "starting"
    message: str = ""
    seconds: float = 0.0


def write(folder: Path, content: EstateFile) -> None:
    """Put the content in place of what is there, whole or not at all."""
    document = {"schema": SCHEMA, **asdict(content)}
    document["supervisor"] = {"pid": content.supervisor.pid, "started": content.supervisor.started}
    unfinished = folder / (NAME + ".part")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(document, file, indent=1)
    unfinished.replace(folder / NAME)


def read(folder: Path) -> EstateFile | None:
    """What is written there; None when there is no file, or none that we wrote."""
    try:
        document = json.loads((folder / NAME).read_text())
        return _parsed(document) if document["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove(folder: Path) -> None:
    """Take the file away, and an unfinished one with it."""
    for name in (NAME + ".part", NAME):
        (folder / name).unlink(missing_ok=True)


def _parsed(document: dict[str, Any]) -> EstateFile:
    supervisor = document["supervisor"]
    content = EstateFile(
        Listed("supervisor", int(supervisor["pid"]), float(supervisor["started"])),
        str(document["control"]),
        tuple(str(path) for path in document["temporary"]),
        tuple(_process(one) for one in document["processes"]),
    )
    return replace(content, state=document["state"], message=str(document["message"]), seconds=document["seconds"])


def _process(one: dict[str, Any]) -> Listed:
    return Listed(str(one["name"]), int(one["pid"]), float(one["started"]), str(one["address"]))
