"""From the restore call until all is as it was asked for: available, configured, a password of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.engine.ports import Preview, Secret
from runbook.engine.run import Run
from runbook.engine.verdict import Finding, Observation, Verdict
from runbook.estate.ports import Instance, Login
from steps.database.restore import RUN_TAG, spec
from steps.database.statuses import FAILING
from steps.facts import InstanceReady, InstanceRestored
from steps.here import Here, moment

ITS_OWN = "a master password that is this run's own"
_DESCRIBE: Final = "rds:DescribeDBInstances"
_MODIFY: Final = "rds:ModifyDBInstance"
_SILENT_LIMIT: Final = 40
"""Looks in a row that AWS may leave unanswered while a restore goes on: about ten minutes at the real rate."""
_UNSEEN_S: Final = 60
_CHANGED_S: Final = 600


# -- available ----------------------------------------------------------------------------------------------------
async def is_available(here: Here) -> Observation:
    """Own polling, without the 30 minutes of the provider's waiter, which also ignores most failing states."""
    restored = here.desk.need(InstanceRestored)
    silent = 0

    async def look() -> Observation | None:
        nonlocal silent
        try:
            instance, silent = await here.estate.databases.instance(restored.id), 0
        except SignedOut:
            raise
        except NoVerdict as error:
            silent = _still_patient(silent, error)
            here.desk.progress(0, 0, f"{error.sentence}: asking again")
            return None
        return await _judged(here, restored, instance)

    return await here.until(look, limit_s=None, waiting_for=f"{restored.id} to become available")


def _still_patient(silent: int, error: NoVerdict) -> int:
    """A restore goes on while AWS throttles or fails to answer; only a long silence is the operator's business."""
    if silent + 1 >= _SILENT_LIMIT:
        raise error
    return silent + 1


async def _judged(here: Here, restored: InstanceRestored, instance: Instance | None) -> Observation | None:
    """The verdict, or None: not yet."""
    if instance is None:
        if _waited(here, restored) < _UNSEEN_S:
            return None  # right after the call not every part of the provider knows of it
        raise _not_there(restored.id)
    if instance.status in FAILING:
        meaning, fix = FAILING[instance.status]
        raise LayerFailed(f"{restored.id} is {instance.status}: {meaning}", fix=fix, source=_DESCRIBE)
    if instance.public and instance.status != "creating" and await _hide(here, instance):
        raise _was_public(instance)
    if instance.status == "available" and instance.host and not instance.public:
        return _available(instance, _waited(here, restored))
    here.desk.progress(instance.percent or 0, 100, f"{restored.id} is {instance.status}{_so_far(here, restored)}")
    return None


def _not_there(instance: str) -> LayerFailed:
    return LayerFailed(f"{instance} is not there any more", fix="Restore it again.", source=_DESCRIBE)


def _waited(here: Here, restored: InstanceRestored) -> int:
    return max(0, int((here.provider_now() - moment(restored.asked_at)).total_seconds()))


def _so_far(here: Here, restored: InstanceRestored) -> str:
    """How long it has taken, and how long it took the last time."""
    known = next((run.available_s for run in here.history if run.available_s), None)
    last = f"the last time it took {known} s" if known else "no forecast yet"
    return f", {_waited(here, restored)} s so far; {last}"


async def _hide(here: Here, instance: Instance) -> bool:
    """A restored thing that is public is made private before anything else; False: it is too busy to be changed now."""
    permit = await here.desk.intend(_MODIFY, instance.id, change="not public")
    try:
        await here.estate.databases.hide(permit, instance.id)
    except (LayerFailed, NoVerdict) as refused:
        if isinstance(refused, SignedOut):
            raise
        here.desk.progress(0, 0, f"{instance.id} is PUBLIC and cannot be hidden yet: {refused.sentence}")
        return False

    await _changed(here, instance.id, lambda seen: not seen.public, waiting_for=f"{instance.id} to be private")
    return True


async def _changed(here: Here, instance: str, holds: Callable[[Instance], bool], *, waiting_for: str) -> None:
    """Awaited after a change that the provider accepted."""

    async def look() -> bool:
        seen = await here.estate.databases.instance(instance)
        return seen is not None and holds(seen)

    await here.until(look, limit_s=_CHANGED_S, waiting_for=waiting_for)


def _was_public(instance: Instance) -> LayerFailed:
    return LayerFailed(
        f"{instance.id} came up with a public address; it was taken away at once, and that was read back",
        fix="Look at the subnet group and who connected meanwhile; then try again.",
        source=f"{_DESCRIBE}, {_MODIFY}",
    )


def _available(instance: Instance, after_s: int) -> Observation:
    return Observation.passed(
        expected="available, and not reachable from the Internet",
        observed=f"{instance.id} available at {instance.host}:{instance.port} after {after_s} s",
        source=_DESCRIBE,
        facts=(InstanceReady(instance.id, instance.host, instance.port, after_s, instance.resource_id),),
    )


