"""What a Vault or OpenBao server says of a set of shares, and of a ciphertext that it could not decrypt."""

from __future__ import annotations

from typing import Final

from runbook.estate.ports import Undecryptable, WrongShares
from runbook.estate.vault.answers import Answer

_NO_SHARE: Final = ("shorter than minimum", "longer than maximum", "must be a valid hex or base64", "must be specified")
_WRONG_SHARES: Final = (
    ("failed to verify recovery key", "recovery"),
    ("no recovery key found", "recovery"),
    ("no seal configuration found", "recovery"),  # OpenBao 2.6.2's words for the same
    ("failed to decrypt encrypted stored keys", "recovery"),
    ("duplicate part detected", "duplicate"),
    ("parts must be the same length", "length"),
    ("invalid key size", "stale"),
    ("invalid key", "set"),
    ("message authentication failed", "set"),
    ("failed to decrypt", "set"),
)


def wrong_shares(answer: Answer) -> WrongShares | None:
    """Why a completed set of shares opened nothing, or None; one malformed share is none (the set stays as it was).

    HashiCorp Vault up to about 1.12 answers these with 500 instead of 400.
    """
    if answer.status not in {400, 500} or any(part in answer.text for part in _NO_SHARE):
        return None
    reason = next((reason for part, reason in _WRONG_SHARES if part in answer.text), None)
    return None if reason is None else WrongShares(answer.text, reason)


_REASONS: Final = (
    ("encryption key not found", "unknown-key"),
    ("version is too new", "version-too-new"),
    ("too old", "version-too-old"),
    ("message authentication failed", "authentication"),
    ("no prefix", "malformed"),
    ("wrong number of fields", "malformed"),
    ("could not be decoded", "malformed"),
    ("could not decode base64", "malformed"),
    ("invalid ciphertext length", "malformed"),
    ("missing ciphertext", "malformed"),
)


def undecryptable(answer: Answer) -> Undecryptable | None:
    """Why the vault could not decrypt, or None when its answer says nothing about the ciphertext or the keys."""
    if answer.status == 503 and "sealed" in answer.text:
        return Undecryptable("sealed", answer.status, answer.text)
    if answer.status not in {400, 404}:
        return None
    reason = next((reason for part, reason in _REASONS if part in answer.text), "other")
    return Undecryptable(reason, answer.status, answer.text)
