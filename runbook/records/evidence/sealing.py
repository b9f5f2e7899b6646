"""How a run's folder is written and sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk, is_left_by_a_crash, read_whole, replace_file

SUMS = "SHA256SUMS"
DERIVED = frozenset({"run.json", "report.md", "report.html", SUMS})
"""What is made of a journal, and made anew whenever its folder is sealed."""


def as_written(doc: Mapping[str, Any]) -> str:
    """A document as its file has it, laid out for people too."""
    return json.dumps(doc, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_document(folder: Path, doc: Mapping[str, Any], *, disk: Disk | None = None) -> Path:
    """run.json, all of it or none; RecordFailed."""
    return write_text(folder / "run.json", as_written(doc), disk=disk)


def write_text(path: Path, text: str, *, disk: Disk | None = None) -> Path:
    """One document of the folder, all of it or none; RecordFailed."""
    replace_file(path, text.encode("utf-8"), disk=disk)
    return path


def seal(folder: Path, *, disk: Disk | None = None) -> str:
    """Write SHA256SUMS over the folder's files (`sha256sum -c` reads it); answers its own digest, `sha256:…`.

    RecordFailed when anything in the folder is no regular file: evidence does not point elsewhere.
    """
    disk = disk or Disk()
    lines = []
    for path in sorted(folder.rglob("*"), key=lambda each: each.relative_to(folder).as_posix()):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise RecordFailed(f"{name} in the evidence is a link: it is not sealed", source=str(path))
        if path.is_dir() or name == SUMS:
            continue
        if is_left_by_a_crash(path):
            path.unlink()
            continue
        lines.append(f"{hashlib.sha256(read_whole(path, disk)).hexdigest()}  {name}\n")
    content = "".join(lines).encode("utf-8")
    replace_file(folder / SUMS, content, disk=disk)
    return "sha256:" + hashlib.sha256(content).hexdigest()


def sealed_digest(folder: Path) -> str:
    """Of the folder's SHA256SUMS, as a row names it; RecordFailed where it cannot be read."""
    return "sha256:" + hashlib.sha256(read_whole(folder / SUMS, Disk())).hexdigest()


def read_document(folder: Path) -> dict[str, Any]:
    """run.json of a run that was written; RecordFailed where it cannot be read."""
    path = folder / "run.json"
    try:
        document: dict[str, Any] = json.loads(read_whole(path, Disk()))
    except ValueError as error:
        raise RecordFailed(f"{path.name} of {folder.name} is damaged: {error}", source=str(path)) from error
    return document
