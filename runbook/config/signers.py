"""Who may prove a sign-off with a key, and what a public key of OpenSSH or minisign looks like."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from runbook.config.base import Frozen

SSH: Final = "SSH"
MINISIGN: Final = "MINISIGN"
_SSH_TYPES: Final = (
    "ssh-ed25519|sk-ssh-ed25519@openssh\\.com|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)"
    "|sk-ecdsa-sha2-nistp256@openssh\\.com"
)
_SSH_KEY: Final = re.compile(rf"({_SSH_TYPES}) (AAAA[A-Za-z0-9+/]+={{0,2}})(?: [^\r\n]*)?")
_MINISIGN_KEY: Final = re.compile(r"(?:untrusted comment:[^\r\n]*\r?\n)?(RW[A-Za-z0-9+/]{54})")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`method` is SSH or MINISIGN; `text` is the key alone, without comments or options; `raw` its bytes."""

    method: str
    text: str
    raw: bytes

    @property
    def fingerprint(self) -> str:
        """`SHA256:…` as `ssh-keygen -l` shows it, of the key's bytes."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.raw).digest()).decode("ascii").rstrip("=")


def public_key(text: str) -> PublicKey:
    """The key in a line of OpenSSH, in a minisign public key file, or in its second line alone; ValueError."""
    text = text.strip()
    if found := _SSH_KEY.fullmatch(text):
        kind, encoded = found.groups()
        raw = _decoded(encoded)
        if _named(raw) == kind:
            return PublicKey(SSH, f"{kind} {encoded}", raw)
    elif found := _MINISIGN_KEY.fullmatch(text):
        return PublicKey(MINISIGN, found.group(1), _decoded(found.group(1)))
    raise ValueError('is no public key: one line "ssh-ed25519 AAAA…" of OpenSSH, or "RW…" of minisign')


def is_public_key(text: str) -> bool:
    """Whether it is one; a secret key never is."""
    try:
        public_key(text)
    except ValueError:
        return False
    return True


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""


def _named(raw: bytes) -> str:
    """An OpenSSH key says its own type first: four bytes of length, then that many of name."""
    return raw[4 : 4 + int.from_bytes(raw[:4])].decode("ascii", "replace")


def _a_key(text: str) -> str:
    return public_key(text).text


class Signer(Frozen):
    """Somebody who signs runs off; with the key here, nobody brings another one in that name."""

    name: str = Field(min_length=1)
    role: str = ""
    key: Annotated[str, AfterValidator(_a_key)]
