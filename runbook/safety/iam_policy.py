"""The least that a role for drills, or for recoveries, may do in AWS: exactly the calls of the table, no more.

What changes something is bound to generated names and to this tool's tag; a drill's role can only read production's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runbook.config import Environment
from runbook.config.sections import RecordsBucket
from runbook.safety.bounds import HEADS
from runbook.safety.call import CHANGING
from runbook.safety.iam import Sample, called, needed
from runbook.safety.learned import RUN_TAG

Statement = dict[str, Any]
MODE_OF: Final = {"drill": ("drill", "rehearsal"), "recovery": ("recovery",)}
_PREFIX: Final = {"drill": "rt", "recovery": "recovered"}
_OF_A_BUCKET: Final = ("s3:GetPublicAccessBlock", "s3:GetBucketVersioning", "s3:GetObjectLockConfiguration")
_RESTORES: Final = ("rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime")
_WITH_THE_SERVICE: Final = "rds:AddTagsToResource"
_LISTS: Final = ("ec2:", "sso-admin:")  # reads that know no resource, like RDS's own


@dataclass(frozen=True, slots=True)
class Place:
    """Where the role works, and on what; in capitals what has to be put in."""

    account: str = "ACCOUNT"
    region: str = "REGION"
    prefix: str = "rt"
    source_account: str = "ACCOUNT"
    source: str = "INSTANCE"  # the production database
    copy_key: str | None = None  # under which a shared snapshot is copied
    backups: str = "BACKUP-BUCKET"
    backups_prefix: str = ""
    backups_key: str = "arn:aws:kms:REGION:ACCOUNT:key/BACKUP-KEY"
    manifests: tuple[str, str] | None = None  # bucket and prefix
    records: tuple[str, str] | None = ("RECORDS-BUCKET", "runbook/")
    retain_days: int | None = None  # how long heads of the log are locked there
    reader_role: str | None = None  # assumed in production's account, only to read backups

    @property
    def two_accounts(self) -> bool:
        """Whether the backups are in another account."""
        return self.account != self.source_account

    def database(self, name: str) -> str:
        return self._rds("db", name)

    def snapshot(self, name: str, account: str = "") -> str:
        return self._rds("snapshot", name, account)

    def ground(self) -> list[str]:
        """Subnet, parameter and option groups: what a database is made in."""
        return [self._rds(kind, "*") for kind in ("subgrp", "pg", "og")]

    def keys(self, account: str = "") -> str:
        return f"arn:aws:kms:{self.region}:{account or self.account}:key/*"

    def _rds(self, kind: str, name: str, account: str = "") -> str:
        return f"arn:aws:rds:{self.region}:{account or self.account}:{kind}:{name}"


def placeholders(role: str) -> Place:
    """Without a configuration."""
    return Place(prefix=_PREFIX[role])


def place_of(environment: Environment, records: RecordsBucket | None = None) -> Place:
    """As configured for the environment that the role changes."""
    account, backup, database = environment.aws.account_id, environment.vault.backup, environment.database
    source = environment.source_aws
    manifests = database.manifest_bucket
    return Place(
        account=account,
        region=environment.aws.region,
        prefix=database.prefix.lower(),
        source_account=source.account_id if source else account,
        source=database.source_instance,
        copy_key=database.copy_kms_key,
        backups=backup.bucket,
        backups_prefix=backup.prefix,
        backups_key=backup.kms_key,
        manifests=(manifests, database.manifest_prefix) if manifests else None,
        records=(records.bucket, records.prefix) if records else None,
        retain_days=records.retain_days if records else None,
        reader_role=source.sign_in.role_arn if source else None,
    )


def samples(role: str, place: Place) -> dict[str, Sample]:
    """For every action, a case that a role with this policy (or more) may do, and no case that it may not."""
    found: dict[str, Sample] = {}
    for statement in policy(role, place, mfa=False)["Statement"]:
        carried = {key: value for test in statement.get("Condition", {}).values() for key, value in test.items()}
        context = tuple((key, _sample(value)) for key, value in carried.items())
        for action in statement["Action"]:
            found.setdefault(action, Sample(_sample(statement["Resource"]), context))
    return found


def _sample(value: str | list[str]) -> str:
    """The first, with an end of its own; a resource that is any stays that."""
    first = value if isinstance(value, str) else value[0]
    return first if first == "*" else first.replace("*", "sample")


def policy(role: str, place: Place, *, mfa: bool) -> dict[str, Any]:
    """The document; `mfa`: it is for an IAM user, who has to have given the code of a device."""
    statements = [
        *_reads(role, place),
        *_objects(place),
        *_restores(role, place),
        *_copies(role, place),
        *_changes(role, place),
        *_records(place),
        *([_WITHOUT_MFA] if mfa else ()),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


_WITHOUT_MFA: Final[Statement] = {  # an Allow with BoolIfExists would let long-term keys through: they lack the key
    "Sid": "NothingWithoutMfa",
    "Effect": "Deny",
    "NotAction": ["sts:GetSessionToken"],
    "Resource": "*",
    "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
}


# -- reads --------------------------------------------------------------------------------------------------------
def _reads(role: str, place: Place) -> list[Statement]:
    lists = [name for name in called(role) if name.startswith(_LISTS) or _is_read_of_rds(name)]
    entities = [f"arn:aws:iam::{place.account}:{kind}/*" for kind in ("role", "user")]
    found = [
        _allow("Look", _actions(lists), ["*"]),
        _allow("AskWhatIsAllowed", ["iam:SimulatePrincipalPolicy"], entities),
        _allow("LookAtKeys", ["kms:DescribeKey"], sorted({place.keys(), place.keys(place.source_account)})),
    ]
    if place.reader_role:
        found.append(_allow("ReadBackupsElsewhere", ["sts:AssumeRole"], [place.reader_role]))
    return found


def _is_read_of_rds(name: str) -> bool:
    return name.startswith(("rds:Describe", "rds:List"))


def _objects(place: Place) -> list[Statement]:
    """Backups and manifests; in two accounts they belong to the role that reads there."""
    kept = [(place.backups, place.backups_prefix), *([place.manifests] if place.manifests else ())]
    through = {"StringEquals": {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}}
    return [
        *(_listed(f"ListBackups{number}", *where) for number, where in enumerate(kept, 1)),
        _allow("LookAtTheBucket", _actions(_OF_A_BUCKET), [f"arn:aws:s3:::{place.backups}"]),
        _allow("ReadBackups", ["s3:GetObject", "s3:GetObjectVersion"], [_below(*where) for where in kept]),
        _allow("DecryptBackups", ["kms:Decrypt"], [place.backups_key], through),
    ]


# -- changes ------------------------------------------------------------------------------------------------------
def _restores(role: str, place: Place) -> list[Statement]:
    ours, theirs = place.database(f"{place.prefix}-*"), place.database(place.source)
    origins = [place.snapshot("*"), theirs, f"arn:aws:rds:{place.region}:{place.account}:auto-backup:*"]
    made = [ours, place.snapshot(f"{place.prefix}-*")]
    return [
        _allow("Restore", list(_RESTORES), [ours, *origins, *place.ground()], _tagging(role)),
        _allow("TagWhatIsMade", [_WITH_THE_SERVICE], made, _tagging(role)),
        _allow(
            "LetRdsUseTheKey",
            ["kms:CreateGrant"],
            sorted({place.keys(), place.keys(place.source_account)}),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _copies(role: str, place: Place) -> list[Statement]:
    """A drill in another account copies what is shared; a recovery keeps an automated one before it begins."""
    if role == "recovery":
        kept = place.snapshot("kept-*")
        return [
            _allow("KeepASnapshot", ["rds:CopyDBSnapshot"], [kept, place.snapshot("rds:*")]),
            _allow("TagWhatIsKept", [_WITH_THE_SERVICE], [kept]),
        ]
    shared = [place.snapshot("*", place.source_account)]
    copy = place.snapshot(f"{place.prefix}-*")
    found = [_allow("CopyWhatIsShared", ["rds:CopyDBSnapshot"], [copy, *shared], _tagging(role))]
    if place.copy_key:
        found.append(_allow("CopyUnderOurKey", ["kms:DescribeKey"], [place.copy_key]))
    return found


def _changes(role: str, place: Place) -> list[Statement]:
    """Only what carries our prefix and the tag of a run of this role."""
    names = [name for name in called(role) if name in CHANGING]
    databases = [name for name in names if name.endswith("Instance")]
    snapshots = [name for name in names if name.endswith("Snapshot")]
    tagged = {"StringLike": {f"aws:ResourceTag/{RUN_TAG}": _runs(role)}}
    return [
        _allow("ChangeWhatARunMade", databases, [place.database(f"{place.prefix}-*")], tagged),
        _allow("DeleteCopiesOfSnapshots", snapshots, [place.snapshot(f"{place.prefix}-*")], tagged),
    ]


def _records(place: Place) -> list[Statement]:
    if place.records is None:
        return []
    return [
        _listed("ListRecords", *place.records),
        _allow("KeepRecords", ["s3:GetObject", "s3:PutObject"], [_below(*place.records)]),
        *_heads(*place.records, place.retain_days),
    ]


def _heads(bucket: str, prefix: str, days: int | None) -> list[Statement]:
    """A lock cannot be taken back: it is for heads alone, and for as long as was configured."""
    if days is None:
        return []
    longest = {"NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": str(days + 1)}}
    return [_allow("LockHeads", ["s3:PutObjectRetention"], [_below(bucket, f"{prefix}{HEADS}")], longest)]


# -- parts --------------------------------------------------------------------------------------------------------
def _allow(sid: str, actions: Iterable[str], resources: list[str], when: Mapping[str, Any] | None = None) -> Statement:
    said: Statement = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}
    return said | ({"Condition": dict(when)} if when else {})


def _listed(sid: str, bucket: str, prefix: str) -> Statement:
    when = {"StringLike": {"s3:prefix": f"{prefix}*"}} if prefix else None
    return _allow(sid, ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"], when)


def _below(bucket: str, prefix: str) -> str:
    return f"arn:aws:s3:::{bucket}/{prefix}*"


def _actions(names: Iterable[str]) -> list[str]:
    return sorted({action for name in names for action in needed(name)})


def _tagging(role: str) -> dict[str, Any]:
    return {"StringLike": {f"aws:RequestTag/{RUN_TAG}": _runs(role)}}


def _runs(role: str) -> list[str]:
    return [f"{mode}-*" for mode in MODE_OF[role]]
