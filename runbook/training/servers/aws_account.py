"""What the practice account holds from the start: keys, buckets, the production database and its snapshots.

Imported by the AWS server's own process only: it reaches into moto's backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from moto.kms.models import kms_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from runbook.training.servers.aws_names import (
    BUCKET,
    DATABASE,
    ESTATE_ROLE,
    INSTANCE,
    INSTANCE_CLASS,
    LAST_WRITTEN,
    MASTER_USER,
    PARAMETERS,
    PRODUCTION_PARAMETERS,
    RETENTION_DAYS,
    SECURITY_GROUPS,
    SUBNET_GROUP,
    snapshot_id,
)


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """What is made: names are fixed, times and versions come from the estate."""

    account: str
    region: str
    engine_version: str
    source_port: int
    snapshots: tuple[datetime, ...]
    """When the daily automated snapshots were made, oldest first (aware, UTC)."""


class Account:
    """The account inside moto, once it serves at `endpoint`."""

    def __init__(self, plan: AccountPlan, endpoint: str) -> None:
        self.plan = plan
        self._endpoint = endpoint
        self.facts: dict[str, Any] = {}

    @property
    def rds(self) -> Any:
        """moto's RDS backend of the account's region."""
        return rds_backends[self.plan.account][self.plan.region]

    def make(self) -> None:
        """Make everything; `facts` then says what the configuration must know."""
        self._sign_in()
        key = self._make_key()
        self._make_bucket(key)
        production, drill = self._make_network()
        self._make_parameters()
        self._make_instance(key, production)
        self._make_snapshots()
        self.facts |= {"kms_key": key, "security_group": drill, "bucket": BUCKET}

    def _sign_in(self) -> None:
        """A session of the estate's own, for all that it does itself; it never runs out, whatever the deck does."""
        arn = f"arn:aws:iam::{self.plan.account}:role/{ESTATE_ROLE}"
        session = sts_backends[self.plan.account]["aws"].assume_role(self.plan.region, "estate", arn, "", 8 * 3600, "")
        self.facts |= {"access_key": session.access_key_id, "secret_key": session.secret_access_key}

    def client(self, service: str) -> Any:
        """A boto3 client of ours; explicit in everything, so that no file or variable of the operator's counts."""
        make: Any = boto3.client  # its overloads want the service's name as a literal
        return make(
            service,
            region_name=self.plan.region,
            endpoint_url=self._endpoint,
            aws_access_key_id=self.facts["access_key"],
            aws_secret_access_key=self.facts["secret_key"],
            config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def _make_key(self) -> str:
        key = kms_backends[self.plan.account][self.plan.region].create_key(
            policy=None, key_usage="ENCRYPT_DECRYPT", key_spec="SYMMETRIC_DEFAULT",
            description="clinic backups", tags=[], multi_region=False,
        )  # fmt: skip
        arn: str = key.arn
        return arn

    def _make_bucket(self, key: str) -> None:
        s3 = self.client("s3")
        s3.create_bucket(
            Bucket=BUCKET,
            CreateBucketConfiguration={"LocationConstraint": self.plan.region},
            ObjectLockEnabledForBucket=True,  # which also turns versioning on
        )
        rule = {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
            "BucketKeyEnabled": True,
        }
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
        blocked = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=blocked)

    def _make_network(self) -> tuple[str, str]:
        """Subnet and security groups; answers the ids of production's security group and of the drill's."""
        ec2 = self.client("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        self.client("rds").create_db_subnet_group(
            DBSubnetGroupName=SUBNET_GROUP,
            DBSubnetGroupDescription="private subnets",
            SubnetIds=[subnet["SubnetId"] for subnet in subnets],
        )
        production, drill = (
            str(ec2.create_security_group(GroupName=name, Description=what, VpcId=subnets[0]["VpcId"])["GroupId"])
            for name, what in SECURITY_GROUPS.items()
        )
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]  # which every new group lets out
        ec2.revoke_security_group_egress(GroupId=drill, IpPermissions=everything)
        return production, drill

    def _make_parameters(self) -> None:
        """Production's jobs run in production; the drill's group lets none of them start in a copy."""
        rds, family = self.client("rds"), f"postgres{self.plan.engine_version.split('.')[0]}"
        for group, values in PARAMETERS.items():
            rds.create_db_parameter_group(DBParameterGroupName=group, DBParameterGroupFamily=family, Description=group)
            rds.modify_db_parameter_group(
                DBParameterGroupName=group,
                Parameters=[
                    {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
                    for name, value in values.items()
                ],
            )

    def _make_instance(self, key: str, group: str) -> None:
        self.client("rds").create_db_instance(
            DBInstanceIdentifier=INSTANCE,
            DBInstanceClass=INSTANCE_CLASS,
            Engine="postgres",
            EngineVersion=self.plan.engine_version,
            DBName=DATABASE,
            MasterUsername=MASTER_USER,
            ManageMasterUserPassword=True,
            AllocatedStorage=100,
            StorageType="gp3",
            StorageEncrypted=True,
            KmsKeyId=key,
            BackupRetentionPeriod=RETENTION_DAYS,
            MultiAZ=True,
            DeletionProtection=True,
            PubliclyAccessible=False,
            CopyTagsToSnapshot=True,
            DBSubnetGroupName=SUBNET_GROUP,
            VpcSecurityGroupIds=[group],
            DBParameterGroupName=PRODUCTION_PARAMETERS,
            Tags=[{"Key": "environment", "Value": "production"}],
        )
        instance = self.rds.databases[INSTANCE]
        instance.port, instance.dbi_resource_id = self.plan.source_port, "db-CLINICPRODUCTION00000000000"
        instance.created = instance.instance_create_time = _naive(self.plan.snapshots[0] - timedelta(days=400))

    def _make_snapshots(self) -> None:
        """Automated ones only, one a day: moto made its own when the instance was created."""
        self.rds.database_snapshots.clear()
        for made in self.plan.snapshots:
            snapshot = self.rds.create_auto_snapshot(INSTANCE, snapshot_id(INSTANCE, made))
            snapshot.created = snapshot.original_snapshot_create_time = _naive(made)
            snapshot.snapshot_database_time = _naive(made - LAST_WRITTEN)
            snapshot.percent_progress = 100
            snapshot.storage_type = "gp3"
            snapshot.availability_zone = f"{self.plan.region}a"
            snapshot.snapshot_target = "region"

    def publish(self, bucket: str, prefix: str, objects: list[dict[str, Any]]) -> None:
        """Make `objects` ({key, file, metadata, modified}) all that is below `prefix`, uploaded at those times."""
        s3 = self.client("s3")
        held = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
        for version in held.get("Versions", []) + held.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        for one in objects:
            with open(one["file"], "rb") as body:  # noqa: PTH123 - a path from another process, opened once
                s3.put_object(Bucket=bucket, Key=one["key"], Body=body, Metadata=one["metadata"])
            stored: Any = s3_backends[self.plan.account]["aws"].get_object(bucket, one["key"])
            stored.last_modified = _naive(datetime.fromisoformat(one["modified"]))

    def withhold_snapshots(self, days: int) -> None:
        """As if the newest `days` automated snapshots had never been made."""
        newest = sorted(self.rds.database_snapshots.values(), key=lambda one: one.created, reverse=True)
        ours = [one for one in newest if one.db_instance_identifier == INSTANCE and one.snapshot_type == "automated"]
        for one in ours[:days]:
            del self.rds.database_snapshots[one.db_snapshot_identifier]


def _naive(moment: datetime) -> datetime:
    """UTC without saying so: moto reckons with naive times only."""
    return moment.astimezone(UTC).replace(tzinfo=None)
