"""Every operation that the adapters use, as READ or MUTATING: one table, for the interlock and for the IAM policies.

No service model says which of its operations change something, so what is not listed here is refused in every mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from runbook.engine.errors import Refused


class Effect(StrEnum):
    """Whether an operation changes anything."""

    READ = "READ"
    MUTATING = "MUTATING"
    RECORDING = "RECORDING"  # a record of ours into the evidence bucket: needs no permit, and is never training's


@dataclass(frozen=True, slots=True)
class Operation:
    """`method` and `path` (a regular expression over the whole path) identify an HTTP call; AWS calls have names."""

    name: str
    effect: Effect
    method: str = ""
    path: str = ""


def _read(name: str, method: str = "", path: str = "") -> Operation:
    return Operation(name, Effect.READ, method, path)


def _change(name: str, method: str = "", path: str = "") -> Operation:
    return Operation(name, Effect.MUTATING, method, path)


_NF = r"/v1/projects/[^/]+"
_ZONE = r"/client/v4/zones/[^/]+"
_PHASE = _ZONE + r"/rulesets/phases/[a-z_]+/entrypoint"

OPERATIONS: tuple[Operation, ...] = (
    _read("sts:GetCallerIdentity"),
    _read("sts:AssumeRole"),  # a session of our own: nothing in the account changes
    _read("sts:GetSessionToken"),
    _read("sts:AssumeRoleWithWebIdentity"),  # botocore's own, where a machine signs in with a token file
    _read("sso:GetRoleCredentials"),
    _read("sso-oidc:CreateToken"),  # botocore's own renewal of a sign-in that was made in a browser
    _read("sso-admin:ListInstances"),
    _read("iam:SimulatePrincipalPolicy"),
    _read("s3:ListObjectsV2"),
    _read("s3:HeadObject"),
    _read("s3:HeadBucket"),  # botocore's own: which Region, after a HeadObject that was refused without a word
    _read("s3:GetObject"),
    _read("s3:GetPublicAccessBlock"),
    _read("s3:GetBucketVersioning"),
    _read("s3:GetObjectLockConfiguration"),
    _read("kms:DescribeKey"),
    _read("rds:DescribeDBSnapshots"),
    _read("rds:DescribeDBInstances"),
    _read("rds:DescribeDBInstanceAutomatedBackups"),
    _read("rds:DescribeDBSubnetGroups"),
    _read("rds:DescribeDBParameterGroups"),
    _read("rds:DescribeDBParameters"),
    _read("rds:DescribeAccountAttributes"),
    _read("rds:ListTagsForResource"),
    _read("ec2:DescribeSecurityGroups"),
    Operation("s3:PutObject", Effect.RECORDING),  # the evidence bucket's prefix, and nowhere else
    _change("rds:RestoreDBInstanceFromDBSnapshot"),
    _change("rds:RestoreDBInstanceToPointInTime"),
    _change("rds:ModifyDBInstance"),
    _change("rds:DeleteDBInstance"),
    _change("rds:CopyDBSnapshot"),
    _change("rds:DeleteDBSnapshot"),
    _read("vault:SealStatus", "GET", r"/v1/sys/seal-status"),
    _read("vault:Health", "(?:GET|HEAD)", r"/v1/sys/health"),
    _read("vault:Mounts", "GET", r"/v1/sys/mounts"),
    _read("vault:LookupSelf", "GET", r"/v1/auth/token/lookup-self"),
    _read("vault:Audit", "GET", r"/v1/sys/audit"),
    _read("vault:LeaseCount", "GET", r"/v1/sys/leases/count"),
    _read("vault:StaticRoles", "(?:GET|LIST)", r"/v1/[^/]+/static-roles(?:/[^/]+)?"),
    _read("vault:DatabaseConnection", "GET", r"/v1/[^/]+/config/[^/]+"),
    _change("vault:Repoint", "(?:POST|PUT)", r"/v1/[^/]+/config/[^/]+"),
    _read("vault:TransitKey", "GET", r"/v1/[^/]+/keys/[^/]+"),
    _read("vault:TransitDecrypt", "(?:POST|PUT)", r"/v1/[^/]+/decrypt/[^/]+"),
    _change("vault:Initialise", "(?:POST|PUT)", r"/v1/sys/init"),
    _change("vault:Unseal", "(?:POST|PUT)", r"/v1/sys/unseal"),
    _change("vault:Restore", "(?:POST|PUT)", r"/v1/sys/storage/raft/snapshot(?:-force)?"),
    _change("vault:Login", "(?:POST|PUT)", r"/v1/auth/[^/]+/login"),
    _change("vault:SignOut", "(?:POST|PUT)", r"/v1/auth/token/revoke-self"),
    _read("northflank:Token", "GET", r"/v1/auth"),
    _read("northflank:Project", "GET", _NF),
    _read("northflank:Services", "GET", _NF + r"/services"),
    _read("northflank:Service", "GET", _NF + r"/services/[^/]+"),
    _read("northflank:Deployments", "GET", _NF + r"/services/[^/]+/deployments"),
    _read("northflank:Containers", "GET", _NF + r"/services/[^/]+/containers"),
    _read("northflank:SecretGroup", "GET", _NF + r"/secrets/[^/]+"),
    _change("northflank:SetSecretGroup", "PATCH", _NF + r"/secrets/[^/]+"),
    _change("northflank:Deploy", "PATCH", _NF + r"/services/deployment/[^/]+"),
    _change("northflank:Restart", "POST", _NF + r"/services/[^/]+/restart"),
    _read("github:User", "GET", r"/user"),
    _read("github:Repository", "GET", r"/repos/[^/]+/[^/]+"),
    _read("github:Commit", "GET", r"/repos/[^/]+/[^/]+/commits/[^/]+"),
    _read("github:Branch", "GET", r"/repos/[^/]+/[^/]+/branches/[^/]+"),
    _read("github:CheckRuns", "GET", r"/repos/[^/]+/[^/]+/commits/[^/]+/check-runs"),
    _read("github:CombinedStatus", "GET", r"/repos/[^/]+/[^/]+/commits/[^/]+/status"),
    _read("github:Attestations", "GET", r"/repos/[^/]+/[^/]+/attestations/[^/]+"),
    _read("github:Bundle"),  # an attestation's bundle, which GitHub keeps in a blob store
    _read("gh:VerifyAttestation"),  # GitHub's own command line, for bundles that only it can verify
    _read("github:PackageVersions", "GET", r"/(?:orgs/[^/]+|users/[^/]+|user)/packages/container/[^/]+/versions"),
    _read("registry:Token", "GET", r"/token"),
    _read("registry:Manifest", "(?:GET|HEAD)", r"/v2/.+/manifests/[^/]+"),
    _read("registry:Blob", "GET", r"/v2/.+/blobs/[^/]+"),
    _read("cloudflare:Token", "GET", r"/client/v4/(?:user|accounts/[^/]+)/tokens/verify"),
    _read("cloudflare:Zone", "GET", r"/client/v4/zones(?:/[^/]+)?"),
    _read("cloudflare:Rules", "GET", _PHASE),
    _change("cloudflare:PutRules", "PUT", _PHASE),
    _change("cloudflare:ChangeRule", "PATCH", _ZONE + r"/rulesets/[^/]+/rules/[^/]+"),
    _read("cloudflare:Settings", "GET", _ZONE + r"/settings/(?:security_level|development_mode)"),
    _read("cloudflare:Records", "GET", _ZONE + r"/dns_records"),
    _change("cloudflare:SetRecord", "PATCH", _ZONE + r"/dns_records/[^/]+"),
    _read("cloudflare:Ranges", "GET", r"/client/v4/ips"),
    _read("postgres:Read"),
    _change("postgres:Silence"),
    _change("postgres:Analyze"),
    _read("dns:Resolve"),
    _read("web:Get", "GET", r"/.*"),
    _read("web:Probe", "POST", r"/.*"),
)
_BY_NAME = {operation.name: operation for operation in OPERATIONS}


def named(name: str) -> Operation:
    """The listed operation of that name; an unlisted one is refused."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise Refused(f"{name} is not in the table of operations: it is refused in every mode") from None


def of_http(provider: str, method: str, path: str) -> Operation:
    """The listed operation that this HTTP call is; an unlisted one is refused."""
    for operation in OPERATIONS:
        if (
            operation.name.startswith(provider + ":")
            and operation.path
            and re.fullmatch(operation.method, method)
            and re.fullmatch(operation.path, path)
        ):
            return operation
    raise Refused(f"{provider}: {method} {path} is not in the table of operations: it is refused in every mode")
