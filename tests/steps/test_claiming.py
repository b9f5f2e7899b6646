"""One run per environment on two machines: reserved once it is known who we are, taken over by an explicit act only."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.commands.machine import LocalHouse
from runbook.engine.errors import Refused
from runbook.engine.run import Attempt, Run
from steps.here import TakeOver
from tests.support.practice import Practice

THEIRS = "drill-20270115T080000Z-00aa"
HELD = f"{THEIRS} holds the environment, last seen 3 min ago on laptop-2."
STEP = "identity.aws-account"


class Claimed(LocalHouse):
    """A house whose environment another machine's run holds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "the test's own")
        self.taken: list[bool] = []

    async def claim(self, take_over: TakeOver) -> str:
        self.taken.append(await take_over(THEIRS, HELD))
        if not self.taken[-1]:
            raise Refused(f"{THEIRS} holds this environment", fix="Wait for it, or take it over.")
        return f"locked for this run, taken over from {THEIRS}"


@pytest.fixture
def held(practice: Practice, tmp_path: Path) -> Practice:
    practice.house = Claimed(tmp_path)
    return practice


def at_account(run: Run) -> Attempt:
    last = run.last(STEP)
    assert last is not None
    return last


async def test_it_is_said_whether_another_machine_would_know(practice: Practice) -> None:
    run = await practice.walk()
    assert "no evidence bucket is configured" in at_account(run).observed


async def test_who_types_the_other_runs_id_takes_it_over(held: Practice) -> None:
    operator = held.operator({f"confirm {STEP}": [True]})
    run = await held.walk(operator)
    (asked,) = operator.questions(f"confirm {STEP}")
    assert HELD in asked.preview.what
    assert [ask.expected for ask in operator.questions(f"type {STEP}")] == [THEIRS]
    assert "taken over" in at_account(run).observed
    assert run.outcome == "PASS"


@pytest.mark.parametrize("typed", [THEIRS.upper(), f"{THEIRS} ", f"{THEIRS}\n", "", "drill-20270115T080000Z-00ab"])
async def test_anything_else_takes_nothing_over(held: Practice, typed: str) -> None:
    run = await held.walk(held.operator({f"confirm {STEP}": [True], f"type {STEP}": [typed]}))
    assert at_account(run).verdict == "FAIL"
    assert "refused by a safety rule" in at_account(run).observed
    assert held.world.calls == []


async def test_who_says_nothing_leaves_it_to_the_other_run(held: Practice) -> None:
    operator = held.operator()
    run = await held.walk(operator)
    assert operator.questions(f"type {STEP}") == []
    assert at_account(run).verdict == "FAIL"


async def test_an_account_that_is_not_ours_is_never_claimed(held: Practice) -> None:
    held.world.account.caller = "arn:aws:sts::111122223333:assumed-role/somebody/else"
    await held.walk()
    assert isinstance(held.house, Claimed)
    assert held.house.taken == []
