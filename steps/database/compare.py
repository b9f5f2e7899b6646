"""The rules of comparing a copy with the manifests around its recovery point.  No system is asked here.

Production goes on while a backup is made, so a manifest alone never equals the copy in a busy table.  With one from
before and one from after, whatever is the same in both must be the same in the copy; what moved in between is counted
and not compared, and its share is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from runbook.engine.verdict import Finding
from runbook.estate.ports import ContentAsk, TableContent, TableShape
from runbook.manifest import Sum
from steps.database.stated import TRANSIENT, Stated, Terms, same
from steps.database.words import hour, named, share
from steps.here import count

QUICK: Final = "too large for a quick pass"
NO_MANIFEST: Final = "there is no manifest of it"
ONE_ONLY: Final = "only one of the two manifests knows it"
UNKNOWN: Final = "the one manifest does not know it"
ALL_MOVED: Final = "every part of it moved"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`faults` are what fails the copy.  `compared` and `moved` count buckets that hold rows; `equal` are the tables
    of which something was compared, or that are empty as stated; `not_compared` the others with the reason."""

    faults: tuple[str, ...]
    findings: tuple[Finding, ...]
    compared: int
    moved: int
    equal: tuple[str, ...]
    not_compared: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One table: `fewer` are moved buckets with fewer rows than any manifest states."""

    fault: str = ""
    compared: int = 0
    moved: int = 0
    fewer: int = 0
    why_not: str = ""


# -- what to ask --------------------------------------------------------------------------------------------------
def plan(terms: Terms, shapes: Iterable[TableShape]) -> tuple[ContentAsk, ...]:
    """The cheapest question for each table that still answers what has to be known of it.

    What nothing can be compared with is read as a whole in a full pass: whatever cannot be read shows, and it comes
    nearer (a restored disk is filled at the first read).
    """
    return tuple(_ask(terms, shape) for shape in shapes)


def _ask(terms: Terms, shape: TableShape) -> ContentAsk:
    want, quick = terms.stated.get(shape.name), terms.quick_limit is not None
    if terms.quick_limit is not None and shape.size > terms.quick_limit:
        return ContentAsk(shape.name, hashed=False)
    if want is None or want.why_not:
        return ContentAsk(shape.name, hashed=not quick)
    if want.whole is not None or _other_key(want, shape):
        return ContentAsk(shape.name, method=want.method)
    return ContentAsk(shape.name, buckets=want.grain, method=want.method)


def second_look(
    terms: Terms, shapes: Iterable[TableShape], found: Mapping[str, TableContent]
) -> tuple[ContentAsk, ...]:
    """Tables that were asked as a whole and differ, once more in buckets: how much of them differs."""
    asks = []
    for shape in shapes:
        want, have = terms.stated.get(shape.name), found.get(shape.name)
        if want is None or have is None or want.whole is None or want.grain == 1 or _other_key(want, shape):
            continue
        if _comparable(want, have) and have.rows and not same(want.whole, _whole(have)):
            asks.append(ContentAsk(shape.name, buckets=want.grain, method=want.method))
    return tuple(asks)


def _other_key(want: Stated, shape: TableShape) -> bool:
    """Whether a bucket does not mean the same in the copy, because the table has another primary key there."""
    return bool(want.key) and want.key != shape.key


def _comparable(want: Stated, have: TableContent) -> bool:
    return not want.why_not and have.digest is not None and have.method == want.method


def _whole(have: TableContent) -> Sum:
    return Sum(rows=have.rows, digest=have.digest or "0")


# -- what the answers mean ----------------------------------------------------------------------------------------
def compare(terms: Terms, shapes: Iterable[TableShape], found: Mapping[str, TableContent]) -> Comparison:
    """`found` by table, with the second look's answers in place of the first's."""
    judged = {shape.name: _judge(terms, shape, found[shape.name]) for shape in shapes}
    faults = [f"{table}: {one.fault}" for table, one in judged.items() if one.fault]
    faults += [
        f"{table} is missing ({count(want.low)} rows stated)"
        for table, want in terms.stated.items()
        if table not in judged
    ]
    if not judged:
        faults.append("there is no table at all")
    return Comparison(
        faults=tuple(faults),
        findings=(*_alone(terms, judged), *_all_moved(terms, judged), *_fewer(judged), *_left_out(judged)),
        compared=sum(one.compared for one in judged.values()),
        moved=sum(one.moved for one in judged.values()),
        equal=tuple(table for table, one in judged.items() if not one.fault and not one.why_not),
        not_compared=tuple((table, one.why_not) for table, one in judged.items() if one.why_not),
    )


def _judge(terms: Terms, shape: TableShape, have: TableContent) -> _Judged:
    want = terms.stated.get(shape.name)
    if want is None:
        return _unstated(terms, shape.name)
    alone, counted = terms.around.alone, _counted(terms, want, have)
    if not _comparable(want, have):
        why = want.why_not or (QUICK if have.digest is None else "it is hashed in another way here")
        return _Judged(counted, why_not=why)
    if want.whole is not None and same(want.whole, _whole(have)):
        return _Judged(compared=len(want.quiet))
    if _other_key(want, shape) and want.grain > 1:
        return _other_keyed(want, shape, counted, alone=alone)
    return _bucket_by_bucket(want, have, counted, alone=alone)


def _unstated(terms: Terms, table: str) -> _Judged:
    if not terms.around.stated:
        return _Judged(why_not=NO_MANIFEST)
    if terms.around.alone:
        return _Judged(why_not=UNKNOWN)
    if table in terms.known:
        return _Judged(why_not=ONE_ONLY)
    if table in terms.transient:
        return _Judged(why_not=TRANSIENT)
    return _Judged("it is in neither manifest")


def _counted(terms: Terms, want: Stated, have: TableContent) -> str:
    """What is wrong with the number of rows, or ""; with one manifest alone only an emptied table is."""
    if want.why_not == TRANSIENT or want.low <= have.rows <= want.high:
        return ""
    if not have.rows:
        return f"EMPTY, {count(want.low)} rows stated"
    if terms.around.alone:
        return ""
    stated = count(want.low) if want.low == want.high else f"{count(want.low)} before and {count(want.high)} after"
    return f"{count(have.rows)} rows, {stated} stated"


def _other_keyed(want: Stated, shape: TableShape, counted: str, *, alone: bool) -> _Judged:
    said = f"its primary key is ({', '.join(shape.key)}), production's is ({', '.join(want.key)})"
    return _Judged(counted, why_not=said) if alone else _Judged(f"{counted}; {said}" if counted else said)


def _bucket_by_bucket(want: Stated, have: TableContent, counted: str, *, alone: bool) -> _Judged:
    """Quiet buckets are equal or a fault; with one manifest alone those that differ may have moved."""
    buckets = have.buckets if want.grain > 1 else ({0: _whole(have)} if have.rows else {})
    must = {number for number in want.quiet.keys() | buckets.keys() if number not in want.moved}
    other = {number for number in must if not same(want.quiet.get(number), buckets.get(number))}
    if alone:
        equal = len(must) - len(other)
        return _Judged(counted, equal, len(other), why_not=ALL_MOVED if other and not equal else "")
    visited = {number for number in other if _visited(want, number, buckets)}
    fewer = sum(_rows(buckets.get(number)) < low for number, (low, _) in want.moved.items())
    differing, quiet = len(other - visited), len(must - visited)
    content = f"{differing} of {quiet} quiet buckets {'differs' if differing == 1 else 'differ'}"
    said = f"{content}: its content is not what production stated" if differing and have.rows else ""
    fault = "; ".join(part for part in (counted, said) if part)
    moved = len(want.moved) + len(visited)
    return _Judged(fault, quiet, moved, fewer, why_not=ALL_MOVED if moved and not quiet else "")


def _visited(want: Stated, number: int, buckets: Mapping[int, Sum]) -> bool:
    """Without a primary key a row is in another bucket after each change: one that was changed twice meanwhile may be
    in one where neither manifest saw it.  It can only be there in addition."""
    moving = not want.key and want.whole is None
    return moving and _rows(buckets.get(number)) > _rows(want.quiet.get(number))


def _rows(bucket: Sum | None) -> int:
    return bucket.rows if bucket else 0


# -- findings -----------------------------------------------------------------------------------------------------
def _alone(terms: Terms, judged: Mapping[str, _Judged]) -> tuple[Finding, ...]:
    moved = {table: one for table, one in judged.items() if one.moved and not one.fault}
    if not terms.around.alone or not moved:
        return ()
    of = sum(one.compared + one.moved for one in judged.values())
    buckets = share(sum(one.moved for one in moved.values()), of)
    said = f"{buckets} of buckets differ from the one manifest, of {hour(terms.around.stated[0])}, in {named(moved)}"
    return (Finding(f"{said}: one alone cannot tell what moved from what was lost", "major"),)


def _all_moved(terms: Terms, judged: Mapping[str, _Judged]) -> tuple[Finding, ...]:
    """Each of them is named: of their content nothing at all is known."""
    tables = [table for table, one in judged.items() if one.why_not == ALL_MOVED and not one.fault]
    if terms.around.alone or not tables:
        return ()
    between = " and ".join(hour(each) for each in terms.around.stated)
    why = f"production wrote to every part between {between}; make the manifests nearer to the backup"
    return (Finding(f"not compared, only counted: {', '.join(tables)}: {why}", "major"),)


def _fewer(judged: Mapping[str, _Judged]) -> tuple[Finding, ...]:
    fewer = {table: one.fewer for table, one in judged.items() if one.fewer and not one.fault}
    if not fewer:
        return ()
    buckets = sum(fewer.values())
    said = f"{buckets} moved {'bucket holds' if buckets == 1 else 'buckets hold'} fewer rows than either manifest"
    return (Finding(f"{said}, in {named(fewer)}: deleted and made again meanwhile, or lost", "major"),)


def _left_out(judged: Mapping[str, _Judged]) -> tuple[Finding, ...]:
    """Why tables were not compared, but for the reasons that are told elsewhere."""
    by_reason: dict[str, list[str]] = {}
    for table, one in judged.items():
        if one.why_not and one.why_not not in {QUICK, TRANSIENT, NO_MANIFEST, ALL_MOVED}:
            by_reason.setdefault(one.why_not, []).append(table)
    return tuple(
        Finding(f"not compared: {named(tables)}: {why}", "minor" if why in {ONE_ONLY, UNKNOWN} else "major")
        for why, tables in by_reason.items()
    )
