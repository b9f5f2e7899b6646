"""Whether anything of a practice estate's secrets lies in the files that a run left: raw, hex, base64, URL- or
JSON-encoded."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from runbook.engine.errors import RunbookError
from runbook.training.client import PracticeEstate

CREDENTIALS = (
    "aws-access-key",
    "aws-secret-key",
    "vault-role-id",
    "vault-secret-id",
    "database-password",
    "northflank-token",
    "github-token",
    "cloudflare-token",
)
TOKENS = re.compile(rb"\b(?:hvs|s)\.[A-Za-z0-9]{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY")
"""What nobody handed to this test and what is a secret by its looks: vault tokens, AWS key ids, private keys."""


def secrets_of(folder: Path) -> set[str]:
    """Every share and credential of the estate that runs for this run's folder; empty when there is none."""
    estate = PracticeEstate.adopt(folder)
    if estate is None:
        return set()
    labels, _ = estate.custodians()
    found = {estate.share(label, sheet=sheet).reveal() for label in labels for sheet in ("", "old")}
    for name in CREDENTIALS:
        try:
            found.add(estate.credential(name).reveal())
        except RunbookError:  # this variant has no such credential
            continue
    return found


def leaked(home: Path, secrets: Iterable[str]) -> list[str]:
    """`file: how` for each file that holds one, in whatever writing."""
    forms = {form for secret in secrets for form in _forms(secret)}
    found = []
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found += [f"{path.name}: a secret" for form in forms if form in content]
        found += [f"{path.name}: looks like a token ({hit[:6]!r}…)" for hit in TOKENS.findall(content)]
    return found


def _forms(secret: str) -> Iterator[bytes]:
    for raw in (secret.encode(), *_decoded(secret)):
        encoded = base64.b64encode(raw)
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), encoded, encoded.rstrip(b"="))
        yield base64.urlsafe_b64encode(raw).rstrip(b"=")
        yield quote(encoded, safe="").encode()
        yield from _within_base64(raw)
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()


def _within_base64(raw: bytes) -> Iterator[bytes]:
    """Of a longer text's base64 the letters that hold nothing but this secret, however it lies in there."""
    for before in range(3):
        lead = b"?" * before
        whole = base64.b64encode(lead + raw + b"?" * 3)
        first = len(lead) * 4 // 3 + (1 if before else 0)
        yield whole[first : (before + len(raw)) * 4 // 3]


def _decoded(secret: str) -> Iterator[bytes]:
    """A share is bytes, written as base64 or hex."""
    for decode in (bytes.fromhex, lambda text: base64.b64decode(text, validate=True)):
        try:
            raw = decode(secret)
        except (ValueError, binascii.Error):
            continue
        if len(raw) >= 16:
            yield raw
