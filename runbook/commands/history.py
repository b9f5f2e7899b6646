"""`runbook history`: what the log tells over the years, or a year of it packed; offline, without a configuration."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from runbook.commands.configured import configured_if_any
from runbook.commands.exits import ExitCode
from runbook.commands.log.place import Place, to_read
from runbook.commands.machine import SystemClock
from runbook.commands.places import home_of
from runbook.engine.errors import WrongUse
from runbook.policy import Policy
from runbook.records.audit.evidence_rows import NAMES
from runbook.records.history import machine, reading, words
from runbook.records.log.testlog import Domain
from runbook.safety.outside_text import outside_text

WIDTH = 80
NARROWEST = 40


def run(arguments: argparse.Namespace) -> int:
    """Print it, or write the pack; exit 7 where the record is damaged, after what can be read."""
    place, months = _place(arguments), _months(arguments)
    if arguments.pack is not None:
        return _pack(place, arguments.pack, arguments.output, months)
    if arguments.output is not None:
        raise WrongUse("-o names the file of a pack", fix="runbook history --pack YEAR -o FILE.zip")
    log = reading.read(place.path, named=place.named)
    view = reading.view(log, SystemClock().now(), months)
    if arguments.json:
        print(json.dumps(machine.document(view), indent=2))
    else:
        print("\n".join(words.lines(view, _width())))
    return ExitCode.PASS if view.sound else ExitCode.NOT_RECORDED


def _place(arguments: argparse.Namespace) -> Place:
    if not arguments.training:
        return to_read(arguments, arguments.file)
    if arguments.file is not None:
        raise WrongUse("--training names a log, and so does --file", fix="Leave one of them out.")
    return Place(home_of(arguments).training / NAMES[Domain.TRAINING])


def _months(arguments: argparse.Namespace) -> Sequence[int]:
    """In which tests are due: as configured, else as the policy has it."""
    platform = configured_if_any(arguments).platform
    return (platform.settings.policy() if platform else Policy()).quarter_months


def _width() -> int:
    """The terminal's, within what reads well."""
    return min(max(shutil.get_terminal_size((WIDTH, 24)).columns, NARROWEST), WIDTH)


# -- a year's evidence --------------------------------------------------------------------------------------------
def _pack(place: Place, year: int, output: Path | None, months: Sequence[int]) -> int:
    from runbook.records.pack.packing import pack

    name = f"restoration-evidence-{year}.zip"
    target = (output or Path(name)).absolute()
    target = target / name if target.is_dir() else target
    packed = pack(place.path, target, year, SystemClock().now(), months, named=place.named)
    print(f"{outside_text(target)}: {packed.files} files")
    print("\n".join(words.wrapped(packed.said, _width())))
    for trouble in packed.troubles:
        print("\n".join(words.wrapped(f"- {trouble}", _width())))
    return ExitCode.PASS if packed.sound else ExitCode.NOT_RECORDED
