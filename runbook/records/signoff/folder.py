"""The sealed folder beside a run's evidence that a further row of it names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from runbook.records.canonical import plain
from runbook.records.disk import Disk, recording, replace_file
from runbook.records.evidence import sealing


def free(wanted: str, beside: Path) -> Path:
    """That name, or the next number that no folder has: a crash before its row leaves one, which nothing names."""
    stem, _, number = wanted.rpartition("-")
    places = (beside / f"{stem}-{each}" for each in count(int(number)))
    return next(place for place in places if not place.exists() and not place.is_symlink())


def sealed(folder: Path, files: Mapping[str, bytes]) -> str:
    """A new folder with these files, sealed; answers the digest that the row names.  RecordFailed."""
    with recording(folder, "made"):
        folder.mkdir(mode=0o700)  # one that is there already is somebody else's
        Disk().sync_folder(folder.parent)
    for name, content in files.items():
        replace_file(folder / name, content)
    return sealing.seal(folder)


def document(content: Mapping[str, Any]) -> bytes:
    """As run.json is written: for people too."""
    return sealing.as_written(plain(content)).encode("utf-8")
