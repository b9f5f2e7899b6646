"""Stage 3, Core Database: the right data, all of it, undamaged, and how much was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from runbook.engine.errors import LayerFailed
from runbook.engine.procedure import Action, Check, Lasting, Question, Repeat, Stage
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Database, Endpoint, Snapshot, TableContent
from steps import database_restore as act
from steps.facts import DataUntil, InstanceReady, InstanceRestored, SnapshotChosen
from steps.here import Here, age, as_object, count, hours, iso, moment


def copy(here: Here) -> Database:
    """The restored instance, from inside; NoVerdict before it answered."""
    ready = here.desk.need(InstanceReady)
    return here.estate.sql.at(Endpoint(ready.host, ready.port, here.environment.database.hostaddr))


# -- snapshots ----------------------------------------------------------------------------------------------------
async def snapshots_are_there(here: Here) -> Observation:
    """The newest available one, its age by server time, its key; a missing day is a finding."""
    source = here.environment.database.source_instance
    snapshots = await here.estate.databases.snapshots(source)
    usable = [snapshot for snapshot in snapshots if act.unfit(snapshot) == ""]
    if not usable:
        raise LayerFailed(
            f"no available snapshot of {source}",
            fix="Look in the other region and account; ask for the newest manual copy.",
            source="rds:DescribeDBSnapshots",
        )
    newest, now = usable[-1], here.provider_now()
    key_state = await here.estate.keys.state(newest.kms_key) if newest.kms_key else None
    key = f"key {key_state or 'unknown'}" if newest.encrypted else "NOT encrypted"
    return Observation.that(
        newest.created <= now and (key_state == "Enabled" or not newest.encrypted),
        expected=f"an encrypted snapshot younger than {hours(here.policy.backup_age_limit)}, its key enabled",
        observed=f"{newest.id}, {age(newest.created, now)} old, {key}; {len(usable)} usable (Region-level storage)",
        source="rds:DescribeDBSnapshots, kms:DescribeKey",
        fix="A snapshot from the future means that this clock is wrong; a disabled key must be enabled first.",
        findings=(*_kept_well(here, newest), *_missing_days(here, usable)),
    )


def _kept_well(here: Here, newest: Snapshot) -> tuple[Finding, ...]:
    findings = []
    if here.now() - newest.created > here.policy.backup_age_limit:
        findings.append(Finding(f"the newest snapshot is {age(newest.created, here.now())} old", "major"))
    if not newest.encrypted:
        findings.append(Finding("the newest snapshot is not encrypted", "major"))
    return tuple(findings)


def _missing_days(here: Here, snapshots: list[Snapshot]) -> tuple[Finding, ...]:
    """Days of the retention period, today and the oldest left out, on which no snapshot was made."""
    have = {snapshot.created.date() for snapshot in snapshots}
    today = here.now().date()
    wanted = [today - timedelta(days=back) for back in range(1, here.policy.retention_days)]
    missing: list[date] = [day for day in wanted if day not in have]
    if not missing:
        return ()
    return (Finding(f"no snapshot on {len(missing)} of the last {here.policy.retention_days} days: {missing[0]} …"),)


# -- connect ------------------------------------------------------------------------------------------------------
async def connects_to_the_copy(here: Here) -> Observation:
    """TLS verified for the name, and it is the copy: started after the restore was asked for, not the source."""
    ready, restored = here.desk.need(InstanceReady), here.desk.need(InstanceRestored)
    where = await copy(here).whereabouts()
    fresh = where.started >= moment(restored.asked_at) - timedelta(seconds=here.policy.clock_good_s)
    source = ready.host == here.environment.database.source_host
    return Observation.that(
        where.tls and fresh and not source and not where.in_recovery,
        expected=f"TLS for {ready.host}, started after {restored.asked_at}, not the source",
        observed=f"{'TLS' if where.tls else 'NO TLS'}, PostgreSQL {where.version}, started {iso(where.started)}"
        + (", THIS IS THE SOURCE" if source or not fresh else "")
        + (", still in recovery" if where.in_recovery else ""),
        source="pg_postmaster_start_time(), pg_is_in_recovery(), sslmode=verify-full",
        fix="Something points at the source instead of the copy: check host names and the tunnel.",
    )


# -- content ------------------------------------------------------------------------------------------------------
async def manifest(here: Here) -> Mapping[str, Mapping[str, Any]] | None:
    """Rows and digest by table, as the source stated them at the backup; None where nobody made one."""
    database = here.environment.database
    if not (database.manifest_bucket and database.manifest_key):
        return None
    key = database.manifest_key.format(snapshot=here.desk.need(SnapshotChosen).id)
    if not await here.estate.objects.list(database.manifest_bucket, key):
        return None
    document = as_object(await here.estate.objects.read(database.manifest_bucket, key))
    tables = document.get("tables")
    if document.get("schema") != 1 or not isinstance(tables, dict):
        raise LayerFailed(
            f"the manifest {key} cannot be read: not a manifest of schema 1",
            fix="Make it again at the source.",
            source="s3:GetObject",
        )
    return tables


async def content_is_whole(here: Here) -> Observation:
    """Row count and order-independent content hash of every table against the manifest made at the source."""
    database, stated = copy(here), await manifest(here)
    if stated is None:
        return await _not_compared(database)
    tables = await database.tables()
    found = await asyncio.gather(*(_content(here, database, table, number) for number, table in enumerate(tables)))
    faults = [fault for fault in _differences(stated, {content.table: content for content in found}) if fault]
    rows = sum(content.rows for content in found)
    return Observation.that(
        not faults,
        expected=f"{len(stated)} tables as the manifest states them",
        observed="; ".join(faults) or f"{len(found)} tables, {rows:,} rows, every count and hash equal",
        source="count(*), sum(hash_record_extended(t, 0)) per table, against the manifest",
        fix="This copy lost data: choose an older snapshot with that reason, or find out what happened at the source.",
    )


async def _content(here: Here, database: Database, table: str, number: int) -> TableContent:
    content = await database.content(table)
    here.desk.progress(number + 1, 0, f"{table} compared")
    return content


def _differences(stated: Mapping[str, Mapping[str, Any]], found: Mapping[str, TableContent]) -> list[str]:
    missing = [
        f"{table} is missing ({count(int(want['rows']))} rows stated)"
        for table, want in stated.items()
        if table not in found
    ]
    extra = [f"{table} is not in the manifest" for table in found if table not in stated]
    return missing + extra + [_difference(stated[t], content) for t, content in found.items() if t in stated]


def _difference(want: Mapping[str, Any], have: TableContent) -> str:
    if int(want["rows"]) != have.rows:
        return f"{have.table} has {count(have.rows)} rows, the manifest states {count(int(want['rows']))}"
    if str(want["digest"]) != have.digest:
        return f"{have.table} has the stated {count(have.rows)} rows, but their content differs"
    return ""


async def _not_compared(database: Database) -> Observation:
    tables = await database.tables()
    return Observation.that(
        bool(tables),
        expected="tables to be there (no manifest was made beside this backup: content cannot be compared)",
        observed=f"{len(tables)} tables; content not compared",
        source="pg_class",
        fix="The copy has no tables: this is not the right database.",
        findings=(Finding("no manifest was made beside this backup: content was not compared", "major"),),
    )


async def counts_still_hold(here: Here) -> Observation:
    """Companion of the checkpoint: row counts now, whatever the age of the full comparison."""
    database, stated = copy(here), await manifest(here) or {}
    counts = await asyncio.gather(*(database.rows(table) for table in stated))
    faults = [
        f"{table} has {count(have)} rows, the manifest states {count(int(want['rows']))}"
        for (table, want), have in zip(stated.items(), counts, strict=True)
        if int(want["rows"]) != have
    ]
    return Observation.that(
        not faults,
        expected="row counts as the manifest states them",
        observed="; ".join(faults) or f"{len(counts)} tables counted again, all equal",
        source="count(*)",
    )


# -- recency ------------------------------------------------------------------------------------------------------
async def newest_row(here: Here) -> Observation:
    """How much would be lost: the newest committed business row, on the server's clock."""
    database, settings = copy(here), here.environment.database
    newest = await database.newest(settings.recency_table, settings.recency_column)
    if newest is None:
        raise LayerFailed(
            f"{settings.recency_table}.{settings.recency_column} holds no time at all",
            fix="Choose another recovery point, or another recency table in the configuration.",
            source="max()",
        )
    now = (await database.whereabouts()).server_time
    return Observation.that(
        newest <= now,
        expected="a newest row before now",
        observed=f"newest row {iso(newest)}, {age(newest, now)}{' before now' if newest <= now else ''}",
        source=f"max({settings.recency_table}.{settings.recency_column}), server time",
        fix="Rows from the future: the recency column does not mean what the configuration says.",
        facts=(DataUntil(iso(newest)),),
    )


