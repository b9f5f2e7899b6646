"""A vault server in memory: initialised, sealed, unsealed, restored, with the manners of the real one.

As the real server does: a wrong set drops progress to 0 and does not say which share was bad;
a share entered twice is ignored; after a restore the threshold shown is the throw-away cluster's until a restart.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

from runbook.engine.errors import LayerFailed
from runbook.estate.memory.production import Cluster, cluster, share
from runbook.estate.ports import WrongShares

_WRONG = (
    "unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message "
    "authentication failed"
)
_DUPLICATE = "invalid key: failed to compute combined key: duplicate part detected"
_STALE = "invalid key: failed to setup unseal key: crypto/aes: invalid key size 33"


@dataclass(frozen=True, slots=True)
class Shown:
    """The threshold and number of shares that seal-status tells; stale after a restore."""

    threshold: int = 0
    shares: int = 0


class VaultServer:
    """The state of one server; a fresh one is not initialised."""

    def __init__(self) -> None:
        self.seal_type = "shamir"
        self.kms_usable = True  # whether a vault that unseals itself can
        self.broken = False  # its set-up after the unseal fails: open, and never active
        self.wipe()

    @property
    def auto(self) -> bool:
        """Whether a key service unseals it."""
        return self.seal_type != "shamir"

    def wipe(self) -> None:
        """Its data emptied, and started again."""
        self.cluster: Cluster | None = None
        self.sealed = True
        self.shown = Shown()
        self.entered: list[str] = []
        self.nonce = ""
        self.tokens: set[str] = set()

    @property
    def open(self) -> bool:
        """Initialised and not sealed."""
        return self.cluster is not None and not self.sealed

    def initialise(self, shares: int, threshold: int) -> tuple[tuple[str, ...], str]:
        """A fresh cluster: its shares and root token."""
        if self.cluster is not None:
            raise LayerFailed("The vault is initialised already", provider_text="Vault is already initialized")
        name = f"throw-away {secrets.token_hex(4)}"
        keys = tuple(share(name, x) for x in range(1, shares + 1))
        self.cluster = cluster(f"{secrets.token_hex(4)}-{name}", keys, threshold, {})
        self.shown = Shown(threshold, shares)
        token = f"s.{secrets.token_hex(12)}"
        self.tokens.add(token)
        self._unseal_itself()
        return keys, token

    def submit(self, key: str) -> None:
        """One share; WrongShares when the set is complete and opens nothing."""
        if not self.sealed or self.cluster is None:
            return
        key = _canonical(key)
        if not 32 <= len(key) <= 66:
            raise LayerFailed("That is no unseal share", provider_text="'key' must be a valid hex or base64 string")
        if key in self.entered:
            return
        self.nonce = self.nonce or secrets.token_hex(8)
        self.entered.append(key)
        if len(self.entered) >= self.shown.threshold:
            self._combine(self.cluster)

    def _combine(self, here: Cluster) -> None:
        entered, stale = self.entered, self.shown.threshold != here.threshold
        self.reset()
        if stale:
            raise WrongShares(_STALE)
        if len({key[-2:] for key in entered}) < len(entered):
            raise WrongShares(_DUPLICATE)
        if not here.shares.issuperset(entered):
            raise WrongShares(_WRONG)
        self.sealed = False

    def reset(self) -> None:
        """Forget the shares entered so far."""
        self.entered, self.nonce = [], ""

    def seal(self) -> None:
        """Sealed again, as after any restart; the threshold shown is then the cluster's own."""
        self.sealed = True
        self.reset()
        if self.cluster is not None:
            self.shown = Shown(self.cluster.threshold, self.cluster.total)
        self._unseal_itself()

    def allow_kms(self) -> None:
        """Its key can be used again: it unseals itself within seconds."""
        self.kms_usable = True
        self._unseal_itself()

    def _unseal_itself(self) -> None:
        if self.auto and self.kms_usable and self.cluster is not None:
            self.sealed = False

    def become(self, restored: Cluster) -> None:
        """What a restore does: other keys, so sealed; every token of before is dead; what is shown is stale."""
        self.cluster = restored
        self.sealed = True
        self.reset()
        self.tokens.clear()
        self._unseal_itself()


def _canonical(key: str) -> str:
    """A share as hexadecimal digits, whether it was given so or in base64; empty when it was neither."""
    try:
        return bytes.fromhex(key).hex()
    except ValueError:
        pass
    try:
        return base64.b64decode(key, validate=True).hex()
    except ValueError:
        return ""
