"""A line that is being read when its question is withdrawn: on a pipe, and on a terminal, where echo matters."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import termios
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from functools import cached_property
from typing import Any

import pytest

from runbook.engine.errors import OperatorGone
from runbook.engine.events import Progress
from runbook.engine.ports import Act, Attest, Decision, SecretAnswer
from runbook.plain import Keyboard, Lines, PlainOperator
from tests.plain.test_answers import GATE, SHARE
from tests.support.tiny import procedure, stage

Said = pytest.CaptureFixture[str]
LATE = "late-share-9f"
BRYNS = replace(SHARE, labels=("Bryn",))  # one label is not asked for: the masked prompt comes at once
STATED = Attest("a.b", "The door is locked")


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
        os.write(self._hand, text.encode())

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
        await _until(lambda: prompt in self.keyboard.prompt)

    async def ask(self, question: Coroutine[Any, Any, Any], prompt: str) -> asyncio.Task[Any]:
        asked = asyncio.create_task(question)
        await self.until_asked(prompt)
        return asked

    async def withdraw(self, question: Coroutine[Any, Any, Any], prompt: str) -> None:
        asked = await self.ask(question, prompt)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    async def close(self) -> None:
        """Let go of the reader's thread, then of both ends."""
        standing = self.keyboard._standing
        if standing is not None:
            await _until(standing.line.done)
        self.source.close()
        os.close(self._hand)


async def _until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - a thread reads: there is no event to wait for
            await asyncio.sleep(0.005)


@pytest.fixture
async def pipe() -> AsyncIterator[Typist]:
    source, hand = os.pipe()
    typist = Typist(hand, source)
    yield typist
    typist.end()
    await typist.close()


@pytest.fixture
async def terminal() -> AsyncIterator[Typist]:
    hand, source = os.openpty()
    typist = Typist(hand, source)
    yield typist
    typist.type("\n")
    await typist.close()


# -- a terminal ---------------------------------------------------------------------------------------------------
async def test_on_a_terminal_a_share_is_read_without_echo(terminal: Typist, capsys: Said) -> None:
    asked = await terminal.ask(terminal.operator.secret(SHARE), "Whose share")
    terminal.type("2\n")
    await terminal.until_asked("An unseal share of Bryn, 1 of 3 are in (not shown): ")
    assert not terminal.shows()
    terminal.type("s3cret\n")
    answer = await asked
    assert (answer.secret.reveal(), answer.label) == ("s3cret", "Bryn")
    assert terminal.shows()
    assert "s3cret" not in terminal.echoed() + capsys.readouterr().out


async def test_what_is_typed_into_a_withdrawn_share_entry_is_neither_shown_nor_an_answer(
    terminal: Typist, capsys: Said
) -> None:
    asked = await terminal.ask(terminal.operator.secret(BRYNS), "share of Bryn")
    terminal.type(LATE[:4])
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    stated = await terminal.ask(terminal.operator.attest(STATED), "Press Enter to go on")
    assert not terminal.shows()
    terminal.type(f"{LATE[4:]}\n")
    await terminal.until_asked("How you know")
    assert terminal.shows()
    terminal.type("I went there\n")
    assert await stated == "I went there"
    shown = terminal.echoed() + capsys.readouterr().out
    assert LATE[:4] not in shown
    assert LATE[4:] not in shown


async def test_a_share_that_follows_a_withdrawn_line_with_echo_has_none(terminal: Typist, capsys: Said) -> None:
    await terminal.withdraw(terminal.operator.attest(STATED), "How you know")
    asked = await terminal.ask(terminal.operator.secret(BRYNS), "share of Bryn")
    assert not terminal.shows()
    terminal.type("s3cret\n")
    assert (await asked).secret.reveal() == "s3cret"
    assert "s3cret" not in terminal.echoed() + capsys.readouterr().out


async def test_a_run_that_is_left_while_a_share_is_asked_for_leaves_the_echo_on(terminal: Typist) -> None:
    await terminal.withdraw(terminal.operator.secret(BRYNS), "share of Bryn")
    assert not terminal.shows()
    terminal.keyboard.close()
    assert terminal.shows()


# -- a pipe -------------------------------------------------------------------------------------------------------
async def test_a_share_that_comes_too_late_answers_nothing_else(pipe: Typist, capsys: Said) -> None:
    await pipe.withdraw(pipe.operator.secret(BRYNS), "share of Bryn")
    stated = asyncio.ensure_future(pipe.operator.attest(STATED))
    pipe.type(f"{LATE}\nI went there\n")
    assert await stated == "I went there"
    assert LATE not in capsys.readouterr().out


async def test_a_share_that_came_before_the_next_question_is_dropped_without_a_word(pipe: Typist, capsys: Said) -> None:
    await pipe.withdraw(pipe.operator.secret(BRYNS), "share of Bryn")
    pipe.type(f"{LATE}\n")
    standing = pipe.keyboard._standing
    assert standing is not None
    await _until(standing.line.done)
    pipe.type("open\n")
    assert await pipe.operator.gate(GATE) == Decision(Act.OPEN)
    said = capsys.readouterr().out
    assert LATE not in said
    assert "Press Enter" not in said


async def test_an_ordinary_line_that_is_being_typed_is_the_next_answer(pipe: Typist) -> None:
    await pipe.withdraw(pipe.operator.secret(SHARE), "Whose share")
    gate = asyncio.ensure_future(pipe.operator.gate(GATE))
    pipe.type("open\n")
    assert await gate == Decision(Act.OPEN)


async def test_an_input_that_ended_in_a_withdrawn_question_is_told_at_the_next_one(pipe: Typist) -> None:
    await pipe.withdraw(pipe.operator.secret(BRYNS), "share of Bryn")
    pipe.end()
    for _ in range(2):
        with pytest.raises(OperatorGone):
            await pipe.operator.gate(GATE)


# -- what is said meanwhile ---------------------------------------------------------------------------------------
async def test_what_is_said_while_a_question_is_open_stands_on_lines_of_its_own(pipe: Typist, capsys: Said) -> None:
    asked = await pipe.ask(pipe.operator.secret(SHARE), "Whose share")
    pipe.lines.hear(Progress("vault.unseal", 2, 3, "2 of 3 are in (1 entered elsewhere)"))
    pipe.type("stop\n")
    assert await asked == SecretAnswer(None)
    prompt = "  Whose share (number, stop or none): "
    told = "  SO FAR       vault.unseal: 2 of 3 are in (1 entered elsewhere)"
    assert f"{prompt}\n{told}\n{prompt}\n" in capsys.readouterr().out
