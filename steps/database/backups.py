"""Which recovery points there are, how well they were kept, and which one is taken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Choice, Choose, Option
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import AutomatedBackup, Snapshot
from steps.facts import SnapshotChosen
from steps.here import Here, age, age_kept, exact, hours, iso, moment

PITR: Final = "PITR"
_MOMENT: Final = "moment"
_LAG: Final = timedelta(minutes=15)  # logs go up every 5 minutes; three times that is no longer a delay
_SOURCE: Final = "rds:DescribeDBSnapshots"


async def recovery_points(here: Here) -> tuple[Snapshot, ...]:
    """Every snapshot of production, oldest first: our own account's, or those that production's job shares with it."""
    database = here.environment.database
    if database.source == "shared-copy":
        return await here.estate.databases.shared(database.source_account or "", database.source_instance)
    return await here.estate.databases.snapshots(database.source_instance)


def unfit(snapshot: Snapshot) -> str:
    """Why a snapshot cannot be restored, or ""."""
    return "" if snapshot.status == "available" else f"it is {snapshot.status}"


async def _window(here: Here) -> AutomatedBackup | None:
    """What point-in-time recovery rests on: another account's cannot be restored from here."""
    database = here.environment.database
    if database.source == "shared-copy":
        return None
    return await here.estate.databases.backup(database.source_instance)


async def _log_kept(here: Here, window: AutomatedBackup | None) -> AutomatedBackup | None:
    """How production keeps its log, also where that is another account's: seen there if we may look, restored never."""
    if window is None and here.estate.source is not None:
        return await here.estate.source.databases.backup(here.environment.database.source_instance)
    return window


def _usable(here: Here, snapshots: tuple[Snapshot, ...]) -> list[Snapshot]:
    usable = [snapshot for snapshot in snapshots if unfit(snapshot) == ""]
    if not usable:
        raise LayerFailed(
            f"no available snapshot of {here.environment.database.source_instance}",
            fix="Look in the other Region and account; ask for the newest manual copy.",
            source=_SOURCE,
        )
    return usable


# -- snapshots ----------------------------------------------------------------------------------------------------
async def snapshots_are_there(here: Here) -> Observation:
    """The newest available one, its age by server time, its key; how well the others were kept are findings."""
    usable, window = _usable(here, await recovery_points(here)), await _window(here)
    kept, newest, now = await _log_kept(here, window), usable[-1], here.provider_now()
    key = (await _key_states(here, (newest,))).get(_key(here, newest), "")
    return Observation.that(
        newest.created <= now and key in {"Enabled", ""},
        expected=f"an encrypted snapshot younger than {hours(here.policy.backup_age_limit)}, its key enabled",
        observed=f"{newest.id}, {age(newest.created, now)} old, "
        + (f"key {key}" if key else "NOT encrypted" if not newest.encrypted else "under production's own key")
        + f"; {len(usable)} usable; {_restorable(window, now)}; {_place(newest)}",
        source=f"{_SOURCE}, rds:DescribeDBInstanceAutomatedBackups, kms:DescribeKey",
        fix="A snapshot from the future means that this clock is wrong; a disabled key must be enabled first.",
        findings=(*_kept_well(here, newest), *_missing_days(here, usable), *_pitr(here, kept)),
    )


def _key(here: Here, snapshot: Snapshot) -> str:
    """The key that decides whether it can be restored: of a shared one it is ours, under which it is copied."""
    shared = here.environment.database.source == "shared-copy"
    return (here.environment.database.copy_kms_key if shared else snapshot.kms_key) or ""


async def _key_states(here: Here, snapshots: Iterable[Snapshot]) -> dict[str, str]:
    """By key; "" (no key, or none of this account) has none to ask for."""
    keys = {_key(here, snapshot) for snapshot in snapshots if snapshot.encrypted} - {""}
    return {key: await here.estate.keys.state(key) or "unknown" for key in sorted(keys)}


