"""A training run through the public command line, as its user starts it, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

LIMIT_S = 240


def command(home: Path, *arguments: str) -> list[str]:
    """`runbook …` with this Python, on a home of the test's own."""
    return [sys.executable, "-m", "runbook", *arguments, "--home", str(home)]


def finished(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        command(home, *arguments), capture_output=True, text=True, timeout=LIMIT_S, check=False, input=stdin
    )


def folder(home: Path) -> Path:
    """The newest run's folder."""
    return max(path for path in (home / "training").glob("training-*Z-*") if path.is_dir())


def document(home: Path) -> dict[str, Any]:
    """The newest run's run.json."""
    loaded: dict[str, Any] = json.loads((folder(home) / "run.json").read_text(encoding="utf-8"))
    return loaded


def journal(home: Path) -> list[dict[str, Any]]:
    """The newest run's whole journal lines so far; [] while there is none."""
    try:
        text = (folder(home) / "journal.jsonl").read_text(encoding="utf-8")
    except (FileNotFoundError, ValueError):
        return []
    return [json.loads(line) for line in text.split("\n")[:-1]]


def last(doc: Mapping[str, Any], step: str) -> dict[str, Any]:
    """The attempt of a step that decides."""
    found: dict[str, Any] = [each for each in doc["steps"] if each["id"] == step][-1]
    return found


def listed(home: Path) -> dict[str, Any]:
    """`estate.json` of the newest run; {} while there is none."""
    try:
        content: dict[str, Any] = json.loads((folder(home) / "estate.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content


def until(seen: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """Poll until something is seen; a deadline, never a wait for time to pass."""
    deadline = time.monotonic() + limit_s
    while not seen():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.005)


@contextlib.contextmanager
def running(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run it in the background, its stdin and stdout ours; whatever is left of it and its estate is ended after."""
    process = subprocess.Popen(
        command(home, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        with process:
            try:
                yield process
            finally:  # leaving the block waits for the process
                process.kill()
    finally:
        from runbook.training.client import reap

        for each in (home / "training").glob("training-*"):
            if each.is_dir():
                reap(each)


def left_over(estate: Mapping[str, Any]) -> list[str]:
    """What is still there of an estate that `estate.json` listed: processes by pid and start time, and folders."""
    processes = [*estate.get("processes", []), {"name": "supervisor", **estate.get("supervisor", {})}]
    alive = [each["name"] for each in processes if _is_alive(each)]
    return alive + [path for path in estate.get("temporary", []) if Path(path).exists()]


def _is_alive(listed_process: Mapping[str, Any]) -> bool:
    try:
        process = psutil.Process(listed_process["pid"])
        started = listed_process.get("started")
        same = started is None or abs(process.create_time() - started) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, KeyError, TypeError):
        return False
