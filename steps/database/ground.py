"""What has to be there before a copy can be made: a snapshot of this account's own, and the ground to stand on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Change, Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from runbook.estate.ports import Ground
from steps.database.names import SNAPSHOT, fresh, made
from steps.database.restore import RUN_TAG, noted, ours, standing
from steps.facts import SnapshotChosen, SnapshotCopied
from steps.here import Here

COPIED = "a copy of our own, under our key"
_DESCRIBE: Final = "rds:DescribeDBSnapshots"
_FAILED: Final = "failed"
_UNSEEN: Final = timedelta(minutes=1)  # right after the call not every part of the provider knows of it
_COPY: Final = "rds:CopyDBSnapshot"
_LIBRARIES: Final = "shared_preload_libraries"
_WORKERS: Final = "max_logical_replication_workers"


# -- copy ---------------------------------------------------------------------------------------------------------
async def already_copied(here: Here) -> Observation | None:
    """The backups are our own, or this run copied this very one already; a copy that failed is made once more."""
    if here.environment.database.source == "same-account":
        return Observation.not_needed("the backups are in the account that is restored into")
    entry = made(here, SNAPSHOT)
    snapshot = await here.estate.databases.snapshot(entry.id) if entry else None
    if snapshot is None or snapshot.status == _FAILED:
        return None
    return await _waited_for(here, snapshot.id)


async def show_copy(here: Here) -> Preview:
    """A shared snapshot cannot be restored as it is: its key is another account's."""
    database, chosen, name = here.environment.database, here.desk.need(SnapshotChosen), await _copy_name(here)
    return Preview(
        what="Copy the snapshot that production shares, under this account's key; production is only read",
        target=name,
        calls=(f"{_COPY} {chosen.id} → {name}",),
        changes=(Change("KMS key", "production's", database.copy_kms_key or "NOT CONFIGURED"),),
    )


async def _copy_name(here: Here) -> str:
    """The announced one where that call never arrived, else a new one."""
    entry = made(here, SNAPSHOT)
    if entry is not None and await here.estate.databases.snapshot(entry.id) is None:
        return entry.id
    return fresh(here, SNAPSHOT)


async def copy_shared(here: Here) -> Observation:
    """In the ledger; then awaited, which may take hours: only changes are copied after the first time, if at all."""
    database, chosen, name = here.environment.database, here.desk.need(SnapshotChosen), await _copy_name(here)
    if not database.copy_kms_key:
        raise NoVerdict(
            "the shared snapshot cannot be copied: no key of this account is configured",
            fix="Set [database] copy_kms_key.",
            source="configuration",
        )
    tags = ours(here)
    permit = await here.desk.intend(
        _COPY, name, creates=(SNAPSHOT, name), recovery_point=chosen.id, **noted(here, tags)
    )
    await here.estate.databases.copy(permit, chosen.id, name, kms_key=database.copy_kms_key, tags=tags)
    return await _waited_for(here, name)


async def _waited_for(here: Here, name: str) -> Observation:
    """As long as it takes: hours, where much has to be copied."""
    began = here.now()

    async def look() -> Observation | None:
        snapshot = await here.estate.databases.snapshot(name)
        if snapshot is None and here.now() > began + _UNSEEN:
            raise LayerFailed(f"{name} is not there any more", fix="Copy it again.", source=_DESCRIBE)
        return _copied(here, name, snapshot.status if snapshot else "not there yet")

    return await here.until(look, limit_s=None, waiting_for=f"{name} to become available")


def _copied(here: Here, name: str, status: str) -> Observation | None:
    """None: not yet."""
    if status == _FAILED:
        raise LayerFailed(
            f"the copy {name} failed",
            fix="Check that both accounts may use both keys (kms:CreateGrant, kms:Decrypt); then try again.",
            source=_DESCRIBE,
        )
    if status != "available":
        here.desk.progress(0, 0, f"{name} is {status}")
        return None
    return Observation.passed(
        expected=COPIED,
        observed=f"{name} is available",
        source=f"{_COPY}, {_DESCRIBE}",
        facts=(SnapshotCopied(name, here.desk.need(SnapshotChosen).id),),
    )


