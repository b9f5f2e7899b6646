"""Stage 3's restore: the one call that makes the copy, found again by name and tag, and its removal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from runbook.engine.errors import LayerFailed, Refused
from runbook.engine.ports import Change, Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from runbook.estate.ports import FromSnapshot, Instance, RestoreSpec, ToMoment
from steps.database.names import INSTANCE, fresh, made
from steps.database.statuses import HOPELESS
from steps.facts import InstanceRestored, SnapshotChosen, SnapshotCopied
from steps.here import Here, iso, moment

RESTORED = "one new instance, tagged with this run"
RUN_TAG = "runbook:run"
DESTROY_TAG = "runbook:destroy-after"
ENVIRONMENT_TAG = "runbook:environment"
_DESTROY_AFTER = timedelta(days=2)
_GONE_S = 540


def ours(here: Here) -> dict[str, str]:
    """The tags of what this run makes: whose it is, where, and, unless it is production from now on, until when."""
    tags = {RUN_TAG: here.run.id, ENVIRONMENT_TAG: here.environment.name}
    return tags if here.recovering else tags | {DESTROY_TAG: iso(here.now() + _DESTROY_AFTER)}


def noted(here: Here, tags: Mapping[str, str]) -> dict[str, str]:
    """What the ledger says beside an entry that costs money."""
    detail = {
        "tag": f"{RUN_TAG}={tags[RUN_TAG]}",
        "environment": here.environment.name,
        "hourly_cost": here.environment.database.hourly_cost or "not known",
    }
    return detail | ({"destroy_after": tags[DESTROY_TAG]} if DESTROY_TAG in tags else {})


async def standing(here: Here) -> tuple[str, Instance | None]:
    """The name to restore under, and this run's instance of that name where it is there and worth anything.

    LayerFailed where the name is somebody else's.
    """
    entry = made(here, INSTANCE)
    name = entry.id if entry else fresh(here, INSTANCE)
    instance = await here.estate.databases.instance(name)
    if instance is None:
        return name, None
    if entry is None or instance.tags.get(RUN_TAG) != here.run.id:
        raise LayerFailed(
            f"{instance.id} exists and does not carry this run's tag: it is neither adopted nor deleted",
            fix="Find out whose it is; start a new run, which has another name.",
            source="rds:DescribeDBInstances, tags",
        )
    if instance.status in HOPELESS:
        return fresh(here, INSTANCE), None
    return name, instance


async def already_ours(here: Here) -> Observation | None:
    """The copy exists and carries this run's tag; one that does not is nobody's business of ours."""
    _, instance = await standing(here)
    entry = made(here, INSTANCE)
    if instance is None or entry is None:
        return None
    asked = iso(entry.created - (here.now() - here.provider_now()))
    chosen = here.desk.need(SnapshotChosen).id
    return _restored(InstanceRestored(instance.id, chosen, asked), "found by name and tag, adopted")


def spec(here: Here, instance: str) -> RestoreSpec:
    """Every parameter explicit: the provider's defaults (public? Multi-AZ? which security group?) are not ours."""
    database, lasting = here.environment.database, here.recovering
    return RestoreSpec(
        instance=instance,
        origin=_origin(here),
        instance_class=database.instance_class,
        subnet_group=database.subnet_group,
        security_groups=database.security_groups,
        parameter_group=database.parameter_group,
        multi_az=lasting and database.multi_az,
        deletion_protection=lasting and database.deletion_protection,
        iam_auth=lasting and database.iam_auth,
        auto_minor_upgrade=lasting and database.auto_minor_upgrade,
        retention_days=database.retention_days if lasting else 0,
        tags=ours(here),
    )


def _origin(here: Here) -> FromSnapshot | ToMoment:
    database, chosen = here.environment.database, here.desk.need(SnapshotChosen)
    if chosen.method == "PITR":
        return ToMoment(database.source_instance, moment(chosen.created_at))
    if database.source == "same-account":
        return FromSnapshot(chosen.id)
    copied = here.desk.need(SnapshotCopied)
    if copied.source != chosen.id:
        raise Refused(f"{copied.id} is a copy of {copied.source}, not of {chosen.id}, which was chosen")
    return FromSnapshot(copied.id)


