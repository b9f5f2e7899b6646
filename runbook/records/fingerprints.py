"""Keyed fingerprints of secrets' forms: enough to find one in a text, and nothing that could be read back.

The key is drawn for each object and lives in this process's memory only, so that a fingerprint tells nobody else
anything.  One pass over a text looks at its every place: a few bits of the next twelve characters' hash rule almost
all of them out, and what is left is decided by the fingerprints.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from threading import Lock
from typing import Final

from runbook.safety.concealing import folded

START: Final = 12  # characters by which a form is looked up; shorter ones are found as whole values only
CUT: Final = "…"  # what `outside_text` and others put where they cut a text off
_CUT_WITHIN: Final = 1024  # characters: what is cut off is cut before
_BITS: Final = (1 << 18) - 1  # of a start's hash: too few to tell what it was


class Fingerprints:
    """May be used from several threads.  Upper and lower case count alike but in whole values."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._adding = Lock()
        self._bits: set[int] = set()
        self._lengths: dict[bytes, tuple[int, ...]] = {}  # by the start's fingerprint
        self._forms: set[bytes] = set()
        self._beginnings: set[bytes] = set()
        self._wholes: set[bytes] = set()

    def add(self, forms: Iterable[str]) -> None:
        """To be found wherever one stands; those under twelve characters are left out."""
        with self._adding:
            for form in map(folded, forms):
                if len(form) >= START:
                    self._add(form)

    def add_whole(self, forms: Iterable[str]) -> None:
        """To be found where one is all of a value."""
        with self._adding:
            self._wholes.update(map(self._of, forms))

    def knows(self, text: str) -> bool:
        """Whether it was added."""
        return self._of(folded(text)) in self._forms

    def is_whole(self, text: str) -> bool:
        """Whether the text, but for white space around it, is one of the whole values."""
        return bool(self._wholes) and self._of(text.strip()) in self._wholes

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """From where to where each form stands in the text, or what a cut left of one; they may overlap."""
        low, bits = folded(text), self._bits
        if not bits:
            return
        for at in [at for at in range(len(low) - START + 1) if hash(low[at : at + START]) & _BITS in bits]:
            lengths = self._lengths.get(self._of(low[at : at + START]), ())
            for length in lengths:
                form = low[at : at + length]
                if len(form) == length and self._of(form) in self._forms:
                    yield at, at + length
            cut = low.find(CUT, at + START, at + max(lengths, default=0))
            if cut >= 0 and self._of(low[at:cut]) in self._beginnings:
                yield at, cut

    def _add(self, form: str) -> None:
        """What leads to a form comes last: another thread may be looking."""
        self._forms.add(self._of(form))
        self._beginnings.update(self._of_beginnings(form))
        start = self._of(form[:START])
        lengths = self._lengths.get(start, ())
        if len(form) not in lengths:
            self._lengths[start] = (*lengths, len(form))
        self._bits.add(hash(form[:START]) & _BITS)

    def _of_beginnings(self, form: str) -> Iterator[bytes]:
        """Of each beginning but the whole, where it may be all that is left."""
        so_far = self._hash(form[: START - 1])
        for character in form[START - 1 : min(len(form) - 1, _CUT_WITHIN)]:
            so_far.update(_raw(character))
            yield so_far.digest()

    def _of(self, text: str) -> bytes:
        return self._hash(text).digest()

    def _hash(self, text: str) -> blake2b:
        return blake2b(_raw(text), key=self._key, digest_size=16)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
