"""What a Vault or OpenBao server refuses, in the operator's words: statuses and exact texts, as tables.

Backends wrap texts ("1 error occurred: ..."), so they are matched by substring.  What is said of shares and of
ciphertexts, which are answers of their own: `keys`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError, SignedOut
from runbook.estate.vault.answers import Answer


@dataclass(frozen=True, slots=True)
class _Meaning:
    part: str
    sentence: str
    fix: str
    kind: type[NoVerdict | LayerFailed] = LayerFailed


_RESTORE_AGAIN: Final = "Download the archive again; if that does not help choose an older backup, with the reason."
_SHARE_AGAIN: Final = "Enter it again as it was handed out: hex or base64, nothing before or after it."
_AUDIT: Final = (
    "An audit device that cannot be written does this (a full disk, a missing path): free or mount its place on the "
    "vault's host, or remove it from the server's configuration and restart; the server's log names it."
)
_ORIGINAL_SEAL: Final = "Give the server the seal key that the backup was made under, restart it, then restore again."

_BY_TEXT: Final = (
    # -- the server's state
    _Meaning("Vault is sealed", "the vault is sealed", "Unseal it; if nobody sealed it, look why it restarted."),
    _Meaning("already initialized", "the target is initialised already", "Wipe the target first."),
    _Meaning("not initialized", "the target is not initialised", "Go back to vault.initialise."),
    _Meaning(
        "not applicable to seal type",
        "the target's seal is of another kind than was asked for",
        "Read the target's seal type again (vault.target), then retry.",
    ),
    _Meaning(
        "migrate option not provided",
        "the backup's seal type differs from the server's: a seal migration is pending",
        "Take the seal stanza out of the server's configuration if the backup was made under shares, else give it the "
        "backup's own; restart it, then unseal.",
    ),
    _Meaning(
        "active cluster node not found",
        "the vault is unsealed but not active: its set-up failed",
        f"Read the server's log. {_AUDIT}",
    ),
    _Meaning("failed to audit", "the vault cannot write to its audit device, and so refuses", _AUDIT),
    # -- one share, before it counts
    _Meaning(
        "must be a valid hex or base64",
        "the vault refused that share: it is neither hex nor base64; progress is untouched",
        _SHARE_AGAIN,
    ),
    _Meaning(
        "'key' must be specified",
        "the vault refused that share: it is empty; progress is untouched",
        _SHARE_AGAIN,
    ),
    _Meaning(
        "shorter than minimum",
        "the vault refused that share: it is too short, a part is missing; progress is untouched",
        _SHARE_AGAIN,
    ),
    _Meaning(
        "longer than maximum",
        "the vault refused that share: it is too long, or PGP-encrypted still; progress is untouched",
        f"{_SHARE_AGAIN} A share that was handed out under PGP is decrypted first.",
    ),
    # -- the archive
    _Meaning(
        "different autoseal key",
        "the archive was made under another seal key (KMS) than this server has",
        f"{_ORIGINAL_SEAL} Force would leave a vault that nothing opens.",
    ),
    _Meaning(
        "could not verify hash file",
        "the archive was made under other unseal keys than this server has, or nothing vouches for its hashes",
        "Shares: restore with force, the original shares then open it. Auto-unseal: give the server the original "
        "seal key first.",
    ),
    _Meaning("failed to decompress", "the archive is not readable", _RESTORE_AGAIN),
    _Meaning("hash check failed", "the archive's content does not match its own hashes", _RESTORE_AGAIN),
    _Meaning("unexpected EOF", "the archive is cut short", _RESTORE_AGAIN),
    _Meaning("failed to read snapshot file", "the archive is damaged", _RESTORE_AGAIN),
    _Meaning(
        "unsupported path",
        "the server does not keep its data in raft, so no snapshot can be restored into it",
        'Use a target with storage "raft".',
    ),
    # -- signed in
    _Meaning("no handler for route", "nothing is mounted at that path", "Compare the mounts with runbook.toml."),
    _Meaning(
        "invalid role or secret ID",
        "the restored vault does not accept this role and secret id",
        "It may be younger than the backup, expired, or bound to other addresses: use one that the backup knows.",
    ),
    _Meaning(
        "invalid username or password",
        "the restored vault does not accept this user name and password",
        "The password may have been changed since the backup: use the one that was valid then.",
    ),
    _Meaning(
        "empty plugin name",
        "the vault's database engine has no such connection",
        "Compare [vault] database_connection with what the vault holds.",
    ),
    _Meaning(
        "error verifying connection",
        "the vault could not connect to the database at that address, and kept the old one",
        "See whether the vault can reach the restored database, and whether that still has the account and password "
        "that the vault keeps; then retry.",
    ),
)
_SIGN_IN: Final = _Meaning(
    "", "the vault does not accept this token", "Go back to the step that made it, and make it again.", NoVerdict
)
_BUSY: Final = _Meaning("", "the server asks for fewer calls or is a standby", "Wait, then retry.", NoVerdict)
_ITS_FAULT: Final = _Meaning("", "the server failed to answer", f"Read the server's log. {_AUDIT}", NoVerdict)
_INTERNAL: Final = _Meaning(
    "",
    "the server is up and failed to answer, as it does when its audit device cannot be written",
    f"Read the server's log. {_AUDIT}",
    NoVerdict,
)
_OTHER: Final = _Meaning("", "the vault refused it", "Read the server's words.")


def refusal(answer: Answer) -> RunbookError:
    """The error that an unsuccessful answer means."""
    if 300 <= answer.status < 400:
        return _elsewhere(answer)
    meaning = next((m for m in _BY_TEXT if m.part in answer.text), None) or _by_status(answer)
    return meaning.kind(
        f"{answer.source}: {meaning.sentence} (HTTP {answer.status})",
        fix=meaning.fix,
        provider_text=answer.text,
        source=answer.source,
    )


def good(answer: Answer) -> Answer:
    """The answer, if it is a success."""
    if answer.status in {200, 204}:
        return answer
    raise refusal(answer)


def _by_status(answer: Answer) -> _Meaning:
    if answer.status in {401, 403}:
        return _SIGN_IN
    if answer.status == 429:
        return _BUSY
    if answer.status < 500:
        return _OTHER
    return _INTERNAL if answer.text == "internal error" else _ITS_FAULT


def _elsewhere(answer: Answer) -> NoVerdict:
    """A standby of HashiCorp Vault sends its callers to the active node; a restore has one target, by its address."""
    return NoVerdict(
        f"{answer.source}: the server sends us to another address, {answer.location or 'untold'}, which is not "
        f"followed (HTTP {answer.status})",
        fix=f'If that is the active node of the target itself, set [vault] address = "{answer.location}".',
        provider_text=answer.text,
        source=answer.source,
    )


def signed_out(answer: Answer) -> SignedOut:
    """A call was denied because the sign-in is over, or there never was one."""
    return SignedOut(
        "vault",
        f"{answer.source}: the vault does not know this sign-in any more: it ran out, was revoked, or was never made "
        f"(HTTP {answer.status})",
        fix="Sign in again (vault.login).",
        provider_text=answer.text,
        source=answer.source,
    )


def no_token(answer: Answer) -> LayerFailed:
    """A sign-in was accepted and no token came with it."""
    return LayerFailed(
        f"{answer.source}: the vault accepted the sign-in and gave no token: it wants a second factor, or wraps it",
        fix="Use a role without either for the drill.",
        source=answer.source,
    )


def forbidden(answer: Answer) -> NoVerdict:
    """A call was denied to a sign-in that is alive."""
    call = answer.source.removeprefix("vault: ")
    return NoVerdict(
        f"{answer.source}: this sign-in may not do that (HTTP {answer.status})",
        fix=f"Sign in with a role whose policy allows {call}, or look by hand.",
        provider_text=answer.text,
        source=answer.source,
    )
