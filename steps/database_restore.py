"""Stage 3's actions: which recovery point, the restore itself, and waiting for the provider to be done."""

from __future__ import annotations

from datetime import timedelta

from runbook.engine.errors import LayerFailed, Refused
from runbook.engine.ports import Change, Choose, Option, Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from runbook.estate.ports import Instance, RestoreSpec, Snapshot
from steps.facts import InstanceReady, InstanceRestored, SnapshotChosen
from steps.here import Here, age, iso

INSTANCE = "rds:instance"
RUN_TAG = "runbook:run"
DESTROY_TAG = "runbook:destroy-after"

# Statuses that will not end well (Amazon RDS User Guide, "Viewing DB instance status"); unknown ones are waited on.
FAILING = {
    "failed": "the restore failed",
    "restore-error": "the restore failed",
    "incompatible-restore": "the snapshot cannot be restored with these parameters",
    "incompatible-network": "the subnet group or security group does not fit",
    "incompatible-parameters": "the parameter group does not fit this engine",
    "incompatible-option-group": "the option group does not fit",
    "insufficient-capacity": "the provider has no room for this instance class: choose another class or zone",
    "storage-full": "the storage is full",
    "inaccessible-encryption-credentials": "the KMS key cannot be used",
    "inaccessible-encryption-credentials-recoverable": "the KMS key cannot be used: repair it within 7 days",
    "deleting": "somebody is deleting it",
}


# -- choose -------------------------------------------------------------------------------------------------------
async def choose_snapshot(here: Here) -> Observation:
    """The newest usable one by default; anything else with a reason."""
    snapshots = await here.estate.databases.snapshots(here.environment.database.source_instance)
    usable = [snapshot for snapshot in snapshots if unfit(snapshot) == ""]
    if not usable:
        raise LayerFailed(
            "no snapshot can be restored", fix="See database.snapshots.", source="rds:DescribeDBSnapshots"
        )
    options = tuple(_option(here, snapshot) for snapshot in reversed(snapshots))
    choice = await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title="Which recovery point?",
            columns=("snapshot", "age", "kind", "size", "engine"),
            options=options,
            default=usable[-1].id,
        )
    )
    chosen = next((snapshot for snapshot in usable if snapshot.id == choice.key), None)
    if chosen is None or (chosen.id != usable[-1].id and not choice.reason.strip()):
        raise LayerFailed(
            f"{choice.key} was not chosen: it cannot be restored, or no reason was given",
            fix="Choose a usable snapshot; an older one needs a reason.",
            source="operator",
        )
    return _chosen(here, chosen, choice.reason, newest=usable[-1])


def _chosen(here: Here, chosen: Snapshot, reason: str, *, newest: Snapshot) -> Observation:
    why = "the newest" if chosen.id == newest.id else f"not the newest: {reason}"
    fact = SnapshotChosen(chosen.id, iso(chosen.created), chosen.kind, chosen.engine, chosen.size_gib)
    return Observation.passed(
        expected="a usable recovery point",
        observed=f"{chosen.id}, {age(chosen.created, here.now())} old, {why}",
        source="operator",
        facts=(fact,),
    )


def unfit(snapshot: Snapshot) -> str:
    """Why a snapshot cannot be restored, or ""."""
    return "" if snapshot.status == "available" else f"it is {snapshot.status}"


def _option(here: Here, snapshot: Snapshot) -> Option:
    engine = f"{snapshot.engine} {snapshot.engine_version}"
    cells = (snapshot.id, age(snapshot.created, here.now()), snapshot.kind, f"{snapshot.size_gib} GiB", engine)
    return Option(key=snapshot.id, cells=cells, unfit=unfit(snapshot))


# -- restore ------------------------------------------------------------------------------------------------------
def _made(here: Here) -> dict[str, LedgerEntry]:
    """This run's copies by the snapshot that each was made from: after going back there may be more than one."""
    return {str(entry.detail.get("snapshot")): entry for entry in here.run.ledger if entry.kind == INSTANCE}


def instance_id(here: Here) -> str:
    """`<prefix>-<run id>`, a further recovery point with a number: lower case, at most 63 characters."""
    made, chosen = _made(here), here.desk.need(SnapshotChosen).id
    if chosen in made:
        return made[chosen].id
    number = f"-{len(made) + 1}" if made else ""
    return f"{here.environment.database.prefix}-{here.run.id}".lower()[: 63 - len(number)] + number


async def already_ours(here: Here) -> Observation | None:
    """The copy exists and carries this run's tag; one that does not is nobody's business of ours."""
    instance = await here.estate.databases.instance(instance_id(here))
    if instance is None:
        return None
    chosen = here.desk.need(SnapshotChosen).id
    entry = _made(here).get(chosen)
    if entry is None or instance.tags.get(RUN_TAG) != here.run.id:
        raise LayerFailed(
            f"{instance.id} exists and does not carry this run's tag: it is neither adopted nor deleted",
            fix="Find out whose it is; start a new run, which has another name.",
            source="rds:DescribeDBInstances, tags",
        )
    return _restored(
        InstanceRestored(instance.id, chosen, iso(entry.created - (here.now() - here.provider_now()))),
        "found by name and tag, adopted",
    )


