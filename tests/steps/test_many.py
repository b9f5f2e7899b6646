"""One look at many things: all are looked at, and thirty fit into a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.engine.errors import HardStop, LayerFailed, NoVerdict, SignedOut
from steps.here import Here
from steps.many import AT_ONCE, listed, side_by_side, told
from tests.support.practice import Practice
from tests.support.standing import Standing

ITEMS = [f"name-{number}" for number in range(30)]


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Standing(Practice(tmp_path), "application.boots").here


async def test_answers_come_in_the_order_of_the_items(here: Here) -> None:
    async def look(item: str) -> str:
        await here.desk.clock.sleep(1 if item == "name-0" else 0)
        return item.upper()

    assert await side_by_side(here, ITEMS, look, doing="looked at") == [item.upper() for item in ITEMS]


async def test_no_more_are_looked_at_at_once_than_the_door_has_room_for(here: Here) -> None:
    now, most = 0, 0

    async def look(item: str) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await here.desk.clock.sleep(1)
        now -= 1

    await side_by_side(here, ITEMS, look, doing="looked at")
    assert 1 < most <= AT_ONCE


async def test_one_that_fails_keeps_no_other_from_being_looked_at(here: Here) -> None:
    seen = []

    async def look(item: str) -> None:
        seen.append(item)
        if item == "name-3":
            raise LayerFailed("it answers 404", fix="Look at it.", source="web")

    with pytest.raises(LayerFailed) as failed:
        await side_by_side(here, ITEMS, look, doing="looked at")
    assert sorted(seen) == sorted(ITEMS)
    assert (failed.value.sentence, failed.value.fix) == ("1 of 30: name-3: it answers 404", "Look at it.")


@pytest.mark.parametrize(
    ("troubles", "kind"),
    [
        ((NoVerdict("timeout"), LayerFailed("404")), LayerFailed),
        ((NoVerdict("timeout"), SignedOut("aws", "no session")), SignedOut),
        ((SignedOut("aws", "no session"), HardStop("it acts")), HardStop),
        ((NoVerdict("timeout"), NoVerdict("timeout")), NoVerdict),
    ],
)
async def test_the_gravest_of_several_decides(here: Here, troubles: tuple[Exception, ...], kind: type) -> None:
    async def look(item: int) -> None:
        raise troubles[item]

    with pytest.raises(kind) as raised:
        await side_by_side(here, range(2), look, doing="looked at")
    assert type(raised.value) is kind


async def test_what_befalls_the_only_one_is_told_as_it_is(here: Here) -> None:
    async def look(item: str) -> None:
        raise NoVerdict("it did not answer", fix="Retry.")

    with pytest.raises(NoVerdict, match=r"^it did not answer$"):
        await side_by_side(here, ["only"], look, doing="looked at")


async def test_a_defect_is_not_taken_for_a_verdict(here: Here) -> None:
    async def look(item: str) -> None:
        raise KeyError(item)

    with pytest.raises(KeyError):
        await side_by_side(here, ITEMS, look, doing="looked at")


def test_many_faults_are_counted_and_the_first_are_named() -> None:
    assert told([f"{item}: no" for item in ITEMS[:6]], of=30) == (
        "6 of 30: name-0: no; name-1: no; name-2: no; name-3: no; and 2 more"
    )
    assert told(["it is red"], of=1) == "it is red"
    assert told(["a: no"], of=2) == "1 of 2: a: no"


def test_many_names_are_counted_and_the_first_are_named() -> None:
    assert listed(ITEMS) == "name-0, name-1, name-2, name-3 and 26 more"
    assert listed(ITEMS[:2]) == "name-0, name-1"
