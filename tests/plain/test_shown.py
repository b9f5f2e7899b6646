"""What stands above a question: differences, calls and rows, also when there are thirty of them."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.ports import Change, Choose, Confirm, Option, Preview
from runbook.plain import Keyboard, Lines, PlainOperator
from runbook.plain.shown import WIDE, choices, difference, preview
from tests.support.clock import START
from tests.support.tiny import procedure, stage

Said = pytest.CaptureFixture[str]
OLD = "CNAME p01--web--clinic-production-{}.northflank-old-origin.code.run, NOT proxied"
NEW = "CNAME p01--web--clinic-staging-{}.code.run, proxied"
NAMES = [f"patients-{number:02}.appointments.clinic.example.nhs.uk" for number in range(30)]
MANY = Preview(
    "Route the public names",
    "clinic.example.nhs.uk",
    tuple(f"PATCH zones/023e105f/dns_records/{number:02}" for number in range(30)),
    tuple(Change(name, OLD.format(number), NEW.format(number)) for number, name in enumerate(NAMES)),
)


def at(*lines: str) -> PlainOperator:
    source = StringIO("".join(f"{line}\n" for line in lines))
    return PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(source), lambda: None)


def test_a_short_difference_is_one_line() -> None:
    assert list(difference(Change("OUTBOUND_MAIL", "on", "off"))) == ["OUTBOUND_MAIL: on becomes off"]
    assert list(difference(Change("class", "", "small"))) == ["class: small"]


def test_a_long_one_has_its_two_values_below_each_other() -> None:
    lines = list(difference(MANY.changes[7]))
    assert lines == [f"{NAMES[7]} before: {OLD.format(7)}", f"{NAMES[7]} after: {NEW.format(7)}"]


def test_a_long_value_that_had_none_before_says_so() -> None:
    assert list(difference(Change("names", "", "n" * WIDE))) == ["names before: nothing", f"names after: {'n' * WIDE}"]


async def test_thirty_changes_and_calls_are_counted_and_all_of_them_there(capsys: Said) -> None:
    assert not await at("no").confirm(Confirm("connectivity.records", "Open the doors", MANY))
    said = capsys.readouterr().out
    assert "    30 changes:\n" in said
    assert "    30 calls:\n" in said
    for number, name in enumerate(NAMES):
        assert f"    {name} before: {OLD.format(number)}\n    {name} after: {NEW.format(number)}\n" in said
    assert said.count("    call:   PATCH") == 30
    assert said.rindex("call:") < said.index("Do it [yes / no / ?]")


def test_one_of_each_is_not_counted() -> None:
    single = Preview("Do it", "here", ("PUT x",), (Change("a", "b", "c"),))
    assert list(preview(single)) == ["Do it", "target: here", "a: b becomes c", "call:   PUT x"]


def test_rows_stand_in_columns_and_no_cell_is_cut() -> None:
    ask = Choose(
        "application.choose",
        "Which image?",
        ("tag", "commit", "checks"),
        (
            Option("1", ("v1.9.0", "Fix the appointment reminder for clinics with many rooms", "green")),
            Option("2", ("v1.10.0", "Short", "red"), unfit="a required check failed"),
            Option("3", ("v1.8.0", "Other", "green")),
        ),
        "1",
    )
    assert list(choices(ask)) == [
        "  1  v1.9.0   Fix the appointment reminder for clinics with many rooms  green (default)",
        "  2  v1.10.0  Short                                     red (cannot be chosen: a required check failed)",
        "  3  v1.8.0   Other                                     green",
    ]


def test_nothing_to_choose_from_is_no_row() -> None:
    assert list(choices(Choose("a.b", "Which?", ("id",), (), ""))) == []


async def test_what_comes_from_outside_is_never_obeyed_by_the_terminal(capsys: Said) -> None:
    hostile = "\x1b[2J\x1b]52;c;AAAA\x07 a\nb\u202eevil\x9b1m"
    changes = (Change(hostile, hostile, hostile), Change("x" * WIDE, hostile, hostile))
    await at("no").confirm(Confirm("a.b", hostile, Preview(hostile, hostile, (hostile,), changes)))
    said = capsys.readouterr().out.replace("\n", "")
    assert said.isprintable()
    assert "\N{REPLACEMENT CHARACTER}[2J" in said
    assert "a b" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"name": "app.clinic.test", "gone": True}, "cloudflare:record app.clinic.test: undone, put back"),
        ({"gone": False}, "cloudflare:record 023e/372e: NOT UNDONE, put back"),
    ],
)
def test_what_was_undone_is_called_by_its_name_where_it_has_one(capsys: Said, data: dict[str, Any], said: str) -> None:
    told = {"kind": "cloudflare:record", "id": "023e/372e", "observed": "put back", **data}
    Lines(procedure(stage(1, "one")), sys.stdout).hear(Event(1, START, 0, "boot", Kind.CLEANUP, "one", None, told))
    assert capsys.readouterr().out == f"  CLEANUP      {said}\n"
