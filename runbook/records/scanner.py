"""Masks live secrets in whatever is on its way to disk: as they are, and in the encodings that leak them.

Secrets under 12 characters (MFA codes, PINs) would hit by chance: they match whole field values only.
Numbers, booleans and None pass: a secret is text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from runbook.engine.ports import Secret
from runbook.safety import concealing
from runbook.safety.concealing import MASK

WHOLE_BELOW = 12  # characters


class Scanner:
    """Knows this process's secrets; may be used from several threads.

    `on_hit` is told where a value was masked (`data.observed`), never what it was.
    """

    def __init__(self, on_hit: Callable[[str], None] = lambda _where: None) -> None:
        self._on_hit = on_hit
        self._lock = Lock()
        self._parts: frozenset[str] = frozenset()  # forms that are masked wherever they stand, in lower case
        self._wholes: set[str] = set()  # forms that are masked when they are all of a value

    def register(self, secret: Secret) -> None:
        """From now on this one is masked; an empty one is nothing to mask."""
        text = secret.reveal()
        if not text:
            return
        with self._lock:
            if len(text) < WHOLE_BELOW:
                self._wholes.update(concealing.encodings(text))
                return
            forms = map(concealing.folded, concealing.forms(text))
            self._parts |= {form for form in forms if len(form) >= WHOLE_BELOW}

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
        return concealing.masked(text, self._parts)
