"""What is typed before a question is shown: on a terminal it answers nothing, through a pipe it waits its turn."""

from __future__ import annotations

import asyncio
import termios
import time
from collections.abc import Callable, Coroutine
from typing import Any, TextIO

import pytest

from runbook.engine.ports import Act, AskSecret, Attest, ByHand, Choice, Confirm, Decision, Field, Form, TypeName
from runbook.plain import PlainOperator, ahead, echo
from tests.plain.test_answers import CHOOSE, DECIDE, GATE, PREVIEW
from tests.plain.typist import Typist, until

Said = pytest.CaptureFixture[str]
TOLD = ahead.SAID.strip()
CONFIRM = Confirm("a.b", "It", PREVIEW)
TOKEN = AskSecret("a.b", "The token", kind="credential")
FORM = Form("a.b", "It", (), (Field("who", "Who", default="Dr Reed"),))
Ask = Callable[[PlainOperator], Coroutine[Any, Any, Any]]
KINDS: dict[str, tuple[Ask, str, str, str, object]] = {
    # how it is asked, the end of its prompt, what is typed too early, what is typed then, what is answered by that
    "confirm": (lambda o: o.confirm(CONFIRM), "/ ?]: ", "yes\n", "no\n", False),
    "optional": (lambda o: o.confirm(Confirm("a.b", "It", PREVIEW, optional=True)), "/ ?]: ", "yes\n", "\n", False),
    "checkpoint": (lambda o: o.gate(GATE), "/ ?]: ", "open\n", "retry\n", Decision(Act.RETRY)),
    "failure": (lambda o: o.decide(DECIDE), "/ ?]: ", "abort\nenough\n", "retry\n", Decision(Act.RETRY)),
    "attest": (lambda o: o.attest(Attest("a.b", "It")), "attested): ", "I saw it\n", "\n", ""),
    "by hand": (lambda o: o.by_hand(ByHand("a.b", "It", ())), "/ ?]: ", "done\n", "no\n", False),
    "choose": (lambda o: o.choose(CHOOSE), "default): ", "2\nthe newest is odd\n", "\n", Choice("new")),
    "fill": (lambda o: o.fill(FORM), "Reed): ", "Sam\n", "\n", {"who": "Dr Reed"}),
    "type name": (lambda o: o.type_name(TypeName("a.b", "x")), "exactly: ", "x\n", "\n", ""),
}


@pytest.mark.parametrize("without_enter", ["", "yes"])
@pytest.mark.parametrize("kind", KINDS)
async def test_on_a_terminal_it_answers_no_question(
    kind: str, without_enter: str, terminal: Typist, capsys: Said
) -> None:
    ask, prompt, early, then, answer = KINDS[kind]
    await terminal.type_ahead(early + without_enter)
    asked = await terminal.ask(ask(terminal.operator), prompt)
    terminal.type(then)
    assert await asked == answer
    assert capsys.readouterr().out.count(TOLD) == 1


async def test_no_secret_is_taken_from_it(terminal: Typist, capsys: Said) -> None:
    await terminal.type_ahead("yes\nye")
    asked = await terminal.ask(terminal.operator.secret(TOKEN), "stop): ")
    terminal.type("a-token\n")
    assert (await asked).secret.reveal() == "a-token"
    assert capsys.readouterr().out.count(TOLD) == 1


async def test_a_line_without_its_enter_is_dropped_too_and_said(terminal: Typist, capsys: Said) -> None:
    await terminal.type_ahead("y")
    asked = await terminal.ask(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    terminal.type("no\n")
    assert await asked is False
    assert TOLD in capsys.readouterr().out


async def test_of_several_lines_at_once_only_the_first_answers_what_is_shown(terminal: Typist, capsys: Said) -> None:
    asked = await terminal.ask(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    await terminal.type_ahead("yes\nno\nyes\nyes\n")
    assert await asked is True
    for _ in range(2):
        asked = await terminal.ask(terminal.operator.confirm(CONFIRM), "/ ?]: ")
        terminal.type("no\n")
        assert await asked is False
    assert capsys.readouterr().out.count(TOLD) == 1


async def test_a_line_that_the_reader_already_has_is_none_either(terminal: Typist, capsys: Said) -> None:
    await terminal.withdraw(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    terminal.type("yes\n")
    standing = terminal.keyboard._standing
    assert standing is not None
    await until(lambda: standing.came)
    asked = await terminal.ask(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    terminal.type("no\n")
    assert await asked is False
    assert capsys.readouterr().out.count(TOLD) == 1


async def test_nor_is_what_was_being_typed_for_a_withdrawn_question(terminal: Typist) -> None:
    await terminal.withdraw(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    await terminal.type_ahead("ye")
    asked = await terminal.ask(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    terminal.type("no\n")
    assert await asked is False


async def test_what_is_typed_in_time_is_not_spoken_of_and_the_terminal_stays_as_it_was(
    terminal: Typist, capsys: Said
) -> None:
    before = termios.tcgetattr(terminal.source.fileno())
    asked = await terminal.ask(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    terminal.type("yes\n")
    assert await asked is True
    assert termios.tcgetattr(terminal.source.fileno()) == before
    assert TOLD not in capsys.readouterr().out


async def test_through_a_pipe_all_lines_may_come_at_once(pipe: Typist, capsys: Said) -> None:
    pipe.type("yes\nno\nopen\n")
    answers = [await pipe.operator.confirm(CONFIRM), await pipe.operator.confirm(CONFIRM)]
    assert answers == [True, False]
    assert await pipe.operator.gate(GATE) == Decision(Act.OPEN)
    assert TOLD not in capsys.readouterr().out


async def test_a_line_through_a_pipe_that_came_for_a_withdrawn_question_is_the_next_answer(pipe: Typist) -> None:
    await pipe.withdraw(pipe.operator.confirm(CONFIRM), "/ ?]: ")
    pipe.type("yes\n")
    standing = pipe.keyboard._standing
    assert standing is not None
    await until(standing.line.done)
    async with asyncio.timeout(10):
        assert await pipe.operator.confirm(CONFIRM) is True


async def test_a_line_that_came_just_before_a_secret_is_asked_for_is_no_secret(
    terminal: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading thread has it already, and the loop has not heard of it."""
    await terminal.withdraw(terminal.operator.confirm(CONFIRM), "/ ?]: ")
    off = echo.off

    def entered_meanwhile(source: TextIO) -> None:
        standing = terminal.keyboard._standing
        assert standing is not None
        terminal.type("yes\n")
        while not standing.came:
            time.sleep(0)
        off(source)

    monkeypatch.setattr(echo, "off", entered_meanwhile)
    asked = await terminal.ask(terminal.operator.secret(TOKEN), "stop): ")
    monkeypatch.undo()
    terminal.type("a-token\n")
    assert (await asked).secret.reveal() == "a-token"
    await until(terminal.shows)
