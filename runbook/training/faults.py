"""What can be made to go wrong in the practice estate: in its data layers, and in the layers around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from runbook.training.servers.zone import SECURITY_LEVELS

CANARIES = ("other-text", "newer-version", "other-key")
LIMITERS = ("northflank", "github", "cloudflare")
CERTIFICATES = ("self-signed", "expired", "wrong-host")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: one sentence for the instructor, and the parameters it takes, each with its type.

    Every parameter may be left out; one that is named in `choices` takes no other word.  `at_start_only`: it must be
    set before the estate starts.  `seal`: it can only happen where the vaults are sealed so (`variant.Variant`);
    empty: everywhere.
    """

    sentence: str
    parameters: Mapping[str, type] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_start_only: bool = False
    seal: str = ""


DATA_FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "empty-table": FaultKind("the restored database has lost every row of a table", {"table": str}),
        "damaged-pages": FaultKind(
            "in the files of every later restored database a byte of the appointments is flipped, and a page is zeros"
        ),
        "lost-index": FaultKind("an index in the restored database is invalid"),
        "blind-reader": FaultKind(
            "production hides a table's rows from everybody but the application, the reader too", {"table": str}
        ),
        "shrunk-manifest": FaultKind(
            "production had lost nine of ten clinical notes before its newest backup was made"
        ),
        "source-instead-of-copy": FaultKind("the endpoint of a restored database leads to production's own server"),
        "production-lives": FaultKind("production goes on: a booking every second"),
        "canary-changed": FaultKind(
            "the canary record in the restored database holds another ciphertext: of another text, of a key version "
            "that the vault does not have, or made with another key",
            {"to": str},
            {"to": CANARIES},
        ),
        "database-stopped": FaultKind("the restored database stops answering"),
        "vault-sealed": FaultKind("the staging vault restarts and is sealed again", seal="shamir"),
        "vault-kms-denied": FaultKind(
            "the staging vault may not decrypt with its KMS key any more, and restarts: it stays sealed", seal="awskms"
        ),
        "vault-egress-open": FaultKind("the rule that shuts the staging vault's way to production is gone"),
        "rekeyed": FaultKind("production's vault got new shares after the backups were made", seal="shamir"),
        "stale-backup": FaultKind("the newest vault backup is that many hours old", {"hours": float}),
        "damaged-snapshot": FaultKind("one byte of the newest vault backup's data was changed"),
        "foreign-snapshot": FaultKind("the newest vault backup was made by another cluster"),
        "key-skew": FaultKind("the newest vault backup lacks the key that the newest notes were written with"),
        "no-snapshot-today": FaultKind("the newest days of automated database snapshots are missing", {"days": int}),
        "incompatible-restore": FaultKind("every restored database ends in that status", {"status": str}),
        "slow-restore": FaultKind(
            "restores take longer and the next calls are throttled or answered 5xx", {"seconds": float, "calls": int}
        ),
        "kms-denied": FaultKind("the key that the backups are encrypted with may not be used"),
        "cleanup-refused": FaultKind("restored databases come with deletion protection"),
        "expired-login": FaultKind("the sign-in to the cloud account has run out: codes and logins for a new one work"),
        "clock-off": FaultKind("the provider's clock is that many seconds ahead of this machine's", {"seconds": float}),
    }
)


PLATFORM_FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "wrong-database": FaultKind(
            "a variable of the service itself keeps the application on production's database and vault"
        ),
        "digest-swapped": FaultKind("somebody deploys another release under us", {"tag": str}),
        "half-boot": FaultKind("the release answers 200 with an error page, at the health address too"),
        "app-stopped": FaultKind("the application's processes are stopped"),
        "unsigned-image": FaultKind("the newest release was built from an unsigned commit"),
        "moved-tag": FaultKind("the newest release's tag names other content in the registry"),
        "red-checks": FaultKind("the newest release's check-runs failed"),
        "rate-limited": FaultKind(
            "a provider refuses the next calls and asks for that many seconds of patience",
            {"provider": str, "calls": int, "wait": int},
            {"provider": LIMITERS},
        ),
    }
)


EDGE_FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "waf-off": FaultKind(
            "the managed rules are switched off and the canary rule is gone, or their phases were never configured",
            {"managed": bool, "canary": bool, "never_configured": bool},
        ),
        "dns-old-origin": FaultKind(
            "the record names the old origin, and public resolvers go on saying so for a while", {"answers": int}
        ),
        "zone-paused": FaultKind("the zone is paused: names resolve, nothing is protected"),
        "open-origin": FaultKind("the platform's own ingress lets in who does not come through the edge"),
        "bad-certificate": FaultKind(
            "the edge shows a certificate that is self-signed, expired or for another host",
            {"guilt": str},
            {"guilt": CERTIFICATES},
        ),
        "http-redirect": FaultKind("the edge sends every visitor over https to http"),
        "security-level": FaultKind(
            "somebody set another security level for the zone", {"level": str}, {"level": SECURITY_LEVELS}
        ),
    }
)

OUTER_FAULTS: Mapping[str, FaultKind] = MappingProxyType({**PLATFORM_FAULTS, **EDGE_FAULTS})


def known() -> Mapping[str, FaultKind]:
    """Every fault that a scenario may name."""
    return {**DATA_FAULTS, **OUTER_FAULTS}


def checked(kind: str, given: Mapping[str, Any], table: Mapping[str, FaultKind] = DATA_FAULTS) -> dict[str, Any]:
    """The parameters of a fault, converted; ValueError names what is known when kind, name or type does not fit."""
    if kind not in table:
        raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(table))}")
    parameters = table[kind].parameters
    for name in given:
        if name not in parameters:
            raise ValueError(f"fault {kind} takes no {name!r}; it takes: {', '.join(parameters) or 'nothing'}")
    converted = {name: _converted(kind, name, value, parameters[name]) for name, value in given.items()}
    for name, choices in table[kind].choices.items():
        if name in converted and converted[name] not in choices:
            raise ValueError(f"fault {kind}: {name} must be one of {', '.join(choices)}, not {converted[name]!r}")
    return converted


def _converted(kind: str, name: str, value: Any, wanted: type) -> Any:
    accepted = (int, float) if wanted is float else wanted
    if isinstance(value, bool) != (wanted is bool) or not isinstance(value, accepted):
        raise ValueError(f"fault {kind}: {name} must be {wanted.__name__}, not {value!r}")
    return wanted(value)
