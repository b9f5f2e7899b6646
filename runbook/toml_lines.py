"""Where each key of a TOML text stands: headers, dotted and quoted keys, inline tables, arrays, arrays of tables.

A locator, not a parser: the text is one that `tomllib` takes, and of any other it says what it can.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

Loc = tuple[int | str, ...]

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_WORD = re.compile(r"[^,\]}\n#]*")
_LINE = re.compile(r"[^\n]*")


def lines(text: str) -> Mapping[Loc, int]:
    """Every key and every element of an array, by its path, with the line (from 1) on which it first stands."""
    return _Walk(text).found


def line_of(known: Mapping[Loc, int], loc: Sequence[int | str]) -> int:
    """The line of what `loc` names, or of the nearest table above it that stands in the text."""
    parts = tuple(loc)
    return next((known[parts[:n]] for n in range(len(parts), 0, -1) if parts[:n] in known), 1)


class _Walk:
    """One pass over the text; recursion is as deep as its values are nested."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._starts = [0, *(match.end() for match in re.finditer(r"\n", text))]
        self._counts: dict[Loc, int] = {}  # arrays of tables: the index of the newest element
        self.found: dict[Loc, int] = {}
        table: Loc = ()
        while self._skip(_BLANK) and self._at < len(text):
            before = self._at
            if self._next("["):
                table = self._header()
            else:
                self._pair(table)
            if self._at == before:
                self._skip(_LINE)  # nothing that we know

    # -- what stands where -----------------------------------------------------------------------------------------
    def _header(self) -> Loc:
        start = self._at
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        *above, last = self._keys() or [""]
        table: Loc = ()
        for part in above:
            table = self._newest((*table, part))
            self._note(table, start)
        table = (*table, last)
        self._note(table, start)
        if array:
            self._counts[table] = self._counts.get(table, -1) + 1
        table = self._newest(table)
        self._note(table, start)
        self._skip(_LINE)
        return table

    def _newest(self, table: Loc) -> Loc:
        return (*table, self._counts[table]) if table in self._counts else table

    def _pair(self, table: Loc) -> None:
        start = self._at
        if not (keys := self._keys()) or not self._next("="):
            return
        self._at += 1
        for depth in range(1, len(keys) + 1):
            self._note((*table, *keys[:depth]), start)
        self._skip(_SPACE)
        self._value((*table, *keys))

    def _value(self, loc: Loc) -> None:
        if self._next("["):
            self._each("]", lambda number: self._element((*loc, number)))
        elif self._next("{"):
            self._each("}", lambda _: self._pair(loc))
        elif not self._skip(_TEXT):
            self._skip(_WORD)

    def _each(self, end: str, one: Callable[[int], None]) -> None:
        self._at += 1
        number = 0
        while self._skip(_BLANK) and self._at < len(self._text) and not self._next(end):
            before = self._at
            one(number)
            number += 1
            self._skip(_BLANK)
            if self._next(","):
                self._at += 1
            if self._at == before:
                return
        self._at += 1

    def _element(self, loc: Loc) -> None:
        self._note(loc, self._at)
        self._value(loc)

    # -- pieces ----------------------------------------------------------------------------------------------------
    def _keys(self) -> list[str]:
        """The parts of a dotted key."""
        keys: list[str] = []
        while self._skip(_SPACE) and (match := _KEY.match(self._text, self._at)):
            keys.append(_plain(match.group()))
            self._at = match.end()
            self._skip(_SPACE)
            if not self._next("."):
                break
            self._at += 1
        return keys

    def _next(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def _skip(self, what: re.Pattern[str]) -> bool:
        """Past what matches here; whether anything did (an empty match counts)."""
        match = what.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match is not None

    def _note(self, loc: Loc, position: int) -> None:
        self.found.setdefault(loc, bisect_right(self._starts, position))


def _plain(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] != '"':
        return key
    try:
        return str(ast.literal_eval(key))  # the escapes of a TOML key are Python's own, but for \e
    except (SyntaxError, ValueError):
        return key[1:-1]
