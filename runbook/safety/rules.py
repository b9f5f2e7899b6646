"""The rules that every call is judged by, one sentence each: `RULES` is the whole of it, and every one counts.

A rule answers why the call is refused, or None.  It sees the call as it is about to be sent, the bounds of the run,
and what providers themselves have said in this process.  No rule knows a mode that lets everything pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from runbook.safety import rules_aws as aws
from runbook.safety import rules_layers as layers
from runbook.safety.bounds import Bounds, Territory, is_loopback, place, said, same
from runbook.safety.call import Call
from runbook.safety.learned import Learned
from runbook.safety.operations import Effect

Rule = Callable[[Call, Bounds, Learned], str | None]


# -- in every mode ------------------------------------------------------------------------------------------------
def stays_on_this_machine(call: Call, bounds: Bounds, _: Learned) -> str | None:
    there = call.given.get("route") or call.host
    if bounds.loopback_only and not is_loopback(there):
        return f"training cannot leave this machine: {there} is not a loopback address"
    return None


def only_reads(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if not bounds.changes and call.operation.effect is not Effect.READ:
        return f"{call.operation.name} changes something, and this command only reads"
    return None


def is_permitted(call: Call, _: Bounds, __: Learned) -> str | None:
    if call.changes and call.permit is None:
        return f"{call.operation.name} changes something and nobody permitted it"
    return None


def is_the_permitted_operation(call: Call, _: Bounds, __: Learned) -> str | None:
    if call.changes and call.permit is not None and call.permit.operation != call.operation.name:
        return f"the permit is for {call.permit.operation}, not for {call.operation.name}"
    return None


def is_the_permitted_target(call: Call, _: Bounds, __: Learned) -> str | None:
    """What is named in the call is what the operator agreed to."""
    target = call.permit.target if call.changes and call.permit else ""
    if call.provider == "vault":
        there = not target or place(target) == call.place
    else:
        named = call.named or "/".join(call.on_the_platform or call.in_the_zone)
        there = not target or not named or target.lower() == named.lower()
    return None if there else f"the permit is for {target}, and {call.operation.name} would change another"


def speaks_tls(call: Call, _: Bounds, __: Learned) -> str | None:
    if call.secured or is_loopback(call.host):
        return None
    return f"{call.operation.name}: {call.host} would be called without TLS"


def path_is_plain(call: Call, _: Bounds, __: Learned) -> str | None:
    """An escape must not walk elsewhere in the path: the server behind it may read it otherwise than this does."""
    if not call.changes:
        return None
    segments = [unquote(each) for each in call.path.split("/")[1:]]
    if any(each in {"", ".", ".."} or {"/", "\\", "%"} & set(each) for each in segments):
        return f"{call.operation.name}: {call.path} could be read as another path"
    return None


# -- between the environments -------------------------------------------------------------------------------------
def is_not_the_others(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """A change never names what belongs to the other environment, whatever else is configured."""
    if bounds.target is None or bounds.other is None or not call.changes:
        return None
    if _belongs(call, bounds.other):
        return f"{call.operation.name}: that belongs to {bounds.other.name}"
    return None


def _belongs(call: Call, other: Territory) -> bool:
    on_the_platform = call.on_the_platform in (other.services | other.groups)
    in_the_zone = call.given.get("name", "").lower() in other.names
    in_the_account = call.named.startswith(f"{other.instance_prefix}-")
    the_vault = call.provider == "vault" and same(call.place, other.vault)
    return on_the_platform or in_the_zone or in_the_account or the_vault


def place_is_known(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """Provider APIs and the vault are called where the target's configuration says, and nowhere else."""
    if bounds.target is None or call.provider not in _KNOWN or call.operation.name == "github:Bundle":
        return None  # a bundle lies in a blob store, behind a link that GitHub signs
    at_aws = call.provider in AWS and _is_aws(call, bounds.target)
    return None if at_aws or call.place in bounds.target.places else _unknown(call)


def page_is_known(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """Any page may be read; one is posted to only where the target's configuration says that it answers that."""
    if bounds.target is None or call.operation.name != "web:Probe":
        return None
    return None if (call.place, call.path) in bounds.target.pages else _unknown(call)


AWS: Final = ("sts", "sso", "sso-oidc", "sso-admin", "iam", "s3", "kms", "rds", "ec2")
_KNOWN: Final = ("northflank", "github", "registry", "cloudflare", "vault", *AWS)


def _is_aws(call: Call, target: Territory) -> bool:
    """AWS's own endpoints, where no other is configured."""
    return target.aws_endpoint is None and call.host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".aws"))


def _unknown(call: Call) -> str:
    return f"{call.operation.name}: {said(call.place)} is not in runbook.toml"


RULES: Final[tuple[Rule, ...]] = (
    stays_on_this_machine,
    only_reads,
    is_permitted,
    is_the_permitted_operation,
    is_the_permitted_target,
    speaks_tls,
    path_is_plain,
    aws.deletes_no_production,
    aws.is_not_productions_database,
    layers.vault_is_not_productions,
    layers.database_is_not_productions,
    is_not_the_others,
    aws.account_is_known,
    aws.region_is_the_targets,
    aws.name_is_generated,
    aws.tags_what_it_makes,
    aws.has_our_prefix,
    aws.is_tagged_as_ours,
    aws.changes_only_what_it_may,
    aws.stays_private,
    layers.vault_is_the_targets,
    layers.vault_said_who_it_is,
    layers.cluster_is_not_productions,
    layers.service_is_the_targets,
    layers.group_is_the_targets,
    layers.has_names_to_change,
    layers.zone_is_the_targets,
    layers.name_is_the_targets,
    layers.record_has_that_name,
    layers.zone_is_not_shared,
    layers.database_is_ours,
    place_is_known,
    page_is_known,
    aws.record_has_its_place,
    aws.locks_only_heads,
    aws.bucket_is_in_the_path,
)
"""In the order in which the first that applies is told: the more dangerous the mistake, the earlier."""
