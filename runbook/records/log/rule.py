"""A rule: one thing that holds, with a name, so that each can be shown to be needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """`name` says what holds; `breaks` says, a sentence each, in what something breaks it: nothing where it holds."""

    name: str
    breaks: Callable[[T], Iterable[str]]


def broken(rules: Iterable[Rule[T]], about: T) -> tuple[str, ...]:
    """Every sentence of every rule."""
    return tuple(sentence for rule in rules for sentence in rule.breaks(about))
