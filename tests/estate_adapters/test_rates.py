"""What providers say of their allowance is known to all clients of an estate, in each dialect; time takes none here."""

from __future__ import annotations

import asyncio
import threading

import pytest

from runbook.estate.http_errors import Provider
from runbook.estate.http_message import Answer
from runbook.estate.ports import Allowance, Rates
from runbook.estate.rates import LONGEST_HOLD_S, KnownRates

NORTHFLANK = Provider("northflank", "Northflank", "")
GITHUB = Provider("github", "GitHub", "")
DATE = "Mon, 23 Nov 2026 12:00:00 GMT"
EPOCH = 1795435200  # the same moment


class Time:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def rates(time: Time) -> KnownRates:
    return KnownRates(time)


def said(**headers: str) -> Answer:
    return Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, b"", "test")


def test_it_is_the_port(rates):
    port: Rates = rates
    assert port.of("northflank") is None
    assert port.waiting() == ()


@pytest.mark.parametrize(
    ("headers", "resets_s"),
    [
        ({"x_ratelimit_reset": "1800"}, 1800),
        ({"x_ratelimit_reset": str(EPOCH + 1800), "date": DATE}, 1800),
        ({"x_ratelimit_reset": "Mon, 23 Nov 2026 12:30:00 GMT", "date": DATE}, 1800),
        ({"x_ratelimit_reset": "soon"}, None),
        ({}, None),
    ],
    ids=["seconds to go", "epoch", "HTTP date", "nonsense", "nothing"],
)
def test_each_dialect_of_the_reset_is_understood(rates, headers, resets_s):
    rates.heard(NORTHFLANK, said(x_ratelimit_limit="1000", x_ratelimit_remaining="912", **headers))
    assert rates.of("northflank") == Allowance("Northflank", 1000, 912, resets_s)
    assert rates.of("northflank").words == "912 of 1,000 calls left"


def test_the_newer_headers_are_understood(rates):
    rates.heard(GITHUB, said(ratelimit='"default";r=50;t=30', ratelimit_policy='"default";q=1200;w=300'))
    assert rates.of("github") == Allowance("GitHub", 1200, 50, 30.0)


@pytest.mark.parametrize("value", ["", "-1", "many", "9" * 5000, "\x1b[2J"])
def test_nonsense_in_the_headers_is_met_calmly(rates, value):
    rates.heard(GITHUB, said(x_ratelimit_limit=value, x_ratelimit_remaining=value, x_ratelimit_reset=value))
    assert rates.of("github") == Allowance("GitHub")


def test_an_answer_that_says_nothing_takes_nothing_away(rates):
    rates.heard(NORTHFLANK, said(x_ratelimit_limit="1000", x_ratelimit_remaining="3", x_ratelimit_reset="60"))
    rates.heard(NORTHFLANK, said())
    assert rates.of("northflank").remaining == 3


def test_the_time_until_it_is_whole_again_runs_down_and_then_it_is_whole(rates, time):
    rates.heard(NORTHFLANK, said(x_ratelimit_limit="1000", x_ratelimit_remaining="0", x_ratelimit_reset="60"))
    time.now += 45
    assert rates.of("northflank") == Allowance("Northflank", 1000, 0, 15.0)
    time.now += 15
    assert rates.of("northflank") == Allowance("Northflank", 1000, 1000, None)


def test_a_refusal_holds_every_call_to_that_provider_and_no_other(rates, time):
    rates.refused(NORTHFLANK, 30)
    rates.refused(NORTHFLANK, 10)
    assert (rates.held(NORTHFLANK), rates.held(GITHUB)) == (30, 0)
    time.now += 30
    assert rates.held(NORTHFLANK) == 0
    assert rates.of("northflank").refused == 2


def test_a_wild_refusal_does_not_hold_for_ever(rates):
    rates.refused(NORTHFLANK, 1e9)
    assert rates.held(NORTHFLANK) == LONGEST_HOLD_S


async def test_who_waits_is_seen_meanwhile_the_longest_first_and_gone_afterwards(rates, time):
    seen: list[list[tuple[str, float]]] = []

    async def sleep(seconds: float) -> None:
        seen.append([(one.provider, one.waiting_s) for one in rates.waiting()])
        await time.sleep(seconds)

    async def outer(seconds: float) -> None:
        await rates.rest(GITHUB, 2, sleep)
        await time.sleep(seconds)

    await rates.rest(NORTHFLANK, 1, outer)
    assert seen == [[("GitHub", 2.0), ("Northflank", 1.0)], [("GitHub", 1.0)]]
    assert rates.waiting() == ()


async def test_listeners_are_told_at_once_and_every_second_until_they_stop(rates, time):
    told: list[float] = []
    stop = rates.listen(lambda allowance: told.append(allowance.waiting_s))
    assert told == []
    await rates.rest(NORTHFLANK, 3.5, time.sleep)
    assert told == [3.5, 2.5, 1.5, 0.5]
    assert time.slept == [1.0, 1.0, 1.0, 0.5]
    stop()
    stop()
    await rates.rest(NORTHFLANK, 1, time.sleep)
    assert len(told) == 4


async def test_a_wait_that_is_given_up_is_seen_no_longer(rates):
    begun = asyncio.Event()

    async def sleep(seconds: float) -> None:
        del seconds
        begun.set()
        await asyncio.Event().wait()

    waiting = asyncio.create_task(rates.rest(NORTHFLANK, 60, sleep))
    await begun.wait()
    assert [one.waiting_s for one in rates.waiting()] == [60]
    waiting.cancel()
    await asyncio.wait({waiting})
    assert rates.waiting() == ()


def test_it_is_fed_from_several_threads(rates):
    def feed() -> None:
        for _ in range(200):
            rates.refused(NORTHFLANK, 1)
            rates.heard(NORTHFLANK, said(x_ratelimit_limit="9", x_ratelimit_remaining="1", x_ratelimit_reset="5"))

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rates.of("northflank").refused == 800
