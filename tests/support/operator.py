"""An operator who does as a script says, and where it says nothing as a calm one would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
    Field,
    Form,
    Gate,
    RunCommand,
    Secret,
    SecretAnswer,
    TypeName,
)

OPEN = Decision(Act.OPEN)
RETRY = Decision(Act.RETRY)


def abort(reason: str = "enough") -> Decision:
    return Decision(Act.ABORT, reason)


def back(to: str, reason: str = "it must be done again") -> Decision:
    return Decision(Act.BACK, reason, to)


def attest(reason: str = "seen in the console") -> Decision:
    return Decision(Act.ATTEST, reason)


CALM = ("not needed: the script says so", "the script says so", "")


def _taken(field: Field) -> str:
    return next((text for text in CALM if not field.wrong(text)), "")


class ScriptedOperator:
    """`script` maps `question place` to answers in order: `confirm a.x`, `type a.x`, `choose a.x`, `secret a.x`,
    `attest a.x`, `hands a.x`, `decide a.x`, `gate a`.  An answer that can be called is called with the question.

    Unscripted: agrees, types what is expected, takes the default, enters the shares it has, opens what can be opened,
    aborts where something failed.  `asked` is everything that was asked.
    """

    name = "tester"

    def __init__(
        self,
        script: Mapping[str, Sequence[Any]] | None = None,
        *,
        shares: Mapping[str, Secret] | None = None,
        hands: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._script = {place: list(answers) for place, answers in (script or {}).items()}
        self._shares = shares or {}
        self._hands = hands
        self.asked: list[tuple[str, Any]] = []
        self._refused = 0  # sets of shares: calm, but not for ever

    def questions(self, place: str) -> list[Any]:
        """What was asked at one place, in order."""
        return [ask for asked, ask in self.asked if asked == place]

    async def confirm(self, ask: Confirm) -> bool:
        return bool(self._answer(f"confirm {ask.step}", ask, otherwise=not ask.optional))

    async def type_name(self, ask: TypeName) -> str:
        return str(self._answer(f"type {ask.step}", ask, otherwise=ask.expected))

    async def choose(self, ask: Choose) -> Choice:
        choice: Choice = self._answer(f"choose {ask.step}", ask, otherwise=Choice(ask.default))
        return choice

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        self._refused += ask.note.startswith("Refused")
        label = ask.labels[0] if ask.labels and (self._refused < 2 or ask.kind == "code") else ""
        given = SecretAnswer(self._shares.get(label), label, none_left=not label)
        answer: SecretAnswer = self._answer(f"secret {ask.step}", ask, otherwise=given)
        return answer

    async def attest(self, ask: Attest) -> str:
        return str(self._answer(f"attest {ask.step}", ask, otherwise="stated by the script, list of 2027-01-02"))

    async def by_hand(self, ask: ByHand) -> bool:
        done = bool(self._answer(f"hands {ask.step}", ask, otherwise=True))
        if done:
            self._hands(ask.act)
        return done

    async def run_command(self, ask: RunCommand) -> int | None:
        status: int | None = self._answer(f"command {ask.step}", ask, otherwise=0)
        if status is not None:
            self._hands(ask.act)
        return status

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        """Unscripted: what is offered, and where nothing is the first of CALM that the field takes."""
        offered = {field.key: field.default or _taken(field) for field in ask.fields}
        answers: Mapping[str, str] | None = self._answer(f"fill {ask.step}", ask, otherwise=offered)
        return answers

    async def decide(self, ask: Decide) -> Decision:
        decision: Decision = self._answer(f"decide {ask.step}", ask, otherwise=abort("nothing else is scripted"))
        return decision

    async def gate(self, ask: Gate) -> Decision:
        calm = OPEN if ask.refusal is None else abort(ask.refusal)
        decision: Decision = self._answer(f"gate {ask.stage}", ask, otherwise=calm)
        return decision

    def _answer(self, place: str, ask: Any, *, otherwise: Any) -> Any:
        self.asked.append((place, ask))
        scripted = self._script.get(place)
        answer = scripted.pop(0) if scripted else otherwise
        return answer(ask) if callable(answer) else answer
