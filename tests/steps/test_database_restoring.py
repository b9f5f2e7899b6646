"""From the ground that the copy stands on until the provider's side of it is as it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.engine.events import Kind
from runbook.engine.ports import Choice
from runbook.engine.run import Run
from runbook.engine.verdict import Verdict
from runbook.estate.memory.copies import Copy
from runbook.estate.memory.names import KMS_KEY
from runbook.estate.ports import FromSnapshot, Ground, Instance, RestoreSpec, SecurityGroup
from steps.database.statuses import FAILING
from steps.facts import SnapshotChosen, SnapshotCopied
from steps.here import iso
from tests.support.operator import OPEN, RETRY, back
from tests.support.practice import DECLARED, Practice
from tests.support.recorder import Killed

Patch = pytest.MonkeyPatch
COPY = f"rt-{DECLARED['run_id']}".lower()


async def told(practice: Practice, step: str, verdict: Verdict = Verdict.FAIL) -> str:
    last = (await practice.walk()).last(step)
    assert last is not None
    assert last.verdict is verdict, last
    return last.observed


def described(practice: Practice, monkeypatch: Patch, change: Callable[[Instance], Instance]) -> None:
    """The provider describes the copy otherwise, once it is available."""
    ask = practice.world.databases.instance

    async def otherwise(instance: str) -> Instance | None:
        found = await ask(instance)
        return change(found) if found and found.id == COPY and found.status == "available" else found

    monkeypatch.setattr(practice.world.databases, "instance", otherwise)


def standing_on(practice: Practice, monkeypatch: Patch, **other: Any) -> None:
    ask = practice.world.databases.ground

    async def ground(**wanted: Any) -> Ground:
        return replace(await ask(**wanted), **other)

    monkeypatch.setattr(practice.world.databases, "ground", ground)


# -- preconditions ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"subnet_group": ""}, "subnet group clinic-drill is not there"),
        ({"security_groups": ()}, "security group sg-0a1b2c3d4e5f60718 is not there"),
        ({"security_groups": (SecurityGroup("sg-0a1b2c3d4e5f60718", "vpc-other", ()),)}, "is in vpc-other"),
        ({"parameter_family": None}, "parameter group clinic-drill is not there"),
        ({"parameter_family": "mysql8.4"}, "is for mysql8.4, not postgres"),
        ({"instances": (40, 40)}, "40 of 40 instances are used"),
        ({"storage_gib": (90, 100)}, "no room for 100 GiB"),
        ({"parameters": {"shared_preload_libraries": "pg_cron", "max_logical_replication_workers": "0"}}, "pg_cron"),
        ({"parameters": {}}, "max_logical_replication_workers = 0"),
    ],
)
async def test_what_is_missing_is_named_before_anything_is_made(
    practice: Practice, monkeypatch: Patch, other: dict[str, Any], sentence: str
) -> None:
    standing_on(practice, monkeypatch, **other)
    assert sentence in await told(practice, "database.preconditions")
    assert practice.done("rds:RestoreDBInstanceFromDBSnapshot") == []


async def test_a_way_out_of_the_copy_shuts_a_drill(practice: Practice, monkeypatch: Patch) -> None:
    group = practice.environment.database.security_groups[0]
    vpc = (await practice.world.databases.ground(
        subnet_group="s", security_groups=(group,), parameter_group="p", parameters=()
    )).vpc  # fmt: skip
    standing_on(practice, monkeypatch, security_groups=(SecurityGroup(group, vpc, ("all to 0.0.0.0/0",)),))
    assert "lets the copy out: all to 0.0.0.0/0" in await told(practice, "database.preconditions")


async def test_quotas_that_cannot_be_read_are_said_and_shut_nothing(practice: Practice, monkeypatch: Patch) -> None:
    standing_on(practice, monkeypatch, instances=None, storage_gib=None)
    run = await practice.walk()
    last = run.last("database.preconditions")
    assert last is not None
    assert "quota not read" in last.observed
    assert run.outcome == "PASS"


async def test_an_instance_of_our_name_without_our_tag_is_neither_adopted_nor_deleted(practice: Practice) -> None:
    theirs = RestoreSpec(
        instance=COPY,
        origin=FromSnapshot("x"),
        instance_class="c",
        subnet_group="s",
        security_groups=(),
        parameter_group="p",
        multi_az=False,
        deletion_protection=False,
        retention_days=0,
        tags={"runbook:run": "another"},
    )
    practice.world.databases.copies[COPY] = Copy(theirs, practice.clock.now(), 55432, "available")
    assert "does not carry this run's tag" in await told(practice, "database.preconditions")
    assert COPY in practice.world.databases.copies
    assert practice.done("rds:DeleteDBInstance") == []


async def test_what_lost_our_tag_since_is_not_deleted_and_is_named_as_left(practice: Practice) -> None:
    def retagged(_: object) -> bool:
        copy = practice.world.databases.copies[COPY]
        copy.spec = replace(copy.spec, tags={"runbook:run": "another"})
        return True

    run = await practice.walk(practice.operator({"confirm closeout.cleanup": [retagged]}))
    assert practice.done("rds:DeleteDBInstance") == []
    assert "does not carry this run's tag: it is not deleted" in run.findings[-1].text
    assert run.outcome == "PASS_WITH_ISSUES"


# -- a snapshot that another account shares -----------------------------------------------------------------------
def shared(practice: Practice) -> None:
    account = "444455556666"
    practice.world.share_snapshots(account)
    other = {"source": "shared-copy", "source_account": account, "copy_kms_key": KMS_KEY}
    database = practice.environment.database.model_copy(update=other)
    practice.environment = practice.environment.model_copy(update={"database": database})


async def test_a_shared_snapshot_is_copied_restored_from_the_copy_and_forgotten(practice: Practice) -> None:
    shared(practice)
    run = await practice.walk()
    copied = run.fact(SnapshotCopied)
    assert copied is not None
    assert copied.source.startswith("arn:aws:rds:")
    assert practice.done("rds:CopyDBSnapshot") == [copied.id]
    assert practice.done("rds:DeleteDBSnapshot") == [copied.id]
    assert run.open_ledger == ()
    assert run.outcome == "PASS"


async def test_without_a_key_of_our_own_it_is_not_copied(practice: Practice) -> None:
    shared(practice)
    database = practice.environment.database.model_copy(update={"copy_kms_key": None})
    practice.environment = practice.environment.model_copy(update={"database": database})
    assert "no key of this account is configured" in await told(practice, "database.copy", Verdict.INCONCLUSIVE)
    assert practice.done("rds:CopyDBSnapshot") == []


async def test_another_shared_snapshot_after_going_back_is_copied_anew(practice: Practice) -> None:
    """The first copy must not pass for one of the second choice."""
    shared(practice)
    practice.world.quota_full()
    full = practice.world.databases.grounds

    def room(_: Any) -> Any:
        full.instances = (3, 40)
        return back("database.choose", "ransomware is in it")

    script: dict[str, list[Any]] = {
        "decide database.preconditions": [room],
        "choose database.choose": [
            lambda ask: Choice(ask.default),
            lambda ask: Choice(ask.options[1].key, "ransomware"),
        ],
    }
    run = await practice.walk(practice.operator(script))
    chosen, copied = run.fact(SnapshotChosen), run.fact(SnapshotCopied)
    assert chosen is not None
    assert copied is not None
    assert copied.source == chosen.id
    first, second = practice.done("rds:CopyDBSnapshot")
    assert second == copied.id == f"{first}-2"
    assert sorted(practice.done("rds:DeleteDBSnapshot")) == [first, second]


async def test_a_copy_that_failed_is_made_again_under_another_name(practice: Practice, monkeypatch: Patch) -> None:
    shared(practice)
    ask, failed = practice.world.databases.snapshot, f"{COPY}-source"

    async def looked_for(name: str) -> Any:
        found = await ask(name)
        return replace(found, status="failed") if found and name == failed else found

    monkeypatch.setattr(practice.world.databases, "snapshot", looked_for)
    run = await practice.walk(practice.operator({"decide database.copy": [RETRY]}))
    assert practice.done("rds:CopyDBSnapshot") == [failed, f"{failed}-2"]
    copied = run.fact(SnapshotCopied)
    assert copied is not None
    assert copied.id == f"{failed}-2"


# -- available ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", sorted(FAILING))
async def test_each_failing_status_is_named_with_its_fix(practice: Practice, status: str) -> None:
    practice.world.incompatible_restore(status)
    last = (await practice.walk()).last("database.available")
    assert last is not None
    assert f"is {status}: {FAILING[status][0]}" in last.observed
    assert last.fix == FAILING[status][1]


async def test_an_unknown_status_is_waited_on_and_shown(practice: Practice, monkeypatch: Patch) -> None:
    ask, left = practice.world.databases.instance, ["storage-optimization", "configuring-log-exports"] * 100

    async def slow(instance: str) -> Instance | None:
        found = await ask(instance)
        return replace(found, status=left.pop()) if found and found.id == COPY and left else found

    monkeypatch.setattr(practice.world.databases, "instance", slow)
    assert (await practice.walk()).outcome == "PASS"


async def test_a_provider_that_fails_to_answer_for_a_while_is_asked_again(
    practice: Practice, monkeypatch: Patch
) -> None:
    ask, rough = practice.world.databases.instance, iter([True] * 30)

    async def rarely(instance: str) -> Instance | None:
        restoring = any(operation.startswith("rds:Restore") for operation, _ in practice.world.calls)
        if restoring and next(rough, False):
            raise NoVerdict("AWS asks for fewer calls", source="rds")
        return await ask(instance)

    monkeypatch.setattr(practice.world.databases, "instance", rarely)
    assert (await practice.walk()).outcome == "PASS"


async def test_a_sign_in_that_ran_out_is_not_waited_on(practice: Practice, monkeypatch: Patch) -> None:
    ask = practice.world.databases.instance

    async def signed_out(instance: str) -> Instance | None:
        if any(operation.startswith("rds:Restore") for operation, _ in practice.world.calls):
            raise SignedOut("aws", "AWS no longer accepts this session", source="rds")
        return await ask(instance)

    monkeypatch.setattr(practice.world.databases, "instance", signed_out)
    last = (await practice.walk()).last("database.available")
    assert last is not None
    assert last.signed_out == "aws"


async def test_a_copy_that_comes_up_public_is_hidden_at_once_and_told(practice: Practice, monkeypatch: Patch) -> None:
    ask, hide = practice.world.databases.instance, practice.world.databases.hide
    hidden: list[str] = []

    async def public(instance: str) -> Instance | None:
        found = await ask(instance)
        return replace(found, public=not hidden) if found and found.id == COPY else found

    async def hiding(permit: Any, instance: str) -> None:
        await hide(permit, instance)
        hidden.append(instance)

    monkeypatch.setattr(practice.world.databases, "instance", public)
    monkeypatch.setattr(practice.world.databases, "hide", hiding)
    run = await practice.walk()
    assert hidden == [COPY]
    last = run.last("database.available")
    assert last is not None
    assert "it was taken away at once, and that was read back" in last.observed


async def test_one_that_is_too_busy_to_be_hidden_is_hidden_as_soon_as_it_can_be(
    practice: Practice, monkeypatch: Patch
) -> None:
    ask, hide, busy = practice.world.databases.instance, practice.world.databases.hide, iter([True, True])
    hidden: list[str] = []

    async def public(instance: str) -> Instance | None:
        found = await ask(instance)
        return replace(found, public=not hidden) if found and found.id == COPY else found

    async def hiding(permit: Any, instance: str) -> None:
        if next(busy, False):
            raise LayerFailed("the instance is busy with something else", source="rds")
        await hide(permit, instance)
        hidden.append(instance)

    monkeypatch.setattr(practice.world.databases, "instance", public)
    monkeypatch.setattr(practice.world.databases, "hide", hiding)
    run = await practice.walk(practice.operator({"decide database.available": [RETRY]}))
    assert hidden == [COPY]
    assert run.outcome == "PASS"


async def test_a_hopeless_instance_is_not_adopted_when_the_point_is_chosen_again(practice: Practice) -> None:
    practice.world.incompatible_restore("incompatible-parameters")

    def repaired(_: Any) -> Any:
        practice.world.incompatible_restore("available")
        return back("database.choose", "the parameter group was mended")

    run = await practice.walk(practice.operator({"decide database.available": [repaired]}))
    assert practice.done("rds:RestoreDBInstanceFromDBSnapshot") == [COPY, f"{COPY}-2"]
    assert sorted(practice.done("rds:DeleteDBInstance")) == [COPY, f"{COPY}-2"]
    assert run.outcome == "PASS"


# -- configuration ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"instance_class": "db.r6g.16xlarge"}, "class is db.r6g.16xlarge, not db.t4g.medium"),
        ({"security_groups": ("sg-default",)}, "security groups is"),
        ({"parameter_group": "default.postgres18"}, "parameter group is default.postgres18"),
        ({"parameters": "pending-reboot"}, "its parameters are pending-reboot"),
        ({"multi_az": True}, "Multi-AZ is True"),
        ({"deletion_protection": True}, "deletion protection is True"),
        ({"iam_auth": True}, "IAM sign-in is True"),
        ({"retention_days": 7}, "days that backups are kept is 7, not 0"),
        ({"encrypted": False}, "its storage is not encrypted"),
        ({"tags": {}}, "does not carry this run's tag"),
    ],
)
async def test_what_is_not_as_asked_is_named(
    practice: Practice, monkeypatch: Patch, other: dict[str, Any], sentence: str
) -> None:
    described(practice, monkeypatch, lambda found: replace(found, **other))
    assert sentence in await told(practice, "database.configuration")


async def test_what_the_provider_does_not_say_is_not_judged(practice: Practice, monkeypatch: Patch) -> None:
    described(practice, monkeypatch, lambda found: replace(found, multi_az=None, subnet_group="", retention_days=None))
    assert (await practice.walk()).outcome == "PASS"


# -- password -----------------------------------------------------------------------------------------------------
async def test_the_copy_gets_a_password_that_is_written_nowhere(practice: Practice, monkeypatch: Patch) -> None:
    kept: list[str] = []
    give = practice.world.databases.set_password

    async def giving(permit: Any, instance: str, password: Any) -> None:
        kept.append(password.reveal())
        await give(permit, instance, password)

    monkeypatch.setattr(practice.world.databases, "set_password", giving)
    recorder = practice.recorder()
    run = await practice.walk(recorder=recorder)
    assert run.outcome == "PASS"
    (password,) = kept
    assert len(password) >= 24
    assert all(password not in repr(event) for event in recorder.events)


async def test_a_call_that_was_refused_has_set_nothing(practice: Practice, monkeypatch: Patch) -> None:
    give, refusals = practice.world.databases.set_password, iter([True])

    async def giving(permit: Any, instance: str, password: Any) -> None:
        if next(refusals, False):
            raise NoVerdict("the instance is busy", source="rds")
        await give(permit, instance, password)

    monkeypatch.setattr(practice.world.databases, "set_password", giving)
    run = await practice.walk(practice.operator({"decide database.password": [RETRY]}))
    assert practice.done("rds:ModifyDBInstance") == [COPY]
    assert run.outcome == "PASS"


async def test_a_second_copy_gets_a_password_of_its_own(practice: Practice) -> None:
    script: dict[str, list[Any]] = {
        "gate database": [back("database.choose", "an older one"), OPEN],
        "choose database.choose": [lambda ask: Choice(ask.default), lambda ask: Choice(ask.options[2].key, "older")],
    }
    await practice.walk(practice.operator(script))
    assert practice.done("rds:ModifyDBInstance") == [COPY, f"{COPY}-2"]


def resumed_after(folder: Path, step: str) -> tuple[Practice, Run]:
    """A run that was killed right after that step's result, and gone on with."""
    calm = Practice(folder / "calm")
    journal = calm.recorder()
    asyncio.run(calm.walk(recorder=journal))
    room = next(e.seq for e in journal.events if e.kind is Kind.RESULT and e.step == step)
    practice = Practice(folder / "killed")
    killed = practice.recorder(room=room)
    with pytest.raises(Killed):
        asyncio.run(practice.walk(recorder=killed))
    return practice, asyncio.run(practice.conductor(recorder=practice.recorder(killed.events)).resume(by="tester"))


