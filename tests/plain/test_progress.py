"""Progress as lines: each text once, and never more of them than a person reads."""

from __future__ import annotations

from io import StringIO

import pytest

from runbook.engine.events import Event, Kind, Progress
from runbook.plain import Lines
from runbook.plain.pace import AT_ONCE, EVERY_S
from tests.support.clock import START
from tests.support.tiny import procedure, stage

STEP = "one.content"
BURST = 5000


class Told:
    """Lines, what they said, and a clock that only the test moves."""

    def __init__(self) -> None:
        self.out = StringIO()
        self.second = 100.0
        self.lines = Lines(procedure(stage(1, "one")), self.out, now=lambda: self.second)

    def progress(self, done: int, total: int, text: str, *, step: str = STEP) -> None:
        self.lines.hear(Progress(step, done, total, text))

    def event(self, kind: Kind, step: str | None = STEP, **data: object) -> None:
        self.lines.hear(Event(1, START, 0, "boot", kind, "one", step, data))

    def result(self) -> None:
        self.event(Kind.RESULT, verdict="PASS", adopted=False, observed="equal", ms=1)

    @property
    def said(self) -> list[str]:
        return self.out.getvalue().splitlines()


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_burst_is_a_few_lines(told: Told) -> None:
    for number in range(BURST):
        told.progress(number, BURST, f"public.table_{number:04}")
    assert told.said == [f"  SO FAR       {STEP}: public.table_{number:04}" for number in range(AT_ONCE)]


def test_while_it_comes_all_the_time_a_line_is_said_every_two_seconds(told: Told) -> None:
    at: list[float] = []
    for number in range(20 * 600):  # ten minutes, twenty times a second
        before = len(told.said)
        told.progress(number, 20 * 600, f"public.table_{number // 24:03} ({number // 20} s)")
        at += [told.second] * (len(told.said) - before)
        told.second += 0.05
    gaps = [later - earlier for earlier, later in zip(at[AT_ONCE:], at[AT_ONCE + 1 :], strict=False)]
    assert len(at) == pytest.approx(AT_ONCE + 600 / EVERY_S, abs=2)
    assert min(gaps) == pytest.approx(EVERY_S, abs=0.11)
    assert max(gaps) == pytest.approx(EVERY_S, abs=0.11)


def test_the_same_words_are_said_once(told: Told) -> None:
    for percent in range(100):
        told.progress(percent, 100, "rt-1 is creating")
        told.second += 15
    assert told.said == [f"  SO FAR       {STEP}: rt-1 is creating"]


def test_what_people_do_is_said_at_once(told: Told) -> None:
    for number in (1, 2, 3):
        told.progress(number, 3, f"{number} of 3 are in")
    assert len(told.said) == 3


def test_a_statement_never_waits(told: Told) -> None:
    """The practice estate's servers come up within a second, and each is named."""
    for number in range(20):
        told.progress(0, 0, f"server {number} is up", step="estate")
    assert len(told.said) == 20


def test_each_step_has_its_own_pace(told: Told) -> None:
    for number in range(BURST):
        told.progress(number, BURST, f"table {number}")
        told.progress(number, BURST, f"index {number}", step="one.structure")
    assert len(told.said) == 2 * AT_ONCE


def test_how_far_it_is_stands_above_the_next_question(told: Told) -> None:
    for number in range(BURST):
        told.progress(number, BURST, f"table {number}")
    for _ in range(2):
        told.event(Kind.ASKED, question="choose", text="Which?")
    assert told.said[AT_ONCE:] == [f"  SO FAR       {STEP}: table {BURST - 1}"]


def test_what_waited_is_old_once_there_is_a_result(told: Told) -> None:
    for number in range(BURST):
        told.progress(number, BURST, f"table {number}")
    told.result()
    told.event(Kind.ASKED, question="checkpoint", text="Open it?")
    assert told.said[AT_ONCE:] == [f"  PASS         {STEP}: equal  [1 ms]"]