def spec(here: Here) -> RestoreSpec:
    """Every parameter explicit: the provider's defaults (public? Multi-AZ? which security group?) are not ours."""
    database = here.environment.database
    return RestoreSpec(
        instance=instance_id(here),
        snapshot=here.desk.need(SnapshotChosen).id,
        instance_class=database.instance_class,
        subnet_group=database.subnet_group,
        security_groups=database.security_groups,
        parameter_group=database.parameter_group,
        multi_az=False,
        deletion_protection=False,
        retention_days=0,
        tags={RUN_TAG: here.run.id, DESTROY_TAG: iso(here.now() + timedelta(days=2))},
    )


async def show_restore(here: Here) -> Preview:
    """Each parameter as it will be sent."""
    wanted = spec(here)
    return Preview(
        what=f"Restore {wanted.snapshot} into a new instance; the source is only read",
        target=wanted.instance,
        calls=(f"rds:RestoreDBInstanceFromDBSnapshot {wanted.instance} from {wanted.snapshot}",),
        changes=(
            Change("class", "", wanted.instance_class),
            Change("subnet group", "", wanted.subnet_group),
            Change("security groups", "", ", ".join(wanted.security_groups)),
            Change("parameter group", "", wanted.parameter_group),
            Change("public", "", "no"),
            Change("Multi-AZ, deletion protection, IAM sign-in", "", "no"),
            Change("tags", "", ", ".join(f"{key}={value}" for key, value in wanted.tags.items())),
        ),
    )


async def restore(here: Here) -> Observation:
    """The one creating call; RDS has no idempotency token, so the name and the tag are ours to be found by."""
    wanted = spec(here)
    if wanted.instance == here.environment.database.source_instance:
        raise Refused("the copy would have production's name")
    asked = here.provider_now()
    permit = await here.desk.intend(
        "rds:RestoreDBInstanceFromDBSnapshot",
        wanted.instance,
        creates=(INSTANCE, wanted.instance),
        snapshot=wanted.snapshot,
    )
    instance = await here.estate.databases.restore(permit, wanted)
    return _restored(InstanceRestored(instance.id, wanted.snapshot, iso(asked)), f"accepted, {instance.status}")


def _restored(fact: InstanceRestored, how: str) -> Observation:
    return Observation.passed(
        expected="one new instance, tagged with this run",
        observed=f"{fact.id}: {how}",
        source="rds:RestoreDBInstanceFromDBSnapshot",
        facts=(fact,),
    )


async def destroy(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: ours by tag only; deleted with its automated backups, then asked for until both are gone."""
    databases = here.estate.databases
    instance = await databases.instance(entry.id)
    if instance is not None and instance.tags.get(RUN_TAG) != here.run.id:
        raise Refused(f"{entry.id} does not carry this run's tag: it is not deleted")
    if instance is not None and instance.status != "deleting":
        permit = await here.desk.intend("rds:DeleteDBInstance", entry.id)
        await databases.delete(permit, entry.id)
    await here.until(lambda: _gone(here, entry.id), limit_s=540, waiting_for=f"{entry.id} to be gone")
    return Observation.passed(
        expected="not found",
        observed="instance and automated backups not found",
        source="rds:DescribeDBInstances, rds:DescribeDBInstanceAutomatedBackups",
    )


async def _gone(here: Here, instance: str) -> bool:
    databases = here.estate.databases
    return await databases.instance(instance) is None and await databases.automated_backups(instance) == 0


# -- available ----------------------------------------------------------------------------------------------------
async def is_available(here: Here) -> Observation:
    """Own polling, without the 30 minutes of the provider's waiter, which also ignores most failing states."""
    restored = here.desk.need(InstanceRestored)
    while True:
        instance = await here.estate.databases.instance(restored.id)
        status = instance.status if instance else "not found"
        if instance is not None and status == "available":
            return _available(instance)
        if instance is None or status in FAILING:
            meaning = FAILING.get(status, "it is not there any more")
            raise LayerFailed(
                f"{restored.id} is {status}: {meaning}",
                fix="Look at the instance's events in the RDS console.",
                source="rds:DescribeDBInstances",
            )
        here.desk.progress(instance.percent or 0, 100, f"{restored.id} is {status}")
        await here.desk.clock.sleep(here.poll_s)


def _available(instance: Instance) -> Observation:
    return Observation.that(
        instance.public is not True,
        expected="available, and not reachable from the Internet",
        observed=f"{instance.id} available at {instance.host}:{instance.port}"
        + (", PUBLIC" if instance.public else ""),
        source="rds:DescribeDBInstances",
        fix="Take its public address away before anything else.",
        facts=(InstanceReady(instance.id, instance.host, instance.port),),
    )
