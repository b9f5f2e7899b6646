"""The person at a line-by-line terminal: one question, one line."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

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
    RunCommand,
    SecretAnswer,
    TypeName,
)
from runbook.plain import shown
from runbook.plain.asides import Asides
from runbook.plain.choosing import Choosing
from runbook.plain.deciding import Deciding
from runbook.plain.forms import Forms
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines
from runbook.plain.prompts import Prompts
from runbook.plain.secrets import Secrets
from runbook.terminal import run_here
from runbook.views import Phone, Session


class PlainOperator:
    """The person at a line-by-line terminal.

    With a `session` they are told of the run around each question, and can ask and note at any of them; without one
    (a sign-off, a removal) there is only the question.
    """

    def __init__(
        self,
        lines: Lines,
        keyboard: Keyboard,
        phone: Callable[[], Phone | None],
        name: str = "operator",
        *,
        session: Session | None = None,
    ) -> None:
        self.name = name
        self._lines = lines
        self._keyboard = keyboard
        self._prompts = Prompts(lines, keyboard, Asides(lines, session))
        self._secrets = Secrets(lines, keyboard, self._prompts, phone)
        self._forms = Forms(lines, keyboard, self._prompts)
        self._choosing = Choosing(lines, self._prompts)
        self._deciding = Deciding(lines, self._prompts, session)
        self._taken_back = False  # changes were, and nothing was agreed to since
        lines.beside(lambda: keyboard.prompt)

    async def confirm(self, ask: Confirm) -> bool:
        self._prompts.about(ask.step, f"{ask.step}: {ask.title}")
        self._lines.say()
        self._lines.say(f"  {ask.step}: {ask.title}")
        for line in shown.preview(ask.preview):
            self._lines.say(f"    {line}")
        return await (self._optional(ask) if ask.optional else self._needed())

    async def _optional(self, ask: Confirm) -> bool:
        words = {"yes": "do it", "no": ask.without or "go on without it"}
        self._lines.say(f"    {ask.without or 'optional: the run goes on without it'}")
        return (await self._prompts.word("  Do it (Enter = no)", words, empty="no"))[0] == "yes"

    async def _needed(self) -> bool:
        if self._taken_back:
            self._lines.say("    careful: changes were taken back just now")
        agreed = await self._prompts.agreed("  Do it", {"yes": "do it", "no": "not now: nothing is done"})
        self._taken_back = self._taken_back and not agreed
        return agreed

    async def type_name(self, ask: TypeName) -> str:
        self._lines.say(f"  {ask.note or 'Every letter, its case and every space count.'} Enter alone = not now.")
        return await self._keyboard.exact(f"  Type {ask.expected} exactly: ")

    async def choose(self, ask: Choose) -> Choice:
        self._prompts.about(ask.step, f"{ask.step}: {ask.title}")
        return await self._choosing.choose(ask)

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        self._prompts.about(ask.step, f"{ask.step}: {ask.prompt}")
        return await self._secrets.ask(ask)

    async def attest(self, ask: Attest) -> str:
        self._prompts.about(ask.step, f"{ask.step}: {ask.statement}")
        self._lines.say(f"  You state: {ask.statement}")
        self._lines.say("    No API can show this. It goes into the record under your name.")
        words = {"TEXT": f"you state it; {ask.asks or 'how you know'}", "Enter": "not attested"}
        asks = f"{ask.asks}; " if ask.asks else ""
        return await self._prompts.line(f"  How you know ({asks}empty = not attested): ", words)

    async def by_hand(self, ask: ByHand) -> bool:
        self._prompts.about(ask.step, f"{ask.step}: {ask.what}")
        self._lines.say()
        self._lines.say(f"  BY HAND: {ask.what}")
        for number, line in enumerate(ask.how, start=1):
            self._lines.say(f"    {number}. {line}")
        words = {"done": "it is done; what was really done is looked at next", "no": "it is not done, or could not be"}
        return await self._prompts.agreed("  Is it", words)

    async def run_command(self, ask: RunCommand) -> int | None:
        """Run it here, with this terminal as its own."""
        self._prompts.about(ask.step, f"{ask.step}: {ask.what}")
        self._lines.say()
        self._lines.say(f"  {ask.what}")
        self._lines.say(f"    command: {shlex.join(ask.argv)}")
        words = {"yes": "run it here; this terminal is its own until it has ended", "no": "not now"}
        if not await self._prompts.agreed("  Run it now", words):
            return None
        return await run_here(ask.argv)

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        self._prompts.about(ask.step, ask.title)
        return await self._forms.fill(ask)

    async def decide(self, ask: Decide) -> Decision:
        self._prompts.about(ask.step, f"{ask.step} is {ask.verdict}: {ask.title}")
        return self._decided(await self._deciding.decide(ask))

    async def gate(self, ask: Gate) -> Decision:
        self._prompts.about(ask.stage, f"the checkpoint of stage {ask.number}, {ask.title}")
        return self._decided(await self._deciding.gate(ask))

    def _decided(self, decision: Decision) -> Decision:
        self._taken_back = self._taken_back or decision.act is Act.CLOSE
        return decision
