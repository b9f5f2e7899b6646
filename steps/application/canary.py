"""The sample record: our own leg to its plaintext, and the one through the application."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final

from runbook.config.application import Service
from runbook.engine.errors import LayerFailed
from runbook.estate.ports import Undecryptable
from runbook.safety.outside_text import outside_text
from steps.database.access import copy
from steps.here import Here, as_object
from steps.many import side_by_side

_SHOWN: Final = 120  # characters of an application's own words
_WORDS: Final = {
    "sealed": "the vault is sealed",
    "authentication": "the vault has another key under this name: wrong key material",
    "unknown-key": "the vault does not know this key",
    "version-too-new": "the record needs a newer key version than this vault backup holds",
    "version-too-old": "the record's key version is below min_decryption_version",
    "malformed": "the stored value is not a transit ciphertext",
}


# -- our own leg --------------------------------------------------------------------------------------------------
async def plaintext(here: Here) -> bytes:
    """The canary's plaintext, its SHA-256 compared; LayerFailed says which of the two layers does not fit."""
    canary = here.environment.canary
    ciphertext = await copy(here).text_value(canary.table, canary.key_column, canary.key, canary.ciphertext_column)
    if ciphertext is None:
        raise LayerFailed(
            f"the sample record {canary.key} is not in {canary.table}",
            fix="It may be younger than this recovery point: choose a newer one, or correct [canary].",
            source="restored database",
        )
    try:
        opened = await here.estate.vault.decrypt(here.environment.vault.transit_mount, canary.transit_key, ciphertext)
    except Undecryptable as refusal:
        raise _undecryptable(refusal) from refusal
    here.held.guard(opened)  # an application that fails may say it back
    if hashlib.sha256(opened.reveal().encode()).hexdigest() != canary.sha256:
        raise LayerFailed(
            "the sample record decrypts, but to another text than the configured one",
            fix="The record was changed after it was made, or the configuration names another one.",
            source="SHA-256 of the plaintext",
        )
    return opened.reveal().encode()


def _undecryptable(refusal: Undecryptable) -> LayerFailed:
    return LayerFailed(
        f"the sample record does not decrypt: {_WORDS.get(refusal.reason, 'for another reason')}",
        fix="Go back to vault.backup or database.choose: vault and database must be of about the same time.",
        provider_text=refusal.text,
        source="vault: POST transit/decrypt",
    )


# -- through the application --------------------------------------------------------------------------------------
def asked(here: Here) -> list[Service]:
    """The services that answer a probe."""
    return [service for service in here.environment.application.services if service.probe_url]


async def through_the_application(here: Here, known: bytes) -> None:
    """Each service answers an HMAC over a nonce made now, which only the plaintext can make; else LayerFailed."""

    async def look(service: Service) -> None:
        await _answers(here, service.probe_url or "", known)

    await side_by_side(here, asked(here), look, doing="asking for the sample record", named=lambda one: one.name)


async def _answers(here: Here, url: str, known: bytes) -> None:
    nonce = secrets.token_bytes(32)
    answer = await here.estate.web.post(url, {"nonce": nonce.hex()})
    document = as_object(answer.body)
    given = document.get("hmac")
    if answer.status != 200 or not isinstance(given, str):
        raise LayerFailed(
            f"the application did not answer the probe: HTTP {answer.status}, {_reason(document)}",
            fix="Look at the application's log: vault and database opened this record for us a moment ago, so the "
            "fault is in how the application reaches them, or in the application.",
            source=f"POST {url}",
        )
    if not hmac.compare_digest(given.encode(), hmac.new(nonce, known, hashlib.sha256).hexdigest().encode()):
        raise LayerFailed(
            "the application answers, but its HMAC over our nonce is WRONG: it read or decrypted another text",
            fix="The application uses another database or another vault: see application.database.",
            source=f"POST {url}",
        )


def _reason(document: Any) -> str:
    """In the application's own words."""
    reason = document.get("error")
    return f"it says: {outside_text(reason, _SHOWN)}" if reason else "without a reason"
