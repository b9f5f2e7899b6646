"""The closing: owners and dates for findings, what a recovery lost and who was told, and what cannot be undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Finding
from runbook.estate.memory import names
from steps.here import EarlierRun
from tests.support.operator import RETRY, abort, back
from tests.support.practice import DECLARED, Practice

DRILL = {**DECLARED, "run_id": "drill-20270115T100000Z-0001", "mode": "drill"}
RECOVERY = {
    **DECLARED,
    "run_id": "recovery-20270115T100000Z-0001",
    "mode": "recovery",
    "class": "LOSS",
    "incident_at": "2027-01-15T09:30:00Z",
}
TOLD = {
    "clinical_safety_officer": "D. Singh, 2027-01-15T09:50:00Z",
    "customers": "all of them by mail, 2027-01-15T09:55Z",
    "ico": "case IC-1, 2027-01-15T09:59:00Z",
    "dspt": "not needed: no NHS system is affected",
}
EARLIER = "drill-20261015T100000Z-0009"


def last(run: Run, step: str) -> Attempt:
    found = run.last(step)
    assert found is not None
    return found


def with_findings(practice: Practice, *findings: Finding) -> None:
    ended = practice.clock.now() - timedelta(days=90)
    practice.history = (EarlierRun(EARLIER, ended, (), findings=findings),)


# -- findings -----------------------------------------------------------------------------------------------------
async def test_every_finding_gets_an_owner_and_a_date_which_are_offered(practice: Practice) -> None:
    practice.world.stale_backup()
    operator = practice.operator()
    run = await practice.walk(operator, declared=DRILL)
    (asked,) = operator.questions("fill closeout.findings")
    assert [field.default for field in asked.fields] == ["tester, 2027-02-14"]
    (finding,) = run.findings
    assert (finding.owner, finding.due) == ("tester", "2027-02-14")
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_what_is_entered_is_recorded_and_the_finding_stays_one(practice: Practice) -> None:
    practice.world.stale_backup()
    entered = {"finding-1": "E. Jones, the backup job, 2027-01-20"}
    run = await practice.walk(practice.operator({"fill closeout.findings": [entered]}), declared=DRILL)
    (finding,) = run.findings
    assert (finding.owner, finding.due) == ("E. Jones, the backup job", "2027-01-20")


async def test_who_withdraws_leaves_the_defaults(practice: Practice) -> None:
    practice.world.stale_backup()
    run = await practice.walk(practice.operator({"fill closeout.findings": [None]}), declared=DRILL)
    assert (run.findings[0].owner, run.findings[0].due) == ("tester", "2027-02-14")
    assert last(run, "closeout.findings").source == "the defaults: nothing was entered"


@pytest.mark.parametrize("text", ["", "E. Jones", "E. Jones, soon", ", 2027-01-20", "2027-01-20", "closed"])
async def test_a_name_and_a_date_are_needed(practice: Practice, text: str) -> None:
    practice.world.stale_backup()
    operator = practice.operator()
    await practice.walk(operator, declared=DRILL)
    (asked,) = operator.questions("fill closeout.findings")
    assert asked.fields[0].wrong(text)


async def test_without_a_finding_nothing_is_asked(practice: Practice) -> None:
    operator = practice.operator()
    run = await practice.walk(operator, declared=DRILL)
    assert last(run, "closeout.findings").verdict == "NOT_NEEDED"
    assert operator.questions("fill closeout.findings") == []
    assert run.outcome == "PASS"


async def test_what_the_last_run_left_open_is_shown_at_the_start_and_carried(practice: Practice) -> None:
    with_findings(practice, Finding("the bucket keeps no versions", "minor", "E. Jones", "2026-11-14"))
    run = await practice.walk(declared=DRILL)
    shown = last(run, "identity.tool").observed
    assert "1 finding of the last run still open: the bucket keeps no versions (E. Jones, due 2026-11-14)" in shown
    assert run.findings == (
        Finding(f"still open since {EARLIER}: the bucket keeps no versions", "minor", "E. Jones", "2026-11-14"),
    )
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_one_that_was_carried_before_keeps_the_run_that_found_it(practice: Practice) -> None:
    text = "still open since drill-20260715T100000Z-0003: the bucket keeps no versions"
    with_findings(practice, Finding(text, "minor", "E. Jones", "2026-11-14"))
    run = await practice.walk(declared=DRILL)
    assert [finding.text for finding in run.findings] == [text]


async def test_one_that_was_seen_to_can_be_closed(practice: Practice) -> None:
    with_findings(practice, Finding("the bucket keeps no versions"))
    run = await practice.walk(practice.operator({"fill closeout.findings": [{"finding-1": "Closed"}]}), declared=DRILL)
    assert run.findings == ()
    assert run.outcome == "PASS"
    assert "1 of earlier runs closed" in last(run, "closeout.findings").observed


async def test_training_carries_nothing_and_asks_nothing(practice: Practice) -> None:
    with_findings(practice, Finding("the bucket keeps no versions"))
    operator = practice.operator()
    run = await practice.walk(operator)
    assert run.findings == ()
    assert operator.questions("fill closeout.findings") == []


@pytest.mark.parametrize("stage", ["identity", "vault", "database", "application", "connectivity"])
async def test_who_aborts_at_a_checkpoint_leaves_nothing(practice: Practice, stage: str) -> None:
    run = await practice.walk(practice.operator({f"gate {stage}": [abort("enough for today")]}), declared=DRILL)
    assert (run.outcome, run.aborted) == ("ABORTED", "enough for today")
    assert (run.open_ledger, run.findings) == ((), ())
    assert practice.world.databases.copies == {}


# -- in which order -----------------------------------------------------------------------------------------------
async def test_a_switch_that_was_found_late_is_put_back_after_the_group_that_leads_to_the_copy(
    practice: Practice,
) -> None:
    application = practice.environment.application
    assert application.outbound != "none"
    late, *known = application.outbound

    def with_switches(switches: Any) -> None:
        changed = application.model_copy(update={"outbound": tuple(switches)})
        practice.environment = practice.environment.model_copy(update={"application": changed})

    def all_of_them(_: object) -> Any:
        with_switches((late, *known))
        return back("application")

    with_switches(known)
    run = await practice.walk(practice.operator({"gate application": [all_of_them]}), declared=DRILL)
    kinds = [entry.kind for entry in run.ledger]
    assert kinds.index("northflank:secret-group") < len(kinds) - 1 - kinds[::-1].index("northflank:outbound-switches")
    assert (run.open_ledger, run.findings, run.outcome) == ((), (), "PASS")


# -- what was lost ------------------------------------------------------------------------------------------------
async def recovered(practice: Practice, answers: Any, **declared: Any) -> Run:
    operator = practice.operator({"fill closeout.loss": [answers]})
    return await practice.walk(operator, declared={**RECOVERY, **declared})


async def test_the_window_the_clock_and_who_was_told_are_stated(practice: Practice) -> None:
    run = await recovered(practice, TOLD)
    loss = last(run, "closeout.loss")
    assert (loss.kind, loss.verdict) == ("attestation", "ATTESTED")
    assert "everything written from 2027-01-15T08:45:00Z to 2027-01-15T09:30:00Z (45 min) is lost" in loss.observed
    assert "aware since 2027-01-15T09:30:00Z; the 72 hours end 2027-01-18T09:30:00Z: 2 d 23 h left" in loss.observed
    assert "the ICO: case IC-1, 2027-01-15T09:59:00Z" in loss.observed
    assert run.findings == ()


async def test_an_unknown_time_counts_from_the_declaration(practice: Practice) -> None:
    loss = last(await recovered(practice, TOLD, incident_at=""), "closeout.loss")
    assert "when the incident began is not known" in loss.observed
    assert "the 72 hours end 2027-01-18T10:00:00Z" in loss.observed


async def test_a_clock_that_has_run_out_says_so(practice: Practice) -> None:
    loss = last(await recovered(practice, TOLD, incident_at="2027-01-10T09:30:00Z"), "closeout.loss")
    assert "the 72 hours end 2027-01-13T09:30:00Z: over since 2 d 0 h" in loss.observed
    assert "nothing written before the incident" in loss.observed


async def test_who_was_not_told_is_a_finding_each(practice: Practice) -> None:
    run = await recovered(practice, {**TOLD, "ico": "", "customers": ""})
    assert [(finding.text, finding.severity) for finding in run.findings] == [
        ("the customers not told of the loss yet", "major"),
        ("the ICO not told of the loss yet (the 72 hours end 2027-01-18T09:30:00Z)", "major"),
    ]
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_who_withdraws_has_told_nobody(practice: Practice) -> None:
    run = await recovered(practice, None)
    assert last(run, "closeout.loss").verdict == "INCONCLUSIVE"
    assert len(run.findings) == 4


@pytest.mark.parametrize(
    "text",
    [
        "D. Singh",
        "2027-01-15T09:50Z",
        "D. Singh, today",
        "D. Singh, 2027-01-15T09:50",
        "not needed:",
        "x, 2999-01-01T00:00Z",
    ],
)
async def test_a_name_and_a_time_are_needed_or_a_reason(practice: Practice, text: str) -> None:
    operator = practice.operator()
    await practice.walk(operator, declared=RECOVERY)
    (asked,) = operator.questions("fill closeout.loss")
    assert all(field.wrong(text) for field in asked.fields)
    assert not any(field.wrong(TOLD[field.key]) for field in asked.fields)


async def test_a_drill_loses_nothing(practice: Practice) -> None:
    assert last(await practice.walk(declared=DRILL), "closeout.loss").verdict == "NOT_NEEDED"


# -- what cannot be undone ----------------------------------------------------------------------------------------
async def test_a_copy_that_is_protected_against_deletion_is_an_open_finding(practice: Practice) -> None:
    practice.world.cleanup_refused()
    run = await practice.walk(declared=DRILL)
    assert [entry.kind for entry in run.open_ledger] == ["rds:instance"]
    (finding,) = run.findings
    assert (finding.severity, "protected" in finding.text) == ("major", True)
    assert run.outcome == "PASS_WITH_ISSUES"
    assert last(run, "closeout.cleanup").verdict == "FAIL"


async def test_once_the_protection_is_off_trying_again_removes_it(practice: Practice) -> None:
    practice.world.cleanup_refused()

    def unprotect(_: object) -> Any:
        practice.world.databases.refuse_deletion = False
        return RETRY

    run = await practice.walk(practice.operator({"decide closeout.cleanup": [unprotect]}), declared=DRILL)
    assert (run.open_ledger, run.findings, run.outcome) == ((), (), "PASS")


async def test_automated_backups_that_stay_behind_are_named(practice: Practice) -> None:
    practice.world.databases.keep_backups = True
    run = await practice.walk(declared=DRILL)
    (finding,) = run.findings
    assert "automated backups of rt-drill-20270115t100000z-0001" in finding.text
    assert run.outcome == "PASS_WITH_ISSUES"


@pytest.mark.parametrize("tags", [{}, {"runbook:run": "another"}, {"environment": "production"}])
async def test_a_snapshot_that_lost_our_tag_is_not_deleted(practice: Practice, tags: dict[str, str]) -> None:
    practice.world.share_snapshots("444455556666")
    other = {"source": "shared-copy", "source_account": "444455556666", "copy_kms_key": names.KMS_KEY}
    database = practice.environment.database.model_copy(update=other)
    practice.environment = practice.environment.model_copy(update={"database": database})

    def retag(_: object) -> bool:
        for kept in practice.world.databases.backups.kept.values():
            kept.tags = dict(tags)
        return True

    run = await practice.walk(practice.operator({"confirm closeout.cleanup": [retag]}), declared=DRILL)
    assert practice.done("rds:DeleteDBSnapshot") == []
    assert "does not carry this run's tag: it is not deleted" in run.findings[-1].text
