"""Secrets in texts: every form in which one is known to come back, and what is left of a text without them.

One rule for what is on its way to disk (`records/scanner.py`) and for what a provider says of our own call
(`estate/http_errors.py`): no occurrence of any form stays, not even the rest of one that overlaps another.  Upper and
lower case count alike: hex and percent-encoding come in both.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from runbook.engine.ports import Secret

MASK: Final = "***"
WORD_BELOW: Final = 5  # characters: a shorter secret would be found inside ordinary words
_SIGMA: Final = "\N{GREEK CAPITAL LETTER SIGMA}"  # the one whose lower case depends on what stands around it
_COMPONENT: Final = "!~*'()"  # what JavaScript's encodeURIComponent leaves as it is
_ADDRESS: Final = _COMPONENT + ";/?:@&=+$,#"  # and encodeURI


def concealed(text: str, secrets: Iterable[Secret]) -> str:
    """`text` with every secret masked; one under five characters only where it is a word, or a value, of its own."""
    anywhere: set[str] = set()
    words: set[str] = set()
    for plain in {secret.reveal() for secret in secrets} - {""}:
        if len(plain) < WORD_BELOW:
            words.update(map(folded, encodings(plain)))
        else:
            anywhere.update(map(folded, forms(plain)))
    return masked(text, anywhere, words)


def masked(text: str, anywhere: Iterable[str], words: Iterable[str] = ()) -> str:
    """`text` without the `folded` forms: `words` only where no letter or digit touches."""
    low = folded(text)
    alone = (span for span in _found(low, words) if not _touched(low, *span))
    return covered(text, (*_found(low, anywhere), *alone))


def covered(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` with one mask for each stretch that these spans (from, to) cover; what overlaps is one stretch."""
    kept: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start >= end:
            kept += (text[end:start], MASK)
        end = max(end, stop)
    return "".join(kept) + text[end:]


def folded(text: str) -> str:
    """In lower case, character by character: places in it are places in `text`."""
    low = text.lower()
    whole = text.isascii() or (len(low) == len(text) and _SIGMA not in text)
    return low if whole else "".join(map(_lower, text))


def _lower(character: str) -> str:
    low = character.lower()
    return low if len(low) == 1 else character


def _found(low: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = low.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = low.find(form, at + 1)


def _touched(low: str, start: int, stop: int) -> bool:
    return any(beside.isalnum() or beside == "_" for beside in (low[max(start - 1, 0) : start], low[stop : stop + 1]))


# -- forms --------------------------------------------------------------------------------------------------------
def forms(text: str) -> set[str]:
    """The secret as it is, in the encodings that leak it, and inside a longer text's base64."""
    raw = text.encode("utf-8", "replace")
    found = {*encodings(text), *_inside_base64(raw)}
    for decoded in _decodings(text):  # a share that was typed as hex may come back as base64
        found |= {*_encoded(decoded), *_inside_base64(decoded)}
    return found


def encodings(text: str) -> Iterator[str]:
    """The whole secret: as it is, and as hex, base64, percent-encoding and JSON write it."""
    yield text
    yield from _encoded(text.encode("utf-8", "replace"))
    for safe in ("", "/", _COMPONENT, _ADDRESS):
        yield quote(text, safe=safe, errors="replace")
    yield quote_plus(text, errors="replace")
    for once in _json(text):
        yield once
        yield from _json(once)  # a sentence that quotes JSON, itself written as JSON


def _json(text: str) -> tuple[str, str]:
    return json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _encoded(raw: bytes) -> Iterator[str]:
    yield raw.hex()
    for encoded in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        yield encoded
        yield encoded.rstrip("=")


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
