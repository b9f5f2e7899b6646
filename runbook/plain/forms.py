"""A form, line by line: what stands there already is taken with Enter, and what is wrong is asked for again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runbook.engine.ports import Field, Form
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines
from runbook.plain.prompts import WITHDRAW, Prompts, Words

LEAVE_OUT: Final = "-"


class Forms:
    """Asks for one field after the other; `stop` at any of them withdraws from the whole."""

    def __init__(self, lines: Lines, keyboard: Keyboard, prompts: Prompts) -> None:
        self._lines = lines
        self._keyboard = keyboard
        self._prompts = prompts

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        """What was entered, by key; None: withdrawn."""
        self._lines.say()
        self._lines.say(f"  {f'{ask.step}: ' if ask.step else ''}{ask.title}")
        for line in ask.text:
            self._lines.say(f"    {line}")
        self._lines.say(f"    One line for each; {WITHDRAW} = do not {ask.submit}")
        filled: dict[str, str] = {}
        for field in ask.fields:
            entered = await self._entered(field, ask.submit)
            if entered is None:
                return None
            filled[field.key] = entered
        return filled

    async def _entered(self, field: Field, submit: str) -> str | None:
        if field.hint:
            self._lines.say(f"    {field.hint}")
        prompt, words = f"  {field.label}{_enter(field)}: ", _words(field, submit)
        while True:
            typed = await (self._keyboard.exact(prompt) if field.exact else self._prompts.line(prompt, words))
            if typed == WITHDRAW:
                return None
            entered = "" if typed == LEAVE_OUT and not field.required else typed or field.default
            mistake = field.mistake(entered)
            if not mistake:
                return entered
            self._lines.say(f"    {mistake}")


def _enter(field: Field) -> str:
    """What Enter alone means."""
    if field.default:
        return f" (Enter = {field.default}{'' if field.required else f'; {LEAVE_OUT} = none'})"
    return "" if field.required else " (Enter = none)"


def _words(field: Field, submit: str) -> Words:
    words = {"TEXT": f"{field.label}{f': {field.hint}' if field.hint else ''}"}
    if field.default or not field.required:
        words["Enter"] = field.default or "none"
    if field.default and not field.required:
        words[LEAVE_OUT] = "none"
    return {**words, WITHDRAW: f"do not {submit}"}
