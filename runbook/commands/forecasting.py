"""How long earlier runs took, from their run.json: what a forecast rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from statistics import median
from typing import Any, TypeGuard

from runbook.commands import earlier
from runbook.commands.places import Shelf
from runbook.engine.forecast import Forecast
from runbook.engine.timekeeping import LOST, STOPPED
from runbook.records.canonical import moment
from runbook.records.evidence.figures import REACHED
from runbook.records.log.logs import TestLog, TrainingLog

LOOKED_INTO = 6  # of the newest runs: an estate grows, and what it took years ago says little
MS = 1000  # in a second
IMPOSSIBLE_S = 1e9  # no run took thirty years


def of_estate(shelf: Shelf, log: TrainingLog | TestLog, *, attended: bool) -> Forecast:
    """From the newest recorded runs; a damaged log, record or figure adds nothing and stops nothing.

    How long a stage took with somebody there says nothing of one without: stages count only from runs of that kind.
    """
    documents = (earlier.document(shelf, each.run) for each in earlier.recorded(log, but="")[:LOOKED_INTO])
    return of_documents([each for each in documents if each], attended=attended)


def of_documents(documents: Iterable[Mapping[str, Any]], *, attended: bool) -> Forecast:
    """The medians over these documents (run.json); `runs` are those of them that had a figure."""
    steps: dict[str, list[float]] = defaultdict(list)
    stages: dict[str, list[float]] = defaultdict(list)
    runs = 0
    for document in documents:
        of_steps = dict(_steps(document))
        of_stages = dict(_stages(document)) if document.get("attended") is attended else {}
        for found, into in ((of_steps, steps), (of_stages, stages)):
            for name, seconds in found.items():
                into[name].append(seconds)
        runs += bool(of_steps or of_stages)
    return Forecast(_medians(steps), _medians(stages), runs)


def _medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: float(median(seconds)) for name, seconds in found.items()}


def _stages(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Of those that were passed, without the time in which the run was interrupted."""
    for stage in _objects(document, "stages"):
        seconds, waited = stage.get("seconds"), stage.get("waiting_s")
        if str(stage.get("result")) in REACHED and _is_time(seconds) and _is_time(waited):
            yield str(stage.get("id")), max(seconds - waited, 0.0)


def _steps(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Of the attempts that passed, the last one's; what was found done already took no time.

    `ms` are of a clock that stands still while the machine sleeps, but not while the process is stopped.
    """
    answered, pauses = tuple(_answered(document)), tuple(_pauses(document))
    for step in _objects(document, "steps"):
        ended, ms = _moment(step.get("at")), step.get("ms")
        if step.get("verdict") == "PASS" and step.get("adopted") is False and ended and _is_time(ms, MS):
            name, end = str(step.get("id")), ended.timestamp()
            seconds = ms / MS - _lost_s(pauses, end - ms / MS, end, {STOPPED})
            since = [end - at - _lost_s(pauses, at, end, LOST) for asked_by, at in answered if asked_by == name]
            yield name, max(min([seconds, *(each for each in since if 0 <= each <= seconds)]), 0.0)


def _answered(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Where people were asked, the machine's work is what follows the last answer: whose, and when."""
    for answer in _objects(document, "answers"):
        if at := _moment(answer.get("at")):
            yield str(answer.get("step")), at.timestamp()


def _pauses(document: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Kind, beginning and end of each; `at` is when it was noticed."""
    for pause in _objects(document, "pauses"):
        at, seconds = _moment(pause.get("at")), pause.get("seconds")
        if at and _is_time(seconds):
            yield str(pause.get("pause")), at.timestamp() - seconds, at.timestamp()


def _lost_s(pauses: Iterable[tuple[str, float, float]], start: float, end: float, kinds: Container[str]) -> float:
    """Seconds of such pauses between the two."""
    return sum(max(min(until, end) - max(since, start), 0.0) for kind, since, until in pauses if kind in kinds)


def _objects(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = document.get(name)
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield each


def _moment(said: object) -> datetime | None:
    try:
        found = moment(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _is_time(said: object, unit: int = 1) -> TypeGuard[float]:
    return isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < IMPOSSIBLE_S * unit
