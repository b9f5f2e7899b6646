"""A rehearsal, whole, over the estate in memory: nobody is present, and nothing is stated in anybody's name."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.events import Kind
from runbook.engine.run import Run
from runbook.plain.nobody import Nobody
from steps import PROCEDURE
from steps.facts import SignedInAs
from tests.support.practice import DECLARED, Practice
from tests.support.recorder import MemoryRecorder

REHEARSAL = {**DECLARED, "run_id": "rehearsal-20270115T100000Z-0001", "mode": "rehearsal"}
ALLOWED = "A. Okafor (CTO), 2027-01-02"


@pytest.fixture
def unsealing(practice: Practice) -> Practice:
    """A vault that unseals itself, and somebody who allowed to go without a second factor."""
    practice.world.sealed_by_kms()
    practice.rehearsal_exception = ALLOWED
    return practice


async def rehearsed(practice: Practice, recorder: MemoryRecorder | None = None, **more: Any) -> Run:
    return await practice.walk(Nobody(), recorder, declared=REHEARSAL, **more)


async def test_it_goes_through_to_the_end_and_says_what_nobody_could_do(unsealing: Practice) -> None:
    recorder = unsealing.recorder()
    run = await rehearsed(unsealing, recorder)
    assert run.opened == tuple(stage.id for stage in PROCEDURE.stages)
    assert run.outcome == "PASS_WITH_ISSUES"
    assert {event.data["by"] for event in recorder.of(Kind.CHECKPOINT)} == {"unattended"}
    for step in ("identity.aws-mfa", "identity.contacts"):
        last = run.last(step)
        assert last is not None
        assert (last.verdict, "no person present" in last.observed) == ("NOT_NEEDED", True)


async def test_nothing_is_attested(unsealing: Practice) -> None:
    run = await rehearsed(unsealing)
    assert not [attempt.step for attempt in run.attempts if attempt.verdict == "ATTESTED"]


async def test_mfa_is_no_and_who_allowed_that_is_an_exception(unsealing: Practice) -> None:
    run = await rehearsed(unsealing)
    signed = run.fact(SignedInAs)
    assert signed is not None
    assert signed.mfa == "NO"
    (exception,) = run.exceptions
    assert (exception["what"], exception["who"]) == ("identity.aws-mfa", ALLOWED)


async def test_what_only_hands_can_remove_is_left_and_is_a_finding_with_owner_and_date(unsealing: Practice) -> None:
    run = await rehearsed(unsealing)
    assert [entry.kind for entry in run.open_ledger] == ["vault:data"]
    (finding,) = run.findings
    assert "was not removed" in finding.text
    assert (finding.owner, finding.due) == ("tester", "2027-02-14")


async def test_without_anybody_who_allowed_it_it_ends_before_anything_is_changed(practice: Practice) -> None:
    practice.world.sealed_by_kms()
    run = await rehearsed(practice)
    assert run.outcome == "INCONCLUSIVE"
    assert run.attempts[2].step == "identity.aws-mfa"
    assert (practice.world.calls, run.ledger) == ([], ())
    assert "policy_exception" in run.attempts[2].fix


async def test_a_vault_that_people_open_ends_it_there_without_a_verdict(practice: Practice) -> None:
    practice.rehearsal_exception = ALLOWED
    run = await rehearsed(practice)
    last = run.last("vault.unseal")
    assert last is not None
    assert last.verdict == "INCONCLUSIVE"
    assert run.outcome == "INCONCLUSIVE"


async def test_a_rule_that_somebody_would_have_to_attest_is_no_measurement(unsealing: Practice) -> None:
    vault = unsealing.environment.vault.model_copy(update={"egress_probe": None, "egress_rule": "sg-1: no egress"})
    unsealing.environment = unsealing.environment.model_copy(update={"vault": vault})
    run = await rehearsed(unsealing)
    last = run.last("vault.egress")
    assert last is not None
    assert (last.verdict, run.outcome) == ("INCONCLUSIVE", "INCONCLUSIVE")
    assert "vault:Initialise" not in [operation for operation, _ in unsealing.world.calls]


async def test_a_failure_is_never_attested_and_ends_it(unsealing: Practice) -> None:
    unsealing.world.take_down("registry")
    run = await rehearsed(unsealing)
    assert run.outcome == "INCONCLUSIVE"
    assert run.aborted is not None
    assert run.aborted.startswith("nobody present")
    assert [exception["what"] for exception in run.exceptions] == ["identity.aws-mfa"]


async def test_a_session_of_identity_center_that_is_over_is_not_signed_in_again_by_nobody(unsealing: Practice) -> None:
    unsealing.world.account.way = "sso"
    unsealing.world.account.logged_in = False
    run = await rehearsed(unsealing)
    assert run.outcome == "INCONCLUSIVE"
    assert unsealing.world.calls == []


async def test_nobody_types_no_name_of_production() -> None:
    from runbook.engine.ports import TypeName

    ask = TypeName("database.restore", "Clinic")
    assert await Nobody().type_name(ask) == "Clinic"
    assert await Nobody(typing=False).type_name(ask) == ""


def test_an_exception_is_written_down_once_however_often_its_step_is_tried(practice: Practice) -> None:
    desk = practice.here(REHEARSAL).desk
    for _ in range(3):
        desk.excepted(why="no second factor", who=ALLOWED)
    desk.excepted(why="another reason", who=ALLOWED)
    assert [exception["why"] for exception in desk.run.exceptions] == ["no second factor", "another reason"]