def _call(origin: FromSnapshot | ToMoment) -> tuple[str, str]:
    """The operation, and what it restores in words."""
    if isinstance(origin, ToMoment):
        return "rds:RestoreDBInstanceToPointInTime", f"{origin.instance} as of {iso(origin.at)}"
    return "rds:RestoreDBInstanceFromDBSnapshot", origin.snapshot


async def show_restore(here: Here) -> Preview:
    """Each parameter as it will be sent."""
    wanted = spec(here, (await standing(here))[0])
    operation, origin = _call(wanted.origin)
    return Preview(
        what=f"Restore {origin} into a new instance; the source is only read",
        target=wanted.instance,
        calls=(f"{operation} {wanted.instance} from {origin}",),
        changes=(
            Change("class", "", wanted.instance_class),
            Change("subnet group", "", wanted.subnet_group),
            Change("security groups", "", ", ".join(wanted.security_groups)),
            Change("parameter group", "", wanted.parameter_group),
            Change("public", "", _yes(wanted.public)),
            Change("Multi-AZ", "", _yes(wanted.multi_az)),
            Change("deletion protection", "", _yes(wanted.deletion_protection)),
            Change("IAM sign-in", "", _yes(wanted.iam_auth)),
            Change("automatic minor upgrades", "", _yes(wanted.auto_minor_upgrade)),
            Change("storage", "", "of the kind that the backup has"),
            Change("backups kept", "", f"{wanted.retention_days} days"),
            Change("tags", "", ", ".join(f"{key}={value}" for key, value in wanted.tags.items())),
        ),
    )


def _yes(holds: bool) -> str:  # noqa: FBT001 - a word for a truth value
    return "yes" if holds else "no"


async def restore(here: Here) -> Observation:
    """The one creating call; RDS has no idempotency token, so the name and the tag are ours to be found by."""
    wanted, chosen = spec(here, (await standing(here))[0]), here.desk.need(SnapshotChosen).id
    if wanted.instance == here.environment.database.source_instance:
        raise Refused("the copy would have production's name")
    asked = here.provider_now()
    operation, _ = _call(wanted.origin)
    permit = await here.desk.intend(
        operation,
        wanted.instance,
        creates=(INSTANCE, wanted.instance),
        recovery_point=chosen,
        **noted(here, wanted.tags),
    )
    instance = await here.estate.databases.restore(permit, wanted)
    return _restored(InstanceRestored(instance.id, chosen, iso(asked)), f"accepted, {instance.status}")


def _restored(fact: InstanceRestored, how: str) -> Observation:
    return Observation.passed(
        expected=RESTORED,
        observed=f"{fact.id}: {how}",
        source="rds:RestoreDBInstanceFromDBSnapshot or rds:RestoreDBInstanceToPointInTime",
        facts=(fact,),
    )


async def destroy(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: ours by tag only; deleted with its automated backups, then asked for until both are gone.

    In a recovery what was restored is production from then on: deleting is not among its operations.
    """
    if here.recovering:
        raise Refused(f"{entry.id} is production now: a recovery deletes no database")
    databases = here.estate.databases
    instance = await databases.instance(entry.id)
    if instance is not None and instance.tags.get(RUN_TAG) != here.run.id:
        raise Refused(f"{entry.id} does not carry this run's tag: it is not deleted")
    if instance is not None and instance.status != "deleting":
        permit = await here.desk.intend("rds:DeleteDBInstance", entry.id)
        await databases.delete(permit, entry.id)
    await here.until(lambda: _gone(here, entry.id), limit_s=_GONE_S, waiting_for=f"{entry.id} to be gone")
    await here.until(
        lambda: _no_backups(here, entry.id),
        limit_s=_GONE_S,
        waiting_for=f"the automated backups of {entry.id} to be gone; the instance is, and they hold the same data",
    )
    return Observation.passed(
        expected="not found",
        observed="instance and automated backups not found",
        source="rds:DescribeDBInstances, rds:DescribeDBInstanceAutomatedBackups",
    )


async def _gone(here: Here, instance: str) -> bool:
    return await here.estate.databases.instance(instance) is None


async def _no_backups(here: Here, instance: str) -> bool:
    return await here.estate.databases.automated_backups(instance) == 0
