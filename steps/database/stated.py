"""What the manifests around a recovery point state of each table, and what of it a copy can be held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from runbook.manifest import Manifest, Method, Sum, Table, folded
from steps.database.manifests import Around

TRANSIENT: Final = "its rows come and go"
METHODS: Final = "the two manifests hash it in different ways"


@dataclass(frozen=True, slots=True)
class Stated:
    """One table that every manifest knows.

    `quiet` are the buckets that hold rows and are the same in all of them: the copy's must be equal.  `moved` are the
    others, with the fewest and the most rows stated: production wrote to them meanwhile.  `whole` is the table's sum
    where nothing moved.  `why_not`: its content cannot be compared at all.
    """

    low: int
    high: int
    method: Method
    key: tuple[str, ...]
    grain: int
    quiet: Mapping[int, Sum]
    moved: Mapping[int, tuple[int, int]]
    whole: Sum | None
    why_not: str = ""


@dataclass(frozen=True)
class Terms:
    """On what a copy is compared: `major` and `settings` are its own, `quick_limit` None is a full pass (bytes).

    `last` is what an earlier run counted, by table, `last_run` its id.
    """

    around: Around
    major: str
    settings: Mapping[str, str] = field(default_factory=dict)
    transient: frozenset[str] = frozenset()
    quick_limit: int | None = None
    last: Mapping[str, int] = field(default_factory=dict)
    last_run: str = ""

    @cached_property
    def stated(self) -> Mapping[str, Stated]:
        """By table, those that every manifest knows."""
        first, *more = self.around.stated or (None,)
        names = [name for name in (first.tables if first else ()) if all(name in other.tables for other in more)]
        return {name: _stated(self, name) for name in names}

    @cached_property
    def known(self) -> frozenset[str]:
        """Every table that any manifest knows."""
        return frozenset(name for manifest in self.around.stated for name in manifest.tables)


def same(one: Sum | None, other: Sum | None) -> bool:
    """None holds no rows."""
    return _plain(one) == _plain(other)


def _plain(each: Sum | None) -> tuple[int, str]:
    return (each.rows, each.digest) if each is not None and each.rows else (0, "0")


def _stated(terms: Terms, name: str) -> Stated:
    manifests = terms.around.stated
    first, last = manifests[0].tables[name], manifests[-1].tables[name]
    unmoved = same(first, last) and first.method == last.method
    grain = _grain(manifests, first, last)
    old, new = (_buckets(each, made.buckets, grain) for each, made in ((first, manifests[0]), (last, manifests[-1])))
    quiet = {number: each for number, each in old.items() if same(each, new.get(number))}
    return Stated(
        low=min(first.rows, last.rows),
        high=max(first.rows, last.rows),
        method=first.method,
        key=first.key,
        grain=grain,
        quiet=quiet,
        moved={number: _range(old.get(number), new.get(number)) for number in (old.keys() | new.keys()) - quiet.keys()},
        whole=Sum(rows=first.rows, digest=first.digest) if unmoved else None,
        why_not=_why_not(terms, name, first, last),
    )


def _grain(manifests: tuple[Manifest, ...], first: Table, last: Table) -> int:
    """In how many buckets both can be seen; 1 where a bucket does not mean the same in them, or there are none."""
    bucketed = all(table.buckets or not table.rows for table in (first, last))
    return min(made.buckets for made in manifests) if bucketed and first.key == last.key else 1


def _buckets(table: Table, made_with: int, grain: int) -> Mapping[int, Sum]:
    if grain == 1:
        return {0: Sum(rows=table.rows, digest=table.digest)} if table.rows else {}
    return table.buckets if grain == made_with else folded(table.buckets, grain)


def _range(one: Sum | None, other: Sum | None) -> tuple[int, int]:
    rows = _plain(one)[0], _plain(other)[0]
    return min(rows), max(rows)


def _why_not(terms: Terms, name: str, first: Table, last: Table) -> str:
    if name in terms.transient:
        return TRANSIENT
    if other := next((made.major for made in terms.around.stated if made.major != terms.major), ""):
        return f"PostgreSQL {other} made the manifest, {terms.major} runs here: hashes need not be the same"
    if first.method != last.method:
        return METHODS
    if first.method == "text" and (setting := _other_setting(terms)):
        return f"its rows are hashed as text, and {setting} is another one here"
    return ""


def _other_setting(terms: Terms) -> str:
    """The name of a setting that text forms depend on and that a manifest was made under another value of."""
    for made in terms.around.stated:
        for name, value in made.catalogue.settings.items():
            if terms.settings.get(name, value) != value:
                return name
    return ""
