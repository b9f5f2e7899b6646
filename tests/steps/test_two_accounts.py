"""A drill over two accounts: production's is read with a sign-in of its own, and nothing else is done there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook.config import Aws
from runbook.engine.run import Attempt, Run
from runbook.estate.memory import MemoryEstate, names
from runbook.estate.ports import BackupSource, Estate
from steps.facts import SignedInAs
from tests.support.practice import Practice

THEIRS = f"arn:aws:sts::{names.ACCOUNT}:assumed-role/runbook-reads-backups/cto"
PRODUCTION = Aws(
    account_id=names.ACCOUNT,
    region=names.REGION,
    endpoint="http://127.0.0.1:5001",
    identity_patterns=("arn:aws:sts::*:assumed-role/runbook-reads-backups/*",),
)


class TwoAccounts(MemoryEstate):
    """Whose backups are another estate's: its own account has none."""

    theirs: MemoryEstate

    def estate(self) -> Estate:
        them = self.theirs
        return replace(super().estate(), source=BackupSource(them.account, them.objects, them.keys, them.databases))


@pytest.fixture
def two(practice: Practice) -> Practice:
    world = TwoAccounts(practice.clock.now)
    world.theirs = MemoryEstate(practice.clock.now)
    world.theirs.account.caller = THEIRS
    world.objects._kept.clear()
    world.share_snapshots("444455556666")
    shared = {"source": "shared-copy", "source_account": "444455556666", "copy_kms_key": names.KMS_KEY}
    environment = world.environment()
    practice.world = world
    practice.environment = environment.model_copy(
        update={"source_aws": PRODUCTION, "database": environment.database.model_copy(update=shared)}
    )
    return practice


def theirs(practice: Practice) -> MemoryEstate:
    assert isinstance(practice.world, TwoAccounts)
    return practice.world.theirs


def last(run: Run, step: str) -> Attempt:
    found = run.last(step)
    assert found is not None
    return found


async def test_backups_are_read_there_and_nothing_is_changed_there(two: Practice) -> None:
    run = await two.walk()
    assert run.outcome == "PASS"
    assert theirs(two).calls == []
    assert last(run, "vault.backup").verdict == "PASS"


async def test_both_sign_ins_are_shown_and_ours_is_whom_the_record_names(two: Practice) -> None:
    run = await two.walk()
    seen = last(run, "identity.aws-account")
    assert f"backups are read, and only read, in account {names.ACCOUNT}, {THEIRS}" in seen.observed
    signed = run.fact(SignedInAs)
    assert signed is not None
    assert signed.arn == names.ARN


async def test_somebody_else_there_is_refused_before_anything_is_read(two: Practice) -> None:
    theirs(two).account.caller = f"arn:aws:sts::{names.ACCOUNT}:assumed-role/admin/cto"
    run = await two.walk()
    assert last(run, "identity.aws-account").verdict == "FAIL"
    assert run.outcome == "FAIL"
    assert two.world.calls == []


async def test_an_account_that_is_not_on_its_own_list_is_refused(two: Practice) -> None:
    other = PRODUCTION.model_copy(update={"account_id": "999988887777"})
    two.environment = two.environment.model_copy(update={"source_aws": other})
    assert last(await two.walk(), "identity.aws-account").verdict == "FAIL"


async def test_how_production_keeps_its_log_is_seen_there(two: Practice) -> None:
    theirs(two).databases.pitr = False
    run = await two.walk()
    assert "point-in-time recovery is off" in " ".join(finding.text for finding in run.findings)
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_each_right_is_asked_for_in_the_account_that_it_is_needed_in(two: Practice) -> None:
    two.world.account.denies = ("s3:GetObject", "kms:Decrypt")  # not needed there
    theirs(two).account.denies = ("rds:DeleteDBInstance", "rds:RestoreDBInstanceFromDBSnapshot")
    assert last(await two.walk(), "identity.aws-permissions").verdict == "PASS"


async def test_a_right_that_is_missing_there_is_named(two: Practice) -> None:
    theirs(two).account.denies = ("s3:GetObject",)
    seen = last(await two.walk(), "identity.aws-permissions")
    assert (seen.verdict, "NOT allowed: s3:GetObject" in seen.observed) == ("FAIL", True)
