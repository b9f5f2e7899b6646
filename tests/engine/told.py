"""A run made by hand, event by event, on a clock that is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from runbook.engine.events import Event, Kind
from runbook.engine.run import Run, apply
from tests.records.story import PROCEDURE, T0


class Told:
    """`run` is its state, `at` its clock."""

    def __init__(self) -> None:
        self.run = Run()
        self.at = T0
        self.say(Kind.DECLARED, run_id="drill-1", mode="drill")

    def say(self, kind: Kind, stage: str | None = None, step: str | None = None, /, **data: object) -> None:
        self.run = apply(self.run, Event(self.run.last_seq + 1, self.at, 0, "boot", kind, stage, step, data))

    def later(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at

    def step(self, step: str, seconds: float, verdict: str = "PASS") -> None:
        stage = step.partition(".")[0]
        self.say(Kind.STARTED, stage, step, attempt=1)
        self.later(seconds)
        said = {"expected": "", "observed": "", "source": "", "ms": int(seconds * 1000)}
        self.say(Kind.RESULT, stage, step, attempt=1, kind="check", verdict=verdict, **said)

    def stage(self, stage: str, seconds: float) -> None:
        self.say(Kind.STARTED, stage)
        for step in PROCEDURE.stage(stage).steps:
            self.step(step.id, seconds / len(PROCEDURE.stage(stage).steps))
        self.say(Kind.CHECKPOINT, stage, decision="opened", by="operator")
