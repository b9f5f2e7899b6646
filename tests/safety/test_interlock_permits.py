"""Permits, as the adapters hand them on: none, another one, or one that an adapter forgot to hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Final

import pytest

from runbook.config.file import Configuration
from runbook.engine.errors import Refused
from runbook.engine.ports import Permit
from runbook.estate.door import Door
from runbook.safety.interlock import Interlock
from tests.safety import places
from tests.safety.cases import TRIES, Desk, attempted, operation_of
from tests.safety.places import RUN, STAGING
from tests.safety.recording import World, in_place, tags_of

PERMITTED: Final = [case for case in TRIES if operation_of(case) != "s3:PutObject" and "kept" not in case]


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return places.configured(tmp_path_factory.mktemp("permits"))


@pytest.fixture
def desk(configuration: Configuration) -> Iterator[Desk]:
    door, interlock = Door(2), Interlock(places.bounds_of(configuration, "drill"))
    interlock.learned.run(RUN, ())
    with in_place(world := World(STAGING, tags_of(RUN))):
        yield Desk(world, interlock, door)
    door.close()


@pytest.mark.parametrize("case", PERMITTED)
async def test_an_adapter_that_does_not_hold_its_permit_sends_nothing(case, desk, configuration, monkeypatch) -> None:
    """The transport has the last word."""
    monkeypatch.setattr(Interlock, "holding", lambda *_: nullcontext())
    await _refused(case, desk, configuration, "nobody permitted it")


@pytest.mark.parametrize("case", PERMITTED)
async def test_a_permit_for_another_operation_is_refused(case, desk, configuration) -> None:
    other = Desk(desk.world, desk.interlock, desk.door, lambda _, target: Permit("run", "step", "vault:Other", target))
    await _refused(case, other, configuration, "the permit is for vault:Other")


@pytest.mark.parametrize("case", PERMITTED)
async def test_a_permit_for_another_target_is_refused(case, desk, configuration) -> None:
    other = Desk(desk.world, desk.interlock, desk.door, lambda name, _: Permit("run", "step", name, "another"))
    await _refused(case, other, configuration, "the permit is for .* on another")


@pytest.mark.parametrize("case", [case for case in PERMITTED if not case.startswith("postgres:")])
async def test_a_permit_that_is_held_for_another_target_is_seen_at_the_transport(case, desk, configuration) -> None:
    """Whatever the adapter believes to hold: the address, or the name in the request, is compared."""

    async def held() -> None:
        permit = Permit("run", "step", operation_of(case), "https://another.example:8200")
        with pytest.MonkeyPatch.context() as patch, desk.interlock.holding(permit, permit.operation, permit.target):
            patch.setattr(Interlock, "holding", lambda *_: nullcontext())
            await attempted(case, desk, places.staging(configuration))

    with pytest.raises(Refused, match="would change another"):
        await held()
    assert desk.world.changes == []


async def _refused(case: str, desk: Desk, configuration: Configuration, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        await attempted(case, desk, places.staging(configuration))
    assert desk.world.changes == []
    assert desk.interlock.counts["refused"] == 1
    assert desk.interlock.counts["mutating"] == 0
