"""Which one?  Its number; a reason for anything but the default, and what the choice itself asks for."""

from __future__ import annotations

from runbook.engine.ports import Choice, Choose, Option
from runbook.plain import shown
from runbook.plain.lines import Lines
from runbook.plain.prompts import WITHDRAW, Prompts, Words
from runbook.plain.typed import numbered


class Choosing:
    """Asks until one that can be taken was chosen, with all that it needs."""

    def __init__(self, lines: Lines, prompts: Prompts) -> None:
        self._lines = lines
        self._prompts = prompts

    async def choose(self, ask: Choose) -> Choice:
        """The rows once, then what is chosen; who withdraws from a reason chooses again."""
        self._lines.say()
        self._lines.say(f"  {ask.title}  ({', '.join(ask.columns)})")
        for line in shown.choices(ask):
            self._lines.say(f"  {line}")
        while True:
            picked = await self._picked(ask)
            detail = await self._detail(picked.detail) if picked.detail else ""
            reason = "" if picked.key == ask.default else await self._prompts.reason()
            if detail is not None and reason is not None:
                return Choice(picked.key, reason, detail)

    async def _picked(self, ask: Choose) -> Option:
        default = next((option for option in ask.options if option.key == ask.default), None)
        prompt, words = "  Number (Enter = default): " if default else "  Number: ", _words(ask)
        while True:
            text = await self._prompts.line(prompt, words)
            picked = numbered(text, ask.options) if text else default
            if picked is None:
                self._prompts.say_words(words)
            elif picked.unfit:
                self._lines.say(f"    It cannot be chosen: {picked.unfit}.")
            else:
                return picked

    async def _detail(self, asked: str) -> str | None:
        """What the choice needs; None: withdrawn."""
        words = {"TEXT": f"{asked}: this choice needs it; it goes into the record", WITHDRAW: "not that: choose again"}
        while not (detail := await self._prompts.line(f"  {asked}: ", words)):
            self._prompts.say_words(words)
        return None if detail == WITHDRAW else detail


def _words(ask: Choose) -> Words:
    numbers = f"1 to {len(ask.options)}"
    if ask.default:
        return {numbers: "that one; another than the default needs a reason", "Enter": "the default, which needs none"}
    return {numbers: "that one; there is no default here, and a reason is asked for"}
