"""A line that is being read when its question is withdrawn: on a pipe, and on a terminal, where echo matters."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, TextIO

import pytest

from runbook.engine.errors import OperatorGone
from runbook.engine.events import Progress
from runbook.engine.ports import Act, Attest, Decision, SecretAnswer
from runbook.plain import Keyboard
from tests.plain.test_answers import GATE, SHARE
from tests.plain.typist import Typist, until

Said = pytest.CaptureFixture[str]
LATE = "late-share-9f"
BRYNS = replace(SHARE, labels=("Bryn",))  # one label is not asked for: the masked prompt comes at once
STATED = Attest("a.b", "The door is locked")


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
    await until(standing.line.done)
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


# -- what no text is, and a reader that ends ----------------------------------------------------------------------
HALF = "caf\udcc3"  # the first byte of a letter of two: the other was deleted


async def test_half_a_letter_is_no_reason_to_stop_reading(pipe: Typist) -> None:
    pipe.type(f"{HALF}\nopen\n")
    async with asyncio.timeout(10):
        assert await pipe.operator.attest(STATED) == "caf\N{REPLACEMENT CHARACTER}"
        assert await pipe.operator.gate(GATE) == Decision(Act.OPEN)


async def test_nor_is_it_in_a_share(terminal: Typist) -> None:
    asked = await terminal.ask(terminal.operator.secret(BRYNS), "share of Bryn")
    terminal.type(f"{HALF}\n")
    async with asyncio.timeout(10):
        assert (await asked).secret.reveal() == "caf\N{REPLACEMENT CHARACTER}"
    assert terminal.shows()


async def test_a_second_keyboard_at_the_same_input_reads_on(pipe: Typist) -> None:
    pipe.type("a\nb\n")
    assert await pipe.keyboard.line("? ") == "a"
    assert await Keyboard(pipe.source).line("? ") == "b"


class Broken:
    """A terminal whose reading fails in a way that nobody thought of."""

    def __init__(self, source: TextIO) -> None:
        self.isatty, self.fileno = source.isatty, source.fileno

    def readline(self) -> str:
        raise LookupError("no such thing")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_reader_that_ends_leaves_nobody_waiting_and_the_echo_on(terminal: Typist) -> None:
    broken: Any = Broken(terminal.source)
    keyboard = Keyboard(broken)
    for masked in (True, False):
        with pytest.raises(OperatorGone):
            async with asyncio.timeout(10):
                await keyboard.line("The share: ", masked=masked)
        assert terminal.shows()
    thread = keyboard._thread
    assert thread is not None
    await until(lambda: not thread.is_alive())
