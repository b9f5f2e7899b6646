"""The rules for the vault, the platform, the edge and the database: only the target's own."""

from __future__ import annotations

from typing import Final

from runbook.safety.bounds import Bounds, said, same
from runbook.safety.call import GROUP, RECORD, SERVICE, ZONE, Call
from runbook.safety.learned import Learned

_ZONE_WIDE: Final = ("cloudflare:PutRules", "cloudflare:ChangeRule")


# -- the vault ----------------------------------------------------------------------------------------------------
def vault_is_the_targets(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.provider != "vault" or not call.changes:
        return None
    if call.place != bounds.target.vault:
        return f"{call.operation.name}: {said(call.place)} is not the vault of {bounds.target.name}"
    return None


def vault_is_not_productions(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """Also when the configuration says both: a restored vault is told from production's by its address alone."""
    if bounds.source is None or bounds.mode == "recovery" or call.provider != "vault" or not call.changes:
        return None
    if same(call.place, bounds.source.vault):
        return f"{call.operation.name}: {said(call.place)} is production's vault"
    return None


def vault_said_who_it_is(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    if bounds.target is None or call.provider != "vault" or not call.changes or learned.has_answered(call.place):
        return None
    return f"{call.operation.name}: {said(call.place)} was not asked yet which cluster it is"


def cluster_is_not_productions(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    """Until this run restores into it, a target that answers with production's cluster_id is production's."""
    if bounds.source is None or bounds.mode == "recovery" or call.provider != "vault" or not call.changes:
        return None
    cluster = learned.cluster(call.place)
    if cluster and cluster == bounds.source.cluster_id and not learned.is_restored(call.place):
        return f"{call.operation.name}: {said(call.place)} answers as production's cluster, and was not restored here"
    return None


# -- the platform and the edge ------------------------------------------------------------------------------------
def service_is_the_targets(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.operation.name not in {"northflank:Deploy", "northflank:Restart"}:
        return None
    if call.parts(SERVICE) in bounds.target.services:
        return None
    return f"{call.operation.name}: {call.path} is no service of {bounds.target.name}"


def group_is_the_targets(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.operation.name != "northflank:SetSecretGroup":
        return None
    if call.parts(GROUP) in bounds.target.groups:
        return None
    return f"{call.operation.name}: {call.path} is no secret group of {bounds.target.name}"


def has_names_to_change(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.provider != "cloudflare" or not call.changes or bounds.target.names:
        return None
    return f"{call.operation.name}: {bounds.target.name} has no host names of its own, so its zone is only read"


def zone_is_the_targets(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    if bounds.target is None or call.provider != "cloudflare" or not call.changes:
        return None
    zone = "".join(map(learned.zone, call.parts(ZONE)))
    if zone and zone == bounds.target.zone.lower():
        return None
    return f"{call.operation.name}: zone {zone or 'of an unknown id'} is not that of {bounds.target.name}"


def name_is_the_targets(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.operation.name != "cloudflare:SetRecord":
        return None
    name = call.given.get("name", "").lower()
    return None if name in bounds.target.names else f"{call.operation.name}: {name} is no name of {bounds.target.name}"


def record_has_that_name(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    """A record of another name would be renamed by it: whoever has that name loses it."""
    if bounds.target is None or call.operation.name != "cloudflare:SetRecord":
        return None
    before, name = "".join(map(learned.record, call.parts(RECORD))), call.given.get("name", "").lower()
    if before and before == name:
        return None
    return f"{call.operation.name}: the record of {before or 'an unknown name'} would become that of {name or 'none'}"


def zone_is_not_shared(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """A drill that shares production's zone leaves the zone's own rules alone: they protect production too."""
    if bounds.mode == "recovery" or not bounds.shares_its_zone or call.operation.name not in _ZONE_WIDE:
        return None
    return f"{call.operation.name}: the zone is production's too, and a drill only reads production"


# -- the database -------------------------------------------------------------------------------------------------
def database_is_ours(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    if bounds.target is None or call.provider != "postgres" or not call.changes:
        return None
    instance = learned.database_at(call.host)
    if instance.startswith(f"{bounds.target.instance_prefix}-") and learned.run_of(instance) in learned.runs:
        return None
    return f"{call.operation.name}: {call.host} is no database that this run made"


def database_is_not_productions(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.source is None or call.provider != "postgres" or not call.changes:
        return None
    if call.place[0] == bounds.source.host.lower().rstrip("."):
        return f"{call.operation.name}: {call.host} is production's own database"
    return None
