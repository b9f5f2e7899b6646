"""One call as it is about to be sent: what the rules judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from runbook.engine.ports import Permit
from runbook.safety.bounds import Place
from runbook.safety.operations import Effect, Operation

RESTORING: Final = MappingProxyType(
    {  # RDS calls that make something, and the parameter that names what they make
        "rds:RestoreDBInstanceFromDBSnapshot": "DBInstanceIdentifier",
        "rds:RestoreDBInstanceToPointInTime": "TargetDBInstanceIdentifier",
        "rds:CopyDBSnapshot": "TargetDBSnapshotIdentifier",
    }
)
CHANGING: Final = MappingProxyType(
    {  # and those that change what is there
        "rds:ModifyDBInstance": "DBInstanceIdentifier",
        "rds:DeleteDBInstance": "DBInstanceIdentifier",
        "rds:DeleteDBSnapshot": "DBSnapshotIdentifier",
    }
)
NAMED: Final[Mapping[str, str]] = MappingProxyType({**RESTORING, **CHANGING})

_PROJECT: Final = r"/v1/projects/([^/]+)"
SERVICE: Final = re.compile(_PROJECT + r"/services/(?:deployment/)?([^/]+)(?:/restart)?")
GROUP: Final = re.compile(_PROJECT + r"/secrets/([^/]+)")
ZONE: Final = re.compile(r"/client/v4/zones/([^/]+)(?:/.*)?")
RECORD: Final = re.compile(r"/client/v4/zones/[^/]+/dns_records/([^/]+)")
_IN_ZONE: Final = (
    re.compile(r"/client/v4/zones/([^/]+)/rulesets/phases/([^/]+)/entrypoint"),
    re.compile(r"/client/v4/zones/([^/]+)/rulesets/([^/]+)/rules/([^/]+)"),
    re.compile(r"/client/v4/zones/([^/]+)/dns_records/([^/]+)"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it is about to be sent.

    `given` are the parameters or the fields of its body that a rule reads; `account` is whose session signs it, as STS
    said ("": not asked, or no AWS call); `permit` is what the conductor allowed, where it did.  `path` is as it is
    sent, with its escapes.
    """

    operation: Operation
    host: str
    port: int = 0
    path: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    permit: Permit | None = None
    secured: bool = True

    @property
    def provider(self) -> str:
        """`rds` of `rds:DeleteDBInstance`."""
        return self.operation.name.partition(":")[0]

    @property
    def changes(self) -> bool:
        """Whether it changes a system that is restored."""
        return self.operation.effect is Effect.MUTATING

    @property
    def place(self) -> Place:
        """Where it goes."""
        return self.host.lower().rstrip("."), self.port

    @property
    def named(self) -> str:
        """The instance or snapshot that an RDS call makes or changes, in lower case as RDS keeps it."""
        return self.given.get(NAMED.get(self.operation.name, ""), "").lower()

    @property
    def on_the_platform(self) -> tuple[str, ...]:
        """Project and service, or project and secret group."""
        return self.parts(SERVICE) or self.parts(GROUP)

    @property
    def in_the_zone(self) -> tuple[str, ...]:
        """Zone id, and which phase, rule or record of it."""
        return next(filter(None, map(self.parts, _IN_ZONE)), ())

    def parts(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """What the whole path names, without escapes; () where it is another kind of path."""
        found = pattern.fullmatch(self.path)
        return tuple(map(unquote, found.groups())) if found else ()
