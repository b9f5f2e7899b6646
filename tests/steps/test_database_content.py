"""Content on whole runs over the estate in memory: what passes, what is named, what is asked and what is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runbook.engine.ports import Choice
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict
from runbook.estate.memory.contents import Contents
from runbook.estate.ports import ContentAsk, ContentProgress, TableContent, TableShape
from runbook.manifest import Manifest, Sum
from steps.database import content as database_content
from steps.database.content import content_is_whole, counts_still_hold
from steps.database.manifests import Around, around
from steps.facts import ContentDepth, ContentVerified, InstanceReady, InstanceRestored, SnapshotChosen
from steps.here import EarlierRun, Here
from steps.ticking import Ticker
from tests.support.clock import HeldClock
from tests.support.operator import OPEN, abort, back
from tests.support.practice import Practice
from tests.support.standing import Standing

CONTENT = "database.content"
EARLIER = "drill-20261015T090000Z-1111"


async def content(practice: Practice, operator: Any = None) -> tuple[Attempt, Run]:
    run = await practice.walk(operator)
    last = run.last(CONTENT)
    assert last is not None, run.aborted
    return last, run


def configure(practice: Practice, **settings: Any) -> None:
    database = practice.environment.database.model_copy(update=settings)
    practice.environment = practice.environment.model_copy(update={"database": database})


def texts(run: Run) -> list[str]:
    return [finding.text for finding in run.findings]


def counted_before(practice: Practice, **rows: int) -> None:
    ended = practice.clock.now() - timedelta(days=90)
    known = {f"public.{name}": number for name, number in rows.items()}
    practice.history = (EarlierRun(EARLIER, ended, (), rows=known, available_s=1500, verified_s=2500),)


def strangers(practice: Practice, *names: str) -> None:
    """The copy has tables that production never had."""

    def added(copy: Contents) -> None:
        copy.tables.update(dict.fromkeys(names, copy.tables["public.settings"]))

    practice.world.databases.spoil(added)


# -- what passes --------------------------------------------------------------------------------------------------
async def test_a_true_copy_passes_and_says_how_much_of_it_was_compared(practice: Practice) -> None:
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert last.observed.startswith("6 tables, 16,0")
    assert "% moved between 08:20 UTC and 09:20 UTC: not compared, counts inside the range" in last.observed
    assert "sum(hash_record_extended(t, 0))" in last.source
    assert run.findings == ()


async def test_what_was_compared_is_kept_for_the_next_run(practice: Practice) -> None:
    _, run = await content(practice)
    verified, depth = run.fact(ContentVerified), run.fact(ContentDepth)
    assert verified is not None
    assert depth == ContentDepth("full", "")
    assert (verified.depth, verified.tables) == ("full", 6)
    assert verified.rows["public.patients"] == 3000
    assert verified.rows["public.settings"] == "<10"  # facts are written to the journal
    assert verified.after_s > 0
    assert verified.size > 96 << 20


async def test_where_nothing_moved_everything_is_compared(practice: Practice) -> None:
    configure(practice, transient_tables=("public.appointments", "public.clinical_notes"))
    last, _ = await content(practice)
    assert "16,006 rows, 100 % of buckets compared in 4 tables; only counted: public.appointments" in last.observed


async def test_a_table_that_moved_everywhere_is_told_as_counted_and_closes_with_an_issue(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def moved(here: Here) -> Around:
        near = await around(here)
        assert near.before is not None
        return replace(near, before=rewritten(near.before, "public.patients"))

    monkeypatch.setattr(database_content, "around", moved)
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert " of buckets compared in 5 tables, " in last.observed
    assert last.observed.endswith("only counted: public.patients (every part of it moved)")
    assert [(each.severity, each.text.partition(": production")[0]) for each in run.findings] == [
        ("major", "not compared, only counted: public.patients")
    ]
    assert run.outcome == "PASS_WITH_ISSUES"


def rewritten(manifest: Manifest, name: str) -> Manifest:
    """The same, with another hash in each bucket of that table."""
    known = manifest.tables[name]
    buckets = {number: Sum(rows=each.rows, digest=str(int(each.digest) + 1)) for number, each in known.buckets.items()}
    digest = str(int(known.digest) + len(buckets))
    other = known.model_copy(update={"buckets": buckets, "digest": digest})
    return manifest.model_copy(update={"tables": {**manifest.tables, name: other}})


async def test_a_bad_manifest_is_no_verdict_on_the_recovery_point(practice: Practice) -> None:
    bucket = practice.environment.database.manifest_bucket or ""
    for stored in await practice.world.objects.list(bucket, practice.environment.database.manifest_prefix):
        practice.world.objects._put(stored.key, b"{", stored.modified)
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert last.observed.endswith("content not compared")
    assert [each.severity for each in run.findings] == ["major", "major"]
    assert texts(run)[0].startswith("not used: the manifest 20270114T082000Z.json cannot be read: ")


# -- what is named ------------------------------------------------------------------------------------------------
async def test_one_changed_row_in_a_quiet_bucket_of_a_busy_table_is_named(practice: Practice) -> None:
    practice.world.change_row("public.clinical_notes")
    last, run = await content(practice)
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith("public.clinical_notes: 1 of ")
    assert last.observed.endswith(" quiet buckets differs: its content is not what production stated")
    assert "database.choose" in last.fix
    assert run.outcome == "FAIL"


async def test_one_changed_row_of_an_unmoved_table_is_named_after_a_second_look(practice: Practice) -> None:
    practice.world.change_row("public.patients")
    last, _ = await content(practice)
    assert last.observed == (
        "public.patients: 1 of 256 quiet buckets differs: its content is not what production stated"
    )


async def test_an_emptied_and_a_missing_table_are_named(practice: Practice) -> None:
    practice.world.lose_table("public.appointments")
    practice.world.drop_table("public.patients")
    last, _ = await content(practice)
    assert "public.appointments: EMPTY, 8,99" in last.observed
    assert "public.patients is missing (3,000 rows stated)" in last.observed


async def test_a_table_that_production_never_had_is_named(practice: Practice) -> None:
    practice.world.databases.spoil(
        lambda copy: copy.tables.update({"public.strangers": copy.tables["public.settings"]})
    )
    last, _ = await content(practice)
    assert last.observed == "public.strangers: it is in neither manifest"


async def test_many_faults_are_told_in_one_line(practice: Practice) -> None:
    strangers(practice, *(f"public.t{number:02d}" for number in range(30)))
    last, _ = await content(practice)
    assert last.observed.count("it is in neither manifest") == 8
    assert last.observed.endswith("; and 22 more")


async def test_names_from_the_copy_are_harmless_in_what_is_said(practice: Practice) -> None:
    strangers(practice, "public.\x1b[2J")
    last, _ = await content(practice)
    assert "\x1b" not in last.observed
    assert "public.\N{REPLACEMENT CHARACTER}[2J" in last.observed


async def test_a_table_that_comes_and_goes_is_counted_and_named(practice: Practice) -> None:
    configure(practice, transient_tables=("public.appointments",))
    practice.world.change_row("public.appointments")
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert "compared in 5 tables" in last.observed
    assert "only counted: public.appointments (its rows come and go)" in last.observed
    assert run.outcome == "PASS"


# -- one manifest, or none ----------------------------------------------------------------------------------------
async def test_one_manifest_alone_makes_a_finding_of_what_differs(practice: Practice) -> None:
    practice.world.only_manifests_before()
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert "differ from the one manifest of 08:20 UTC" in last.observed
    (finding,) = texts(run)
    assert "one alone cannot tell what moved from what was lost" in finding
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_one_manifest_alone_still_names_an_emptied_table(practice: Practice) -> None:
    practice.world.only_manifests_before()
    practice.world.lose_table("public.patients")
    last, _ = await content(practice)
    assert last.observed == "public.patients: EMPTY, 3,000 rows stated"


async def test_without_a_manifest_the_last_run_is_what_there_is_to_hold_it_against(practice: Practice) -> None:
    practice.world.no_manifests()
    counted_before(practice, appointments=12_000, patients=3100, referrals=40)
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert last.observed.endswith("rows, content not compared")
    assert texts(run)[0] == "content not compared: no usable manifest was made within 26 h of this recovery point"
    assert texts(run)[1] == f"missing against {EARLIER}: public.referrals"
    assert texts(run)[2].startswith(f"shrunk against {EARLIER}: public.appointments (")
    assert "patients" not in texts(run)[2]


async def test_without_anything_that_is_said(practice: Practice) -> None:
    practice.world.no_manifests()
    _, run = await content(practice)
    missing = "content not compared: no usable manifest was made within 26 h of this recovery point"
    assert texts(run) == [f"{missing}, and no earlier run counted its tables"]


async def test_production_that_had_lost_rows_before_the_backup_is_told_and_fails_nothing(practice: Practice) -> None:
    practice.world.shrunk_production()
    last, run = await content(practice)
    assert last.verdict is Verdict.PASS
    assert any(
        text.startswith("the manifest itself shrank: public.appointments states ")
        and text.endswith("production had lost them before this backup")
        for text in texts(run)
    )


# -- depth --------------------------------------------------------------------------------------------------------
async def test_where_no_table_is_too_large_for_a_quick_pass_nothing_is_asked(practice: Practice) -> None:
    database = practice.environment.database.model_copy(update={"quick_limit_mib": 1000})
    practice.environment = practice.environment.model_copy(update={"database": database})
    operator = practice.operator()
    run = await practice.walk(operator)
    assert operator.questions("choose database.content") == []
    assert run.fact(ContentDepth) == ContentDepth("full")


async def test_the_depth_is_asked_with_what_there_is_to_read(practice: Practice) -> None:
    counted_before(practice, patients=3000)
    operator = practice.operator()
    await content(practice, operator)
    (ask,) = operator.questions(f"choose {CONTENT}")
    assert ask.default == "full"
    assert [option.cells for option in ask.options] == [
        ("full", "every row of 6 tables", "97.7 MiB", f"42 min from the restore call in {EARLIER}"),
        ("quick", "5 tables; 1 larger only counted", "1.7 MiB", "no forecast yet"),
    ]


async def test_a_quick_pass_says_what_it_left_out(practice: Practice) -> None:
    practice.world.change_row("public.clinical_notes")
    last, run = await content(practice, practice.operator({f"choose {CONTENT}": [Choice("quick", "a rehearsal")]}))
    assert last.verdict is Verdict.PASS
    assert "only counted: public.clinical_notes (too large for a quick pass)" in last.observed
    assert texts(run) == ["only a sample was compared: 5 tables, 1.7 % of bytes"]
    assert run.fact(ContentDepth) == ContentDepth("quick", "a rehearsal")


async def test_a_quick_pass_without_a_reason_is_no_verdict(practice: Practice) -> None:
    last, _ = await content(practice, practice.operator({f"choose {CONTENT}": [Choice("quick", " ")]}))
    assert last.verdict is Verdict.INCONCLUSIVE
    assert last.observed == "a quick pass needs a reason"


async def test_the_depth_is_asked_once_and_again_after_going_back(practice: Practice) -> None:
    operator = practice.operator({"gate database": [back("database"), lambda _: abort("seen enough")]})
    await content(practice, operator)
    assert len(operator.questions(f"choose {CONTENT}")) == 2


async def test_a_depth_that_is_known_is_not_asked_for_again(practice: Practice) -> None:
    source, began = practice.world.databases.source, practice.clock.now().isoformat()
    given = (InstanceReady("rt-1", source.host, source.port), InstanceRestored("rt-1", "s", began))
    standing = Standing(practice, CONTENT, ContentDepth("full"), await recovery_point(practice), *given)
    seen = await content_is_whole(standing.here)
    assert "public.patients" not in seen.observed
    assert standing.operator.asked == []


async def recovery_point(practice: Practice) -> SnapshotChosen:
    snapshot = (await practice.world.databases.snapshots(practice.environment.database.source_instance))[-1]
    return SnapshotChosen(snapshot.id, snapshot.created.isoformat(), snapshot.kind, "postgres", 100)


# -- the checkpoint's companion -----------------------------------------------------------------------------------
Slow = Callable[[int], None]


class Counting:
    """A `Database` of many tables, of which it is asked how many rows they have."""

    def __init__(self, rows: dict[str, int], *, sizes: dict[str, int] | None = None, slow: Slow | None = None) -> None:
        self.rows = rows
        self.sizes = sizes or {}
        self.slow = slow or (lambda _: None)
        self.asked: list[tuple[ContentAsk, ...]] = []

    async def shapes(self) -> tuple[TableShape, ...]:
        return tuple(TableShape(name, self.sizes.get(name, 8192), ("id",)) for name in self.rows)

    async def contents(
        self, asks: tuple[ContentAsk, ...], *, connections: int, progress: ContentProgress
    ) -> tuple[TableContent, ...]:
        self.asked.append(asks)
        self.slow(len(asks))
        return tuple(TableContent(ask.table, self.rows[ask.table], None) for ask in asks)


def companion(practice: Practice, monkeypatch: pytest.MonkeyPatch, database: Counting, *facts: Any) -> Standing:
    monkeypatch.setattr(database_content, "copy", lambda _: database)
    return Standing(practice, CONTENT, *facts)


def verified(rows: dict[str, int]) -> ContentVerified:
    return ContentVerified("full", len(rows), 0, 1, 1, rows)


MANY = {f"public.t{number:03d}": number for number in range(500)}


async def test_five_hundred_tables_are_counted_in_two_calls(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Counting(MANY)
    seen = await counts_still_hold(companion(practice, monkeypatch, database, verified(MANY)).here)
    assert seen.verdict is Verdict.PASS
    assert seen.observed == "500 tables counted again, all as compared before"
    assert [len(asks) for asks in database.asked] == [200, 300]
    assert not any(ask.hashed for asks in database.asked for ask in asks)


async def test_a_row_more_and_a_table_less_are_noticed(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Counting({"public.a": 101, "public.b": 5})
    known = verified({"public.a": 100, "public.b": 5, "public.c": 5})
    seen = await counts_still_hold(companion(practice, monkeypatch, database, known).here)
    assert seen.verdict is Verdict.FAIL
    assert seen.observed == "public.c is missing; public.a: 101 rows, 100 expected"


async def test_what_cannot_be_counted_in_seconds_is_left_out_and_told(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"public.a": 300 << 20, "public.b": 100 << 20, "public.c": 1 << 20}
    database = Counting({"public.a": 1, "public.b": 2, "public.c": 3}, sizes=sizes)
    seen = await counts_still_hold(companion(practice, monkeypatch, database, verified(database.rows)).here)
    assert seen.verdict is Verdict.PASS
    assert seen.observed == (
        "2 tables counted again, all as compared before; no time to count again: public.a (1 of 3 tables)"
    )


async def test_never_more_than_a_quarter_of_a_gibibyte_is_counted_again(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Counting(MANY, sizes=dict.fromkeys(MANY, 1 << 20))
    seen = await counts_still_hold(companion(practice, monkeypatch, database, verified(MANY)).here)
    assert [len(asks) for asks in database.asked] == [8, 16, 32, 64, 128]
    assert "no time to count again: public.t248, " in seen.observed


@pytest.mark.parametrize(("seconds_each", "asked"), [(0.001, [200, 300]), (0.006, [200, 300]), (0.01, [200])])
async def test_counting_again_stops_in_time_for_whoever_waits(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, seconds_each: float, asked: list[int]
) -> None:
    def slow(tables: int) -> None:
        practice.clock.advance(tables * seconds_each)

    database, began = Counting(MANY, slow=slow), practice.clock.now()
    seen = await counts_still_hold(companion(practice, monkeypatch, database, verified(MANY)).here)
    assert seen.verdict is Verdict.PASS
    assert [len(asks) for asks in database.asked] == asked
    assert ("no time" in seen.observed) is (asked == [200])
    assert practice.clock.now() - began < timedelta(seconds=5)


async def test_however_slow_the_smallest_are_always_counted(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Counting({**MANY, "public.t000": 7}, slow=lambda _: practice.clock.advance(9))
    seen = await counts_still_hold(companion(practice, monkeypatch, lost, verified(MANY)).here)
    assert seen.observed == "public.t000: <10 rows, 0 expected"
    assert len(lost.asked) == 1


async def test_tables_whose_rows_come_and_go_must_only_be_there(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(practice, transient_tables=("public.jobs",))
    known = verified({"public.a": 100, "public.jobs": 5000})
    seen = await counts_still_hold(
        companion(practice, monkeypatch, Counting({"public.a": 100, "public.jobs": 0}), known).here
    )
    assert (seen.verdict, seen.observed) == (Verdict.PASS, "1 tables counted again, all as compared before")
    seen = await counts_still_hold(companion(practice, monkeypatch, Counting({"public.a": 100}), known).here)
    assert seen.observed == "public.jobs is missing"


async def test_with_nothing_to_hold_counts_against_that_is_said(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.world.no_manifests()
    chosen = await recovery_point(practice)
    seen = await counts_still_hold(companion(practice, monkeypatch, Counting({"public.a": 100}), chosen).here)
    assert seen.observed == "1 tables counted again: there is nothing to hold them against"


async def test_without_the_comparison_the_manifests_say_what_there_must_be(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = await recovery_point(practice)
    stated = {"public.alembic_version": 1, "public.appointments": 8998, "public.clinical_notes": 3998}
    stated |= {"public.patients": 3000, "public.runbook_canary": 1, "public.settings": 4}
    seen = await counts_still_hold(companion(practice, monkeypatch, Counting(stated), chosen).here)
    assert (seen.verdict, seen.expected) == (Verdict.PASS, "row counts as the manifests state them")
    lost = Counting({**stated, "public.patients": 2999})
    seen = await counts_still_hold(companion(practice, monkeypatch, lost, chosen).here)
    assert seen.observed == "public.patients: 2,999 rows, 3,000 expected"


async def test_one_manifest_alone_says_which_tables_must_not_be_empty(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.world.only_manifests_before()
    chosen = await recovery_point(practice)
    held = dict.fromkeys(("public.alembic_version", "public.appointments", "public.clinical_notes"), 7)
    held |= dict.fromkeys(("public.patients", "public.runbook_canary", "public.settings"), 7)
    assert (
        await counts_still_hold(companion(practice, monkeypatch, Counting(held), chosen).here)
    ).verdict is Verdict.PASS
    emptied = Counting({**held, "public.patients": 0})
    seen = await counts_still_hold(companion(practice, monkeypatch, emptied, chosen).here)
    assert seen.observed == "public.patients: 0 rows, some expected"


async def test_the_checkpoint_stays_shut_when_rows_were_lost_since(practice: Practice) -> None:
    def lose(_: Any) -> Any:
        practice.world.lose_table("public.patients")
        return OPEN

    run = await practice.walk(practice.operator({"gate database": [lose]}))
    assert "database" not in run.opened
    assert any("public.patients: 0 rows, 3,000 expected" in refusal for refusal in run.refusals)


# -- progress -----------------------------------------------------------------------------------------------------
async def test_progress_goes_on_while_nothing_moves(practice: Practice) -> None:
    clock = HeldClock()
    standing = Standing(practice, CONTENT, clock=clock)
    ticker, over = Ticker(standing.here.desk, "comparing", of=6), asyncio.Event()
    work = asyncio.create_task(ticker.beside(over.wait()))
    for _ in range(6):
        await clock.ring()
    over.set()
    await work
    assert len(standing.shown) == 7
    assert [each.text for each in standing.shown][-1] == "comparing 0:03"


async def test_what_an_adapter_says_from_its_threads_is_shown_from_the_loop(practice: Practice) -> None:
    clock = HeldClock()
    standing = Standing(practice, CONTENT, clock=clock)
    ticker, over = Ticker(standing.here.desk, "comparing", of=6), asyncio.Event()
    work = asyncio.create_task(ticker.beside(over.wait()))
    await clock.ring()
    threads = [threading.Thread(target=told, args=(ticker, f"public.t{number}")) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = len(standing.shown)
    for _ in range(3):
        await clock.ring()
    over.set()
    await work
    assert len(standing.shown) == before + 3
    assert (standing.shown[-1].done, standing.shown[-1].total) == (100 << 20, 400 << 20)
    assert ", 3 of 6 tables, 0:01: 100 of 400 MiB at " in standing.shown[-1].text


def told(ticker: Ticker, table: str) -> None:
    for _ in range(1000):
        ticker(100 << 20, 400 << 20, table)


@pytest.mark.parametrize("ending", [asyncio.CancelledError, ValueError])
async def test_nothing_ticks_on_after_the_work_has_ended(
    practice: Practice, ending: Callable[[], BaseException]
) -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ending()

    before = asyncio.all_tasks()
    with pytest.raises(type(ending())):
        await Ticker(Standing(practice, CONTENT).here.desk, "comparing").beside(work())
    assert asyncio.all_tasks() == before


async def test_progress_is_shown_during_a_run(practice: Practice) -> None:
    shown: list[Any] = []
    conductor = practice.conductor()
    conductor.subscribe(shown.append)
    await conductor.declare({"run_id": "training-20270115T100000Z-0001", "mode": "training", "scenario": "calm"})
    assert any(getattr(each, "step", "") == CONTENT and not hasattr(each, "kind") for each in shown)


async def test_after_the_application_was_deployed_on_it_a_difference_says_so(practice: Practice) -> None:
    """Going back from stage 4 adopts the copy, to which the application may have written meanwhile."""

    def wrote(_: Any) -> Any:
        practice.world.change_row()
        return back("database.content", "to compare again")

    run = await practice.walk(practice.operator({"gate application": [wrote]}))
    last = run.last("database.content")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert last.fix.startswith("The application was deployed on this copy at ")