def _restorable(window: AutomatedBackup | None, now: datetime) -> str:
    if window is None or window.latest is None:
        return "no point-in-time recovery"
    since = f" from {iso(window.earliest)}" if window.earliest else ""
    return f"any moment{since} until {age(window.latest, now)} ago"


def _place(newest: Snapshot) -> str:
    """No API shows the policy's "separate zone": a snapshot is kept by the Region, or somewhere else."""
    if newest.target in {"", "region"}:
        return "kept by the Region, not in one zone"
    return f"kept in {newest.target}"


def _kept_well(here: Here, newest: Snapshot) -> tuple[Finding, ...]:
    findings = []
    if here.kept_until() - newest.created > here.policy.backup_age_limit:
        findings.append(Finding(f"the newest snapshot is {age_kept(here, newest.created)}", "major"))
    if not newest.encrypted:
        findings.append(Finding("the newest snapshot is not encrypted", "major"))
    if newest.target not in {"", "region"}:
        findings.append(Finding(f"the newest snapshot is kept in {newest.target}: with that place it is lost", "major"))
    return tuple(findings)


def _missing_days(here: Here, snapshots: list[Snapshot]) -> tuple[Finding, ...]:
    """Days of the retention period, the last and the oldest left out, on which no snapshot was made.

    A daily backup that is made around midnight may fall on the day before or after: that is no gap.
    """
    made, until = sorted(snapshot.created for snapshot in snapshots), here.kept_until()
    have, limit = {at.date() for at in made}, here.policy.backup_age_limit
    gaps = [(one.date(), other.date()) for one, other in pairwise([*made, until]) if other - one > limit]
    gaps += [(date.min, made[0].date() if made else date.max)]
    wanted = [until.date() - timedelta(days=back) for back in range(1, here.policy.retention_days)]
    missing = [day for day in wanted if day not in have and any(one < day < other for one, other in gaps)]
    if not missing:
        return ()
    first = ", ".join(f"{day}" for day in missing[:3]) + (" …" if len(missing) > 3 else "")
    return (Finding(f"no snapshot on {len(missing)} of the last {here.policy.retention_days} days: {first}"),)


def _pitr(here: Here, window: AutomatedBackup | None) -> tuple[Finding, ...]:
    """The policy wants point-in-time recovery on, and thirty days of it."""
    if here.environment.database.source == "shared-copy" and here.estate.source is None:
        return ()  # to be seen in production's own account only
    if window is None or window.latest is None:
        return (Finding("point-in-time recovery is off: data since the newest snapshot cannot be had back", "major"),)
    findings, now = [], here.kept_until()
    if now - window.latest > _LAG:
        when = "ago" if here.incident_at is None else "before the incident"
        findings.append(Finding(f"point-in-time recovery ends {age(window.latest, now)} {when}", "major"))
    if window.retention_days is not None and window.retention_days < here.policy.retention_days:
        findings.append(
            Finding(f"backups are kept {window.retention_days} days, not {here.policy.retention_days}", "major")
        )
    return tuple(findings)


# -- choose -------------------------------------------------------------------------------------------------------
async def choose_recovery_point(here: Here) -> Observation:
    """The newest usable snapshot by default; an older one, or a moment, with a reason."""
    snapshots, window = await recovery_points(here), await _window(here)
    usable = _usable(here, snapshots)
    choice = _declared(here) or await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title="Which recovery point?",
            columns=("snapshot", "age", "kind", "size", "engine", "key"),
            options=await _options(here, snapshots, window),
            default=usable[-1].id,
        )
    )
    if choice.key != usable[-1].id and not choice.reason.strip():
        raise _not_chosen(f"{choice.key or 'nothing'}: no reason was given")
    if choice.key == PITR and window is not None:
        return _moment_chosen(here, choice, window, like=usable[-1])
    chosen = next((snapshot for snapshot in usable if snapshot.id == choice.key), None)
    if chosen is None:
        raise _not_chosen(f"{choice.key or 'nothing'}: it cannot be restored")
    newest = chosen is usable[-1]
    return _chosen(here, _fact(chosen), "" if newest else choice.reason.strip())


