"""A recovery, whole, over the estate in memory: what it restores is the platform from then on."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.config import Targets
from runbook.engine.conductor import settled
from runbook.engine.outcome import stage_result
from runbook.engine.performer import Performer
from runbook.engine.ports import Act, Decision
from runbook.engine.run import Attempt, Run
from runbook.engine.scribe import Scribe
from steps import PROCEDURE
from steps.handing_over import KEEPS
from steps.here import Here
from tests.support.operator import ScriptedOperator, abort
from tests.support.practice import DECLARED, Practice
from tests.support.recorder import MemoryRecorder

RECOVERY = {
    **DECLARED,
    "run_id": "recovery-20270115T100000Z-0001",
    "mode": "recovery",
    "class": "LOSS",
    "incident_at": "2027-01-15T09:30:00Z",
}
NAME = "Clinic"
COPY = "rt-recovery-20270115t100000z-0001"
KEPT = {"vault:data", "rds:instance", "northflank:secret-group", "cloudflare:record"}
ACCEPT = Decision(Act.ACCEPT)
ACCEPTED = {"why": "the bookings of one night are lost", "second": "B. Hughes, COO"}


async def recovered(
    practice: Practice,
    operator: ScriptedOperator | None = None,
    recorder: MemoryRecorder | None = None,
    *,
    targets: Targets | None = None,
    **declared: Any,
) -> Run:
    return await practice.walk(
        operator, recorder, declared={**RECOVERY, **declared}, typed_target=NAME, accepts=True, targets=targets
    )


def last(run: Run, step: str) -> Attempt:
    found = run.last(step)
    assert found is not None
    return found


# -- to the end ---------------------------------------------------------------------------------------------------
async def test_it_ends_passed_and_everything_that_serves_is_kept(practice: Practice) -> None:
    run = await recovered(practice)
    assert run.outcome == "PASS"
    assert [stage_result(run, stage) for stage in PROCEDURE.stages] == ["PASS"] * 5
    assert run.open_ledger == ()
    assert {entry.kind for entry in run.ledger if entry.kept} == KEPT
    assert {entry.kind for entry in run.ledger if entry.destroyed} == {"file:archive", "vault:token"}
    assert "6 handed over with the platform" in last(run, "closeout.cleanup").observed


async def test_the_world_is_left_restored(practice: Practice) -> None:
    world = practice.world
    await recovered(practice)
    assert list(world.databases.copies) == [COPY]
    assert world.server.cluster is not None
    assert [path for path in practice.folder.rglob("*") if path.is_file()] == []
    wanted = {hostname.name: hostname.content for hostname in practice.environment.connectivity.hostnames}
    records = {record.name: record.content for record in world.edge.zone_records.values() if record.name in wanted}
    assert records == wanted
    for group in practice.environment.application.secret_groups:
        held = await world.platform.secret_group(practice.environment.application.project, group)
        assert any(COPY in value.reveal() for value in held.values())


async def test_it_deletes_no_database_and_no_snapshot(practice: Practice) -> None:
    await recovered(practice)
    assert practice.done("rds:DeleteDBInstance") == practice.done("rds:DeleteDBSnapshot") == []


async def test_what_is_restored_is_lasting(practice: Practice) -> None:
    kept = {"deletion_protection": True, "multi_az": True, "retention_days": 30}
    database = practice.environment.database.model_copy(update=kept)
    practice.environment = practice.environment.model_copy(update={"database": database})
    await recovered(practice)
    spec = practice.world.databases.copies[COPY].spec
    assert (spec.deletion_protection, spec.multi_az, spec.retention_days, spec.public) == (True, True, 30, False)
    assert "runbook:destroy-after" not in spec.tags


async def test_production_is_typed_before_every_action_that_asks(practice: Practice) -> None:
    operator = practice.operator()
    await recovered(practice, operator)
    agreed = [place.partition(" ")[2] for place, ask in operator.asked if place.startswith("confirm ")]
    typed = [place.partition(" ")[2] for place, ask in operator.asked if place.startswith("type ")]
    optional = [ask.step for place, ask in operator.asked if place.startswith("confirm ") and ask.optional]
    assert typed == [step for step in agreed if step not in optional]
    assert {ask.expected for place, ask in operator.asked if place.startswith("type ")} == {NAME}
    assert "identity.preserve" in typed
    assert "closeout.cleanup" in typed


@pytest.mark.parametrize("typed", ["clinic", "Clinic ", "Cl\u0456nic", "Clinic\n"])
async def test_a_name_that_is_not_exact_changes_nothing(practice: Practice, typed: str) -> None:
    operator = practice.operator({"type identity.preserve": [typed] * 3})
    run = await recovered(practice, operator)
    assert last(run, "identity.preserve").declined
    assert practice.world.calls == []


async def test_the_newest_snapshot_is_preserved_and_stays(practice: Practice) -> None:
    run = await recovered(practice)
    (kept,) = practice.world.databases.kept
    assert last(run, "identity.preserve").observed.startswith(kept)


async def test_what_only_a_drill_has_is_not_needed_and_what_only_a_recovery_has_is_stated(practice: Practice) -> None:
    run = await recovered(practice)
    for step in ("database.password", "database.quiet", "application.quiet", "connectivity.credentials"):
        assert last(run, step).verdict == "NOT_NEEDED", step
    for step in ("identity.fence", "application.erasures", "closeout.loss"):
        assert (last(run, step).kind, last(run, step).verdict) == ("attestation", "ATTESTED"), step


async def test_the_preview_of_the_cleanup_says_what_stays(practice: Practice) -> None:
    operator = practice.operator()
    await recovered(practice, operator)
    (asked,) = operator.questions("confirm closeout.cleanup")
    assert "(2 entries), and see that it is gone; 6 stay" in asked.preview.what
    assert sum(call.startswith("stays: ") for call in asked.preview.calls) == 6


# -- the incident -------------------------------------------------------------------------------------------------
async def test_a_compromise_with_an_accepted_loss_and_an_unknown_time(practice: Practice) -> None:
    practice.world.change_row()
    operator = practice.operator(
        {
            "decide database.content": [ACCEPT],
            "fill database.content": [ACCEPTED],
            "attest connectivity.credentials": ["all on 2027-01-15, except the SMTP password"],
        }
    )
    targets = Targets(rto_s=4 * 3600, rpo_s=24 * 3600)
    declared: dict[str, Any] = {"class": "COMPROMISE", "incident_at": ""}
    run = await recovered(practice, operator, targets=targets, **declared)
    assert run.outcome == "PASS_WITH_ISSUES"
    assert last(run, "database.content").verdict == "FAIL"
    results = {stage.id: stage_result(run, stage) for stage in PROCEDURE.stages}
    assert results == {
        "identity": "PASS",
        "vault": "PASS",
        "database": "ACCEPTED",
        "application": "PASS",
        "connectivity": "PASS",
    }
    (exception,) = run.exceptions
    assert (exception["what"], exception["second"], exception["accepted"]) == (
        "database.content",
        "B. Hughes, COO",
        True,
    )
    assert [finding.text for finding in run.findings] == ["older than the incident and not rotated: the SMTP password"]
    assert "when the incident began is not known" in last(run, "closeout.loss").observed
    assert {entry.kind for entry in run.ledger if entry.kept} == KEPT


async def test_backups_are_judged_against_the_time_of_the_incident(practice: Practice) -> None:
    practice.world.stale_backup(72.0)
    run = await recovered(practice, incident_at="2027-01-12T10:00:00Z")
    assert not [finding for finding in run.findings if "old" in finding.text]


async def test_a_backup_that_was_old_when_it_happened_is_a_finding(practice: Practice) -> None:
    practice.world.stale_backup(72.0)
    run = await recovered(practice, incident_at="2027-01-15T09:00:00Z")
    assert "the newest vault backup is 2 d 23 h old at the incident" in [finding.text for finding in run.findings]


async def test_recovery_time_counts_from_the_incident(practice: Practice) -> None:
    run = await recovered(practice, targets=Targets(rto_s=1200))
    assert [finding.text.partition(":")[0] for finding in run.findings] == ["RTO missed"]


# -- ended early --------------------------------------------------------------------------------------------------
async def test_doors_that_were_not_proven_are_closed_again_at_the_end(practice: Practice) -> None:
    world = practice.world
    before = dict(world.edge.zone_records)
    run = await recovered(practice, practice.operator({"gate connectivity": [abort("not tonight")]}))
    assert run.outcome == "ABORTED"
    assert dict(world.edge.zone_records) == before
    assert {entry.kind for entry in run.ledger if entry.kept} == KEPT - {"cloudflare:record"}
    assert list(world.databases.copies) == [COPY]


async def test_the_doors_can_be_closed_in_mid_run(practice: Practice) -> None:
    recorder = practice.recorder()
    close = Decision(Act.CLOSE)
    run = await recovered(practice, practice.operator({"gate connectivity": [close]}), recorder)
    assert run.outcome == "PASS"
    names = len(practice.environment.connectivity.hostnames)
    assert len(practice.done("cloudflare:SetRecord")) == 3 * names  # opened, closed, opened


async def test_a_target_that_was_only_initialised_is_wiped(practice: Practice) -> None:
    practice.world.take_down("registry")
    run = await recovered(practice, practice.operator({"confirm vault.restore": [False]}))
    assert run.outcome == "ABORTED"
    assert practice.world.server.cluster is None
    assert [entry.kind for entry in run.ledger if entry.kept] == []


def test_what_is_handed_over_is_said_in_one_place() -> None:
    by_stage = {step.id: step.keeps for step in PROCEDURE.steps() if hasattr(step, "keeps")}
    for step, keeps in by_stage.items():
        assert (step in KEEPS) == (keeps.__module__ == "steps.handing_over"), step
        assert step not in KEEPS or keeps is KEEPS[step], step


async def test_the_right_to_delete_a_database_is_not_asked_for(practice: Practice) -> None:
    practice.world.account.denies = ("rds:DeleteDBInstance",)
    assert (await recovered(practice)).outcome == "PASS"


async def test_who_does_not_agree_to_the_cleanup_puts_nothing_of_the_platform_at_risk(practice: Practice) -> None:
    recorder = practice.recorder()
    run = await recovered(practice, practice.operator({"confirm closeout.cleanup": [False]}), recorder)
    assert len(run.open_ledger) == 8
    before = dict(practice.world.edge.zone_records)
    scribe, here_for = Scribe(practice.recorder(), recorder.events), practice._lender(Targets())
    performer: Performer[Here] = Performer(
        PROCEDURE,
        scribe=scribe,
        operator=practice.operator(),
        clock=practice.clock,
        here_for=here_for,
        typed_target=None,
        guard=lambda _: None,
        settle=settled,
    )
    seen = await performer.undo(run.open_ledger, stage="closeout", step="closeout.cleanup")  # as a later start does
    assert seen.verdict == "PASS"
    assert {entry.kind for entry in scribe.run.ledger if entry.kept} == KEPT
    assert dict(practice.world.edge.zone_records) == before
    assert practice.world.server.cluster is not None
    assert list(practice.world.databases.copies) == [COPY]
