"""A step on its own: what it sees of a run in which earlier ones established these facts."""

from __future__ import annotations

from typing import Any

from runbook.config import Targets
from runbook.engine.asking import Asking
from runbook.engine.attempts import as_data
from runbook.engine.conductor import settled
from runbook.engine.desk import Desk
from runbook.engine.events import Kind, Progress, Said
from runbook.engine.outcome import tally
from runbook.engine.ports import Clock
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Observation
from steps import PROCEDURE
from steps.here import Here
from tests.support.operator import ScriptedOperator
from tests.support.practice import DECLARED, Practice


class Standing:
    """`here` is what the step is given; `shown` what it showed of its progress, `operator` whom it asked."""

    def __init__(
        self,
        practice: Practice,
        step: str,
        *facts: Any,
        operator: ScriptedOperator | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.operator = operator or practice.operator()
        self.shown: list[Progress] = []
        scribe = Scribe(practice.recorder())
        declared: dict[str, Any] = dict(DECLARED)
        scribe.say(Kind.DECLARED, **declared)
        stage = step.partition(".")[0]
        given = as_data(Observation.passed(expected="", observed="", source="the test", facts=facts))
        scribe.say(Kind.RESULT, stage=stage, step=f"{stage}.given", attempt=1, kind="check", ms=0, **given)
        scribe.subscribe(self._hear)
        desk = Desk(
            stage=stage,
            step=step,
            scribe=scribe,
            operator=Asking(self.operator, scribe, stage=stage, step=step),
            clock=clock or practice.clock,
            undo_all=self._nothing_to_undo,
            tally=lambda: tally(scribe.run, PROCEDURE),
            settle=settled,
        )
        self.here: Here = practice._lender(Targets())(desk)

    def _hear(self, said: Said) -> None:
        if isinstance(said, Progress):
            self.shown.append(said)

    async def _nothing_to_undo(self) -> Observation:
        raise AssertionError
