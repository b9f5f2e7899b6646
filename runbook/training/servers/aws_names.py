"""Names in the practice account; loads nothing, so that the supervisor can know them without moto."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

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
MASTER_USER = "clinic_admin"
PARAMETER_GROUP = "clinic-drill"
PRODUCTION_PARAMETERS = "clinic-production"
PARAMETERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        PRODUCTION_PARAMETERS: {
            "shared_preload_libraries": "pg_stat_statements,pg_cron",
            "max_logical_replication_workers": "4",
            "rds.force_ssl": "1",
        },
        PARAMETER_GROUP: {
            "shared_preload_libraries": "pg_stat_statements",
            "max_logical_replication_workers": "0",
            "rds.force_ssl": "1",
        },
    }
)
"""What each parameter group sets."""
SUBNET_GROUP = "clinic-private"
SECURITY_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "clinic-database": "database, from the application only",
        "clinic-drill": "drill copies: reached from inside, and no way out",
    }
)
"""Production's, and the drill's."""
RETENTION_DAYS = 30
LAST_WRITTEN = timedelta(seconds=80)
"""How long before each snapshot the newest booking in it was made."""


def domain(region: str = REGION) -> str:
    """What the names of all practice instances end in; nothing resolves it, clients pass the address along."""
    return f"{region}.rds.practice.test"


def host_name(instance: str, region: str = REGION) -> str:
    """The name in the endpoint of a practice instance."""
    return f"{instance}.{domain(region)}"


def snapshot_id(instance: str, made: datetime) -> str:
    """The identifier that RDS gives an automated snapshot made then."""
    return f"rds:{instance}-{made.astimezone(UTC):%Y-%m-%d-%H-%M}"
