"""What the conductor lends to one attempt of one step: the operator, the clock, permits, progress, what is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from runbook.engine.asking import Asking
from runbook.engine.errors import NoVerdict
from runbook.engine.events import Kind, Progress
from runbook.engine.outcome import Tally
from runbook.engine.ports import Clock, Permit
from runbook.engine.run import Run
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Observation

F = TypeVar("F")

UndoAll = Callable[[], Awaitable[Observation]]
Settle = Callable[[], Awaitable[None]]


class Desk:
    """One per attempt.  Whatever a step does to the world goes through `intend` first."""

    def __init__(
        self,
        *,
        stage: str,
        step: str,
        scribe: Scribe,
        operator: Asking,
        clock: Clock,
        undo_all: UndoAll,
        tally: Callable[[], Tally],
        settle: Settle,
    ) -> None:
        self.stage = stage
        self.step = step
        self.operator = operator
        self.clock = clock
        self.undo_all = undo_all
        self.tally = tally
        self._scribe = scribe
        self._settle = settle

    @property
    def run(self) -> Run:
        """The state of the run now."""
        return self._scribe.run

    def need(self, kind: type[F]) -> F:
        """The fact of that type; NoVerdict when the step that establishes it was attested or gave none."""
        fact = self.run.fact(kind)
        if fact is None:
            raise NoVerdict(
                f"an earlier step did not establish {kind.__name__}, which this one needs",
                fix="Go back to the step that establishes it.",
                source="the run's own journal",
            )
        return fact

    async def intend(
        self, operation: str, target: str, *, creates: tuple[str, str] | None = None, **detail: Any
    ) -> Permit:
        """Put the intent on disk, and wherever else the journal is kept, and get the permit for exactly that call.

        `creates` is (kind, id) of what comes to exist: it stands in the ledger before it exists.  `detail` goes with
        the intent and the ledger entry; a secret is never part of it.
        """
        self._scribe.say(
            Kind.INTENT,
            stage=self.stage,
            step=self.step,
            operation=operation,
            target=target,
            creates={"kind": creates[0], "id": creates[1]} if creates else None,
            detail=detail,
        )
        await self._settle()
        return Permit(self.run.id, self.step, operation, target)

    def excepted(self, *, why: str, who: str) -> None:
        """Write down an exception to the policy that `who` allowed; once, however often the step is attempted."""
        data = {"what": self.step, "why": why, "who": who}
        if not any(data.items() <= dict(known).items() for known in self.run.exceptions):
            self._scribe.say(Kind.EXCEPTION, stage=self.stage, step=self.step, **data)

    def progress(self, done: int, total: int, text: str) -> None:
        """Say how far this step is; `total` 0 = unknown."""
        self._scribe.show(Progress(self.step, done, total, text))
