"""Finds words in lines that were broken to fit: also what goes on from one line to the next."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

Piece = tuple[int, int, int]
"""A line, and where in it the found words begin and end."""
Hit = tuple[Piece, ...]


def find(lines: Sequence[str], words: str) -> tuple[Hit, ...]:
    """Every place of these words, whatever their case; none where nothing is asked for."""
    if not words.strip():
        return ()
    texts = [line.lstrip() for line in lines]
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    indents = [len(line) - len(text) for line, text in zip(lines, texts, strict=True)]
    found = re.finditer(_pattern(words.strip()), "\n".join(texts), re.IGNORECASE)
    return tuple(tuple(_pieces(each.start(), each.end(), starts, indents)) for each in found)


def _pattern(words: str) -> str:
    """A line may end wherever the words have a space, and in the midst of a long one."""
    return r"\s+".join("\n?".join(map(re.escape, word)) for word in words.split())


def _pieces(begin: int, end: int, starts: Sequence[int], indents: Sequence[int]) -> Iterator[Piece]:
    line = bisect_right(starts, begin) - 1
    while begin < end:
        here = starts[line] - indents[line]
        upto = min(end, starts[line + 1] - 1)
        yield line, begin - here, upto - here
        begin, line = starts[line + 1], line + 1


def on_line(hits: Iterable[Hit], line: int) -> Iterator[tuple[Hit, int, int]]:
    """What of them stands on that line."""
    for hit in hits:
        for at, begin, end in hit:
            if at == line:
                yield hit, begin, end
