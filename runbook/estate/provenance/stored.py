"""A bundle as GitHub's blob store keeps it: JSON, compressed with Snappy's block format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from runbook.engine.errors import NoVerdict
from runbook.estate.provenance.wanted import EXTRA, SOURCE, refused
from runbook.safety.outside_text import outside_text

_LIMIT: Final = 8 << 20
"""Bytes of an unpacked bundle: real ones have some ten thousand, and a few bytes can claim to be gigabytes."""


def unpacked(body: bytes) -> Mapping[str, Any]:
    """The bundle; LayerFailed when it cannot be read at all, NoVerdict when the extra is not installed."""
    try:
        document = json.loads(_decompressed(body))
    except (ValueError, RecursionError) as error:
        raise refused("an attestation of the image cannot be read: it is no JSON", str(error)) from None
    if not isinstance(document, dict):
        raise refused("an attestation of the image cannot be read: it is no JSON object")
    return document


def _decompressed(body: bytes) -> bytes:
    try:
        import cramjam
    except ImportError as error:
        raise NoVerdict(
            "this machine cannot unpack provenance attestations: the cramjam package is not installed",
            fix=f"{EXTRA}, then try again.",
            provider_text=outside_text(error),
            source=SOURCE,
        ) from None
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > _LIMIT:
            raise refused(f"an attestation of the image cannot be read: it claims to have {size:,} bytes")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise refused("an attestation of the image cannot be read: it is not compressed as told", str(error)) from None
