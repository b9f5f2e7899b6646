"""The rules of comparing, over every history of production that Hypothesis can think of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from runbook.estate.ports import ContentAsk, TableContent, TableShape
from runbook.manifest import Catalogue, Manifest, Method, Sum, Table, folded
from steps.database.catalogue import differences
from steps.database.compare import ALL_MOVED, NO_MANIFEST, QUICK, Comparison, compare, plan, second_look
from steps.database.manifests import Around
from steps.database.stated import METHODS, TRANSIENT, Terms
from steps.database.trend import trend
from steps.database.words import share

NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
Rows = Mapping[int, int]  # primary key → version of the row
State = Mapping[str, Rows]


# -- a production that is nothing but hashes ----------------------------------------------------------------------
def hashed(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), signed=True)


def total(rows: Iterable[tuple[int, int]], method: Method = "record") -> Sum:
    values = [hashed(method, key, version) for key, version in rows]
    return Sum(rows=len(values), digest=str(sum(values)))


def in_buckets(rows: Rows, buckets: int, method: Method = "record", *, keyed: bool = True) -> dict[int, Sum]:
    by_bucket: dict[int, list[tuple[int, int]]] = {}
    for key, version in rows.items():
        number = hashed("key", key) if keyed else hashed(method, key, version)
        by_bucket.setdefault(number & (buckets - 1), []).append((key, version))
    return {number: total(each, method) for number, each in by_bucket.items()}


def table(rows: Rows, buckets: int = 16, method: Method = "record", key: tuple[str, ...] = ("id",)) -> Table:
    whole = total(rows.items(), method)
    parts = in_buckets(rows, buckets, method, keyed=bool(key))
    return Table(rows=whole.rows, digest=whole.digest, method=method, key=key, buckets=parts)


def manifest(
    state: State,
    minutes: int = 0,
    *,
    buckets: int = 16,
    method: Method = "record",
    key: tuple[str, ...] = ("id",),
    **more: Any,
) -> Manifest:
    tables = {name: table(rows, buckets, method, key) for name, rows in state.items()}
    facts: dict[str, Any] = {"server_version": "18.1", **more}
    made_at = NOON + timedelta(minutes=minutes)
    return Manifest(made_at=made_at, database="clinic", buckets=buckets, tables=tables, **facts)


@dataclass
class Copy:
    """A restored database that answers as the port says; `asked` is what it was asked."""

    state: State
    sizes: Mapping[str, int] = field(default_factory=dict)
    key: tuple[str, ...] = ("id",)
    asked: list[ContentAsk] = field(default_factory=list)

    @property
    def shapes(self) -> tuple[TableShape, ...]:
        return tuple(TableShape(name, self.sizes.get(name, 1000), self.key) for name in sorted(self.state))

    def contents(self, asks: Iterable[ContentAsk]) -> dict[str, TableContent]:
        return {ask.table: self.content(ask) for ask in asks}

    def content(self, ask: ContentAsk) -> TableContent:
        self.asked.append(ask)
        rows, method = self.state[ask.table], ask.method or "record"
        if not ask.hashed:
            return TableContent(ask.table, len(rows), None)
        buckets = in_buckets(rows, ask.buckets, method, keyed=bool(self.key)) if ask.buckets > 1 else {}
        return TableContent(ask.table, len(rows), total(rows.items(), method).digest, method, buckets)


def terms(*stated: Manifest | None, **more: Any) -> Terms:
    before, after = (*stated, None, None)[:2]
    known: dict[str, Any] = {"major": "18", **more}
    return Terms(around=Around(before, after), **known)


def judged(terms: Terms, copy: Copy) -> Comparison:
    found = copy.contents(plan(terms, copy.shapes))
    found |= copy.contents(second_look(terms, copy.shapes, found))
    return compare(terms, copy.shapes, found)


def rows(count: int, first: int = 0) -> dict[int, int]:
    return dict.fromkeys(range(first, first + count), 0)


# -- histories ----------------------------------------------------------------------------------------------------
TABLES = ("public.appointments", "public.notes", "public.patients")
WRITES = st.lists(st.tuples(st.sampled_from(TABLES), st.booleans(), st.integers(0, 10_000)), max_size=60)


def written(start: State, writes: Iterable[tuple[str, bool, int]]) -> list[State]:
    """Every state on the way: a row is inserted, or an old one gets a version that it never had before."""
    states = [start]
    for number, (name, inserting, which) in enumerate(writes, start=1):
        state = {each: dict(held) for each, held in states[-1].items()}
        held = state[name]
        held[max(held, default=0) + 1 if inserting or not held else sorted(held)[which % len(held)]] = number
        states.append(state)
    return states


STARTS = st.fixed_dictionaries({name: st.integers(0, 80).map(rows) for name in TABLES})
GRAINS = st.sampled_from([1, 2, 16, 64])


@given(STARTS, WRITES, st.data(), GRAINS, GRAINS)
def test_a_true_copy_never_fails_whatever_production_wrote_meanwhile(
    start: State, writes: list[tuple[str, bool, int]], data: st.DataObject, old: int, new: int
) -> None:
    states = written(start, writes)
    at = data.draw(st.integers(0, len(states) - 1))
    stated = terms(manifest(states[0], -5, buckets=old), manifest(states[-1], 5, buckets=new))
    comparison = judged(stated, Copy(states[at]))
    assert comparison.faults == ()
    all_moved = {name for name, each in stated.stated.items() if each.moved and not each.quiet}
    assert set(comparison.equal) == set(TABLES) - all_moved
    assert comparison.not_compared == tuple((name, ALL_MOVED) for name in sorted(all_moved))
    assert len(comparison.findings) == bool(all_moved)
    assert all(name in comparison.findings[0].text for name in all_moved)


@given(STARTS, WRITES, st.data(), GRAINS)
def test_a_true_copy_never_fails_where_rows_have_no_key_and_change_their_bucket(
    start: State, writes: list[tuple[str, bool, int]], data: st.DataObject, grain: int
) -> None:
    states = written(start, writes)
    at = data.draw(st.integers(0, len(states) - 1))
    stated = [manifest(states[which], which, buckets=grain, key=()) for which in (0, -1)]
    assert judged(terms(*stated), Copy(states[at], key=())).faults == ()


@given(st.integers(2, 60).map(rows), st.data(), st.sampled_from([16, 64, 256]))  # of one bucket alone none is quiet
def test_a_row_without_a_key_that_was_replaced_in_a_quiet_bucket_is_still_named(
    held: dict[int, int], data: st.DataObject, grain: int
) -> None:
    which = data.draw(st.sampled_from(sorted(held)))
    name, moved = "public.notes", {**held, 1000: 0}
    stated = [manifest({name: state}, minutes, buckets=grain, key=()) for state, minutes in ((held, -5), (moved, 5))]
    quiet = stated[0].tables[name].buckets.get(hashed("record", which, 0) & (grain - 1))
    assume(quiet == stated[1].tables[name].buckets.get(hashed("record", which, 0) & (grain - 1)))
    comparison = judged(terms(*stated), Copy({name: {**held, which: -1}}, key=()))
    assert [fault.partition(":")[0] for fault in comparison.faults] == [name]


@given(STARTS, WRITES, st.data())
def test_one_manifest_alone_never_fails_a_true_copy(
    start: State, writes: list[tuple[str, bool, int]], data: st.DataObject
) -> None:
    states = written(start, writes)
    alone = manifest(states[data.draw(st.sampled_from([0, -1]))])
    copy = states[data.draw(st.integers(0, len(states) - 1))]
    lost_nothing = all(copy[name] or not alone.tables[name].rows for name in TABLES)
    comparison = judged(terms(alone), Copy(copy))
    assert (comparison.faults == ()) is lost_nothing
    assert bool(comparison.moved) is bool(comparison.findings) or not lost_nothing


@given(STARTS, WRITES, st.data(), GRAINS)
def test_a_changed_row_in_a_quiet_bucket_is_always_named(
    start: State, writes: list[tuple[str, bool, int]], data: st.DataObject, grain: int
) -> None:
    states = written(start, writes)
    before, after = manifest(states[0], -5, buckets=grain), manifest(states[-1], 5, buckets=grain)
    name = data.draw(st.sampled_from(TABLES))
    old, new = before.tables[name].buckets, after.tables[name].buckets
    quiet = [key for key in states[0][name] if old[bucket(key, grain)] == new.get(bucket(key, grain))]
    assume(quiet)
    damaged = {each: dict(held) for each, held in states[len(states) // 2].items()}
    damaged[name][data.draw(st.sampled_from(quiet))] = -1
    comparison = judged(terms(before, after), Copy(damaged))
    assert [fault.partition(":")[0] for fault in comparison.faults] == [name]
    assert "1 of " in comparison.faults[0]
    assert name not in comparison.equal


def bucket(key: int, grain: int) -> int:
    return hashed("key", key) & (grain - 1)


@given(STARTS, WRITES, st.sampled_from(TABLES), st.sampled_from([1, 2]))
def test_an_emptied_and_a_missing_table_are_always_named(
    start: State, writes: list[tuple[str, bool, int]], name: str, made: int
) -> None:
    states = written(start, writes)
    before = manifest(states[0], -5)
    assume(before.tables[name].rows)
    stated = terms(before) if made == 1 else terms(before, manifest(states[-1], 5))
    emptied = judged(stated, Copy({**states[-1], name: {}}))
    missing = judged(stated, Copy({each: held for each, held in states[-1].items() if each != name}))
    assert [fault.partition(":")[0] for fault in emptied.faults] == [name]
    assert "EMPTY" in emptied.faults[0]
    assert [fault.partition(" ")[0] for fault in missing.faults] == [name]
    assert "is missing" in missing.faults[0]


@given(STARTS, WRITES, st.data())
def test_rows_that_were_lost_are_named_even_where_every_bucket_moved(
    start: State, writes: list[tuple[str, bool, int]], data: st.DataObject
) -> None:
    states = written(start, writes)
    name = data.draw(st.sampled_from(TABLES))
    least = len(states[0][name])
    assume(least)
    kept = dict(list(states[-1][name].items())[: data.draw(st.integers(0, least - 1))])
    comparison = judged(terms(manifest(states[0], -5), manifest(states[-1], 5)), Copy({**states[-1], name: kept}))
    assert [fault.partition(":")[0] for fault in comparison.faults] == [name]


@given(st.integers(0, 200).map(rows), GRAINS, GRAINS)
def test_folding_makes_the_manifest_that_fewer_buckets_would_have_made(held: Rows, one: int, other: int) -> None:
    fine, coarse = max(one, other), min(one, other)
    assert folded(in_buckets(held, fine), coarse) == in_buckets(held, coarse)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_a_share_is_all_or_nothing_only_when_it_is(part: int, more: int) -> None:
    said = share(part, part + more)
    assert (said == "100 %") is (more == 0)
    assert (said == "0 %") is (part == 0 and more > 0)


# -- what is asked ------------------------------------------------------------------------------------------------
def test_an_unmoved_table_is_asked_as_a_whole_and_a_moved_one_in_buckets() -> None:
    before = manifest({"public.a": rows(50), "public.b": rows(50)}, -5)
    after = manifest({"public.a": rows(50), "public.b": rows(51)}, 5)
    copy = Copy({"public.a": rows(50), "public.b": rows(50)})
    assert plan(terms(before, after), copy.shapes) == (
        ContentAsk("public.a", method="record"),
        ContentAsk("public.b", buckets=16, method="record"),
    )


def test_a_table_that_is_whole_is_read_once() -> None:
    copy = Copy({"public.a": rows(50)})
    judged(terms(manifest({"public.a": rows(50)})), copy)
    assert len(copy.asked) == 1


def test_a_table_that_differs_as_a_whole_is_looked_at_again() -> None:
    copy = Copy({"public.a": {**rows(50), 7: 1}})
    comparison = judged(terms(manifest({"public.a": rows(50)}, -5), manifest({"public.a": rows(50)}, 5)), copy)
    assert [ask.buckets for ask in copy.asked] == [1, 16]
    assert comparison.faults == ("public.a: 1 of 16 quiet buckets differs: its content is not what production stated",)


def test_a_quick_pass_only_counts_large_tables_and_says_so() -> None:
    state = {"public.a": rows(50), "public.b": rows(50)}
    quick = terms(manifest(state, -5), manifest(state, 5), quick_limit=5000)
    comparison = judged(quick, Copy(state, sizes={"public.b": 5001}))
    assert comparison.equal == ("public.a",)
    assert comparison.not_compared == (("public.b", QUICK),)


def test_a_quick_pass_still_notices_rows_that_are_gone() -> None:
    state = {"public.b": rows(50)}
    quick = terms(manifest(state, -5), manifest(state, 5), quick_limit=10)
    assert judged(quick, Copy({"public.b": rows(49)})).faults == ("public.b: 49 rows, 50 stated",)


def test_without_a_manifest_a_full_pass_reads_everything_and_a_quick_one_counts() -> None:
    copy = Copy({"public.a": rows(5)})
    assert [ask.hashed for ask in plan(terms(), copy.shapes)] == [True]
    assert [ask.hashed for ask in plan(terms(quick_limit=5000), copy.shapes)] == [False]


# -- what cannot be compared --------------------------------------------------------------------------------------
def test_a_transient_table_is_counted_never_compared_and_named() -> None:
    before, after = manifest({"public.jobs": rows(50)}, -5), manifest({"public.jobs": rows(50)}, 5)
    comparison = judged(
        terms(before, after, transient=frozenset({"public.jobs"})), Copy({"public.jobs": rows(3, first=900)})
    )
    assert (comparison.faults, comparison.findings) == ((), ())
    assert comparison.not_compared == (("public.jobs", TRANSIENT),)


def test_hashes_of_another_major_version_are_not_compared_but_counts_are() -> None:
    other = [manifest({"public.a": rows(50)}, minutes, server_version="17.6 (Debian)") for minutes in (-5, 5)]
    changed = judged(terms(*other), Copy({"public.a": {**rows(50), 7: 1}}))
    assert changed.faults == ()
    assert [(finding.severity, "PostgreSQL 17" in finding.text) for finding in changed.findings] == [("major", True)]
    assert judged(terms(*other), Copy({"public.a": rows(49)})).faults == ("public.a: 49 rows, 50 stated",)


def test_two_ways_of_hashing_do_not_compare() -> None:
    before, after = manifest({"public.a": rows(50)}, -5), manifest({"public.a": rows(50)}, 5, method="text")
    comparison = judged(terms(before, after), Copy({"public.a": {**rows(50), 7: 1}}))
    assert comparison.faults == ()
    assert comparison.not_compared == (("public.a", METHODS),)


def test_rows_hashed_as_text_under_another_setting_do_not_compare() -> None:
    pinned = Catalogue(settings={"lc_monetary": "C"})
    stated = [manifest({"public.a": rows(9)}, minutes, method="text", catalogue=pinned) for minutes in (-5, 5)]
    comparison = judged(terms(*stated, settings={"lc_monetary": "en_GB"}), Copy({"public.a": rows(9)}))
    assert "lc_monetary is another one here" in comparison.not_compared[0][1]


def test_a_table_that_only_one_of_two_knows_is_not_compared() -> None:
    before, after = manifest({}, -5), manifest({"public.new": rows(3)}, 5)
    for state in ({}, {"public.new": rows(1)}):
        assert judged(terms(before, after), Copy({**state, "public.new": {}})).faults == ()


def test_a_table_in_neither_manifest_is_a_fault() -> None:
    stated = manifest({"public.a": rows(3)})
    comparison = judged(terms(stated, stated), Copy({"public.a": rows(3), "public.strangers": rows(1)}))
    assert comparison.faults == ("public.strangers: it is in neither manifest",)


def test_a_primary_key_that_is_gone_is_a_fault_where_buckets_would_be_compared() -> None:
    before, after = manifest({"public.a": rows(50)}, -5), manifest({"public.a": rows(51)}, 5)
    comparison = judged(terms(before, after), Copy({"public.a": rows(50)}, key=()))
    assert comparison.faults == ("public.a: its primary key is (), production's is (id)",)


def test_moved_buckets_with_fewer_rows_than_either_states_are_a_finding() -> None:
    before = manifest({"public.a": rows(200)}, -5, buckets=4)
    after = manifest({"public.a": dict.fromkeys(range(200), 1)}, 5, buckets=4)
    elsewhere = next(key for key in range(1000, 1100) if bucket(key, 4) != bucket(0, 4))
    swapped = {**dict.fromkeys(range(1, 200), 1), elsewhere: 0}
    comparison = judged(terms(before, after), Copy({"public.a": swapped}))
    assert comparison.faults == ()
    assert [finding.text for finding in comparison.findings][1:] == [
        "1 moved bucket holds fewer rows than either manifest, in public.a: deleted and made again meanwhile, or lost"
    ]


def test_more_rows_than_either_states_are_a_fault() -> None:
    before, after = manifest({"public.a": rows(50)}, -5), manifest({"public.a": rows(51)}, 5)
    duplicated = Copy({"public.a": {**rows(51), 1000: 0}})
    assert judged(terms(before, after), duplicated).faults[0].startswith("public.a: 52 rows, 50 before and 51 after")


def test_a_moved_table_that_was_stated_without_buckets_is_only_counted() -> None:
    before, after = manifest({"public.a": rows(50)}, -5), manifest({"public.a": rows(51)}, 5)
    bare = after.tables["public.a"].model_copy(update={"buckets": {}})
    after = after.model_copy(update={"tables": {"public.a": bare}})
    comparison = judged(terms(before, after), Copy({"public.a": rows(50)}))
    assert (comparison.faults, comparison.compared, comparison.moved) == ((), 0, 1)
    assert comparison.not_compared == (("public.a", ALL_MOVED),)


def test_a_table_of_which_every_bucket_moved_is_named_and_never_called_compared() -> None:
    quiet = {"public.quiet": rows(50)}
    before = manifest({**quiet, "public.a": rows(200), "public.b": rows(90)}, -5)
    after = manifest({**quiet, "public.a": dict.fromkeys(range(200), 1), "public.b": dict.fromkeys(range(90), 1)}, 5)
    altered = {"public.a": dict.fromkeys(range(200), 9), "public.b": dict.fromkeys(range(90), 9)}
    comparison = judged(terms(before, after), Copy({**quiet, **altered}))
    assert (comparison.faults, comparison.compared, comparison.moved) == ((), 16, 32)
    assert comparison.equal == ("public.quiet",)
    assert comparison.not_compared == (("public.a", ALL_MOVED), ("public.b", ALL_MOVED))
    (finding,) = comparison.findings
    assert finding.severity == "major"
    assert finding.text == (
        "not compared, only counted: public.a, public.b: production wrote to every part between 11:55 UTC and "
        "12:05 UTC; make the manifests nearer to the backup"
    )


def test_every_table_of_which_all_moved_is_named_however_many_they_are() -> None:
    names = [f"public.t{number}" for number in range(9)]
    before = manifest({name: rows(20) for name in names}, -5, buckets=1)
    after = manifest({name: rows(21) for name in names}, 5, buckets=1)
    (finding,) = judged(terms(before, after), Copy({name: rows(20) for name in names})).findings
    assert [name for name in names if name not in finding.text] == []


def test_a_table_that_differs_everywhere_from_the_one_manifest_is_not_called_equal() -> None:
    alone = manifest({"public.a": rows(200), "public.b": rows(9)})
    comparison = judged(terms(alone), Copy({"public.a": dict.fromkeys(range(200), 9), "public.b": rows(9)}))
    assert comparison.equal == ("public.b",)
    (finding,) = comparison.findings
    assert "in public.a: one alone cannot tell what moved from what was lost" in finding.text


def test_a_database_without_a_table_is_a_fault() -> None:
    assert judged(terms(), Copy({})).faults == ("there is no table at all",)


def test_few_rows_are_never_told_exactly() -> None:
    stated = [manifest({"public.a": rows(7)}, minutes) for minutes in (-5, 5)]
    assert judged(terms(*stated), Copy({"public.a": rows(3)})).faults[0].startswith("public.a: <10 rows, <10 stated")


# -- no manifest, and manifests that shrank -----------------------------------------------------------------------
def test_without_a_manifest_counts_are_held_against_the_last_run() -> None:
    last = {"public.gone": 5, "public.empty": 5, "public.small": 100, "public.same": 100}
    found = {"public.empty": 0, "public.small": 89, "public.same": 90}
    said = trend(terms(last=last, last_run="drill-1"), found, "26 h")
    assert [finding.text for finding in said] == [
        "content not compared: no usable manifest was made within 26 h of this recovery point",
        "missing against drill-1: public.gone",
        "empty against drill-1: public.empty",
        "shrunk against drill-1: public.small (89 rows, 100 then)",
    ]
    assert {finding.severity for finding in said} == {"major"}


def test_without_a_manifest_nothing_is_a_fault_of_the_copy() -> None:
    comparison = judged(terms(), Copy({"public.a": {}}))
    assert comparison.faults == ()
    assert comparison.not_compared == (("public.a", NO_MANIFEST),)


def test_a_manifest_that_shrank_is_production_s_loss_and_no_fault() -> None:
    now = manifest({"public.a": rows(49), "public.b": rows(50), "public.gone": {}})
    then = manifest({"public.a": rows(100), "public.b": rows(100), "public.gone": rows(12)}, -24 * 60)
    shrunk = Terms(Around(now, now, then), "18")
    then_said = "in the manifest of 2027-01-14 12:00 UTC: production had lost them before this backup"
    assert [finding.text for finding in trend(shrunk, {}, "26 h")] == [
        f"the manifest itself shrank: public.a states 49 rows, 100 {then_said}",
        f"the manifest itself shrank: public.gone states 0 rows, 12 {then_said}",
    ]
    assert judged(shrunk, Copy({"public.a": rows(49), "public.b": rows(50), "public.gone": {}})).faults == ()


def test_without_an_earlier_manifest_the_last_run_says_what_there_was() -> None:
    now = manifest({"public.a": rows(49)})
    (finding,) = trend(Terms(Around(now), "18", last={"public.a": 100}, last_run="drill-1"), {}, "26 h")
    assert "49 rows, 100 in drill-1" in finding.text


def test_a_loss_from_before_the_earlier_manifest_is_seen_against_the_last_run() -> None:
    now = manifest({"public.a": rows(49), "public.b": rows(9)})
    then = manifest({"public.a": rows(49), "public.b": rows(80)}, -24 * 60)
    last = {"public.a": 100, "public.b": 80}
    told = [f.text for f in trend(Terms(Around(now, now, then), "18", last=last, last_run="drill-1"), {}, "26 h")]
    assert ["in drill-1" in text for text in told] == [False, True]  # each table once, against the nearest statement


# -- catalogue ----------------------------------------------------------------------------------------------------
STATED = Catalogue(
    columns={"public.a": "c1", "public.b": "c2"},
    migration="alembic_version 7c1f",
    extensions={"plpgsql": "1.0", "vector": "0.8"},
    roles={"app": "login", "reader": "pg_monitor"},
    row_security={"public.a": "enabled"},
    sequences={"public.a_id_seq": 100, "public.b_id_seq": None},
)


def beside(copy: Catalogue, before: Catalogue = STATED, after: Catalogue | None = None) -> tuple[Any, list[str]]:
    near = Around(manifest({}, -5, catalogue=before), manifest({}, 5, catalogue=after or before))
    faults, findings = differences(near, copy, ("public.a", "public.b"))
    return faults, [finding.text for finding in findings]


def changed(**parts: Any) -> Catalogue:
    return STATED.model_copy(update=parts)


def test_an_equal_catalogue_has_no_differences() -> None:
    assert beside(STATED) == ((), [])
    assert beside(changed(sequences={"public.a_id_seq": 132, "public.b_id_seq": 1})) == ((), [])


def test_what_would_break_the_application_is_a_fault() -> None:
    assert beside(changed(columns={"public.a": "c1", "public.b": "x"}))[0] == ("columns of public.b are not as stated",)
    assert beside(changed(migration=""))[0] == ("the schema stands at no migration, alembic_version 7c1f was stated",)
    assert beside(changed(extensions={"plpgsql": "1.0"}))[0] == ("extension vector is missing",)
    assert beside(changed(row_security={}))[0] == ("row security of public.a is not as stated",)
    assert beside(changed(row_security={"public.a": "enabled", "public.b": "enabled"}))[0] == (
        "row security of public.b is not as stated",
    )
    assert beside(changed(sequences={"public.a_id_seq": 99, "public.b_id_seq": None}))[0] == (
        "sequence public.a_id_seq stands at 99, production was at 100 already",
    )
    assert beside(changed(sequences={"public.b_id_seq": None}))[0] == ("sequence public.a_id_seq is missing",)


def test_what_is_only_to_be_looked_at_is_a_finding() -> None:
    assert beside(changed(extensions={"plpgsql": "1.1", "vector": "0.8", "cron": "1"})) == (
        (),
        ["extension plpgsql is 1.1, 1.0 was stated", "extension cron was not stated"],
    )
    assert beside(changed(roles={"app": "superuser", "mallory": "login"})) == (
        (),
        [
            "role reader is missing",
            "role app has other attributes or memberships than stated",
            "role mallory was not stated",
        ],
    )


def test_what_changed_between_the_manifests_is_not_judged() -> None:
    migrated = changed(
        columns={"public.a": "c9", "public.b": "c2"}, migration="alembic_version 8d20", extensions={"plpgsql": "1.0"}
    )
    assert beside(migrated, after=migrated) == ((), [])
    assert beside(STATED, after=migrated) == ((), [])


def test_a_sequence_that_was_set_back_meanwhile_is_not_judged() -> None:
    reset = changed(sequences={"public.a_id_seq": 3, "public.b_id_seq": None})
    assert beside(reset, after=reset) == ((), [])


def test_one_manifest_alone_makes_findings_of_the_catalogue() -> None:
    near = Around(manifest({}, catalogue=STATED))
    faults, findings = differences(near, changed(migration="x"), ("public.a", "public.b"))
    assert faults == ()
    assert [finding.text for finding in findings] == [
        "the schema stands at x, alembic_version 7c1f was stated, by one manifest alone"
    ]


def test_a_missing_table_is_not_told_a_second_time() -> None:
    near = Around(manifest({}, catalogue=STATED), manifest({}, catalogue=STATED))
    assert differences(near, changed(columns={"public.a": "c1"}), ("public.a",)) == ((), ())
