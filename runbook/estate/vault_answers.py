"""What a Vault or OpenBao server's answers mean: statuses and exact texts, as tables.

Backends wrap texts ("1 error occurred: ..."), so they are matched by substring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.estate.answers import listing, mapping, number, optional, text
from runbook.estate.ports import SealStatus, TransitKey, Undecryptable, VaultHealth


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: HTTP status, the JSON body (empty when it was none), the server's cleaned words, and the call."""

    status: int
    body: Mapping[str, Any]
    text: str
    source: str

    @property
    def data(self) -> Mapping[str, Any]:
        """The payload of an enveloped answer."""
        return mapping(self.body.get("data"))


@dataclass(frozen=True, slots=True)
class _Meaning:
    part: str
    kind: type[NoVerdict | LayerFailed]
    sentence: str
    fix: str


_RESTORE_AGAIN = "Download the archive again; if that does not help choose an older backup, with the reason."
_BY_TEXT: Final = (
    _Meaning(
        "Vault is sealed",
        LayerFailed,
        "the vault is sealed",
        "Unseal it; if nobody sealed it, look why it restarted.",
    ),
    _Meaning("already initialized", LayerFailed, "the target is initialised already", "Wipe the target first."),
    _Meaning("not initialized", LayerFailed, "the target is not initialised", "Go back to vault.initialise."),
    _Meaning(
        "migrate option not provided",
        LayerFailed,
        "the backup's seal type differs from the server's: a seal migration is pending",
        "Give the server the seal that the backup was made with, restart it, then retry.",
    ),
    _Meaning(
        "failed to verify recovery key",
        LayerFailed,
        "recovery keys authorise, they do not unseal: this server is unsealed by its KMS key",
        "Make the KMS key usable (enabled, right Region, Decrypt allowed) and restart the server.",
    ),
    _Meaning(
        "could not verify hash file",
        LayerFailed,
        "the archive was made under other unseal keys or another KMS key than this server has",
        "Shamir: restore with force. KMS: give the server the original seal key, then retry.",
    ),
    _Meaning("failed to decompress", LayerFailed, "the archive is not readable", _RESTORE_AGAIN),
    _Meaning("failed to read snapshot file", LayerFailed, "the archive is cut short", _RESTORE_AGAIN),
    _Meaning("hash check failed", LayerFailed, "the archive's content does not match its own hashes", _RESTORE_AGAIN),
    _Meaning(
        "unsupported path",
        LayerFailed,
        "the server does not keep its data in raft, so no snapshot can be restored into it",
        'Use a target with storage "raft".',
    ),
    _Meaning(
        "no handler for route", LayerFailed, "nothing is mounted at that path", "Compare the mounts with runbook.toml."
    ),
    _Meaning(
        "invalid role or secret ID",
        LayerFailed,
        "the restored vault does not accept this role and secret id",
        "It may be younger than the backup, expired, or bound to other addresses: use one that the backup knows.",
    ),
    _Meaning(
        "active cluster node not found",
        LayerFailed,
        "the vault is unsealed but not active: its set-up failed",
        "Read the server's log; an audit device that cannot be opened is the usual cause.",
    ),
)
_SIGN_IN: Final = _Meaning("", NoVerdict, "the vault does not accept this token", "Sign in again (vault.login).")
_REDIRECT: Final = _Meaning(
    "",
    NoVerdict,
    "the server sends us to another address, which is not followed",
    "Configure the address of the active node itself.",
)
_BUSY: Final = _Meaning("", NoVerdict, "the server asks for fewer calls or is a standby", "Wait, then retry.")
_ITS_FAULT: Final = _Meaning(
    "", NoVerdict, "the server failed to answer", "Read the server's log (a full audit device does this), then retry."
)
_OTHER: Final = _Meaning("", LayerFailed, "the vault refused it", "Read the server's words.")


def refusal(answer: Answer) -> RunbookError:
    """The error that an unsuccessful answer means."""
    meaning = next((m for m in _BY_TEXT if m.part in answer.text), None) or _by_status(answer.status)
    return meaning.kind(
        f"{answer.source}: {meaning.sentence} (HTTP {answer.status})",
        fix=meaning.fix,
        provider_text=answer.text,
        source=answer.source,
    )


def _by_status(status: int) -> _Meaning:
    if 300 <= status < 400:
        return _REDIRECT
    if status in {401, 403}:
        return _SIGN_IN
    if status == 429:
        return _BUSY
    return _ITS_FAULT if status >= 500 else _OTHER


# HashiCorp Vault up to about 1.12 answers these with 500 instead of 400.
_WRONG_SET: Final = ("invalid key", "message authentication failed", "failed to decrypt")
_NO_SHARE: Final = ("shorter than minimum", "longer than maximum", "must be a valid hex or base64", "must be specified")
_KMS_SEALED: Final = ("no recovery key found", "failed to decrypt encrypted stored keys")


def is_wrong_set(answer: Answer) -> bool:
    """True when a completed set of shares opened nothing (progress is back to 0); one malformed share is not that."""
    if answer.status not in {400, 500} or any(part in answer.text for part in _NO_SHARE + _KMS_SEALED):
        return False
    return any(part in answer.text for part in _WRONG_SET)


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
    )


def health(answer: Answer) -> VaultHealth:
    """From any answer of `sys/health`: its status is the finding, the body only adds to it."""
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


def mounts(body: Mapping[str, Any]) -> tuple[str, ...]:
    """From `sys/mounts`, which repeats its map at top level and under `data`."""
    found = mapping(body.get("data")) or {path: about for path, about in body.items() if path.endswith("/")}
    return tuple(sorted(text(path).rstrip("/") for path in found))


def words(body: Mapping[str, Any]) -> str:
    """The `errors` of a body as one cleaned line."""
    return text("; ".join(str(error).strip() for error in listing(body.get("errors"))))
