"""The one door for text that a provider, a file or a person's note brings in.

Such text ends on a terminal, in a log and in a CSV: an escape sequence in it would act (a terminal even *types an
answer* to some), a bidi or zero-width character would make it read as something else, a lone surrogate cannot be
encoded.  Adapters clean once, everything after them may trust the string.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_REPLACEMENT: Final = "�"
_LINE_BREAKS: Final = re.compile("[\t\n\r\u2028\u2029]+")
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs"})  # controls, format (bidi, zero-width, tags), surrogates

# Drawn as nothing although no format character: joiners, fillers, variation selectors (Default_Ignorable_Code_Point).
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")


def outside_text(value: object, limit: int = 500) -> str:
    """One harmless line of at most `limit` characters; cleaning twice changes nothing.

    Controls (C0, C1, so every escape sequence), bidi, zero-width and other invisible characters and surrogates become
    U+FFFD; a run of newlines and tabs becomes one space; what is cut off is marked by a final "…".  Bytes are read
    as UTF-8, None is the empty text.
    """
    text = _as_text(value)
    if not _PLAIN.fullmatch(text):
        text = _INVISIBLE.sub(_REPLACEMENT, _LINE_BREAKS.sub(" ", text))
        text = "".join(map(_harmless, text))
    if len(text) > limit:
        return text[: limit - 1] + "…" if limit > 0 else ""
    return text


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def _harmless(character: str) -> str:
    return _REPLACEMENT if unicodedata.category(character) in _UNSAFE_CATEGORIES else character
