"""A form, line by line: what stands there already is taken with Enter, and what is wrong is asked for again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runbook.engine.ports import Field, Form
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines

WITHDRAW: Final = "stop"
LEAVE_OUT: Final = "-"


class Forms:
    """Asks for one field after the other; `stop` at any of them withdraws from the whole."""

    def __init__(self, lines: Lines, keyboard: Keyboard) -> None:
        self._lines = lines
        self._keyboard = keyboard

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        """What was entered, by key; None: withdrawn."""
        self._lines.say()
        self._lines.say(f"  {f'{ask.step}: ' if ask.step else ''}{ask.title}")
        for line in ask.text:
            self._lines.say(f"    {line}")
        self._lines.say(f"    One line for each; {WITHDRAW} = do not {ask.submit}")
        filled: dict[str, str] = {}
        for field in ask.fields:
            entered = await self._entered(field)
            if entered is None:
                return None
            filled[field.key] = entered
        return filled

    async def _entered(self, field: Field) -> str | None:
        if field.hint:
            self._lines.say(f"    {field.hint}")
        while True:
            read = self._keyboard.exact if field.exact else self._keyboard.line
            typed = field.taken(await read(f"  {field.label}{_enter(field)}: "))
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
