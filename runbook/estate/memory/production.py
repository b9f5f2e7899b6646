"""What production was before the disaster: facts that never change, and the shares that open its vault."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from runbook.engine.ports import Secret
from runbook.estate.memory.names import CUSTODIANS, TRANSIT_KEY
from runbook.estate.memory.tables import Table, clinic
from runbook.estate.vault_snapshot.shamir import split

SHARES, THRESHOLD = 5, 3
_CANARY = "Runbook sample record 51a7c0de5eed0001. Synthetic: it belongs to no patient."
_CONTROL = "Runbook control record. Synthetic: it must not decrypt while the vault is sealed."
_OTHER = "Another sample record, which is not the canary."


@dataclass(frozen=True, slots=True)
class Cluster:
    """A vault's own identity: which shares open it, and which ciphertexts it can read.

    `key` is the key-encryption key that its shares make; a throw-away cluster has none, and no archive.
    `versions` are those of its transit key.
    """

    id: str
    shares: frozenset[str]
    threshold: int
    texts: Mapping[str, str]
    total: int
    key: bytes = field(default=b"", repr=False)
    versions: tuple[int, ...] = (1,)

    @property
    def restorable(self) -> bool:
        """Production's: it has mounts, keys and sign-ins, where a fresh one is empty."""
        return bool(self.texts)


@dataclass(frozen=True, slots=True)
class Production:
    """The facts; `canary`, `control` and `other` are ciphertexts.

    `tables` are the whole past of its database as of `made`; a fault replaces one.
    """

    vault: Cluster
    custodians: Mapping[str, Secret]
    bad_share: Secret
    canary: str
    control: str
    other: str
    tables: dict[str, Table]
    made: datetime
    hidden: set[str] = field(default_factory=set)  # tables under row security

    def age(self, moment: datetime) -> float:
        """The age, in minutes before the world was made, that tables are asked with."""
        return (self.made - moment) / timedelta(minutes=1)

    @property
    def canary_sha256(self) -> str:
        """Of the plaintext's bytes, lower-case hexadecimal."""
        return hashlib.sha256(_CANARY.encode()).hexdigest()


def production(now: datetime) -> Production:
    """As it stood at `now`: a booking every twenty minutes, one of them five minutes before each snapshot."""
    custodians = dict(zip(CUSTODIANS, shares("production"), strict=True))
    canary, control, other = (ciphertext(text) for text in (_CANARY, _CONTROL, _OTHER))
    texts = MappingProxyType({canary: _CANARY, control: _CONTROL, other: _OTHER})
    return Production(
        vault=cluster("7b1f2c60-production", shares("production"), THRESHOLD, texts, key("production")),
        custodians=MappingProxyType({label: Secret(text) for label, text in custodians.items()}),
        bad_share=Secret(share("another set", 77)),
        canary=canary,
        control=control,
        other=other,
        tables=dict(clinic()),
        made=now,
    )


def foreign(shares_of: str = "somebody else") -> Cluster:
    """Another organisation's vault: its backup is whole, and production's shares do not open it."""
    texts = {"vault:v1:" + base64.b64encode(bytes(40)).decode(): ""}
    return cluster("e0e0e0e0-foreign", shares(shares_of), THRESHOLD, texts, key(shares_of))


def cluster(id_: str, of: tuple[str, ...], threshold: int, texts: Mapping[str, str], key: bytes = b"") -> Cluster:
    """A cluster that any `threshold` of these shares open."""
    return Cluster(id_, frozenset(of), threshold, texts, total=len(of), key=key)


def key(of: str) -> bytes:
    """The key-encryption key of that vault."""
    return hashlib.sha256(f"{of} key".encode()).digest()


@functools.cache
def shares(of: str) -> tuple[str, ...]:
    """Five shares of its key, real ones, in hexadecimal; any three make it."""
    coefficients = [hashlib.sha256(f"{of} coefficient {power}".encode()).digest() for power in range(1, THRESHOLD)]
    return tuple(one.hex() for one in split(key(of), coefficients, range(1, SHARES + 1)))


def share(of: str, x: int) -> str:
    """What looks like a share: 33 bytes in hexadecimal, the last one its own x; of a key that nobody has."""
    return hashlib.sha256(f"{of} share {x}".encode()).hexdigest() + f"{x:02x}"


def ciphertext(text: str) -> str:
    """What transit would write: version 1, nonce, body and tag; opaque."""
    body = hashlib.shake_256(f"{TRANSIT_KEY} {text}".encode()).digest(12 + len(text.encode()) + 16)
    return "vault:v1:" + base64.b64encode(body).decode()
