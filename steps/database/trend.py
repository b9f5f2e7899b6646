"""Whether production had lost rows before the backup was made, and what can be said where nobody made a manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from runbook.engine.verdict import Finding
from steps.database.stated import Terms
from steps.database.words import hour, named
from steps.here import count

KEPT: Final = 0.5  # of a table's rows, from one day's manifest to the next
TOLERANCE: Final = 0.9  # of a table's rows, from the last run to this one


def trend(terms: Terms, found: Mapping[str, int], limit: str) -> tuple[Finding, ...]:
    """`found` are the copy's rows by table, `limit` how far from the recovery point a manifest may be (`26 h`)."""
    return _shrunk(terms) if terms.around.stated else _against_the_last_run(terms, found, limit)


def _shrunk(terms: Terms) -> tuple[Finding, ...]:
    """A backup of a loss restores perfectly: only an older statement shows it."""
    newest, lost = terms.around.stated[0], dict[str, str]()
    for when, then in _stated_before(terms):
        for name, rows in then.items():
            now = newest.tables[name].rows if name in newest.tables else 0
            if name not in terms.transient and now < rows * KEPT:
                lost.setdefault(name, f"{name} states {count(now)} rows, {count(rows)} {when}")
    return tuple(
        Finding(f"the manifest itself shrank: {line}: production had lost them before this backup", "major")
        for line in lost.values()
    )


def _stated_before(terms: Terms) -> Iterator[tuple[str, Mapping[str, int]]]:
    """When, and the rows by table: in an earlier manifest, and (a loss may be older than that) in the last run."""
    if earlier := terms.around.earlier:
        when = f"in the manifest of {earlier.made_at:%Y-%m-%d} {hour(earlier)}"
        yield when, {name: table.rows for name, table in earlier.tables.items()}
    if terms.last:
        yield f"in {terms.last_run}", terms.last


def _against_the_last_run(terms: Terms, found: Mapping[str, int], limit: str) -> tuple[Finding, ...]:
    missing = f"content not compared: no usable manifest was made within {limit} of this recovery point"
    if not terms.last:
        return (Finding(f"{missing}, and no earlier run counted its tables", "major"),)
    return (Finding(missing, "major"), *_lost(terms, found))


def _lost(terms: Terms, found: Mapping[str, int]) -> tuple[Finding, ...]:
    since = {name: rows for name, rows in terms.last.items() if name not in terms.transient}
    gone = [name for name in since if name not in found]
    emptied = [name for name, rows in since.items() if rows and found.get(name) == 0]
    shrunk = [
        f"{name} ({count(found[name])} rows, {count(rows)} then)"
        for name, rows in since.items()
        if 0 < found.get(name, 0) < rows * TOLERANCE
    ]
    return (
        *_said(terms, "missing", gone),
        *_said(terms, "empty", emptied),
        *_said(terms, "shrunk", shrunk),
    )


def _said(terms: Terms, what: str, tables: Collection[str]) -> tuple[Finding, ...]:
    return (Finding(f"{what} against {terms.last_run}: {named(tables)}", "major"),) if tables else ()
