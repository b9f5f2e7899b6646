"""Who answers in training: the practice operator, who follows the scenario's script, and the faults that come along.

`WithFaults` wraps any operator, person or script: what the scenario says goes wrong there goes wrong, in the estate,
when the operator is asked at that place; and the practice estate's hands do what only hands can do.
"""

from __future__ import annotations

import asyncio
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

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
    Form,
    Gate,
    Operator,
    Preview,
    RunCommand,
    Secret,
    SecretAnswer,
    TypeName,
)
from runbook.training.client import MFA_CODE, PracticeEstate
from runbook.training.relative import resolved
from runbook.training.scenario import Answer, Fault

GIVES_UP = "the practice operator's script has no other answer here"
RIGHT, WRONG, OLD = "right", "wrong", "old"
MISREAD = "000000"
SIGN_INS = 2  # at one place
HANDS = "In training the practice estate's own hands do all this, at the moment at which you say that it is done."


class PracticeOperator:
    """Answers by the scenario's script, and where it says nothing as a calm operator would: agrees to what the run
    needs, takes the default, enters the right shares and codes, states what a step asks to be stated, signs in again,
    opens what can be opened, and aborts where something failed."""

    name = "practice operator"

    def __init__(
        self,
        estate: PracticeEstate,
        answers: Iterable[Answer],
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._estate = estate
        self._today = today
        self._answers = list(answers)
        self._set: tuple[str, ...] = ()  # the shares of the set that is being entered: right, wrong or old
        self._sheet: list[str] = []  # those of them that are still to be entered
        self._codes: list[str] = []  # of a scripted set of codes, those that are still to be entered
        self._last_code = ""
        self._sign_ins = Counter[str]()  # by place: signing in again may not help

    async def confirm(self, ask: Confirm) -> bool:
        """What the run can do without is not done, unless the script says so."""
        answer = self._next(ask.step, lambda each: each.agree is not None)
        return not ask.optional if answer is None else bool(answer.agree)

    async def type_name(self, ask: TypeName) -> str:
        return ask.expected

    async def choose(self, ask: Choose) -> Choice:
        answer = self._next(ask.step, lambda each: each.pick is not None)
        if answer is None or answer.pick is None or answer.pick > len(ask.options):
            return Choice(ask.default)
        picked = ask.options[answer.pick - 1]
        return Choice(picked.key, answer.reason, resolved(answer.detail, self._today()) if picked.detail else "")

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        """One share a call; a scripted set is used up before the next one begins; a right one is not tried twice."""
        if ask.kind == "code":
            return await self._code(ask)
        if ask.entered == 0 or not self._set:  # the process that entered the first ones may be gone
            self._set = self._next_set(ask)
            self._sheet = list(self._set)
        if not ask.labels or not self._sheet:
            return SecretAnswer(None, none_left=True)
        word, label = self._sheet.pop(0), ask.labels[0]
        share = await asyncio.to_thread(self._estate.share, label, bad=word == WRONG, sheet=OLD if word == OLD else "")
        return SecretAnswer(share, label)

    async def _code(self, ask: AskSecret) -> SecretAnswer:
        """`wrong` is a misread code.  After a right one that was refused, the device's next is no better."""
        if not self._codes:
            answer = self._next(ask.step, lambda each: each.shares is not None)
            if answer is None and ask.note and self._last_code == RIGHT:
                return SecretAnswer(None, none_left=True)
            self._codes = list(answer.shares or ()) if answer else []
        self._last_code = self._codes.pop(0) if self._codes else RIGHT
        label = ask.labels[0] if ask.labels else ""
        if self._last_code != RIGHT:
            return SecretAnswer(Secret(MISREAD), label)
        return SecretAnswer(await asyncio.to_thread(self._estate.credential, MFA_CODE), label)

    def _next_set(self, ask: AskSecret) -> tuple[str, ...]:
        answer = self._next(ask.step, lambda each: each.shares is not None)
        if answer and answer.shares:
            return answer.shares
        refused = ask.note.startswith("Refused") and bool(self._set) and WRONG not in self._set
        return () if refused else (RIGHT,) * ask.needed

    async def attest(self, ask: Attest) -> str:
        """States what it is asked to, as of today; `agree = false` in the script: it cannot."""
        answer = self._next(ask.step, lambda each: each.do == "attest" or each.agree is not None)
        if answer is not None and answer.agree is False:
            return ""
        return answer.reason if answer and answer.reason else f"so it is, {self._today():%Y-%m-%d} (training)"

    async def by_hand(self, ask: ByHand) -> bool:
        answer = self._next(ask.step, lambda each: each.agree is not None)
        return answer is None or bool(answer.agree)

    async def run_command(self, ask: RunCommand) -> int | None:
        answer = self._next(ask.step, lambda each: each.agree is not None)
        return 0 if answer is None or answer.agree else None

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        """What the script says of each field, else what stands there; withdrawn where that leaves a mistake."""
        answer = self._next(ask.step, lambda each: each.fill is not None)
        said = (answer.fill if answer else None) or {}
        filled = {field.key: resolved(said.get(field.key, field.default), self._today()) for field in ask.fields}
        return None if any(field.mistake(filled[field.key]) for field in ask.fields) else filled

    async def decide(self, ask: Decide) -> Decision:
        """Where nothing is scripted: signs in again where that is offered, else gives up."""
        return self._scripted(ask.step) or self._signing_in(ask) or Decision(Act.ABORT, GIVES_UP)

    async def gate(self, ask: Gate) -> Decision:
        decided = self._scripted(f"checkpoint {ask.stage}") or self._signing_in(ask)
        if decided is not None:
            return decided
        return Decision(Act.OPEN) if ask.refusal is None else Decision(Act.ABORT, ask.refusal)

    def _signing_in(self, ask: Decide | Gate) -> Decision | None:
        place = ask.step if isinstance(ask, Decide) else ask.stage
        if Act.SIGN_IN not in ask.options or self._sign_ins[place] == SIGN_INS:
            return None
        self._sign_ins[place] += 1
        return Decision(Act.SIGN_IN)

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

    async def run_command(self, ask: RunCommand) -> int | None:
        """In training the practice estate's hands do what the command would; nothing of this machine is called."""
        if await self._inner.confirm(_rehearsed(ask)):
            await asyncio.to_thread(self._estate.hands, ask.act)
            return 0
        return None

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        await self._meanwhile(f"before {ask.step}")
        return await self._inner.fill(ask)

    async def decide(self, ask: Decide) -> Decision:
        return await self._inner.decide(ask)

    async def gate(self, ask: Gate) -> Decision:
        await self._meanwhile(f"checkpoint {ask.stage}")
        return await self._inner.gate(ask)

    async def _meanwhile(self, moment: str) -> None:
        await asyncio.to_thread(self._mishaps.happen, moment)


def _rehearsed(ask: RunCommand) -> Confirm:
    """What the command would be; agreeing to it lets the practice estate's hands do it."""
    preview = Preview(what=ask.what, target=HANDS, calls=(shlex.join(ask.argv),))
    return Confirm(ask.step, ask.what, preview)