def test_after_a_kill_behind_the_last_step_the_owner_is_still_known(tmp_path: Path) -> None:
    """The checkpoint looks once more as the copy's owner."""
    practice, _ = resumed_after(tmp_path, "database.analyze")
    assert len(practice.done("rds:ModifyDBInstance")) == 2


def test_after_a_kill_it_is_set_again_and_nothing_that_took_hours_is_repeated(tmp_path: Path) -> None:
    _, run = resumed_after(tmp_path, "database.content")
    again = {attempt.step for attempt in run.attempts if attempt.number > 1}
    assert "database.password" in again
    assert not {"database.restore", "database.available", "database.content"} & again
    assert run.outcome == "PASS"


# -- what the ledger says of it before it exists ------------------------------------------------------------------
async def test_the_ledger_names_tag_environment_cost_and_end_before_the_copy_exists(practice: Practice) -> None:
    database = practice.environment.database.model_copy(update={"hourly_cost": "0.21 USD"})
    practice.environment = practice.environment.model_copy(update={"database": database})
    run = await practice.walk()
    (entry,) = [each for each in run.ledger if each.kind == "rds:instance"]
    noted = {name: entry.detail[name] for name in ("tag", "environment", "hourly_cost", "destroy_after")}
    assert noted == {
        "tag": f"runbook:run={run.id}",
        "environment": "practice",
        "hourly_cost": "0.21 USD",
        "destroy_after": iso(entry.created.replace(microsecond=0) + timedelta(days=2)),
    }


async def test_what_it_costs_is_not_guessed(practice: Practice) -> None:
    run = await practice.walk()
    (entry,) = [each for each in run.ledger if each.kind == "rds:instance"]
    assert entry.detail["hourly_cost"] == "not known"
