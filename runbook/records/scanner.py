"""Masks live secrets in whatever is on its way to disk: as they are, and in the encodings that leak them.

It holds fingerprints, not secrets: a secret lives no longer here than where it is used, and is masked all the same for
as long as the process lives, since a provider may say one back at any time.

Secrets under 12 characters (MFA codes, PINs) would hit by chance: they match whole field values only, and not those
fields that hold one of this tool's own words.  Numbers, booleans and None pass: a secret is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from runbook.engine.ports import Secret
from runbook.records.fingerprints import START, Fingerprints
from runbook.safety import concealing
from runbook.safety.concealing import MASK

T = TypeVar("T")
WHOLE_BELOW: Final = START  # characters
OWN_WORDS: Final = frozenset({"mode", "environment", "verdict", "kind", "decision", "outcome", "severity", "providers"})
"""Fields without which a record says nothing any more; that somebody's password is `drill` is told by none of them."""


class Scanner:
    """Knows this process's secrets; may be used from several threads.

    `on_hit` is told where a value was masked (`data.observed`), never what it was.
    """

    def __init__(self, on_hit: Callable[[str], None] = lambda _where: None) -> None:
        self._on_hit = on_hit
        self._known = Fingerprints()

    def register(self, secret: Secret) -> None:
        """From now on this one is masked; an empty one is nothing to mask."""
        text = secret.reveal()
        if 0 < len(text) < WHOLE_BELOW:
            self._known.add_whole(concealing.encodings(text))
        elif text and not self._known.knows(text):
            self._known.add(concealing.forms(text))

    def scan(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record, masked; values keep their types."""
        hits: list[str] = []
        masked: Mapping[str, Any] = self._value(record, "", hits)
        for where in hits:
            self._on_hit(where)
        return masked

    def masked(self, value: T) -> T:
        """A text or a document, masked; nobody is told."""
        masked: T = self._value(value, "", [])
        return masked

    def found(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """Where in the record something would be masked; nobody is told."""
        hits: list[str] = []
        self._value(record, "", hits)
        return tuple(hits)

    def lines(self, text: str) -> tuple[int, ...]:
        """In which lines of a text, from 1, something would be masked; nobody is told."""
        if self._masked(text) == text:
            return ()
        starts = {text.count("\n", 0, start) + 1 for start, _ in self._known.spans(text)}
        return tuple(sorted(starts)) or (1,)

    def _value(self, value: Any, where: str, hits: list[str]) -> Any:
        match value:
            case str():
                return self._text(value, where, hits)
            case Mapping():
                return dict(self._fields(value, where, hits))
            case list() | tuple():
                return [self._value(item, f"{where}[{index}]", hits) for index, item in enumerate(value)]
            case _:
                return value

    def _fields(self, record: Mapping[Any, Any], where: str, hits: list[str]) -> Iterator[tuple[Any, Any]]:
        for name, value in record.items():
            shown = self._name(name, where, hits) if isinstance(name, str) else name
            own_word = name in OWN_WORDS and isinstance(value, str) and (self._known.is_whole(value) or _is_word(value))
            below = f"{where}.{shown}" if where else f"{shown}"
            yield shown, value if own_word else self._value(value, below, hits)

    def _name(self, name: str, where: str, hits: list[str]) -> str:
        """A field's name: a short secret is looked for in values only."""
        return name if self._known.is_whole(name) else self._text(name, where, hits)

    def _text(self, text: str, where: str, hits: list[str]) -> str:
        masked = self._masked(text)
        if masked != text:
            hits.append(self._masked(where) or "a field's name")
        return masked

    def _masked(self, text: str) -> str:
        return MASK if self._known.is_whole(text) else concealing.covered(text, self._known.spans(text))


def _is_word(text: str) -> bool:
    """`PASS_WITH_ISSUES`, `opened`, `check`: a word of the tool's own, in a field that holds nothing else."""
    return re.fullmatch("[A-Z_]{1,20}|[a-z-]{1,12}", text) is not None
