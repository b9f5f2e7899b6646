"""Outside text on its way into a widget: never markup, never a control character.

Adapters clean what providers say; this is the second lock on the same door, because a raw escape in a widget
reaches the terminal (Textual strips five control characters and no more).
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len
from textual.content import Content

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LIMIT = 2000
CUT = " …"  # the sign of what is cut to some lines


def one_line(text: str, limit: int = LIMIT) -> str:
    """The text with line ends as spaces, what cannot be seen as U+FFFD, and cut to `limit` characters."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(_seen(character) for character in short)


def _seen(character: str) -> str:
    if character in "\r\n\t":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSEEN else character


def within(text: str, width: int, lines: int) -> str:
    """One line of text, cut with a sign so that it needs no more than that many lines of that many cells."""
    room = max(width, len(CUT) + 1)
    found = [line.plain.rstrip() for line in Content(one_line(text)).wrap(room)]
    if len(found) > lines:
        found[lines - 1 :] = [_cut(found[lines - 1], room - len(CUT)) + CUT]
    return "\n".join(found)


def _cut(line: str, room: int) -> str:
    """As many of its words as have room; of one that is longer than that, its beginning."""
    while cell_len(line) > room and (shorter := line.rpartition(" ")[0].rstrip()):
        line = shorter
    return Content(line).truncate(room).plain


def paragraphs(text: str, limit: int = 200_000) -> str:
    """The same for our own longer texts (reports, scenario stories): line ends stay."""
    return "\n".join(one_line(line) for line in text[:limit].split("\n"))


def plain(text: str, style: str = "") -> Content:
    """One line of outside text as Content."""
    return Content.styled(one_line(text), style) if style else Content(one_line(text))


def block(text: str) -> Content:
    """Several lines of text as Content."""
    return Content(paragraphs(text))
