"""Every change that the adapters can make, as a call of the adapter itself against whatever it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from runbook.config import Environment
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Permit, Secret
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.aws.evidence_bucket import EvidenceBucket
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.door import Door
from runbook.estate.http import Wiring
from runbook.estate.northflank import Northflank
from runbook.estate.ports import DnsRecord, Endpoint, SideEffect
from runbook.estate.postgres.server import PostgresDatabases
from runbook.estate.vault.server import VaultServer
from runbook.safety.interlock import Interlock
from tests.estate_adapters.aws_databases import SPEC, TO_A_MOMENT
from tests.safety.recording import World, host_of, record_id, tags_of, zone_id

SECRET: Final = Secret("s")


@dataclass(frozen=True)
class Things:
    """What a change is tried on: each by the name under which one environment, or nobody, has it."""

    environment: Environment  # its vault, and the region of its account
    made: str  # what a restore or a copy would be called
    kept: str  # what a recovery's copy of the newest snapshot would be called
    there: str  # an instance or a snapshot that exists
    run: str  # whose tag everything would carry
    project: str
    service: str
    group: str
    zone: str
    name: str
    record: str  # the name that the record is of before it is changed
    bucket: str
    owner: str
    key: str


def fitting(operation: str, target: str) -> Permit:
    """A permit for the very call: whatever refuses it is another rule."""
    return Permit("run", "step", operation, target)


@dataclass(frozen=True)
class Desk:
    """The adapters over recording transports, behind one interlock."""

    world: World
    interlock: Interlock
    door: Door
    permit: Callable[[str, str], Permit] = fitting

    def databases(self, things: Things) -> AwsDatabases:
        return AwsDatabases(self.world.access(things.environment.aws, self.interlock, self.door))

    def vault(self, things: Things) -> VaultServer:
        return VaultServer(things.environment.vault, self.interlock, self.door)

    def platform(self, things: Things) -> Northflank:
        wiring = Wiring(transport=self.world.http("northflank"))
        return Northflank(things.environment.application.platform, SECRET, self.interlock, self.door, wiring=wiring)

    async def edge(self, things: Things) -> Cloudflare:
        """Not told that it may only read, so that it is the interlock that says so; the zone was looked up."""
        wiring = Wiring(transport=self.world.http("cloudflare"))
        settings = things.environment.connectivity
        edge = Cloudflare(settings.cloudflare, SECRET, None, self.interlock, self.door, read_only=False, wiring=wiring)
        await edge.zone(things.zone)
        return edge


Try = Callable[[Desk, Things], Awaitable[object]]


# -- AWS ----------------------------------------------------------------------------------------------------------
async def _restore(desk: Desk, things: Things) -> None:
    spec = replace(SPEC, instance=things.made, tags=tags_of(things.run))
    await desk.databases(things).restore(desk.permit("rds:RestoreDBInstanceFromDBSnapshot", things.made), spec)


async def _restore_to_a_moment(desk: Desk, things: Things) -> None:
    spec = replace(TO_A_MOMENT, instance=things.made, tags=tags_of(things.run))
    await desk.databases(things).restore(desk.permit("rds:RestoreDBInstanceToPointInTime", things.made), spec)


async def _copy(desk: Desk, things: Things) -> None:
    given: Any = {"kms_key": "arn:key", "tags": tags_of(things.run)}
    await desk.databases(things).copy(desk.permit("rds:CopyDBSnapshot", things.made), "shared-1", things.made, **given)


async def _keep(desk: Desk, things: Things) -> None:
    await desk.databases(things).keep(desk.permit("rds:CopyDBSnapshot", things.kept), "rds:clinic-1", things.kept)


async def _hide(desk: Desk, things: Things) -> None:
    databases = desk.databases(things)
    await databases.instance(things.there)
    await databases.hide(desk.permit("rds:ModifyDBInstance", things.there), things.there)


async def _set_password(desk: Desk, things: Things) -> None:
    databases = desk.databases(things)
    await databases.instance(things.there)
    await databases.set_password(desk.permit("rds:ModifyDBInstance", things.there), things.there, SECRET)


async def _delete(desk: Desk, things: Things) -> None:
    databases = desk.databases(things)
    await databases.instance(things.there)
    await databases.delete(desk.permit("rds:DeleteDBInstance", things.there), things.there)


async def _forget(desk: Desk, things: Things) -> None:
    databases = desk.databases(things)
    await databases.snapshot(things.there)
    await databases.forget(desk.permit("rds:DeleteDBSnapshot", things.there), things.there)


async def _record(desk: Desk, things: Things) -> None:
    await _bucket(desk, things).put_new(things.key, b"{}")


async def _replace_record(desk: Desk, things: Things) -> None:
    await _bucket(desk, things).replace(things.key, b"{}", '"1"')


def _bucket(desk: Desk, things: Things) -> EvidenceBucket:
    access = desk.world.access(things.environment.aws, desk.interlock, desk.door)
    return EvidenceBucket(access, things.bucket, things.owner)


# -- the vault ----------------------------------------------------------------------------------------------------
def _address(things: Things) -> str:
    return things.environment.vault.address


async def _initialise(desk: Desk, things: Things) -> None:
    await desk.vault(things).initialise(desk.permit("vault:Initialise", _address(things)), shares=3, threshold=2)


async def _unseal(desk: Desk, things: Things) -> None:
    await desk.vault(things).unseal(desk.permit("vault:Unseal", _address(things)), SECRET)


async def _reset_unseal(desk: Desk, things: Things) -> None:
    await desk.vault(things).reset_unseal(desk.permit("vault:Unseal", _address(things)))


async def _restore_vault(desk: Desk, things: Things, *, force: bool = True) -> None:
    vault = desk.vault(things)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "backup.snap"
        archive.write_bytes(b"archive")
        permit = desk.permit("vault:Restore", _address(things))
        await vault.restore(permit, archive, token=SECRET, force=force, progress=lambda _, __: None)


async def _login(desk: Desk, things: Things) -> None:
    permit = desk.permit("vault:Login", _address(things))
    await desk.vault(things).login(permit, role_id=SECRET, secret_id=SECRET, mount="approle")


async def _repoint(desk: Desk, things: Things) -> None:
    permit = desk.permit("vault:Repoint", _address(things))
    await desk.vault(things).repoint(permit, "database", "clinic", "postgresql://db:5432/clinic")


async def _sign_out(desk: Desk, things: Things) -> None:
    vault = desk.vault(things)
    vault._token = SECRET  # who is not signed in sends nothing; a sign-in would be refused before it
    await vault.sign_out(desk.permit("vault:SignOut", _address(things)))


# -- the platform, the edge, the database -------------------------------------------------------------------------
async def _deploy(desk: Desk, things: Things) -> None:
    permit = desk.permit("northflank:Deploy", f"{things.project}/{things.service}")
    given: Any = {"image": "i@sha256:1", "instances": 1, "credentials": None}
    await desk.platform(things).deploy(permit, things.project, things.service, **given)


async def _restart(desk: Desk, things: Things) -> None:
    permit = desk.permit("northflank:Restart", f"{things.project}/{things.service}")
    await desk.platform(things).restart(permit, things.project, things.service)


async def _set_group(desk: Desk, things: Things) -> None:
    permit = desk.permit("northflank:SetSecretGroup", f"{things.project}/{things.group}")
    await desk.platform(things).set_secret_group(permit, things.project, things.group, {"A": SECRET})


async def _put_rules(desk: Desk, things: Things, *, dry_run: bool = False) -> None:
    zone, phase = zone_id(things.zone), "http_request_firewall_managed"
    edge = await desk.edge(things)
    await edge.put_rules(desk.permit("cloudflare:PutRules", f"{zone}/{phase}"), zone, phase, (), dry_run=dry_run)


async def _change_rule(desk: Desk, things: Things) -> None:
    zone = zone_id(things.zone)
    edge = await desk.edge(things)
    await edge.change_rule(desk.permit("cloudflare:ChangeRule", f"{zone}/set/rule"), zone, "set", "rule", {})


async def _set_record(desk: Desk, things: Things) -> None:
    zone, record = zone_id(things.zone), record_id(things.record)
    edge = await desk.edge(things)
    await edge.records(zone, things.record)
    wanted = DnsRecord(record, things.name, "CNAME", "origin.example", proxied=True, ttl=1)
    await edge.set_record(desk.permit("cloudflare:SetRecord", f"{zone}/{record}"), zone, wanted)


async def _silence(desk: Desk, things: Things) -> None:
    effect = SideEffect("cron job", "nightly", active=True, how="select 1")
    await (await _database(desk, things)).silence(desk.permit("postgres:Silence", effect.name), effect)


async def _analyze(desk: Desk, things: Things) -> None:
    await (await _database(desk, things)).analyze(desk.permit("postgres:Analyze", "public.notes"), "public.notes")


async def _database(desk: Desk, things: Things) -> Any:
    """Looked up before it is connected to, as every step does."""
    await desk.databases(things).instance(things.there)
    databases = PostgresDatabases(things.environment.database, SECRET, desk.interlock, desk.door)
    return databases.at(Endpoint(host_of(things.there), 15432, "127.0.0.1"))


TRIES: Final[Mapping[str, Try]] = MappingProxyType(
    {  # by the operation, and where an adapter has several ways to it, which one
        "rds:RestoreDBInstanceFromDBSnapshot": _restore,
        "rds:RestoreDBInstanceToPointInTime": _restore_to_a_moment,
        "rds:CopyDBSnapshot": _copy,
        "rds:CopyDBSnapshot, kept": _keep,
        "rds:ModifyDBInstance, hidden": _hide,
        "rds:ModifyDBInstance, password": _set_password,
        "rds:DeleteDBInstance": _delete,
        "rds:DeleteDBSnapshot": _forget,
        "s3:PutObject": _record,
        "s3:PutObject, in place of another": _replace_record,
        "vault:Initialise": _initialise,
        "vault:Unseal": _unseal,
        "vault:Unseal, reset": _reset_unseal,
        "vault:Restore": partial(_restore_vault, force=False),
        "vault:Restore, forced": _restore_vault,
        "vault:Login": _login,
        "vault:Repoint": _repoint,
        "vault:SignOut": _sign_out,
        "northflank:Deploy": _deploy,
        "northflank:Restart": _restart,
        "northflank:SetSecretGroup": _set_group,
        "cloudflare:PutRules": _put_rules,
        "cloudflare:PutRules, dry run": partial(_put_rules, dry_run=True),
        "cloudflare:ChangeRule": _change_rule,
        "cloudflare:SetRecord": _set_record,
        "postgres:Silence": _silence,
        "postgres:Analyze": _analyze,
    }
)


def operation_of(case: str) -> str:
    """The listed operation that it is."""
    return case.partition(",")[0]


async def attempted(case: str, desk: Desk, things: Things) -> bool:
    """Whether the change reached the transport; Refused goes on to who asked."""
    with suppress(NoVerdict, LayerFailed):  # what a recorder answers is not what was hoped for, but it was sent
        await TRIES[case](desk, things)
    return desk.world.was_changed(operation_of(case))
