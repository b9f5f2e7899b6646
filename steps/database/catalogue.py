"""What stands beside the rows: columns, migration, extensions, roles, row security, sequences.  Pure rules.

What every manifest states alike must be so in the copy; what changed while the backup was made is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from runbook.engine.verdict import Finding
from runbook.manifest import Catalogue, Manifest
from steps.database.manifests import Around
from steps.database.words import named

_EMPTY: Final = Catalogue()
Differences = tuple[tuple[str, ...], tuple[Finding, ...]]
"""What fails the copy, and what is only to be looked at."""


def differences(around: Around, copy: Catalogue, tables: Iterable[str]) -> Differences:
    """`tables` are those of the copy that a manifest knows: a missing one is told as that, and no more."""
    stated = [made.catalogue for made in around.stated if made.catalogue != _EMPTY]
    if not stated:
        return (), ()
    parts = [*_columns(stated, copy, set(tables)), *_migration(stated, copy), *_extensions(stated, copy)]
    parts += [*_row_security(stated, copy, set(tables)), *_roles(stated, copy), *_sequences(around, copy)]
    faults = tuple(text for text, fails in parts if fails)
    beside = tuple(Finding(text) for text, fails in parts if not fails)
    if around.alone:  # it may have changed meanwhile: nothing proves that it did not
        return (), (*(Finding(f"{text}, by one manifest alone", "major") for text in faults), *beside)
    return faults, beside


def _agreed(stated: list[Catalogue], part: str) -> Mapping[str, str | None]:
    """Name → value, where all agree; None where all agree that there is no such thing is left out."""
    first, *more = (getattr(one, part) for one in stated)
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in more)}


def _unknown(stated: list[Catalogue], part: str, copy: Mapping[str, str]) -> list[str]:
    """Names that the copy has and no manifest knows."""
    return sorted(copy.keys() - {name for one in stated for name in getattr(one, part)})


def _columns(stated: list[Catalogue], copy: Catalogue, tables: set[str]) -> Iterator[tuple[str, bool]]:
    wrong = [
        table
        for table, columns in _agreed(stated, "columns").items()
        if table in tables and copy.columns.get(table) != columns
    ]
    if wrong:
        yield f"columns of {named(wrong)} are not as stated", True


def _migration(stated: list[Catalogue], copy: Catalogue) -> Iterator[tuple[str, bool]]:
    heads = {one.migration for one in stated}
    if len(heads) == 1 and copy.migration not in heads:
        yield f"the schema stands at {copy.migration or 'no migration'}, {heads.pop() or 'none'} was stated", True


def _extensions(stated: list[Catalogue], copy: Catalogue) -> Iterator[tuple[str, bool]]:
    agreed = _agreed(stated, "extensions")
    if missing := [name for name in agreed if name not in copy.extensions]:
        yield f"extension {named(missing)} is missing", True
    for name, version in agreed.items():
        if (have := copy.extensions.get(name, version)) != version:
            yield f"extension {name} is {have}, {version} was stated", False
    if extra := _unknown(stated, "extensions", copy.extensions):
        yield f"extension {named(extra)} was not stated", False


def _row_security(stated: list[Catalogue], copy: Catalogue, tables: set[str]) -> Iterator[tuple[str, bool]]:
    agreed = _agreed(stated, "row_security")
    wrong = [table for table, has in agreed.items() if table in tables and copy.row_security.get(table) != has]
    wrong += [table for table in _unknown(stated, "row_security", copy.row_security) if table in tables]
    if wrong:
        yield f"row security of {named(wrong)} is not as stated", True


def _roles(stated: list[Catalogue], copy: Catalogue) -> Iterator[tuple[str, bool]]:
    agreed = _agreed(stated, "roles")
    if missing := [name for name in agreed if name not in copy.roles]:
        yield f"role {named(missing)} is missing", False
    if other := [name for name, rights in agreed.items() if copy.roles.get(name, rights) != rights]:
        yield f"role {named(other)} has other attributes or memberships than stated", False
    if extra := _unknown(stated, "roles", copy.roles):
        yield f"role {named(extra)} was not stated", False


def _sequences(around: Around, copy: Catalogue) -> Iterator[tuple[str, bool]]:
    """A sequence that fell back gives out numbers that are in use; crash recovery may put it up to 32 ahead."""
    if around.before is None:
        return
    for name, least in _least(around.stated).items():
        if name not in copy.sequences:
            yield f"sequence {name} is missing", True
        elif least is not None and (have := copy.sequences[name] or 0) < least:
            yield f"sequence {name} stands at {have:,}, production was at {least:,} already", True


def _least(stated: tuple[Manifest, ...]) -> Mapping[str, int | None]:
    """Where each stood at the least; None where that is not known: never used, set back meanwhile, or it descends."""
    first, *more = (made.catalogue.sequences for made in stated)
    both = {name: value for name, value in first.items() if all(name in other for other in more)}
    return {
        name: value if (value or 0) > 0 and all((other[name] or 0) >= (value or 0) for other in more) else None
        for name, value in both.items()
    }
