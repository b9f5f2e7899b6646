"""What drills and recoveries say, line by line, that training does not: pauses, accepted failures, what is kept."""

from __future__ import annotations

import sys
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.ports import Act, Decide, Decision
from runbook.engine.verdict import Verdict
from runbook.plain import Keyboard, Lines, PlainOperator
from tests.support.clock import START
from tests.support.tiny import procedure, stage

Said = pytest.CaptureFixture[str]
FAILED = Decide(
    "one.a", "It holds", Verdict.FAIL, "every row", "3 rows are missing", "sql", "Go back to one.b.", "", "because",
    "by hand",
    (Act.RETRY, Act.ACCEPT, Act.BACK, Act.ABORT), ("one", "one.b"),
)  # fmt: skip


def at(*lines: str) -> PlainOperator:
    source = StringIO("".join(f"{line}\n" for line in lines))
    return PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(source), lambda: None)


def said(kind: Kind, stage_id: str | None, /, **data: Any) -> str:
    out = StringIO()
    Lines(procedure(stage(1, "one")), out).hear(Event(1, START, 0, "boot", kind, stage_id, None, data))
    return out.getvalue()


def test_a_pause_is_said() -> None:
    told = {"alive": True, "observed": "this machine was suspended for 2,400 s", "pause": "suspended", "seconds": 2400}
    assert said(Kind.HEARTBEAT, None, **told) == (
        "  PAUSE        this machine was suspended for 2,400 s: every open layer is looked at again\n"
    )


def test_a_layer_that_is_alive_is_no_news() -> None:
    assert said(Kind.HEARTBEAT, "one", alive=True, observed="answers") == ""


def test_who_accepted_what_is_said_and_that_it_stays_a_failure() -> None:
    told = {"what": "one.a", "why": "an hour is lost", "who": "Robin", "second": "Dr Reed", "accepted": True}
    line = said(Kind.EXCEPTION, "one", **told)
    assert line == "  ACCEPTED     one.a stays FAIL, accepted by Robin and Dr Reed: an hour is lost\n"


def test_an_exception_is_said() -> None:
    line = said(Kind.EXCEPTION, "one", what="one.a", why="seen in the console", who="Robin")
    assert line == "  EXCEPTION    one.a: seen in the console (Robin)\n"


@pytest.mark.parametrize(
    ("more", "word"),
    [({"gone": True}, "undone"), ({"gone": False, "kept": True}, "kept"), ({"gone": False}, "NOT UNDONE")],
)
def test_what_is_handed_over_is_neither_undone_nor_left(more: dict[str, Any], word: str) -> None:
    line = said(Kind.CLEANUP, "closeout", kind="rds:instance", id="rt-1", observed="it is there", **more)
    assert line == f"  CLEANUP      rds:instance rt-1: {word}, it is there\n"


async def test_accepting_is_offered_with_what_it_means(capsys: Said) -> None:
    assert await at("accept").decide(FAILED) == Decision(Act.ACCEPT)
    told = capsys.readouterr().out
    assert "    accept: you and a second named person state what is lost; the step stays FAIL" in told


async def test_where_it_is_not_offered_it_is_no_answer(capsys: Said) -> None:
    ask = replace(FAILED, options=(Act.RETRY, Act.ABORT))
    assert await at("accept", "retry").decide(ask) == Decision(Act.RETRY)
    assert "second named person" not in capsys.readouterr().out


@pytest.mark.parametrize("lines", [("back one.b it is older", "yes"), ("back", "nowhere", "one.b", "it is older")])
async def test_the_step_that_a_fix_names_can_be_gone_back_to(lines: tuple[str, ...]) -> None:
    assert await at(*lines).decide(FAILED) == Decision(Act.BACK, "it is older", "one.b")


async def test_the_places_to_go_back_to_are_listed(capsys: Said) -> None:
    await at("back", "one", "again").decide(FAILED)
    assert "Back to (one, one.b): " in capsys.readouterr().out


def test_who_resumed_it_and_after_how_long_is_said() -> None:
    told = "Resumed: the world is looked at first, nothing is done twice"
    assert said(Kind.RESUMED, None) == f"{told}\n"
    line = said(Kind.RESUMED, None, by="Robin", pid=1, gap_s=725)
    assert line == f"{told} (by Robin, 12 minutes 5 seconds after it was interrupted)\n"
