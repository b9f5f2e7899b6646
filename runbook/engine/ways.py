"""The ways on that are not forward: sign in again, attest, accept, take changes back, go back, end the run.

Used by the conductor, after a step that did not pass and at a checkpoint; everything said goes through its scribe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Generic, assert_never

from runbook.engine import accepting
from runbook.engine.events import Kind
from runbook.engine.performer import Performer
from runbook.engine.ports import Act, Decide, Decision, Operator
from runbook.engine.procedure import Action, AnyStep, H, Procedure, Stage
from runbook.engine.pulse import Watch
from runbook.engine.run import Run
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Finding, Observation, Verdict

_STEP = re.compile(r"[a-z]+\.[a-z-]+")  # an id in a sentence


class Move(Enum):
    """What a stage does next: goes on, looks at its steps again, or the run went elsewhere."""

    ON = auto()
    AGAIN = auto()
    AWAY = auto()


class Ways(Generic[H]):
    """One for a conductor; `operator` is who the journal says did it, `accepts` whether a failure may be accepted."""

    def __init__(
        self,
        procedure: Procedure[H],
        *,
        scribe: Scribe,
        performer: Performer[H],
        operator: Operator,
        watch: Watch[H],
        accepts: bool,
    ) -> None:
        self._procedure = procedure
        self._scribe = scribe
        self._performer = performer
        self._operator = operator
        self._watch = watch
        self._accepts = accepts

    @property
    def who(self) -> str:
        """Who answers now, as the journal's `by`."""
        return self._operator.name

    @property
    def _run(self) -> Run:
        return self._scribe.run

    # -- after a step that did not pass ---------------------------------------------------------------------------
    async def after(self, step: AnyStep[H]) -> Move:
        """Ask what to do about it, and do that."""
        result = self._run.result(step.id)
        assert result is not None
        again = self.sign_in_step(result.signed_out, other_than=step)
        options = self._options(step, may_sign_in=again is not None)
        decision = await self.ask(step, options)
        if decision.act not in options:
            return Move.AGAIN
        match decision.act:
            case Act.RETRY | Act.OPEN:
                await self._watch.look_at_fallen()
                return Move.AGAIN
            case Act.SIGN_IN:
                await self.sign_in(again)
                await self._watch.look_at_fallen()
                return Move.AGAIN
            case Act.ACCEPT:
                return await self._accepted(step)
            case Act.ATTEST:
                return self._attested(step, decision.reason)
            case Act.CLOSE:
                return await self.take_back(step.stage, decision)
            case Act.BACK:
                return self.go_back(step.stage, decision)
            case Act.ABORT:
                return self.abort(step.stage, decision)
            case _:
                assert_never(decision.act)

    async def end(self) -> None:
        """The step that stopped the run is shown; ending it is all that is offered, but for taking changes back."""
        step = self._procedure.step(self._run.stopped)
        while self._run.aborted is None:
            decision = await self.ask(step, (*((Act.CLOSE,) if self.retreat else ()), Act.ABORT))
            if decision.act is Act.CLOSE:
                await self.take_back(step.stage, decision)
            elif decision.act is Act.ABORT:
                self.abort(step.stage, decision)

    def _options(self, step: AnyStep[H], *, may_sign_in: bool) -> tuple[Act, ...]:
        result = self._run.result(step.id)
        may_attest = (
            result is not None
            and result.verdict is Verdict.INCONCLUSIVE
            and step.attestable
            and not result.declined
            and not self._run.failed_before(step.id)
        )
        return (
            *((Act.SIGN_IN,) if may_sign_in else ()),
            Act.RETRY,
            *((Act.ATTEST,) if may_attest else ()),
            *((Act.ACCEPT,) if self._may_accept(step) else ()),
            *((Act.CLOSE,) if self.retreat else ()),
            Act.BACK,
            Act.ABORT,
        )

    async def ask(self, step: AnyStep[H], options: tuple[Act, ...]) -> Decision:
        """The failure dialogue, with these ways and no other."""
        result = self._run.last(step.id)
        assert result is not None
        ask = Decide(
            step=step.id,
            title=step.title,
            verdict=result.verdict,
            expected=result.expected,
            observed=result.observed,
            source=result.source,
            fix=result.fix,
            provider_text=result.provider_text,
            why=step.why,
            manual=step.manual,
            options=options,
            back_to=tuple(self._places(step, result.fix)) if Act.BACK in options else (),
            retreat=self.retreat if Act.CLOSE in options else "",
        )
        return await self._performer.asking(step.stage, step.id).decide(ask)

    def _attested(self, step: AnyStep[H], reason: str) -> Move:
        """An exception: an attestation in place of a step that was inconclusive; without a reason there is none."""
        result = self._run.result(step.id)
        if not reason.strip() or result is None:
            return Move.AGAIN
        who = self._declared_name
        self._scribe.say(Kind.EXCEPTION, stage=step.stage, step=step.id, what=step.id, why=reason, who=who)
        stated = Observation(Verdict.ATTESTED, result.expected, f"attested: {reason}", source=self._operator.name)
        self._performer.conclude(step, result.number + 1, stated, reason=reason)
        return Move.ON

    @property
    def _declared_name(self) -> str:
        return str(self._run.declared.get("operator", {}).get("name", self._operator.name))

    # -- accepting a failure --------------------------------------------------------------------------------------
    def _may_accept(self, step: AnyStep[H]) -> bool:
        result = self._run.result(step.id)
        return self._accepts and step.acceptable and result is not None and result.verdict is Verdict.FAIL

    async def _accepted(self, step: AnyStep[H]) -> Move:
        """Two people state the loss; withdrawn from, the same is asked again, and not looked at again."""
        result = self._run.result(step.id)
        assert result is not None
        form = accepting.form(step, result, self._declared_name)
        answers = await self._performer.asking(step.stage, step.id).fill(form)
        if answers is None or any(field.mistake(answers.get(field.key, "")) for field in form.fields):
            return await self.after(step)
        said = accepting.exception(step, answers, self._declared_name)
        self._scribe.say(Kind.EXCEPTION, stage=step.stage, step=step.id, **said)
        return Move.ON

    # -- signing in again -----------------------------------------------------------------------------------------
    def sign_in_step(self, system: str, *, other_than: AnyStep[H] | None = None) -> AnyStep[H] | None:
        """The step that signed in to that system in this run: it can be done again from anywhere but itself."""
        if not system:
            return None
        steps = (step for step in self._procedure.steps() if step.signs_in == system and step is not other_than)
        return next((step for step in steps if self._run.result(step.id) is not None), None)

    async def sign_in(self, step: AnyStep[H] | None) -> None:
        """Sign in again in place: what was done since stays as it is.  A failure is told as any step's is."""
        if step is None:
            return
        await self._performer.attempt(step, quietly=True)
        while not self._run.satisfied(step.id):
            if (await self.ask(step, (Act.RETRY, Act.ABORT))).act is not Act.RETRY:
                return
            await self._performer.attempt(step, quietly=True)

    # -- taking changes back --------------------------------------------------------------------------------------
    @property
    def retreat(self) -> str:
        """What taking back is called, while there is something to take back; else ""."""
        step = self._retreating()
        return step.retreat if step else ""

    def _retreating(self) -> Action[H] | None:
        """The Action whose changes can be taken back in mid-run and still stand, by the ledger."""
        standing = {entry.step for entry in self._run.open_ledger}
        steps = (step for step in self._procedure.steps() if isinstance(step, Action) and step.retreat)
        return next((step for step in steps if step.id in standing), None)

    async def take_back(self, from_stage: str, decision: Decision) -> Move:
        """Undo what that Action changed, newest first; its result and all later ones become void before that.

        What cannot be undone stays in the ledger, is a finding, and goes on being offered.
        """
        step = self._retreating()
        if step is None:
            return Move.AGAIN
        entries = tuple(entry for entry in self._run.open_ledger if entry.step == step.id)
        stood = self._run.result(step.id) is not None
        if stood:  # first: a process that ends in between leaves no result that says it is open
            reason = decision.reason.strip() or step.retreat
            self.void_from(step.id, from_stage, reason=reason, by=self._operator.name)
        seen = await self._performer.undo(entries, stage=from_stage, step=step.id)
        if not seen.verdict.satisfies:
            finding = Finding(f"{step.retreat}: not done: {seen.observed}", "major")
            self._performer.find(finding, stage=from_stage, step=step.id)
        return Move.AWAY if stood else Move.AGAIN

    # -- back, and the end ----------------------------------------------------------------------------------------
    def back_to(self, stage: Stage[H]) -> tuple[str, ...]:
        """The stages that may be gone back to from there."""
        return tuple(other.id for other in (*self._procedure.before(stage), stage))

    def _places(self, step: AnyStep[H], fix: str) -> Iterator[str]:
        """Those stages, each with the steps of it that the fix names."""
        named = set(_STEP.findall(fix)) - {step.id}
        for stage_id in self.back_to(self._procedure.stage(step.stage)):
            yield stage_id
            yield from (each.id for each in self._procedure.stage(stage_id).steps if each.id in named)

    def go_back(self, from_stage: str, decision: Decision) -> Move:
        """Void the results from `decision.to` (a stage or a step of one) on; the ledger and the clocks go on."""
        stage_id = decision.to.partition(".")[0]
        if not decision.reason.strip() or stage_id not in self.back_to(self._procedure.stage(from_stage)):
            return Move.AGAIN
        self.void_from(decision.to, from_stage, reason=decision.reason, by=self._operator.name)
        return Move.AWAY

    def void_from(self, place: str, from_stage: str, *, reason: str, by: str) -> None:
        """`place` is a stage or a step of one; its stage and all later ones are shut."""
        ids = [step.id for stage in self._procedure.stages for step in stage.steps]
        stage_id = place.partition(".")[0]
        first = place if place in ids else next(i for i in ids if i.startswith(stage_id + "."))
        number = self._procedure.stage(stage_id).number
        self._scribe.say(
            Kind.CHECKPOINT,
            stage=from_stage,
            decision="back",
            to=place,
            reason=reason,
            by=by,
            void=ids[ids.index(first) :],
            stages=[stage.id for stage in self._procedure.stages if stage.number >= number],
        )

    def abort(self, stage: str, decision: Decision) -> Move:
        """End the run; the closing follows."""
        self._scribe.say(
            Kind.CHECKPOINT, stage=stage, decision="aborted", reason=decision.reason, by=self._operator.name
        )
        return Move.AWAY
