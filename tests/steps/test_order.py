"""The policy's order, tried in every other way."""

from __future__ import annotations

from itertools import permutations

import pytest

from runbook.engine.errors import Refused
from steps import PROCEDURE
from tests.support.practice import Practice

ORDER = tuple(stage.id for stage in PROCEDURE.stages)
OTHERS = tuple(order for order in permutations(ORDER) if order != ORDER)


def test_there_are_119_wrong_orders() -> None:
    assert ORDER == ("identity", "vault", "database", "application", "connectivity")
    assert len(OTHERS) == 119


async def test_every_wrong_order_is_refused_with_a_sentence_before_its_first_wrong_stage_does_anything(
    practice: Practice,
) -> None:
    """Orders that begin alike are walked once: what is tried at each point is every stage that is not next."""
    tried = set()
    recorder = practice.recorder()
    conductor = practice.conductor(recorder=recorder)
    for place, right in enumerate(ORDER):
        said, called = len(recorder.events), len(practice.world.calls)
        for order in (other for other in OTHERS if other[:place] == ORDER[:place] and other[place] != right):
            with pytest.raises(Refused) as refused:
                await conductor.perform_stage(order[place])
            assert f"cannot begin before the checkpoint of stage {place + 1}" in refused.value.sentence
            tried.add(order)
        assert (len(recorder.events), len(practice.world.calls)) == (said, called)
        await conductor.perform_stage(right)
    assert tried == set(OTHERS)
    assert conductor.run.opened == ORDER


async def test_the_right_order_is_not_refused(practice: Practice) -> None:
    conductor = practice.conductor()
    for stage in ORDER:
        await conductor.perform_stage(stage)
    assert conductor.run.opened == ORDER


@pytest.mark.parametrize("stage", ORDER)
async def test_no_stage_is_done_a_second_time_without_going_back(practice: Practice, stage: str) -> None:
    conductor = practice.conductor()
    for each in ORDER[: ORDER.index(stage) + 1]:
        await conductor.perform_stage(each)
    with pytest.raises(Refused, match="going back to it needs a reason"):
        await conductor.perform_stage(stage)


async def test_a_stage_that_does_not_exist_is_nothing(practice: Practice) -> None:
    with pytest.raises(KeyError):
        await practice.conductor().perform_stage("shortcut")


async def test_the_closing_cannot_be_performed_as_a_stage(practice: Practice) -> None:
    with pytest.raises(Refused):
        await practice.conductor().perform_stage("closeout")
