"""The other end of a line-by-line operator's input, whose lines are typed when the test wants it."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import termios
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any

from runbook.plain import Keyboard, Lines, PlainOperator
from tests.support.tiny import procedure, stage


class Typist:
    """The other end of the operator's input: a terminal or a pipe."""

    def __init__(self, hand: int, source: int) -> None:
        self._hand = hand
        self.source = os.fdopen(source, encoding="utf-8")
        self.keyboard = Keyboard(self.source)

    @cached_property
    def lines(self) -> Lines:
        """Made in the test, whose standard output is another than its fixtures'."""
        return Lines(procedure(stage(1, "one")), sys.stdout)

    @cached_property
    def operator(self) -> PlainOperator:
        return PlainOperator(self.lines, self.keyboard, lambda: None)

    def type(self, text: str) -> None:
        """A byte that is no UTF-8 is written as its surrogate."""
        os.write(self._hand, text.encode(errors="surrogateescape"))

    async def type_ahead(self, text: str) -> None:
        """On a terminal, until it has all of it."""
        self.type(text)
        shown = ""

        def has_it() -> bool:
            nonlocal shown
            shown += self.echoed()
            return text.replace("\n", "\r\n") in shown

        await until(has_it)

    def end(self) -> None:
        """The input ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._hand)
        os.close(nowhere)

    def echoed(self) -> str:
        """What the terminal showed of what was typed."""
        shown = b""
        while select.select([self._hand], [], [], 0)[0]:
            shown += os.read(self._hand, 4096)
        return shown.decode()

    def shows(self) -> bool:
        """Whether the terminal shows what is typed now."""
        return bool(termios.tcgetattr(self.source.fileno())[3] & termios.ECHO)

    async def until_asked(self, prompt: str) -> None:
        await until(lambda: prompt in self.keyboard.prompt)

    async def ask(self, question: Coroutine[Any, Any, Any], prompt: str) -> asyncio.Task[Any]:
        """Until it waits for its answer, or needs none any more."""
        asked = asyncio.create_task(question)
        await until(lambda: prompt in self.keyboard.prompt or asked.done())
        return asked

    async def withdraw(self, question: Coroutine[Any, Any, Any], prompt: str) -> None:
        asked = await self.ask(question, prompt)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    async def close(self) -> None:
        """Let go of the reader's thread, then of both ends."""
        standing = self.keyboard._standing
        if standing is not None:
            await until(standing.line.done)
        self.source.close()
        os.close(self._hand)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - a thread reads: there is no event to wait for
            await asyncio.sleep(0.005)
