"""Where RTO and RPO go, over the drills that passed: a rehearsal and a recovery are timed otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from runbook.records.evidence.summary import duration
from runbook.records.history.runs import start
from runbook.views import Objective, RecordedRun, Trend


def trends(runs: Iterable[RecordedRun]) -> tuple[Trend, ...]:
    """RTO and RPO; without a point where nothing was measured."""
    drills = sorted((run for run in runs if run.mode in {"DRILL", "TRAINING"} and _passed(run)), key=start)
    return tuple(_trend(name, drills) for name in ("rto", "rpo"))


def _passed(run: RecordedRun) -> bool:
    return run.outcome in {"PASS", "PASS_WITH_ISSUES"} and (run.restored or run.mode == "TRAINING")


def _trend(name: str, drills: Sequence[RecordedRun]) -> Trend:
    measured = [(run, objective) for run in drills if (objective := _objective(run, name)).actual_s is not None]
    points = tuple((run, objective.actual_s or 0) for run, objective in measured)
    seconds = [each for _, each in points]
    objectives = [objective for _, objective in measured]
    return Trend(name.upper(), points, "; ".join(_said(name.upper(), seconds, objectives)) if points else "")


def _objective(run: RecordedRun, name: str) -> Objective:
    objective: Objective = attrgetter(name)(run)
    return objective


def _said(name: str, seconds: Sequence[int], objectives: Sequence[Objective]) -> Iterator[str]:
    last = f"{name} {duration(seconds[-1])}"
    if len(seconds) == 1:
        yield f"{last}, the first"
    else:
        yield f"{last}, {_moved(seconds[-2], seconds[-1])}"
        yield f"best {duration(min(seconds))}, worst {duration(max(seconds))}"
    yield _targets([each.met for each in objectives])


def _moved(before: int, now: int) -> str:
    if now == before:
        return "as the time before"
    return f"{duration(abs(now - before))} {'more' if now > before else 'less'} than the time before"


def _targets(met: Sequence[str]) -> str:
    """Without a target none is met."""
    judged = [each for each in met if each in {"YES", "NO"}]
    if not judged:
        return "no target set"
    missed = judged.count("NO")
    return f"target missed {missed} of {len(judged)} times" if missed else "target met each time that there was one"
