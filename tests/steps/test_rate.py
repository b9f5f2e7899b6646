"""How fast something long is, in words."""

from __future__ import annotations

from runbook.engine.desk import Desk
from runbook.engine.events import Progress, Said
from runbook.engine.verdict import Observation
from steps.rate import Rate
from tests.support.clock import FakeClock
from tests.support.tiny import Bench, check, procedure, seen, stage

MIB = 2**20


async def told(*calls: tuple[int, int], every_s: float = 1.0, what: str = "") -> list[Progress]:
    """What these calls (done and total, in MiB), that far from each other, are shown as."""
    clock, shown = FakeClock(), list[Said]()

    async def look(desk: Desk) -> Observation:
        rate = Rate(desk, "downloading")
        for done, total in calls:
            clock.advance(every_s)
            rate(done * MIB, total * MIB, what)
        return seen()

    bench = Bench(procedure(stage(1, "one", check("one.a", look))), clock=clock)
    bench.conductor.subscribe(shown.append)
    await bench.walk()
    return [each for each in shown if isinstance(each, Progress)]


async def test_bytes_rate_and_what_is_left_are_said() -> None:
    (said,) = await told((5120, 12288), every_s=60)
    assert (said.done, said.total) == (5120 * MIB, 12288 * MIB)
    assert said.text == "downloading: 5,120 of 12,288 MiB at 85.3 MiB/s, about 84 s left"


async def test_what_it_is_at_stands_before_the_figures() -> None:
    (said,) = await told((1, 1), what="public.notes")
    assert said.text == "downloading public.notes: 1 MiB at 1.0 MiB/s"


async def test_at_the_end_nothing_is_left() -> None:
    *_, half, done = await told((1, 4), (2, 4), (4, 4))
    assert half.text == "downloading: 2 of 4 MiB at 1.0 MiB/s, about 2 s left"
    assert done.text == "downloading: 4 MiB at 1.3 MiB/s"


async def test_what_is_left_of_something_long_is_said_in_minutes() -> None:
    (said,) = await told((1, 1000))
    assert said.text.endswith("about 17 min left")


async def test_words_stay_for_a_second_and_never_two_while_the_bytes_go_on() -> None:
    said = await told(*((number, 200) for number in range(1, 101)), every_s=0.05)
    assert [each.done for each in said] == [number * MIB for number in range(1, 101)]
    assert 4 <= len({each.text for each in said}) <= 7
