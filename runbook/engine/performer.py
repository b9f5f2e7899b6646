"""Performs one attempt of one step and writes it down; lends each attempt its desk; undoes what the ledger lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Final, Generic

from runbook.engine.asking import Asking
from runbook.engine.attempts import as_data, observe
from runbook.engine.desk import Desk, Settle
from runbook.engine.events import Kind
from runbook.engine.few import few
from runbook.engine.outcome import tally
from runbook.engine.ports import Clock, Operator, Secret
from runbook.engine.procedure import Action, AnyStep, H, Procedure, Question
from runbook.engine.run import LedgerEntry
from runbook.engine.scribe import Scribe
from runbook.engine.together import together
from runbook.engine.verdict import Finding, Observation, Verdict

HANDED_OVER: Final = "handed over as part of the restored platform"
NAMED: Final = 4  # of what could not be undone, in one sentence


class Performer(Generic[H]):
    """The conductor's hands.  Nothing else makes a Desk, and so nothing else hands out permits."""

    def __init__(
        self,
        procedure: Procedure[H],
        *,
        scribe: Scribe,
        operator: Operator,
        clock: Clock,
        here_for: Callable[[Desk], H],
        typed_target: str | None,
        guard: Callable[[Secret], None],
        settle: Settle,
    ) -> None:
        self._procedure = procedure
        self._operator = operator
        self._clock = clock
        self._here_for = here_for
        self._typed_target = typed_target
        self._guard = guard
        self._settle = settle
        self._scribe = scribe

    async def attempt_all(self, batch: Iterable[AnyStep[H]]) -> None:
        """Attempt these steps side by side."""
        await together(self.attempt(step) for step in batch)

    async def attempt(self, step: AnyStep[H], *, quietly: bool = False) -> None:
        number = 1 + sum(attempt.step == step.id for attempt in self._scribe.run.attempts)
        self._scribe.say(Kind.STARTED, stage=step.stage, step=step.id, attempt=number)
        began = self._clock.monotonic_ns()
        desk = self.desk(step.stage, step.id)
        observation, adopted = await observe(
            step, self._here_for(desk), desk, typed_target=self._typed_target, quietly=quietly
        )
        ms = (self._clock.monotonic_ns() - began) // 1_000_000
        self.conclude(step, number, observation, ms=ms, adopted=adopted)

    def conclude(
        self,
        step: AnyStep[H],
        number: int,
        observation: Observation,
        *,
        ms: int = 0,
        adopted: bool = False,
        reason: str = "",
    ) -> None:
        data = as_data(observation)
        self._scribe.say(
            Kind.RESULT,
            stage=step.stage,
            step=step.id,
            attempt=number,
            kind=step.kind,
            ms=ms,
            adopted=adopted,
            reason=reason,
            **data,
        )
        for finding in observation.findings:
            self.find(finding, stage=step.stage, step=step.id)

    def find(self, finding: Finding, *, stage: str, step: str) -> None:
        self._scribe.say(Kind.FINDING, stage=stage, step=step, **asdict(finding))

    async def _undo_all(self) -> Observation:
        """The closing's: every open ledger entry."""
        closing = self._procedure.closing.id
        return await self.undo(self._scribe.run.open_ledger, stage=closing, step=f"{closing}.cleanup")

    async def undo(self, entries: Iterable[LedgerEntry], *, stage: str, step: str) -> Observation:
        """Undo these, what later steps made first, each by its Action; `stage` and `step` are where it is done.

        What the platform needs from now on is handed over instead, whoever asks for its removal.
        """
        left: list[str] = []
        fixes: list[str] = []
        verdict, entries = Verdict.PASS, self._not_handed_over(self._last_steps_first(entries), stage, step)
        for number, entry in enumerate(entries, start=1):
            desk = self.desk(stage, step)
            desk.progress(number - 1, len(entries), f"undoing {entry.name}")
            seen = await self._undo(entry, desk)
            gone = seen.verdict.satisfies
            self._cleaned_up(entry, stage, gone=gone, kept=False, observed=seen.observed)
            if not gone:
                left.append(f"{entry.name} ({entry.kind}): {seen.observed}")
                fixes += [seen.fix] if seen.fix and seen.fix not in fixes else []
                verdict = Verdict.FAIL if Verdict.FAIL in {verdict, seen.verdict} else Verdict.INCONCLUSIVE
        return Observation(
            verdict,
            expected="everything in the ledger undone and seen to be gone",
            observed=_left(left, len(entries)),
            source="the ledger, and each provider asked again",
            fix="" if not left else " ".join([*fixes[:NAMED], "Remove what is named by hand, then look again."]),
        )

    def _last_steps_first(self, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
        """After going back an early step's may be the newest, and what a later one made still rests on it."""
        order = {step.id: number for number, step in enumerate(self._procedure.steps())}
        return sorted(entries, key=lambda entry: order[entry.step], reverse=True)

    def _not_handed_over(self, entries: Iterable[LedgerEntry], stage: str, step: str) -> tuple[LedgerEntry, ...]:
        here, left = self._here_for(self.desk(stage, step)), []
        for entry in entries:
            made_by = self._procedure.step(entry.step)
            if isinstance(made_by, Action) and made_by.keeps(here):
                self._cleaned_up(entry, stage, gone=False, kept=True, observed=HANDED_OVER)
            else:
                left.append(entry)
        return tuple(left)

    def _cleaned_up(self, entry: LedgerEntry, stage: str, *, gone: bool, kept: bool, observed: str) -> None:
        data: dict[str, Any] = {"kind": entry.kind, "id": entry.id, "name": entry.name, "gone": gone}
        if kept:
            data["kept"] = True
        self._scribe.say(Kind.CLEANUP, stage=stage, **data, observed=observed)

    async def _undo(self, entry: LedgerEntry, desk: Desk) -> Observation:
        step = self._procedure.step(entry.step)
        undo = step.undo if isinstance(step, Action) else None
        if undo is None:
            return Observation.inconclusive(expected="undone", observed=f"{step.id} has no undo", source="procedure")
        act: Question[H] = Question(  # may wait for a person, and for a provider that takes its time
            id=desk.step,
            title=f"undo {entry.kind}",
            why=step.why,
            manual=step.manual,
            ask=lambda here: undo(here, entry),
        )
        observation, _ = await observe(act, self._here_for(desk), desk, typed_target=None, quietly=True)
        return observation

    # -- what is lent out -----------------------------------------------------------------------------------------
    def asking(self, stage: str, step: str | None) -> Asking:
        return Asking(self._operator, self._scribe, stage=stage, step=step, guard=self._guard)

    def desk(self, stage: str, step: str) -> Desk:
        return Desk(
            stage=stage,
            step=step,
            scribe=self._scribe,
            operator=self.asking(stage, step),
            clock=self._clock,
            undo_all=self._undo_all,
            tally=lambda: tally(self._scribe.run, self._procedure),
            settle=self._settle,
        )

    def here_for_heartbeat(self, stage: str) -> H:
        """What a stage's heartbeat sees; its desk hands out no permit that the journal does not know."""
        return self._here_for(self.desk(stage, f"{stage}.heartbeat"))


def _left(left: list[str], of: int) -> str:
    """What was not undone: the first are named, the others counted; each stands in the journal by itself."""
    if not left:
        return f"{of} ledger entries undone"
    return f"{len(left)} of {of} left: {few(left, NAMED, between='; ')}"
