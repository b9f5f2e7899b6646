"""The file's plain values, read by dotted keys; what is absent or has another type is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runbook.toml_file import Loc


@dataclass(frozen=True, slots=True)
class Plain:
    """`*` in a pattern stands for any key of a table, or any place of a list."""

    data: Mapping[str, Any]

    def texts(self, *patterns: str) -> Iterator[tuple[Loc, str]]:
        """Every text that one of these leads to, and where it stands."""
        for pattern in patterns:
            for loc, value in _walk(self.data, (), pattern.split(".")):
                if isinstance(value, str):
                    yield loc, value

    def text(self, key: str, default: str = "") -> str:
        """That text."""
        return next((value for _, value in self.texts(key)), default)

    def tables(self, pattern: str) -> list[tuple[Loc, Mapping[str, Any]]]:
        """Every table that this leads to."""
        found = _walk(self.data, (), pattern.split("."))
        return [(loc, value) for loc, value in found if isinstance(value, Mapping)]

    def has(self, key: str) -> bool:
        """Whether that key stands in the file, whatever its value."""
        return any(True for _ in _walk(self.data, (), key.split(".")))

    def everything(self) -> Iterator[tuple[Loc, Any]]:
        """Every key and every entry of a list, tables before what is in them."""
        yield from _below(self.data, ())


def place(key: str) -> Loc:
    """Where a dotted key stands, whether it does or not."""
    return tuple(key.split("."))


def _walk(value: Any, loc: Loc, rest: list[str]) -> Iterator[tuple[Loc, Any]]:
    if not rest:
        yield loc, value
        return
    for part, each in _parts(value):
        if rest[0] in {"*", part}:
            yield from _walk(each, (*loc, part), rest[1:])


def _below(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    for part, each in _parts(value):
        yield (*loc, part), each
        yield from _below(each, (*loc, part))


def _parts(value: Any) -> Iterator[tuple[int | str, Any]]:
    match value:
        case Mapping():
            yield from value.items()
        case list():
            yield from enumerate(value)
