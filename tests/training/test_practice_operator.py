"""Who answers in training: the practice operator's script, the faults that come along, and what is left of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.ports import Act, AskSecret, Choose, Decision, Gate, Option
from runbook.training.operators import Mishaps, PracticeOperator, WithFaults
from runbook.training.scenario import Answer, Fault
from runbook.training.spent import unspent
from tests.support.clock import START
from tests.support.practice import DECLARED, Practice
from tests.support.practice_estate import MemoryPracticeEstate
from tests.support.recorder import Killed

CHOOSE = Choose("database.choose", "Which?", ("id",), (Option("new", ("new",)), Option("old", ("old",))), "new")
GATE = Gate("vault", 2, "Vault", None, None, "", (Act.OPEN,), ())
LABELS = ("Amara Okafor (CTO)", "Bryn Hughes (COO)", "Chandra Nair (CEO)")


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def says(**answer: Any) -> Answer:
    return Answer.model_validate(answer)


def wrong_share() -> Answer:
    return says(at="vault.unseal", shares=["right", "right", "wrong"])


def right_shares() -> Answer:
    return says(at="vault.unseal", shares=["right", "right", "right"])


def operator(practice: Practice, *answers: Answer) -> PracticeOperator:
    return PracticeOperator(MemoryPracticeEstate(practice.world).as_client(), answers)


def trained(practice: Practice, *answers: Answer, faults: tuple[Fault, ...] = ()) -> WithFaults:
    estate = MemoryPracticeEstate(practice.world).as_client()
    return WithFaults(PracticeOperator(estate, answers), estate, Mishaps(estate, faults))


# -- the practice operator ----------------------------------------------------------------------------------------
async def test_without_a_script_a_calm_operator_walks_to_the_end(practice: Practice) -> None:
    run = await practice.walk(trained(practice))
    assert run.outcome == "PASS"


async def test_a_wrong_set_is_followed_by_the_right_one(practice: Practice) -> None:
    run = await practice.walk(trained(practice, wrong_share(), right_shares()))
    assert run.outcome == "PASS"
    assert len(practice.done("vault:Unseal")) == 3 + 6


async def test_a_right_set_that_is_refused_is_not_entered_for_ever(practice: Practice) -> None:
    practice.world.foreign_snapshot()
    run = await practice.walk(trained(practice))
    assert run.outcome == "INCONCLUSIVE"
    assert len(practice.done("vault:Unseal")) == 3 + 3


async def test_after_a_scripted_wrong_set_a_calm_operator_enters_the_right_one(practice: Practice) -> None:
    run = await practice.walk(trained(practice, wrong_share()))
    assert run.outcome == "PASS"


async def test_shares_that_a_former_process_entered_do_not_confuse_the_next(practice: Practice) -> None:
    answer = await operator(practice).secret(AskSecret("vault.unseal", "share", LABELS, entered=1, needed=3))
    assert answer.secret == practice.world.custodians()[LABELS[0]]


async def test_answers_for_one_place_are_used_in_their_order_and_then_calm_ones(practice: Practice) -> None:
    scripted = operator(practice, says(at="checkpoint vault", do="retry"), says(at="checkpoint vault", do="open"))
    decisions = [await scripted.gate(GATE) for _ in range(3)]
    assert decisions == [Decision(Act.RETRY), Decision(Act.OPEN), Decision(Act.OPEN)]


async def test_a_pick_is_a_number_from_1_with_its_reason(practice: Practice) -> None:
    scripted = operator(practice, says(at="database.choose", pick=2, reason="older"))
    first, second = await scripted.choose(CHOOSE), await scripted.choose(CHOOSE)
    assert (first.key, first.reason, second.key) == ("old", "older", "new")


async def test_a_shut_gate_is_a_reason_to_stop(practice: Practice) -> None:
    shut = Gate("vault", 2, "Vault", "stage 1 fell", None, "", (Act.OPEN,), ())
    assert await operator(practice).gate(shut) == Decision(Act.ABORT, "stage 1 fell")


# -- the faults ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["checkpoint database", "after database.content", "before database.restore"])
async def test_a_fault_happens_once_at_its_moment_and_is_found(practice: Practice, when: str) -> None:
    sealed = Fault(kind="vault-sealed", when=when)
    estate = MemoryPracticeEstate(practice.world)
    mishaps = Mishaps(estate.as_client(), (sealed,))
    conductor = practice.conductor(WithFaults(operator(practice), estate.as_client(), mishaps))
    conductor.subscribe(mishaps.hear)
    run = await conductor.declare(DECLARED)
    assert estate.faults == [("vault-sealed", {})]
    assert run.opened == ("identity", "vault")
    assert any("stage 2 (Encryption Vault) fell" in refusal for refusal in (*run.refusals, run.aborted or ""))


async def test_the_run_can_go_on_after_a_fault_when_the_script_goes_back(practice: Practice) -> None:
    sealed = Fault(kind="vault-sealed", when="checkpoint database")
    answers = (
        says(at="checkpoint database", do="open"),
        says(at="checkpoint database", do="back", to="vault.unseal", reason="the vault restarted"),
    )
    run = await practice.walk(trained(practice, *answers, faults=(sealed,)))
    assert run.outcome == "PASS"


# -- what is left after a kill ------------------------------------------------------------------------------------
def event(kind: Kind, stage: str, step: str | None = None, **data: Any) -> Event:
    return Event(1, START, 0, "boot", kind, stage, step, data)


FAULTS = [
    Fault(kind="x", when=when) for when in ("start", "before database.restore", "checkpoint vault", "opened vault")
]


def test_a_new_run_has_everything_before_it() -> None:
    answers, faults = unspent([wrong_share()], FAULTS, ())
    assert answers == [wrong_share()]
    assert [fault.when for fault in faults] == ["before database.restore", "checkpoint vault", "opened vault"]


def test_what_was_asked_and_what_happened_is_not_had_twice() -> None:
    again = says(at="checkpoint vault", do="retry")
    past = [
        event(Kind.ASKED, "vault", question="checkpoint"),
        event(Kind.ASKED, "database", "database.restore", question="confirm"),
    ]
    agreed = says(at="database.restore", agree=True)
    answers, faults = unspent([again, again, agreed], FAULTS, past)
    assert answers == [again]
    assert [fault.when for fault in faults] == ["opened vault"]


@pytest.mark.parametrize("room", [50, 53, 56, 60])
async def test_a_run_that_was_killed_among_the_shares_is_resumed_to_its_end(practice: Practice, room: int) -> None:
    killed = practice.recorder(room=room)
    with pytest.raises(Killed):
        await practice.walk(trained(practice, wrong_share(), right_shares()), killed)
    answers, _ = unspent([wrong_share(), right_shares()], (), killed.events)
    resumed = practice.conductor(trained(practice, *answers), practice.recorder(killed.events))
    assert (await resumed.resume(by="test")).outcome == "PASS"
