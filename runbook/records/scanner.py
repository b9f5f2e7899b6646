"""Masks live secrets in whatever is on its way to disk: as they are, and in the encodings that leak them.

Secrets under 12 characters (MFA codes, PINs) would hit by chance: they match whole field values only.
Numbers, booleans and None pass: a secret is text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

from runbook.engine.ports import Secret

MASK = "***"
WHOLE_BELOW = 12  # characters


class Scanner:
    """Knows this process's secrets; may be used from several threads.

    `on_hit` is told where a value was masked (`data.observed`), never what it was.
    """

    def __init__(self, on_hit: Callable[[str], None] = lambda _where: None) -> None:
        self._on_hit = on_hit
        self._lock = Lock()
        self._parts: set[str] = set()  # forms that are masked wherever they stand
        self._wholes: set[str] = set()  # forms that are masked when they are all of a value
        self._pattern: re.Pattern[str] | None = None

    def register(self, secret: Secret) -> None:
        """From now on this one is masked; an empty one is nothing to mask."""
        text = secret.reveal()
        if not text:
            return
        with self._lock:
            if len(text) < WHOLE_BELOW:
                self._wholes.update(_encodings(text.encode("utf-8", "replace"), text))
                return
            self._parts.update(_forms(text))
            longest_first = sorted(self._parts, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def scan(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record, masked; values keep their types."""
        hits: list[str] = []
        masked = {self._text(name, "", hits): self._value(value, name, hits) for name, value in record.items()}
        for where in hits:
            self._on_hit(self._masked(where))
        return masked

    def text(self, text: str, where: str = "text") -> str:
        """One text (a report, a document), masked."""
        hits: list[str] = []
        masked = self._text(text, where, hits)
        for hit in hits:
            self._on_hit(hit)
        return masked

    def _value(self, value: Any, where: str, hits: list[str]) -> Any:
        match value:
            case str():
                return self._text(value, where, hits)
            case Mapping():
                return {
                    self._text(name, where, hits) if isinstance(name, str) else name: self._value(
                        item, f"{where}.{name}", hits
                    )
                    for name, item in value.items()
                }
            case list() | tuple():
                return [self._value(item, f"{where}[{index}]", hits) for index, item in enumerate(value)]
            case _:
                return value

    def _text(self, text: str, where: str, hits: list[str]) -> str:
        masked = self._masked(text)
        if masked != text:
            hits.append(where or "a field's name")
        return masked

    def _masked(self, text: str) -> str:
        if text.strip() in self._wholes:
            return MASK
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(text: str) -> set[str]:
    raw = text.encode("utf-8", "replace")
    forms = {*_encodings(raw, text), *_inside_base64(raw)}
    for decoded in _decodings(text):  # a share that was typed as hex may come back as base64
        forms |= {*_encodings(decoded, text), *_inside_base64(decoded)}
    return {form for form in forms if len(form) >= WHOLE_BELOW}


def _encodings(raw: bytes, text: str) -> Iterator[str]:
    yield text
    yield raw.hex()
    for encoded in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        yield encoded
        yield encoded.rstrip("=")
    yield from (quote(text, safe="", errors="replace"), quote(text, errors="replace"))
    yield quote_plus(text, errors="replace")
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


def _inside_base64(raw: bytes) -> Iterator[str]:
    """What of a longer text's base64 depends on this secret alone, at each of the three ways it can lie."""
    for before in (0, 1, 2):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        inner = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


def _decodings(text: str) -> Iterator[bytes]:
    for decode in (bytes.fromhex, lambda value: base64.b64decode(value, validate=True)):
        try:
            decoded = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(decoded) >= 16:
            yield decoded