async def forget_copy(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup of the copied snapshot: ours by tag only; deleted, then asked for until it is not found."""
    databases = here.estate.databases
    snapshot = await databases.snapshot(entry.id)
    if snapshot is not None and snapshot.tags.get(RUN_TAG) != here.run.id:
        raise Refused(f"{entry.id} does not carry this run's tag: it is not deleted")
    if snapshot is not None:
        await databases.forget(await here.desk.intend("rds:DeleteDBSnapshot", entry.id), entry.id)

    async def gone() -> bool:
        return await databases.snapshot(entry.id) is None

    await here.until(gone, limit_s=300, waiting_for=f"{entry.id} to be gone")
    return Observation.passed(expected="not found", observed="not found", source=_DESCRIBE)


# -- preconditions ------------------------------------------------------------------------------------------------
async def ground_is_there(here: Here) -> Observation:
    """Network, parameters, quota, and a name that is free; in a drill also that nothing can get out of the copy."""
    database = here.environment.database
    ground = await here.estate.databases.ground(
        subnet_group=database.subnet_group,
        security_groups=database.security_groups,
        parameter_group=database.parameter_group,
        parameters=(_LIBRARIES, _WORKERS),
    )
    name, ours = await standing(here)  # raises when the name is somebody else's
    wrong = [*_missing(here, ground), *_full(here, ground, adopted=ours is not None), *_open(here, ground)]
    quota = f"{ground.instances[0]} of {ground.instances[1]} instances used" if ground.instances else "quota not read"
    return Observation.that(
        not wrong,
        expected="subnet group, security groups and parameter group there, room for one more, the name free",
        observed="; ".join(wrong)
        or f"{database.subnet_group}, {', '.join(database.security_groups)}, {database.parameter_group}: there; "
        f"{quota}; {name} {'was made by this run' if ours else 'is free'}",
        source="rds:DescribeDBSubnetGroups, ec2:DescribeSecurityGroups, rds:DescribeDBParameters, "
        "rds:DescribeAccountAttributes",
        fix="Create what is missing from the saved export; in a total loss the network comes before the database.",
    )


def _missing(here: Here, ground: Ground) -> Iterator[str]:
    database, chosen = here.environment.database, here.desk.need(SnapshotChosen)
    if ground.subnet_group != "Complete":
        yield f"subnet group {database.subnet_group} is {ground.subnet_group or 'not there'}"
    known = {group.id for group in ground.security_groups}
    yield from (f"security group {name} is not there" for name in database.security_groups if name not in known)
    for group in ground.security_groups:
        if ground.vpc and group.vpc != ground.vpc:
            yield f"security group {group.id} is in {group.vpc}, the subnet group in {ground.vpc}"
    if ground.parameter_family is None:
        yield f"parameter group {database.parameter_group} is not there"
    elif not ground.parameter_family.startswith(chosen.engine):
        yield f"parameter group {database.parameter_group} is for {ground.parameter_family}, not {chosen.engine}"


def _full(here: Here, ground: Ground, *, adopted: bool) -> Iterator[str]:
    if adopted:
        return
    if ground.instances and ground.instances[0] >= ground.instances[1]:
        yield f"no room: {ground.instances[0]} of {ground.instances[1]} instances are used; delete old drill copies"
    wanted = here.desk.need(SnapshotChosen).size_gib
    if ground.storage_gib and sum((ground.storage_gib[0], wanted)) > ground.storage_gib[1]:
        yield f"no room for {wanted} GiB: {ground.storage_gib[0]} of {ground.storage_gib[1]} GiB are used"


def _open(here: Here, ground: Ground) -> Iterator[str]:
    """A copy of production acts like production from its first second on, unless it cannot."""
    if here.recovering:
        return
    for group in ground.security_groups:
        if group.egress:
            yield f"security group {group.id} lets the copy out: {', '.join(group.egress[:3])}"
    if "pg_cron" in {name.strip() for name in ground.parameters.get(_LIBRARIES, "").split(",")}:
        yield "the parameter group loads pg_cron: production's jobs would run in the copy"
    if ground.parameter_family and ground.parameters.get(_WORKERS, "") != "0":
        yield f"the parameter group has no {_WORKERS} = 0: production's subscriptions would go on in the copy"
