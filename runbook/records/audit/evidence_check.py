"""Whether a row's evidence is there, and is what was sealed: hashed file by file, whatever their size."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk, read_at_most, reading
from runbook.records.evidence.sealing import SUMS
from runbook.records.log.verdicts import LogVerdict
from runbook.safety.outside_text import outside_text

LARGEST_SUMS: Final = 1 << 20
LARGEST_DOCUMENT: Final = 64 << 20
_SUM: Final = re.compile(r"([0-9a-f]{64})  (.+)")
_ALTERED: Final = LogVerdict.EVIDENCE_ALTERED
_MISSING: Final = LogVerdict.EVIDENCE_MISSING


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a folder of evidence; `column`: the row's that it belies."""

    verdict: LogVerdict
    column: str
    sentence: str


def troubles(root: Path, path: str, digest: str, disk: Disk) -> Iterator[Trouble]:
    """Of the folder `path` below `root`, whose SHA256SUMS has this digest (`sha256:…`).  Never reads outside of it."""
    folder = below(root, path)
    if isinstance(folder, Trouble):
        yield folder
        return
    try:
        sums = read_at_most(folder / SUMS, LARGEST_SUMS, disk)
    except RecordFailed as failure:
        yield Trouble(_MISSING, "evidence_path", f"{_said(path)}: {failure.sentence}")
        return
    if "sha256:" + hashlib.sha256(sums).hexdigest() != digest:
        yield Trouble(_ALTERED, "evidence_digest", f"{_said(path)}/{SUMS} is not the one that was sealed")
        return
    yield from _files(folder, path, sums, disk)


def previous_head(root: Path, path: str, disk: Disk) -> str | None:
    """What the log's last row was when that run was sealed, as its run.json says; None where it does not."""
    try:
        document: Any = json.loads(read_at_most(root / path / "run.json", LARGEST_DOCUMENT, disk))
    except (RecordFailed, ValueError, RecursionError):
        return None
    said = document.get("previous_head") if isinstance(document, dict) else None
    return said if isinstance(said, str) else None


# -- the folder ---------------------------------------------------------------------------------------------------
def below(root: Path, path: str) -> Path | Trouble:
    """The folder of that name, reached from `root` through folders only; else what is wrong with the name."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        return Trouble(_ALTERED, "evidence_path", f"{_said(path) or 'nothing'} is no folder below the log's")
    at = root
    for part in parts:
        at /= part
        try:
            mode = at.lstat().st_mode
        except OSError as error:
            why = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
            return Trouble(_MISSING, "evidence_path", f"the folder {_said(path)} {why}")
        if stat.S_ISLNK(mode):
            return Trouble(_ALTERED, "evidence_path", f"{_said(path)} leads elsewhere by a link ({_said(part)})")
        if not stat.S_ISDIR(mode):
            return Trouble(_ALTERED, "evidence_path", f"{_said(path)} is no folder")
    return at


def _files(folder: Path, path: str, sums: bytes, disk: Disk) -> Iterator[Trouble]:
    listed = _listed(sums)
    if listed is None:
        yield Trouble(_ALTERED, "evidence_digest", f"{_said(path)}/{SUMS} is not as this tool writes it")
        return
    there = dict(_there(folder))
    for name, right in listed.items():
        if name not in there:
            yield Trouble(_MISSING, "evidence_digest", f"{_said(path)}/{_said(name)} is not there")
        elif wrong := _wrong(folder / name, right, disk):
            yield Trouble(_ALTERED, "evidence_digest", f"{_said(path)}/{_said(name)} {wrong}")
    for name, what in there.items():
        if name not in listed and name != SUMS:
            sentence = f"{_said(path)}/{_said(name)}{what} was not there when it was sealed"
            yield Trouble(_ALTERED, "evidence_digest", sentence)


def _listed(sums: bytes) -> Mapping[str, str] | None:
    """Hash by file, None for another form."""
    found = [_SUM.fullmatch(each) for each in sums.decode("utf-8", "replace").removesuffix("\n").split("\n") if each]
    named = {each[2]: each[1] for each in found if each}
    return named if len(named) == len(found) else None


def _there(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file by its name below the folder, and what it is besides one."""
    for at, folders, files in os.walk(folder):
        for name in files:
            path = Path(at, name)
            yield path.relative_to(folder).as_posix(), " (a link)" if path.is_symlink() else ""
        for name in folders:
            if Path(at, name).is_symlink():
                yield Path(at, name).relative_to(folder).as_posix(), " (a link)"


def _wrong(path: Path, right: str, disk: Disk) -> str:
    try:
        with reading(path, disk) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except RecordFailed as failure:
        return f"cannot be judged: {failure.sentence}"
    return "" if found == right else "is not as it was sealed"


def _said(text: str) -> str:
    return outside_text(text, 120)
