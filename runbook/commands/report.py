"""`runbook report RUN`: what a run left."""

from __future__ import annotations

import argparse
from pathlib import Path

from runbook.commands.configured import folder_of
from runbook.commands.exits import ExitCode
from runbook.engine.errors import WrongUse
from runbook.records.disk import Disk, read_whole
from runbook.records.evidence.sealing import read_document
from runbook.records.evidence.witness_code import witness_code

_DOCUMENT = "run.json"
_FILES = {"md": "report.md", "html": "report.html", "json": _DOCUMENT}


def run(arguments: argparse.Namespace) -> int:
    """Print the sealed file as it is, or write it to a file."""
    folder = folder_of(arguments, arguments.run)
    content = _content(folder, _FILES[arguments.format])
    if arguments.output is None:
        print(content.decode("utf-8", "replace"), end="")
    else:
        _write(arguments.output, content, folder)
    return ExitCode.PASS


def _content(folder: Path, name: str) -> bytes:
    if (folder / name).exists():
        return read_whole(folder / name, Disk())
    if name == _FILES["html"] and (folder / _DOCUMENT).exists():
        return _page(folder)
    raise WrongUse(f"{folder.name} left no {name}", fix="runbook status lists the runs.")


def _page(folder: Path) -> bytes:
    """Of a run that was recorded before pages were: made now, of its sealed run.json."""
    from runbook.records.report import rendering

    return rendering.html(read_document(folder), witness_code(read_whole(folder / _DOCUMENT, Disk()))).encode("utf-8")


def _write(path: Path, content: bytes, folder: Path) -> None:
    """WrongUse where it cannot be written, or would change what is there already or sealed."""
    if path.resolve().is_relative_to(folder.resolve()):
        raise WrongUse(f"{path} lies in the run's sealed folder", fix="Name a file somewhere else.")
    try:
        if path.is_file() and path.read_bytes() != content:
            raise WrongUse(f"{path} exists, and holds something else", fix="Name another file, or remove it first.")
        path.write_bytes(content)
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}", fix="Name another file.") from error
