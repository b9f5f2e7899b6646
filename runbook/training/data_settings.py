"""What the run is told of the data layers: parts of `runbook.config.Environment`, as plain values without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from runbook.training import production
from runbook.training.certificates import Authority
from runbook.training.production_vault import CONNECTION, CUSTODIANS, MOUNTS, TRANSIT_KEY, ProductionVault
from runbook.training.servers import aws_names as names
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.northflank_state import VAULT
from runbook.training.servers.openbao import Bao
from runbook.training.variant import Seal

_NONE_OF_THESE: Mapping[str, str] = MappingProxyType(
    {
        "appointments without a patient": (
            "select count(*) from public.appointments a"
            " left join public.patients p on p.id = a.patient_id where p.id is null"
        ),
        "notes of another patient than their appointment's": (
            "select count(*) from public.clinical_notes n"
            " join public.appointments a on a.id = n.appointment_id where a.patient_id <> n.patient_id"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """Where everything is; `source_port` is production's database behind TLS, `probe` the address beside staging."""

    aws: AwsProcess
    production: ProductionVault
    staging: Bao
    authority: Authority
    source_port: int
    probe: str
    seal: Seal

    def vault(self) -> dict[str, Any]:
        """The part `vault`."""
        backup = {"bucket": names.BUCKET, "prefix": names.VAULT_PREFIX, "kms_key": self.aws.facts["kms_key"]}
        return {
            "address": self.staging.address,
            "ca_file": str(self.authority.ca_file),
            "product": "openbao",
            "production_address": self.production.bao.address,
            "cluster_id": self.production.cluster_id,
            "backup": backup,
            "mounts": list(MOUNTS),
            "transit_mount": "transit",
            "transit_keys": [TRANSIT_KEY],
            "approle_mount": "approle",
            "custodians": list(CUSTODIANS),
            "seal_type": self.seal,
            "egress_probe": f"{self.probe}/connect",
            "production_endpoints": [f"127.0.0.1:{self.source_port}", f"127.0.0.1:{self.production.bao.port}"],
            "service": VAULT,
            "database_mount": "database",
            "database_connection": CONNECTION,
            "database_host": "127.0.0.1",
        }

    def database(self) -> dict[str, Any]:
        """The part `database`."""
        return {
            "source_instance": names.INSTANCE,
            "source_host": names.host_name(names.INSTANCE),
            "instance_class": names.INSTANCE_CLASS,
            "subnet_group": names.SUBNET_GROUP,
            "security_groups": [self.aws.facts["security_group"]],
            "parameter_group": names.PARAMETER_GROUP,
            "name": names.DATABASE,
            "user": production.READER,
            "ca_file": str(self.authority.ca_file),
            "hostaddr": "127.0.0.1",
            "tunnel": "",
            "manifest_bucket": names.BUCKET,
            "manifest_prefix": names.MANIFEST_PREFIX,
            "transient_tables": ["public.outbox"],
            "recency_table": "public.appointments",
            "recency_column": "booked_at",
            "patients_table": "public.patients",
            "ciphertexts": [
                {"table": table, "column": "ciphertext", "transit_key": TRANSIT_KEY}
                for table in ("public.clinical_notes", "public.runbook_canary")
            ],
            "outbound_queues": ["public.outbox"],
            "assertions": [{"name": name, "sql": query, "expect": "0"} for name, query in _NONE_OF_THESE.items()],
        }


def canary(sha256: str, control: str) -> dict[str, Any]:
    """The part `canary`: the plaintext's SHA-256, and the control record's ciphertext."""
    return {
        "table": "public.runbook_canary",
        "key_column": "id",
        "key": production.CANARY_ID,
        "ciphertext_column": "ciphertext",
        "transit_key": TRANSIT_KEY,
        "sha256": sha256,
        "control_ciphertext": control,
    }
