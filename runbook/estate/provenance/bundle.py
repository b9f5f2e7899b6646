"""Which of the two Sigstore instances made a bundle: they need different verifiers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from runbook.estate.answers import listing, mapping, text
from runbook.estate.provenance.wanted import refused

_MEDIA: Final = "application/vnd.dev.sigstore.bundle"
_STATEMENT: Final = "application/vnd.in-toto+json"


class Kind(StrEnum):
    """Public repositories use Sigstore's public instance, private ones GitHub's own, which keeps no public log."""

    PUBLIC_GOOD = "public-good"
    GITHUB_INTERNAL = "GitHub-internal"


def kind_of(bundle: Mapping[str, Any]) -> Kind:
    """By what proves the time of signing: an entry in the transparency log, or only a time stamp.

    LayerFailed when it is no bundle with a signed statement, or nothing proves when it was signed.
    """
    media = text(mapping(bundle).get("mediaType"), 100)
    if not media.startswith(_MEDIA):
        raise refused(f"the attestation is no Sigstore bundle: its media type is {media or 'not stated'}")
    _envelope(bundle)
    material = mapping(bundle.get("verificationMaterial"))
    if listing(material.get("tlogEntries")):
        return Kind.PUBLIC_GOOD
    if listing(mapping(material.get("timestampVerificationData")).get("rfc3161Timestamps")):
        return Kind.GITHUB_INTERNAL
    raise refused("the attestation has neither a transparency log entry nor a time stamp: when it was signed is open")


def _envelope(bundle: Mapping[str, Any]) -> None:
    envelope = mapping(bundle.get("dsseEnvelope"))
    if not listing(envelope.get("signatures")):
        raise refused("the attestation carries no signed statement")
    if envelope.get("payloadType") != _STATEMENT:
        raise refused("the attestation signs something that is no statement", text(envelope.get("payloadType"), 100))
    try:
        payload = json.loads(base64.b64decode(str(envelope.get("payload")), validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise refused("the statement in the attestation cannot be read", str(error)) from None
    if not isinstance(payload, dict):
        raise refused("the statement in the attestation cannot be read", "no JSON object")


def as_json(bundle: Mapping[str, Any]) -> str:
    """For a library that reads text; LayerFailed where there is something in it that no JSON has."""
    try:
        return json.dumps(bundle)
    except (TypeError, ValueError, RecursionError) as error:
        raise refused("the attestation cannot be read", str(error)) from None
