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
    Option,
    RunCommand,
    SecretAnswer,
    TypeName,
)
from runbook.plain import shown
from runbook.plain.forms import Forms
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines
from runbook.plain.secrets import Secrets
from runbook.plain.typed import numbered
from runbook.terminal import run_here
from runbook.views import Phone


class PlainOperator:
    """The person at a line-by-line terminal."""

    def __init__(
        self, lines: Lines, keyboard: Keyboard, phone: Callable[[], Phone | None], name: str = "operator"
    ) -> None:
        self.name = name
        self._lines = lines
        self._keyboard = keyboard
        self._secrets = Secrets(lines, keyboard, phone)
        self._forms = Forms(lines, keyboard)
        lines.beside(lambda: keyboard.prompt)

    async def confirm(self, ask: Confirm) -> bool:
        self._lines.say()
        self._lines.say(f"  {ask.step}: {ask.title}")
        for line in shown.preview(ask.preview):
            self._lines.say(f"    {line}")
        if ask.optional:
            words = {"yes": "do it", "no": ask.without or "go on without it"}
            if ask.without:
                self._lines.say(f"    {ask.without}")
            return await self._word("  Do it (Enter = no)", words, empty="no") == "yes"
        return await self._word("  Do it", {"yes": "do it", "no": "not now: nothing is done"}) == "yes"

    async def type_name(self, ask: TypeName) -> str:
        self._lines.say(f"  {ask.note or 'Every letter, its case and every space count.'} Enter alone = not now.")
        return await self._keyboard.exact(f"  Type {ask.expected} exactly: ")

    async def choose(self, ask: Choose) -> Choice:
        self._lines.say()
        self._lines.say(f"  {ask.title}  ({', '.join(ask.columns)})")
        for line in shown.choices(ask):
            self._lines.say(f"  {line}")
        picked = await self._picked(ask)
        detail = await self._detail(picked.detail) if picked.detail else ""
        return Choice(picked.key, "" if picked.key == ask.default else await self._reason(), detail)

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        return await self._secrets.ask(ask)

    async def attest(self, ask: Attest) -> str:
        self._lines.say(f"  You state: {ask.statement}")
        return await self._keyboard.line("  How you know (empty = not attested): ")

    async def by_hand(self, ask: ByHand) -> bool:
        self._lines.say()
        self._lines.say(f"  BY HAND: {ask.what}")
        for line in ask.how:
            self._lines.say(f"    - {line}")
        return await self._word("  Is it", {"done": "it is done", "no": "it is not done"}) == "done"

    async def run_command(self, ask: RunCommand) -> int | None:
        """Run it here, with this terminal as its own."""
        self._lines.say()
        self._lines.say(f"  {ask.what}")
        self._lines.say(f"    command: {shlex.join(ask.argv)}")
        if await self._word("  Run it now", {"yes": "run it here", "no": "not now"}) != "yes":
            return None
        return await run_here(ask.argv)

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        return await self._forms.fill(ask)

    async def decide(self, ask: Decide) -> Decision:
        self._lines.say()
        self._lines.say(f"  {ask.step} is {ask.verdict}: {ask.observed}")
        if Act.SIGN_IN in ask.options:
            self._lines.say("    do this: sign-in, here and now; the step is tried again, nothing is lost")
        if Act.ACCEPT in ask.options:
            self._lines.say(f"    or {_MEANING[Act.ACCEPT]}")
        for label, text in (("expected", ask.expected), ("why", ask.why), ("fix", ask.fix), ("by hand", ask.manual)):
            if text:
                self._lines.say(f"    {label}: {text}")
        return await self._decision(f"  {ask.step}", ask)

    async def gate(self, ask: Gate) -> Decision:
        self._lines.say()
        self._lines.say(f"  CHECKPOINT {ask.number} {ask.title}: {ask.refusal or 'everything of this stage was shown'}")
        after = (
            f"{ask.next_title} touches {ask.next_touches}"
            if ask.next_title
            else f"The closing touches {ask.next_touches}"
        )
        self._lines.say(f"  Next: {after}.")
        return await self._decision("  Open it", ask)

    # -- how lines are read ---------------------------------------------------------------------------------------
    async def _decision(self, prompt: str, ask: Decide | Gate) -> Decision:
        meaning = {act.value: _MEANING[act].format(retreat=ask.retreat) for act in ask.options}
        if Act.CLOSE in ask.options:
            self._lines.say(f"    close, at any time: {ask.retreat}")
        while True:
            word, rest = await self._word_and_rest(prompt, meaning)
            act = Act(word)
            if act is Act.BACK:
                to, _, reason = rest.partition(" ")
                while to.partition(".")[0] not in ask.back_to:
                    to = (await self._keyboard.line(f"  Back to ({', '.join(ask.back_to)}): ")).strip()
                return Decision(act, reason or await self._reason(), to)
            if act in {Act.ATTEST, Act.ABORT}:
                return Decision(act, rest or await self._reason())
            return Decision(act, rest if act is Act.CLOSE else "")

    async def _picked(self, ask: Choose) -> Option:
        default = next((option for option in ask.options if option.key == ask.default), None)
        while True:
            text = (await self._keyboard.line("  Number (Enter = default): " if default else "  Number: ")).strip()
            picked = numbered(text, ask.options) if text else default
            if picked is None:
                self._lines.say(f"    {_how_to_choose(ask)}")
            elif picked.unfit:
                self._lines.say(f"    It cannot be chosen: {picked.unfit}.")
            else:
                return picked

    async def _detail(self, asked: str) -> str:
        while True:
            detail = (await self._keyboard.line(f"  {asked}: ")).strip()
            if detail not in {"", "?"}:
                return detail
            self._lines.say(f"    What this choice needs: {asked}. It goes into the record.")

    async def _reason(self) -> str:
        while True:
            reason = (await self._keyboard.line("  Reason (it goes into the record): ")).strip()
            if reason:
                return reason

    async def _word(self, prompt: str, meaning: dict[str, str], *, empty: str = "") -> str:
        return (await self._word_and_rest(prompt, meaning, empty=empty))[0]

    async def _word_and_rest(self, prompt: str, meaning: dict[str, str], *, empty: str = "") -> tuple[str, str]:
        """One of the words, or enough of its beginning to tell; `empty` is what Enter means; else they are listed."""
        while True:
            text = (await self._keyboard.line(f"{prompt} [{' / '.join(meaning)} / ?]: ")).strip() or empty
            word, _, rest = text.partition(" ")
            fits = [known for known in meaning if word and known.startswith(word.lower())]
            if len(fits) == 1:
                return fits[0], rest.strip()
            for known, means in meaning.items():
                self._lines.say(f"    {known}: {means}")


def _how_to_choose(ask: Choose) -> str:
    if ask.default:
        return f"A number from 1 to {len(ask.options)}, or Enter; another than the default: why."
    return f"A number from 1 to {len(ask.options)}; there is no default here, and a reason is asked for."


_MEANING = {
    Act.OPEN: "look at every layer once more, then open the checkpoint",
    Act.SIGN_IN: "sign in again here; nothing is lost, and the step is tried again",
    Act.RETRY: "look again",
    Act.ATTEST: "attest REASON: state it yourself; it is an exception and the record says so",
    Act.ACCEPT: "accept: two people state the loss; the step stays FAIL, the run is PASS WITH ISSUES at best",
    Act.CLOSE: "close [REASON]: {retreat}",
    Act.BACK: "back PLACE REASON: the results from there on become void, nothing is made twice",
    Act.ABORT: "abort REASON: end the run, clean up, write the record",
}
