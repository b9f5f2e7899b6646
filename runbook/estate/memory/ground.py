"""What a copy is to stand in, in memory: networks, parameters and quotas."""

from __future__ import annotations

from collections.abc import Collection

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import names
from runbook.estate.ports import Ground, RestoreSpec, SecurityGroup

_FIX = "See database.preconditions."


class MemoryGround:
    """Everything is there, and a test may take any of it away; `parameters` are by parameter group."""

    def __init__(self) -> None:
        self.subnet_groups = {names.SUBNET_GROUP: "Complete"}
        self.security_groups = {names.SECURITY_GROUP: SecurityGroup(names.SECURITY_GROUP, names.VPC, ())}
        self.families = {names.PARAMETER_GROUP: "postgres18"}
        self.parameters = {
            names.PARAMETER_GROUP: {
                "max_logical_replication_workers": "0",
                "shared_preload_libraries": "pg_stat_statements",
                "rds.force_ssl": "1",
            }
        }
        self.instances: tuple[int, int] | None = (3, 40)
        self.storage_gib: tuple[int, int] | None = (300, 100_000)

    def seen(
        self, subnet_group: str, security_groups: Collection[str], parameter_group: str, parameters: Collection[str]
    ) -> Ground:
        """What of it is there."""
        values = self.parameters.get(parameter_group, {})
        return Ground(
            subnet_group=self.subnet_groups.get(subnet_group, ""),
            vpc=names.VPC if subnet_group in self.subnet_groups else "",
            security_groups=tuple(self.security_groups[one] for one in security_groups if one in self.security_groups),
            parameter_family=self.families.get(parameter_group),
            parameters={name: values[name] for name in parameters if name in values},
            instances=self.instances,
            storage_gib=self.storage_gib,
        )

    def refuse(self, spec: RestoreSpec) -> None:
        """LayerFailed where the provider would not restore into it, NoVerdict where it has no room for it now."""
        if spec.subnet_group not in self.subnet_groups:
            raise _refused(f"there is no subnet group {spec.subnet_group}", "DBSubnetGroupNotFoundFault")
        if spec.parameter_group not in self.families:
            raise _refused(f"there is no parameter group {spec.parameter_group}", "DBParameterGroupNotFound")
        if self.instances is not None and self.instances[0] >= self.instances[1]:
            words = "InstanceQuotaExceeded"
            raise NoVerdict("the account may hold no more instances", fix=_FIX, provider_text=words, source="rds")


def _refused(sentence: str, words: str) -> LayerFailed:
    return LayerFailed(sentence, fix=_FIX, provider_text=words, source="rds")
