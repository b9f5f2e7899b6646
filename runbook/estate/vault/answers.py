"""What a Vault or OpenBao server answers, read into the port's plain values.  What it refuses: `refusals`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from runbook.estate.answers import listing, mapping, number, optional, text
from runbook.estate.ports import SealStatus, TransitKey, VaultHealth


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: HTTP status, the JSON body (empty when it was none), the server's cleaned words, and the call."""

    status: int
    body: Mapping[str, Any]
    text: str
    source: str
    location: str = ""  # where a redirect leads: scheme, host and port

    @property
    def data(self) -> Mapping[str, Any]:
        """The payload of an enveloped answer."""
        return mapping(self.body.get("data"))


def seal_status(body: Mapping[str, Any]) -> SealStatus:
    """From the raw object of `sys/seal-status` and `sys/unseal`."""
    return SealStatus(
        initialised=body.get("initialized") is True,
        sealed=body.get("sealed") is not False,
        seal_type=text(body.get("type")),
        threshold=number(body.get("t")),
        shares=number(body.get("n")),
        progress=number(body.get("progress")),
        nonce=text(body.get("nonce")),
        version=text(body.get("version")),
        storage=text(body.get("storage_type")),
        cluster_id=optional(body.get("cluster_id")),
        recovery_seal=body.get("recovery_seal") is True,
        migration=body.get("migration") is True,
        product=product(body),
    )


_EITHER: Final = re.compile(r"2\.[0-5]\.\d+")  # OpenBao before 2.6 said build_date as well


def product(body: Mapping[str, Any]) -> str:
    """Which of the two answers, by what only one of them says: OpenBao `commit_date`, HashiCorp Vault `build_date`."""
    if "commit_date" in body:
        return "openbao"
    return "vault" if "build_date" in body and not _EITHER.fullmatch(text(body.get("version"))) else ""


_TOKENS: Final[Mapping[str, tuple[str, ...]]] = {"openbao": ("s.", "b."), "vault": ("hvs.", "hvb.", "s.", "b.")}


def strange_token(token: str, product: str) -> str:
    """A remark when a token does not look like one of that product's (before 1.10 Vault's began with `s.` as well)."""
    if token.startswith(_TOKENS[product]):
        return ""
    head = text(token.partition(".")[0], 8) if "." in token else "?"
    return f"its token ({head}.…) is not of the kind that {product} makes"


def health(answer: Answer) -> VaultHealth:
    """From an answer of `sys/health`: its status is the finding, the body only adds to it."""
    seconds = number(answer.body.get("server_time_utc"))
    return VaultHealth(
        status=answer.status,
        cluster_id=optional(answer.body.get("cluster_id")),
        server_time=datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 36 else None,
    )


def transit_key(data: Mapping[str, Any], name: str) -> TransitKey:
    """From `transit/keys/<name>`."""
    versions = sorted(int(v) for v in mapping(data.get("keys")) if str(v).isascii() and str(v).isdigit())
    return TransitKey(
        name=text(data.get("name")) or name,
        versions=tuple(versions),
        latest=number(data.get("latest_version")),
        min_decryption=number(data.get("min_decryption_version")),
    )


def paths(body: Mapping[str, Any]) -> tuple[str, ...]:
    """From `sys/mounts` and `sys/audit`, which repeat their map at top level and under `data`."""
    found = mapping(body.get("data")) or {path: about for path, about in body.items() if path.endswith("/")}
    return tuple(sorted(text(path).rstrip("/") for path in found))


def words(body: Mapping[str, Any]) -> str:
    """The `errors` of a body as one cleaned line."""
    return text("; ".join(str(error).strip() for error in listing(body.get("errors"))))
