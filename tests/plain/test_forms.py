"""Forms, line by line: defaults, what is wrong, what may be left out, and withdrawing from the whole."""

from __future__ import annotations

import sys
from io import StringIO

import pytest

from runbook.engine.errors import OperatorGone
from runbook.engine.ports import Field, Form
from runbook.plain import Keyboard, Lines, PlainOperator
from tests.support.tiny import procedure, stage

Said = pytest.CaptureFixture[str]


def digits(text: str) -> str:
    return "" if text.isdecimal() else f"{text} is no number: digits only."


FORM = Form(
    "one.a",
    "State the loss",
    ("It acts on staging.", "It stands in the record."),
    (
        Field("rows", "Rows", "how many are gone", wrong=digits),
        Field("who", "Who was told", default="Dr Reed"),
        Field("note", "Note", required=False),
        Field("by", "By", default="post", required=False),
    ),
    submit="state it",
)


def at(*lines: str) -> PlainOperator:
    source = StringIO("".join(f"{line}\n" for line in lines))
    return PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(source), lambda: None)


async def test_enter_takes_what_stands_there_and_leaves_out_what_may_be(capsys: Said) -> None:
    assert await at("3", "", "", "").fill(FORM) == {"rows": "3", "who": "Dr Reed", "note": "", "by": "post"}
    said = capsys.readouterr().out
    for line in (
        "one.a: State the loss",
        "It acts on staging.",
        "It stands in the record.",
        "One line for each; stop = do not state it",
        "how many are gone",
        "Rows: ",
        "Who was told (Enter = Dr Reed): ",
        "Note (Enter = none): ",
        "By (Enter = post; - = none): ",
    ):
        assert line in said


async def test_what_is_typed_is_taken_without_the_blanks_around_it() -> None:
    assert await at(" 3 ", "Sam", " late ", "-").fill(FORM) == {"rows": "3", "who": "Sam", "note": "late", "by": ""}


async def test_a_wrong_answer_says_why_and_is_asked_for_again(capsys: Said) -> None:
    filled = await at("many", "", "3", "", "", "").fill(FORM)
    assert filled is not None
    assert filled["rows"] == "3"
    said = capsys.readouterr().out
    assert "    many is no number: digits only.\n" in said
    assert "    This is needed.\n" in said
    assert said.count("  Rows: ") == 3


@pytest.mark.parametrize("lines", [("stop",), ("3", "stop"), ("3", "", "", "stop")])
async def test_the_whole_is_withdrawn_from_at_any_line(lines: tuple[str, ...]) -> None:
    assert await at(*lines).fill(FORM) is None


async def test_what_must_be_exact_is_taken_to_the_letter() -> None:
    exact = Form(
        "", "Which", (), (Field("name", "Name", wrong=lambda t: "" if t == "Clinic" else "not it", exact=True),)
    )
    assert await at(" Clinic", "Clinic ", "Clinic").fill(exact) == {"name": "Clinic"}


async def test_at_the_end_of_input_nothing_is_filled_in() -> None:
    with pytest.raises(OperatorGone):
        await at("3").fill(FORM)


async def test_a_dash_is_an_answer_where_something_is_needed() -> None:
    needed = Form("", "Which", (), (Field("name", "Name"),))
    assert await at("-").fill(needed) == {"name": "-"}


async def test_what_stands_in_a_file_reaches_no_terminal_as_an_escape(capsys: Said) -> None:
    hostile = "\x1b[31mred\x1b]52;c;AAAA\x07"
    ask = Form("", hostile, (hostile,), (Field("name", hostile, hostile, default=hostile, wrong=lambda _: hostile),))
    assert await at("x", "stop").fill(ask) is None
    said = capsys.readouterr().out
    assert "red" in said
    assert not {character for character in said if not character.isprintable() and character != "\n"}
