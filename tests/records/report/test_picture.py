"""The timeline's drawing: everything inside its box, in the order of time, and a legend for what is there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.records.canonical import stamp
from runbook.records.report.picture import LEFT, MOST_TICKS, RIGHT, TOP, Drawing, drawn
from runbook.records.report.words import completed
from tests.records.real_runs import drill
from tests.records.story import T0


def of(document: dict[str, Any]) -> Drawing:
    picture = drawn(completed(document))
    assert picture is not None
    return picture


def told(seconds: int, result: str = "FAIL", **more: Any) -> dict[str, Any]:
    """One stage that takes all of a run, and comes to no checkpoint unless its result says so."""
    end = stamp(T0 + timedelta(seconds=seconds))
    stage = {"number": 1, "id": "vault", "title": "Vault", "result": result, "seconds": seconds}
    times = {"entered_at": stamp(T0), "left_at": end}
    spent = {"machine_s": seconds, "human_s": 0, "waiting_s": 0} | more
    return {"started_at": stamp(T0), "ended_at": end, "stages": [stage | times | spent]}


def test_stages_follow_each_other_and_the_cleanup_is_last(tmp_path: Path) -> None:
    picture = of(drill(tmp_path))
    starts = [row.parts[0].x for row in picture.rows]
    assert starts == sorted(starts)
    assert [row.name for row in picture.rows][-1] == "Closing"
    assert [mark.kind for row in picture.rows for mark in row.marks] == ["opened"] * 5
    assert [kind for kind, _ in picture.legend] == ["machine", "people", "closing", "opened"]


def test_machine_people_and_nobody_share_the_bar_as_they_shared_the_time() -> None:
    (row,) = of(told(100, machine_s=50, human_s=30, waiting_s=20)).rows
    assert [(part.kind, part.width) for part in row.parts] == [("machine", 215.0), ("people", 129.0), ("nobody", 86.0)]
    assert sum(part.width for part in row.parts) == RIGHT - LEFT


def test_failures_pauses_and_handovers_are_marked_where_they_were() -> None:
    half = stamp(T0 + timedelta(seconds=50))
    step = {"id": "vault.unseal", "verdict": "FAIL", "at": half}
    picture = of(told(100) | {"steps": [step], "pauses": [{"at": half}], "handovers": [{"at": half}]})
    assert [(mark.kind, mark.x) for row in picture.rows for mark in row.marks] == [
        ("failed", (LEFT + RIGHT) / 2),
        ("paused", (LEFT + RIGHT) / 2),
        ("handed", (LEFT + RIGHT) / 2),
    ]
    assert picture.rows[-1].said == "2 times"


def test_a_checkpoint_that_was_not_opened_has_a_mark_of_its_own() -> None:
    answer = {"question": "checkpoint", "stage": "vault", "answer": "abort", "at": stamp(T0)}
    (row,) = of(told(100) | {"answers": [answer]}).rows
    assert [mark.kind for mark in row.marks] == ["held"]


def test_a_checkpoint_is_marked_when_it_opened_not_when_it_was_told_to() -> None:
    answer = {"question": "checkpoint", "stage": "vault", "answer": "open", "at": stamp(T0 + timedelta(seconds=50))}
    (row,) = of(told(100, "PASS") | {"answers": [answer]}).rows
    assert [(mark.kind, mark.x) for mark in row.marks] == [("opened", RIGHT)]


@pytest.mark.parametrize(
    "document", [{}, {"started_at": stamp(T0)}, {"started_at": "yesterday", "ended_at": stamp(T0)}]
)
def test_a_run_that_never_got_anywhere_has_none(document: dict[str, Any]) -> None:
    assert drawn(completed(document)) is None


@given(st.integers(0, 40 * 86400), st.integers(-9999, 99999999))
def test_everything_lies_inside_its_box(seconds: int, astray: int) -> None:
    at = stamp(T0 + timedelta(seconds=astray))
    step = {"id": "vault.unseal", "verdict": "FAIL", "at": at}
    picture = of(told(seconds) | {"steps": [step], "pauses": [{"at": at}]})
    assert 1 <= len(picture.ticks) <= MOST_TICKS + 1
    assert all(LEFT <= place <= RIGHT for place, _ in picture.ticks)
    for row in picture.rows:
        assert TOP < row.y < picture.bottom
        assert all(LEFT <= part.x < part.x + part.width <= RIGHT + 2 for part in row.parts)
        assert all(LEFT <= mark.x <= RIGHT for mark in row.marks)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "2 s"), (60, "10 s"), (3600, "10 min"), (4 * 3600, "1 h"), (11 * 3600, "2 h"), (86400 * 9, "2 d")],
)
def test_ticks_are_round_times_after_the_start(seconds: int, words: str) -> None:
    ticks = [word for _, word in of(told(seconds)).ticks]
    assert ticks[0] == "0"
    assert words in ticks