# -- configuration ------------------------------------------------------------------------------------------------
async def is_as_asked(here: Here) -> Observation:
    """What was asked for, read back: the provider accepts some of it and takes its own defaults."""
    ready = here.desk.need(InstanceReady)
    instance = await here.estate.databases.instance(ready.id)
    if instance is None:
        raise _not_there(ready.id)
    wrong = [*_differing(here, instance)]
    return Observation.that(
        not wrong,
        expected="class, network, parameters, protection and tags as they were asked for"
        + (f", backups kept {here.policy.retention_days} days" if here.recovering else ", not public, no protection"),
        observed="; ".join(wrong) or f"{instance.id}: all as asked, storage encrypted",
        source=_DESCRIBE,
        fix="Put it right in the console (a parameter group that is pending-reboot needs a reboot), then try again.",
        findings=_kept_for(here, instance),
    )


def _differing(here: Here, instance: Instance) -> Iterator[str]:
    """What the provider does not say (None, "") is not judged."""
    asked = spec(here, instance.id)
    pairs = (
        ("class", asked.instance_class, instance.instance_class),
        ("subnet group", asked.subnet_group, instance.subnet_group),
        ("security groups", tuple(sorted(asked.security_groups)), tuple(sorted(instance.security_groups))),
        ("parameter group", asked.parameter_group, instance.parameter_group),
        ("public", asked.public, instance.public),
        ("Multi-AZ", asked.multi_az, instance.multi_az),
        ("deletion protection", asked.deletion_protection, instance.deletion_protection),
        ("IAM sign-in", asked.iam_auth, instance.iam_auth),
        ("automatic minor upgrades", asked.auto_minor_upgrade, instance.auto_minor_upgrade),
        ("days that backups are kept", asked.retention_days, instance.retention_days),
    )
    yield from (f"{name} is {have}, not {want}" for name, want, have in pairs if have not in {None, "", ()} | {want})
    if instance.tags.get(RUN_TAG) != here.run.id:
        yield "it does not carry this run's tag"
    if instance.parameters not in {"", "in-sync"}:
        yield f"its parameters are {instance.parameters}"
    if instance.encrypted is False:
        yield "its storage is not encrypted"


def _kept_for(here: Here, instance: Instance) -> tuple[Finding, ...]:
    """Production has to be backed up again, as long as the policy says."""
    days = instance.retention_days
    if not here.recovering or days is None or days >= here.policy.retention_days:
        return ()
    return (Finding(f"the restored database keeps backups {days} days, not {here.policy.retention_days}", "major"),)


# -- password -----------------------------------------------------------------------------------------------------
async def password_is_ours(here: Here) -> Observation | None:
    """Production keeps its own; in a drill this process may have set it already."""
    if here.recovering:
        return Observation.not_needed("the restored production database keeps its master password")
    ready = here.desk.need(InstanceReady)
    return _set(ready.id, "set by this process") if ready.id in here.held.owners else None


def password_was_set(run: Run) -> bool:
    """After a resume it is not known any more, and is set once more while the stage still needs it."""
    result = run.result("database.password")
    return result is not None and result.verdict is Verdict.PASS and "database" not in run.opened


async def show_password(here: Here) -> Preview:
    """The password is made up, held in memory and never shown."""
    ready = here.desk.need(InstanceReady)
    return Preview(
        what="Give the copy's master user a password of its own, so that production's does not open it",
        target=ready.id,
        calls=(f"{_MODIFY} {ready.id} MasterUserPassword=***",),
    )


async def set_password(here: Here) -> Observation:
    """It is lost with this process, and simply set again when the run is resumed."""
    ready = here.desk.need(InstanceReady)
    instance = await here.estate.databases.instance(ready.id)
    user = instance.master_user if instance else ""
    if not user:
        raise NoVerdict(
            f"the provider does not name the master user of {ready.id}",
            fix="Look at the instance in the RDS console.",
            source=_DESCRIBE,
        )
    login = Login(user, Secret(secrets.token_urlsafe(24)))
    here.held.guard(login.password)
    permit = await here.desk.intend(_MODIFY, ready.id, change="master password")
    await here.estate.databases.set_password(permit, ready.id, login.password)

    await _changed(here, ready.id, _settled, waiting_for="the new master password")
    here.held.own(ready.id, login)
    return _set(ready.id, f"user {user} has a new one, held in memory only")


def _settled(instance: Instance) -> bool:
    return instance.status == "available" and not instance.pending


def _set(instance: str, how: str) -> Observation:
    return Observation.passed(expected=ITS_OWN, observed=f"{instance}: {how}", source=_MODIFY)
