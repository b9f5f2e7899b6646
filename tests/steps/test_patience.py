"""A provider that makes a step wait is named on the screen, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.engine.errors import NoVerdict
from runbook.estate.ports import Allowance
from steps.here import Here
from steps.patience import patient, words
from tests.support.practice import Practice
from tests.support.standing import Standing


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


async def test_who_is_waited_for_is_shown_with_the_seconds_still_to_go(practice: Practice) -> None:
    standing = Standing(practice, "application.boots")

    @patient
    async def look(here: Here) -> str:
        practice.world.rates.begin_wait("cloudflare", 12)
        return "seen"

    assert await look(standing.here) == "seen"
    assert "Cloudflare asks us to wait: 12 s still" in [each.text for each in standing.shown]


async def test_nothing_is_shown_while_nobody_waits_nor_once_the_look_has_ended(practice: Practice) -> None:
    standing = Standing(practice, "application.boots")

    @patient
    async def look(here: Here) -> str:
        return "seen"

    await look(standing.here)
    practice.world.rates.begin_wait("cloudflare", 12)
    assert standing.shown == []


async def test_what_the_look_raises_comes_out_and_the_listening_ends(practice: Practice) -> None:
    standing = Standing(practice, "application.boots")

    @patient
    async def look(here: Here) -> str:
        raise NoVerdict("it did not answer")

    with pytest.raises(NoVerdict):
        await look(standing.here)
    practice.world.rates.begin_wait("cloudflare", 12)
    assert standing.shown == []


@pytest.mark.parametrize(("remaining", "told"), [(0, " (0 of 1,000 calls left)"), (50, " (50 of 1,000 calls left)")])
def test_an_allowance_that_is_nearly_spent_is_told_with_it(remaining: int, told: str) -> None:
    spent = Allowance("Northflank", limit=1000, remaining=remaining, waiting_s=7.4)
    assert words(spent) == f"Northflank asks us to wait: 7 s still{told}"


@pytest.mark.parametrize(("limit", "remaining"), [(5000, 4900), (1000, 51), (None, 0), (1000, None)])
def test_one_that_is_not_is_left_out_since_it_explains_nothing(limit: int | None, remaining: int | None) -> None:
    """GitHub's secondary limits refuse with thousands of calls left."""
    assert (
        words(Allowance("GitHub", limit=limit, remaining=remaining, waiting_s=3)) == "GitHub asks us to wait: 3 s still"
    )


def test_how_often_it_refused_is_told_beside_what_is_left() -> None:
    spent = Allowance("Cloudflare", limit=1200, remaining=0, waiting_s=2)
    assert words(spent, 2) == "Cloudflare asks us to wait: 2 s still (refused 2 times, 0 of 1,200 calls left)"


async def test_it_is_told_when_the_same_look_is_refused_again_and_earlier_ones_do_not_count(practice: Practice) -> None:
    standing, rates = Standing(practice, "application.boots"), practice.world.rates
    rates.known["github"] = Allowance("GitHub", refused=7)

    @patient
    async def look(here: Here) -> str:
        rates.refuse("github", 3, 4)
        assert [rates.refuses("github") for _ in range(3)] == [True] * 3
        return "seen"

    for _ in range(2):
        standing.shown.clear()
        await look(standing.here)
        said = [each.text for each in standing.shown]
        assert said == [f"GitHub asks us to wait: 4 s still{again}" for again in TWICE]


TWICE = ("", " (refused 2 times)", " (refused 3 times)")
