"""What a typed line means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def numbered(text: str, things: Sequence[T]) -> T | None:
    """The thing of that number, counted from 1; None when the text is no such number."""
    return things[int(text) - 1] if text.isdecimal() and 1 <= int(text) <= len(things) else None


def called(text: str) -> str | None:
    """Who is to be called: `call NAME`, or `call` for "" (whoever is asked for); None when nobody is."""
    word, _, name = text.partition(" ")
    return name.strip() if word == "call" else None
