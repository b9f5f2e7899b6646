"""Who answers in training: the practice operator, who follows the scenario's script, and the faults that come along.

`WithFaults` wraps any operator, person or script: what the scenario says goes wrong there goes wrong, in the estate,
when the operator is asked at that place; and the practice estate's hands do what only hands can do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from runbook.engine.events import Event, Kind, Said
from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    ByHand,
    Choice,
    Choose,
    Confirm,
    Decide,
    Decision,
    Gate,
    Operator,
    SecretAnswer,
    TypeName,
)
from runbook.training.client import PracticeEstate
from runbook.training.scenario import Answer, Fault

GIVES_UP = "the practice operator's script has no other answer here"
RIGHT = "right"
HANDS = "In training the practice estate's own hands do all this, at the moment at which you say that it is done."


class PracticeOperator:
    """Answers by the scenario's script, and where it says nothing as a calm operator would: agrees, takes the
    default, enters the right shares, opens what can be opened, and aborts where something failed."""

    name = "practice operator"

    def __init__(self, estate: PracticeEstate, answers: Iterable[Answer]) -> None:
        self._estate = estate
        self._answers = list(answers)
        self._set: tuple[str, ...] = ()  # the shares of the set that is being entered: right or wrong
        self._sheet: list[str] = []  # those of them that are still to be entered

    async def confirm(self, ask: Confirm) -> bool:
        answer = self._next(ask.step, lambda each: each.agree is not None)
        return answer is None or bool(answer.agree)

    async def type_name(self, ask: TypeName) -> str:
        return ask.expected

    async def choose(self, ask: Choose) -> Choice:
        answer = self._next(ask.step, lambda each: each.pick is not None)
        if answer is None or answer.pick is None or answer.pick > len(ask.options):
            return Choice(ask.default)
        return Choice(ask.options[answer.pick - 1].key, answer.reason)

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        """One share a call; a scripted set is used up before the next one begins; a right one is not tried twice."""
        if ask.entered == 0 or not self._set:  # the process that entered the first ones may be gone
            self._set = self._next_set(ask)
            self._sheet = list(self._set)
        if not ask.labels or not self._sheet:
            return SecretAnswer(None)
        word, label = self._sheet.pop(0), ask.labels[0]
        share = await asyncio.to_thread(self._estate.share, label, bad=word != RIGHT)
        return SecretAnswer(share, label)

    def _next_set(self, ask: AskSecret) -> tuple[str, ...]:
        answer = self._next(ask.step, lambda each: each.shares is not None)
        if answer and answer.shares:
            return answer.shares
        refused = bool(ask.note) and bool(self._set) and set(self._set) == {RIGHT}
        return () if refused else (RIGHT,) * ask.needed

    async def attest(self, ask: Attest) -> str:
        answer = self._next(ask.step, lambda each: each.do == "attest")
        return answer.reason if answer else ""

    async def by_hand(self, ask: ByHand) -> bool:
        answer = self._next(ask.step, lambda each: each.agree is not None)
        return answer is None or bool(answer.agree)

    async def decide(self, ask: Decide) -> Decision:
        return self._scripted(ask.step) or Decision(Act.ABORT, GIVES_UP)

    async def gate(self, ask: Gate) -> Decision:
        scripted = self._scripted(f"checkpoint {ask.stage}")
        if scripted is not None:
            return scripted
        return Decision(Act.OPEN) if ask.refusal is None else Decision(Act.ABORT, ask.refusal)

    def _scripted(self, place: str) -> Decision | None:
        answer = self._next(place, lambda each: each.do is not None)
        return Decision(Act(answer.do), answer.reason, answer.to) if answer and answer.do else None

    def _next(self, place: str, fits: Callable[[Answer], bool]) -> Answer | None:
        for answer in self._answers:
            if answer.at == place and fits(answer):
                self._answers.remove(answer)
                return answer
        return None


class Mishaps:
    """The scenario's faults that are still to come; each happens once, in the estate, at its moment.

    Some moments are events of the run: `hear` is a listener, and blocks the run until the fault has happened.
    """

    def __init__(self, estate: PracticeEstate, faults: Iterable[Fault]) -> None:
        self._estate = estate
        self._faults = list(faults)

    def hear(self, said: Said) -> None:
        """`after STEP` and `opened STAGE`."""
        if not isinstance(said, Event):
            return
        if said.kind is Kind.RESULT:
            self.happen(f"after {said.step}")
        elif said.kind is Kind.CHECKPOINT and said.data["decision"] == "opened":
            self.happen(f"opened {said.stage}")

    def happen(self, moment: str) -> None:
        """Everything that is due at this moment; blocking."""
        due = [fault for fault in self._faults if fault.when == moment]
        self._faults = [fault for fault in self._faults if fault.when != moment]
        for fault in due:
            self._estate.fault(fault.kind, fault.with_)


class WithFaults:
    """Another operator, to whom the scenario's faults happen just before they are asked."""

    def __init__(self, inner: Operator, estate: PracticeEstate, mishaps: Mishaps) -> None:
        self._inner = inner
        self._estate = estate
        self._mishaps = mishaps

    @property
    def name(self) -> str:
        """Who really answers."""
        return self._inner.name

    async def confirm(self, ask: Confirm) -> bool:
        await self._meanwhile(f"before {ask.step}")
        return await self._inner.confirm(ask)

    async def type_name(self, ask: TypeName) -> str:
        return await self._inner.type_name(ask)

    async def choose(self, ask: Choose) -> Choice:
        await self._meanwhile(f"before {ask.step}")
        return await self._inner.choose(ask)

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        await self._meanwhile(f"before {ask.step}")
        return await self._inner.secret(ask)

    async def attest(self, ask: Attest) -> str:
        await self._meanwhile(f"before {ask.step}")
        return await self._inner.attest(ask)

    async def by_hand(self, ask: ByHand) -> bool:
        """When the operator says that it is to be done, the practice estate's hands do it."""
        if not await self._inner.by_hand(replace(ask, how=(*ask.how, HANDS))):
            return False
        await asyncio.to_thread(self._estate.hands, ask.act)
        return True

    async def decide(self, ask: Decide) -> Decision:
        return await self._inner.decide(ask)

    async def gate(self, ask: Gate) -> Decision:
        await self._meanwhile(f"checkpoint {ask.stage}")
        return await self._inner.gate(ask)

    async def _meanwhile(self, moment: str) -> None:
        await asyncio.to_thread(self._mishaps.happen, moment)
