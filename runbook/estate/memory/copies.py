"""Restored instances in memory: each question after one moves it on, until it is available."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from runbook.engine.ports import Secret
from runbook.estate.memory import names
from runbook.estate.memory.contents import ENGINE_VERSION, Contents
from runbook.estate.ports import Instance, RestoreSpec

Steps = tuple[tuple[str, int | None], ...]
STEPS: Final[Steps] = (
    ("creating", None),
    ("creating", 45),
    ("creating", 90),
    ("backing-up", None),
)
FIRST_PORT: Final = 55432


@dataclass
class Copy:
    """A restored instance; `asked` counts the questions after it, which move it on.

    `moment` is that of its data, `drift` what the provider made different from what was asked, `password` the master
    user's newest one, in force after the next question.
    """

    spec: RestoreSpec
    created: datetime
    port: int
    final_status: str
    moment: datetime | None = None
    steps: Steps = STEPS
    drift: Mapping[str, Any] = field(default_factory=dict)
    asked: int = 0
    contents: Contents | None = None
    hidden: bool = False
    password: Secret | None = None
    pending: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Its endpoint's name, known from its last step on."""
        return f"{self.spec.instance}.{names.REGION}.rds.practice.test"

    @property
    def status(self) -> str:
        """The status as of the last question."""
        if self.asked <= len(self.steps):
            return self.steps[max(self.asked - 1, 0)][0]
        return "resetting-master-credentials" if self.pending else self.final_status

    def described(self) -> Instance:
        """As of the last question."""
        there, spec = self.asked >= len(self.steps), self.spec
        known = Instance(
            id=spec.instance,
            status=self.status,
            host=self.host if there else "",
            port=self.port if there else 0,
            percent=self.steps[self.asked - 1][1] if 0 < self.asked <= len(self.steps) else None,
            created=self.created,
            tags=dict(spec.tags),
            public=spec.public,
            instance_class=spec.instance_class,
            engine_version=ENGINE_VERSION,
            multi_az=spec.multi_az,
            deletion_protection=spec.deletion_protection,
            iam_auth=spec.iam_auth,
            auto_minor_upgrade=spec.auto_minor_upgrade,
            retention_days=spec.retention_days,
            subnet_group=spec.subnet_group,
            security_groups=spec.security_groups,
            parameter_group=spec.parameter_group,
            parameters="in-sync" if there else "applying",
            encrypted=True,
            kms_key=names.KMS_KEY,
            resource_id=_resource(f"{spec.instance} {self.created}"),
            master_user=names.MASTER_USER,
            pending=self.pending,
        )
        known = replace(known, **self.drift)
        return replace(known, public=False) if self.hidden else known

    def settle(self) -> None:
        """What was pending at the last question is in force now."""
        if self.pending and self.contents is not None:
            self.contents.master = self.password
            self.pending = ()


def described_source(source: Contents) -> Instance:
    """Production's own instance."""
    return Instance(
        id=names.PRODUCTION_DATABASE,
        status="available",
        host=source.host,
        port=source.port,
        percent=None,
        created=source.started,
        tags={"environment": "production"},
        public=False,
        instance_class=names.INSTANCE_CLASS,
        engine_version=ENGINE_VERSION,
        multi_az=True,
        deletion_protection=True,
        iam_auth=False,
        auto_minor_upgrade=True,
        retention_days=30,
        subnet_group="clinic-production",
        security_groups=("sg-0f6e5d4c3b2a19080",),
        parameter_group="clinic-production",
        parameters="in-sync",
        encrypted=True,
        kms_key=names.KMS_KEY,
        resource_id=_resource(names.PRODUCTION_DATABASE),
        master_user=names.MASTER_USER,
    )


def _resource(name: str) -> str:
    return "db-" + hashlib.sha256(name.encode()).hexdigest()[:26].upper()
