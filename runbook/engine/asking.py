"""The operator as the engine uses them: every question and answer is in the journal, never what was masked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from runbook.engine.events import Kind
from runbook.engine.ports import (
    AskSecret,
    Attest,
    ByHand,
    Choice,
    Choose,
    Confirm,
    Decide,
    Decision,
    Form,
    Gate,
    Operator,
    RunCommand,
    Secret,
    SecretAnswer,
    TypeName,
)
from runbook.engine.scribe import Scribe


class Asking:
    """An Operator that journals `asked` and `answered` around another one, for one stage and step.

    `guard` is told every secret that comes in, before anything else can hold it.
    """

    def __init__(
        self,
        operator: Operator,
        scribe: Scribe,
        *,
        stage: str,
        step: str | None,
        guard: Callable[[Secret], None] = lambda _: None,
    ) -> None:
        self._operator = operator
        self._scribe = scribe
        self._stage = stage
        self._step = step
        self._guard = guard

    @property
    def name(self) -> str:
        """Who answers."""
        return self._operator.name

    async def confirm(self, ask: Confirm) -> bool:
        self._asked("confirm", ask.preview.what)
        agreed = await self._operator.confirm(ask)
        self._answered("yes" if agreed else "not now")
        return agreed

    async def type_name(self, ask: TypeName) -> str:
        self._asked("type name", ask.expected)
        typed = await self._operator.type_name(ask)
        self._answered("as expected" if typed == ask.expected else "something else")
        return typed

    async def choose(self, ask: Choose) -> Choice:
        self._asked("choose", ask.title)
        choice = await self._operator.choose(ask)
        self._answered(choice.key, choice.reason, detail=choice.detail)
        return choice

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        self._asked("secret", f"{ask.note} {ask.prompt} ({ask.entered} of {ask.needed} are in)".strip())
        try:
            answer = await self._operator.secret(ask)
        except asyncio.CancelledError:  # what was asked for came from elsewhere, or the run was left
            self._answered("withdrawn")
            raise
        if answer.secret is not None:
            self._guard(answer.secret)
        self._answered("nothing entered" if answer.secret is None else f"entered by {answer.label or 'the operator'}")
        return answer

    async def attest(self, ask: Attest) -> str:
        self._asked("attest", ask.statement)
        reason = await self._operator.attest(ask)
        self._answered("attested" if reason else "not attested", reason)
        return reason

    async def by_hand(self, ask: ByHand) -> bool:
        self._asked("by hand", ask.what)
        done = await self._operator.by_hand(ask)
        self._answered("done" if done else "not done")
        return done

    async def run_command(self, ask: RunCommand) -> int | None:
        self._asked("run command", f"{ask.what}: {' '.join(ask.argv)}")
        status = await self._operator.run_command(ask)
        self._answered("not run" if status is None else f"ended with {status}")
        return status

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        self._asked("form", ask.title)
        answers = await self._operator.fill(ask)
        entered = {} if answers is None else dict(answers)
        said = [f"{field.label}: {entered[field.key]}" for field in ask.fields if entered.get(field.key)]
        self._answered("withdrawn" if answers is None else "filled in", detail="; ".join(said))
        return answers

    async def decide(self, ask: Decide) -> Decision:
        self._asked("decide", f"{ask.verdict}: {ask.observed}")
        return self._decided(await self._operator.decide(ask))

    async def gate(self, ask: Gate) -> Decision:
        self._asked("checkpoint", ask.refusal or f"open the checkpoint of {ask.title}?")
        return self._decided(await self._operator.gate(ask))

    def _decided(self, decision: Decision) -> Decision:
        self._answered(f"{decision.act} {decision.to}".strip(), decision.reason)
        return decision

    def _asked(self, question: str, text: str) -> None:
        self._scribe.say(Kind.ASKED, stage=self._stage, step=self._step, question=question, text=text)

    def _answered(self, answer: str, reason: str = "", *, detail: str = "") -> None:
        typed = {"detail": detail} if detail else {}
        self._scribe.say(
            Kind.ANSWERED, stage=self._stage, step=self._step, answer=answer, by=self.name, reason=reason, **typed
        )
