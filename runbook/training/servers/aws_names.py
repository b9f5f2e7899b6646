"""Names in the practice account; loads nothing, so that the supervisor can know them without moto."""

from __future__ import annotations

from datetime import UTC, datetime

ACCOUNT = "111122223333"  # AWS's own example account
REGION = "eu-west-2"
ROLE = "runbook-drill"
ESTATE_ROLE = "practice-estate"
SESSION = "cto"
VAULT_KEY = "AKIAPRACTICEVAULT000"  # with which the vaults ask KMS to unseal them; no secret, moto checks none
USER = "cto"
MFA_DEVICE = "cto"
PERMISSION_SET = "ClinicAdministrator"
SSO_ROLE = f"AWSReservedSSO_{PERMISSION_SET}_0123456789abcdef"
BUCKET = "practice-clinic-backups"
VAULT_PREFIX = "vault/"
MANIFEST_PREFIX = "manifests/"
INSTANCE = "clinic-production"
INSTANCE_CLASS = "db.t4g.medium"
DATABASE = "clinic"
PARAMETER_GROUP = "clinic-drill"
SUBNET_GROUP = "clinic-private"
SECURITY_GROUP = "clinic-database"
RETENTION_DAYS = 30


def domain(region: str = REGION) -> str:
    """What the names of all practice instances end in; nothing resolves it, clients pass the address along."""
    return f"{region}.rds.practice.test"


def host_name(instance: str, region: str = REGION) -> str:
    """The name in the endpoint of a practice instance."""
    return f"{instance}.{domain(region)}"


def snapshot_id(instance: str, made: datetime) -> str:
    """The identifier that RDS gives an automated snapshot made then."""
    return f"rds:{instance}-{made.astimezone(UTC):%Y-%m-%d-%H-%M}"


def manifest_key(snapshot: str) -> str:
    """Where the manifest of a snapshot lies in the bucket."""
    return f"{MANIFEST_PREFIX}{snapshot}.json"
