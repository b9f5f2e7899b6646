"""A training run that really took place, as its events say it: run once, kept, and replayed for the pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runbook.engine.events import Event, Kind
from steps import PROCEDURE
from tests.support import training_run

SCENARIO = "wrong-database"
FAILS_AT = "application.database"
FILE = Path(__file__).with_name(f"{SCENARIO}.jsonl")
WHOLE = ("identity", "vault", "database")  # the stages that passed


def record() -> None:
    """Run it on the practice estate, with nobody there, and keep its events up to the failure."""
    with TemporaryDirectory() as home:
        training_run.finished(Path(home), "train", SCENARIO, "--unattended")
        told = training_run.journal(Path(home))
    until = next(at for at, line in enumerate(told) if _fails(line))
    kept = ("at", "event", "stage", "step", "data")
    lines = [json.dumps({key: line[key] for key in kept}, ensure_ascii=False) for line in told[: until + 1]]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _fails(line: dict[str, Any]) -> bool:
    return bool(line["step"] == FAILS_AT and line["data"].get("verdict") == "FAIL")


@cache
def events() -> tuple[Event, ...]:
    """What is kept."""
    return tuple(_events())


def _events() -> Iterator[Event]:
    for number, text in enumerate(FILE.read_text(encoding="utf-8").splitlines(), start=1):
        line = json.loads(text)
        at = datetime.fromisoformat(line["at"])
        yield Event(number, at, 0, "recorded", Kind(line["event"]), line["stage"], line["step"], line["data"])


def before(what: Callable[[Event], bool]) -> tuple[Event, ...]:
    """What had been said until then."""
    return events()[: next(at for at, event in enumerate(events()) if what(event))]


def differs() -> str:
    """How the steps of the stages that passed are not those of the procedure any more; "" where they are."""
    said = {event.step for event in events() if event.kind is Kind.RESULT and event.stage in WHOLE}
    now = {step.id for stage in WHOLE for step in PROCEDURE.stage(stage).steps}
    return ", ".join(sorted(str(step) for step in said ^ now))