async def answers(here: Here) -> Observation:
    """Heartbeat: `select 1` on the copy."""
    await copy(here).ping()
    return Observation.passed(expected="an answer", observed="the copy answers", source="select 1")


DATABASE: Stage[Here] = Stage(
    number=3,
    id="database",
    title="Core Database",
    clause="3.3",
    touches="a new database instance, made from a snapshot and tagged with this run; the source is only read",
    heartbeat=answers,
    at_opening=(counts_still_hold,),
    steps=(
        Check(
            id="database.snapshots",
            title="Snapshots are there, fresh, encrypted, and of every day",
            why="The newest usable one decides how much is lost.",
            manual="aws rds describe-db-snapshots --db-instance-identifier SOURCE",
            look=snapshots_are_there,
            lasting=Lasting.MOMENT,
        ),
        Question(
            id="database.choose",
            title="Choose the recovery point",
            why="The newest, unless what broke production is in it already.",
            manual="RDS console → Snapshots → sort by creation time",
            ask=act.choose_snapshot,
        ),
        Action(
            id="database.restore",
            title="Restore it into a new instance",
            why="The copy stands beside the source: nothing is overwritten.",
            manual="aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier ID …",
            find=act.already_ours,
            preview=act.show_restore,
            perform=act.restore,
            repeat=Repeat.ONCE,
            undo=act.destroy,
        ),
        Check(
            id="database.available",
            title="The provider says that it is available",
            why="Available is where peers stop; here it is where looking begins.",
            manual="aws rds describe-db-instances --db-instance-identifier NEW",
            look=act.is_available,
            lasting=Lasting.MOMENT,
            timeout=12 * 3600,
        ),
        Check(
            id="database.connect",
            title="We are connected to the copy, and to nothing else",
            why="A check that looks at production by mistake passes every time.",
            manual="psql 'host=… sslmode=verify-full' -c 'select pg_postmaster_start_time()'",
            look=connects_to_the_copy,
            after=("database.available",),
            attestable=False,
        ),
        Check(
            id="database.content",
            title="Every table has the rows and the content that it should",
            why="A count proves little and a successful restore proves nothing: the content hash notices every damage.",
            manual="compare count(*) and the hash of each table with the manifest beside the backup",
            look=content_is_whole,
            after=("database.connect",),
            lasting=Lasting.HEAVY,
            timeout=6 * 3600,
        ),
        Check(
            id="database.recency",
            title="The newest row shows how much is lost",
            why="It is the achieved recovery point, whatever the backup's name says.",
            manual="select max(COLUMN) from TABLE",
            look=newest_row,
            after=("database.connect",),
        ),
    ),
)
