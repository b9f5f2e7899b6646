"""Times as they are said aloud."""

from __future__ import annotations

import pytest

from runbook.plain.spoken import counted, spoken


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (725, "12 minutes 5 seconds"),
        (3600, "1 hour"),
        (3_605, "1 hour"),
        (7_325, "2 hours 2 minutes"),
        (90_000, "1 day 1 hour"),
        (86_460, "1 day"),
    ],
)
def test_a_time_is_said_in_its_two_largest_units_that_stand_next_to_each_other(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_one_is_no_plural() -> None:
    assert (counted(0, "run"), counted(1, "run"), counted(2, "run")) == ("0 runs", "1 run", "2 runs")
