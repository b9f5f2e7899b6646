"""The target's name typed line by line, through the conductor: over pipes, and pasted on a terminal."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from runbook.engine.ports import Field, Form, Permit
from runbook.plain import Keyboard, Lines, PlainOperator, pasting
from tests.support import near_misses
from tests.support.tiny import Bench, action, procedure, seen, stage

NAME = "Practice Clinic"
ONE_LINE = [typed for typed in near_misses.of(NAME, "staging") if not set(typed) & {"\n", "\r"}]


async def walked(typed: list[str], *more: str) -> list[Permit]:
    """The permits of a run in which these lines are typed: yes to the action, then these, then `more`."""
    permits: list[Permit] = []

    async def perform(desk: Any) -> Any:
        permits.append(await desk.intend("make", "x"))
        return seen()

    walked = procedure(stage(1, "one", action("one.a", perform)))
    source = StringIO("".join(f"{line}\n" for line in ["yes", *typed, *more]))
    operator: Any = PlainOperator(Lines(walked, sys.stdout), Keyboard(source), lambda: None)
    await Bench(walked, operator, typed_target=NAME).walk()
    return permits


@pytest.mark.parametrize("typed", ONE_LINE, ids=ascii)
async def test_three_lines_that_are_only_like_the_name_do_nothing(typed: str) -> None:
    assert await walked([typed] * 3, "abort", "enough") == []


async def test_the_name_itself_is_asked_for_in_so_many_words_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(await walked(["Practice clinic", NAME], "open")) == 1
    said = capsys.readouterr().out
    assert said.count(f"Type {NAME} exactly: ") == 2
    assert said.count("That was not it") == 1


async def test_enter_alone_leads_back_to_the_step_at_once() -> None:
    assert len(await walked([""], "retry", "yes", NAME, "open")) == 1


# -- in the declaration of a recovery ----------------------------------------------------------------------------
@pytest.mark.parametrize("typed", [f"{NAME} ", f" {NAME}", f"{NAME}\t", "practice clinic"])
async def test_in_a_form_too_the_name_is_taken_to_the_letter(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = StringIO(f"{typed}\n{NAME}\n")
    field = Field("platform", "The platform", wrong=lambda text: "" if text == NAME else "not it", exact=True)
    operator = PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(source), lambda: None)
    assert await operator.fill(Form("a", "Declare", (), (field,))) == {"platform": NAME}
    assert "not it" in capsys.readouterr().out


# -- marks of what is pasted --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "typed"),
    [
        (NAME, NAME),
        (f"{pasting.BEGIN}{NAME}{pasting.END}", NAME),
        (f"Practice {pasting.BEGIN}Clinic{pasting.END}", NAME),
        (f"{pasting.BEGIN}{NAME}", f"{pasting.BEGIN}{NAME}"),
        (f"{pasting.END}{NAME}", NAME),
        (f"{NAME}{pasting.END}", f"{NAME}{pasting.END}"),
    ],
)
def test_a_paste_that_is_whole_is_as_good_as_typed_and_one_that_was_cut_keeps_its_mark(line: str, typed: str) -> None:
    assert pasting.as_typed(line) == typed


ON_A_TERMINAL = """
import asyncio, json, sys
from runbook.engine.ports import TypeName, typed_exactly
from runbook.plain import Keyboard, Lines, PlainOperator
from tests.support.tiny import procedure, stage
async def ask():
    operator = PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(sys.stdin), lambda: None)
    for _ in range(3):
        typed = await operator.type_name(TypeName("a.b", sys.argv[1]))
        print("heard", json.dumps([typed, typed_exactly(sys.argv[1], typed)]), flush=True)
asyncio.run(ask())
"""


class Terminal:
    """A terminal that marks what is pasted when it is told to, and at no other time."""

    def __init__(self) -> None:
        self._hand, inner = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_A_TERMINAL, NAME],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(inner)
        self.said, self._at = "", 0

    def until(self, text: str) -> str:
        """Everything up to the next place where that is said."""
        while (found := self.said.find(text, self._at)) < 0:
            ready, _, _ = select.select([self._hand], [], [], 20)
            assert ready, f"{text!r} was not said: {self.said!r}"
            self.said += os.read(self._hand, 4096).decode()
        before, self._at = self.said[self._at : found], found + len(text)
        return before

    def asked(self) -> None:
        self.until("exactly: ")

    def heard(self) -> list[Any]:
        self.until("heard ")
        heard: list[Any] = json.loads(self.until("\r\n"))
        return heard

    def type(self, text: str) -> None:
        os.write(self._hand, text.encode())

    def paste(self, text: str) -> None:
        marks = self.said.rfind(pasting.MARK) > self.said.rfind(pasting.MARK_NO_MORE)
        self.type(f"{pasting.BEGIN}{text}{pasting.END}" if marks else text)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(20)
        os.close(self._hand)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def test_a_pasted_line_end_is_not_the_enter_key_and_spoils_only_that_try(terminal: Terminal) -> None:
    terminal.asked()
    terminal.paste(f"{NAME}\r")
    assert terminal.heard()[1] is False
    terminal.asked()
    terminal.type(f"{NAME}\r")
    assert terminal.heard() == [NAME, True]


def test_a_name_that_is_pasted_alone_counts_once_enter_is_pressed(terminal: Terminal) -> None:
    terminal.asked()
    terminal.paste(NAME)
    terminal.type("\r")
    assert terminal.heard() == [NAME, True]


def test_the_lines_after_it_in_a_paste_answer_no_later_question(terminal: Terminal) -> None:
    terminal.asked()
    terminal.paste(f"wrong\r{NAME}\r{NAME}\r")
    assert terminal.heard()[1] is False
    terminal.asked()
    terminal.type("typed\r")
    assert terminal.heard() == ["typed", False]


def test_afterwards_the_terminal_marks_nothing_any_more(terminal: Terminal) -> None:
    for _ in range(3):
        terminal.asked()
        terminal.type(f"{NAME}\r")
        terminal.heard()
    assert terminal.process.wait(20) == 0
    assert terminal.said.count(pasting.MARK) == terminal.said.count(pasting.MARK_NO_MORE) == 3