def _declared(here: Here) -> Choice | None:
    """The moment that the run was declared with; one that did not come to anything is asked about."""
    at = str(here.run.declared.get("point_in_time") or "")
    if not at or here.run.last(here.desk.step) is not None:
        return None
    return Choice(PITR, "the run was declared with this moment", at)


def _not_chosen(why: str) -> LayerFailed:
    return LayerFailed(
        f"no recovery point was chosen: {why}",
        fix="Choose a usable one; any but the newest needs a reason.",
        source="operator",
    )


async def _options(here: Here, snapshots: tuple[Snapshot, ...], window: AutomatedBackup | None) -> tuple[Option, ...]:
    """Newest first; a moment stands second, where it is looked for."""
    states = await _key_states(here, snapshots)
    first, *others = [_option(here, snapshot, states) for snapshot in reversed(snapshots)]
    return (first, *_moment_option(here, window, snapshots[-1]), *others)


def _option(here: Here, snapshot: Snapshot, states: dict[str, str]) -> Option:
    name = snapshot.id.removeprefix("rds:").removeprefix(f"{here.environment.database.source_instance}-")
    state = states.get(_key(here, snapshot), "unknown") if snapshot.encrypted else "none"
    cells = (
        name,
        age(snapshot.created, here.provider_now()),
        snapshot.kind,
        f"{snapshot.size_gib} GiB",
        f"{snapshot.engine} {snapshot.engine_version}",
        state,
    )
    return Option(key=snapshot.id, cells=cells, unfit=unfit(snapshot))


def _moment_option(here: Here, window: AutomatedBackup | None, newest: Snapshot) -> tuple[Option, ...]:
    if window is None or window.latest is None:
        return ()
    earliest = iso(window.earliest) if window.earliest else "the oldest snapshot"
    return (
        Option(
            key=PITR,
            cells=("any moment", f"to {age(window.latest, here.provider_now())}", _MOMENT, "", newest.engine, ""),
            detail=f"Moment in UTC, as {iso(window.latest)}, not before {earliest}",
        ),
    )


def _moment_chosen(here: Here, choice: Choice, window: AutomatedBackup, *, like: Snapshot) -> Observation:
    at = _typed(choice.detail)
    if window.latest and at > window.latest:
        raise _not_chosen(f"{iso(at)} cannot be restored yet: the latest moment is {iso(window.latest)}")
    if window.earliest and at < window.earliest:
        raise _not_chosen(f"{iso(at)} cannot be restored any more: the earliest moment is {iso(window.earliest)}")
    source = here.environment.database.source_instance
    fact = SnapshotChosen(f"{source}@{iso(at)}", iso(at), _MOMENT, like.engine, like.size_gib, PITR, iso(at))
    return _chosen(here, fact, choice.reason.strip())


def _typed(typed: str) -> datetime:
    """Whole seconds, UTC where no offset is given."""
    try:
        at = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise _not_chosen(f"{typed.strip() or 'nothing'} is no moment; type it as 2026-01-31T23:59:59Z") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _fact(chosen: Snapshot) -> SnapshotChosen:
    return SnapshotChosen(
        id=chosen.id,
        created_at=exact(chosen.created),
        kind=chosen.kind,
        engine=chosen.engine,
        size_gib=chosen.size_gib,
        data_until=exact(chosen.data_until) if chosen.data_until else "",
    )


def _chosen(here: Here, fact: SnapshotChosen, reason: str) -> Observation:
    """`reason` is why it is not the newest snapshot, which is what the policy tests: then it is a finding."""
    old = age(moment(fact.created_at), here.provider_now())
    what = "a point in time" if fact.method == PITR else "an older snapshot"
    return Observation.passed(
        expected="a usable recovery point",
        observed=f"{fact.id}, {old} old, " + (f"{what}: {reason}" if reason else "the newest"),
        source="operator",
        findings=(Finding(f"{what} of the database was used ({old} old): {reason}"),) if reason else (),
        facts=(fact,),
    )
