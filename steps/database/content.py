"""Stage 3's proof of content: every table against what production stated around the recovery point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import ContentAsk, Database, TableContent, TableShape
from runbook.manifest import Catalogue, major
from runbook.policy import spared
from runbook.safety.outside_text import outside_text
from steps.database.access import copy
from steps.database.catalogue import differences
from steps.database.compare import ALL_MOVED, QUICK, Comparison, compare, plan, second_look
from steps.database.depth import FULL, choose_depth, quick_limit
from steps.database.manifests import Around, around
from steps.database.recount import recounted
from steps.database.stated import TRANSIENT, Terms
from steps.database.trend import trend
from steps.database.words import hour, named, share
from steps.facts import ContentDepth, ContentVerified, Deployed, InstanceRestored
from steps.here import Here, count, hours, moment, range_of
from steps.ticking import Ticker

_Limits = Mapping[str, tuple[int, int | None]]
_TOLD: Final = 1500  # characters of what is said at once
_FAULTS: Final = 8


@dataclass(frozen=True, slots=True)
class _Read:
    """What was asked, and what it was answered; `seconds` is how long that took."""

    terms: Terms
    shapes: tuple[TableShape, ...]
    found: Mapping[str, TableContent]
    seconds: int

    @property
    def rows(self) -> int:
        return sum(content.rows for content in self.found.values())

    @property
    def hashed(self) -> int:
        """Bytes of the tables that were read, not only counted."""
        return sum(shape.size for shape in self.shapes if self.found[shape.name].digest is not None)


# -- the check ----------------------------------------------------------------------------------------------------
async def content_is_whole(here: Here) -> Observation:
    """Row count and order-independent content hash of every table, in the depth that the operator chose."""
    database, near = copy(here), await around(here)
    shapes = await database.shapes()
    depth = here.run.fact(ContentDepth) or await choose_depth(here, shapes)
    catalogue = await database.catalogue()
    terms = _terms(here, near, depth, (await database.whereabouts()).version, catalogue)
    read = await _read(here, database, terms, shapes)
    compared = compare(terms, shapes, read.found)
    beside = differences(near, catalogue, {shape.name for shape in shapes} & terms.known)
    rows = {name: content.rows for name, content in read.found.items()}
    lost = trend(terms, rows, hours(here.policy.backup_age_limit))
    faults = (*compared.faults, *beside[0])
    return Observation.that(
        not faults,
        expected=_expected(near, len(shapes)),
        observed=_faults(faults) if faults else _observed(read, compared),
        source=_source(read, near),
        fix=_written_to(here) + "This copy is not what production stated: go back to database.choose and take another "
        "recovery point with that reason, or find out what happened at the source.",
        findings=_cleaned((*_sample(read), *near.findings, *compared.findings, *beside[1], *lost)),
        facts=(depth, _verified(here, depth, read)),
    )


def _terms(here: Here, near: Around, depth: ContentDepth, version: str, catalogue: Catalogue) -> Terms:
    last = next((run for run in here.history if run.rows), None)
    return Terms(
        around=near,
        major=major(version),
        settings=catalogue.settings,
        transient=frozenset(here.environment.database.transient_tables),
        quick_limit=None if depth.depth == FULL else quick_limit(here),
        last=last.rows if last else {},
        last_run=last.run_id if last else "",
    )


def _written_to(here: Here) -> str:
    """After going back from a later stage: this run's own application has been connected to this copy since."""
    deployed, restored = here.run.former_fact(Deployed), here.desk.need(InstanceRestored)
    last = max(deployed.at.values(), key=moment) if deployed else ""
    if not last or moment(last) < moment(restored.asked_at):
        return ""
    return f"The application was deployed on this copy at {last} and may have written to it. "


def _cleaned(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Names of tables and roles come from the copy and from the manifests."""
    return tuple(replace(each, text=outside_text(each.text, _TOLD)) for each in findings)


async def _read(here: Here, database: Database, terms: Terms, shapes: tuple[TableShape, ...]) -> _Read:
    """One pass over everything, and a second one over the tables that differ as a whole."""
    ticker = Ticker(here.desk, "comparing", of=len(shapes))
    found = await _ask(here, database, plan(terms, shapes), ticker)
    if again := second_look(terms, shapes, found):
        found |= await _ask(here, database, again, Ticker(here.desk, "looking again at", of=len(again)))
    return _Read(terms, shapes, found, round(ticker.seconds))


async def _ask(here: Here, database: Database, asks: tuple[ContentAsk, ...], ticker: Ticker) -> dict[str, TableContent]:
    connections = here.environment.database.content_connections
    answers = await ticker.beside(database.contents(asks, connections=connections, progress=ticker))
    return {content.table: content for content in answers}


def _verified(here: Here, depth: ContentDepth, read: _Read) -> ContentVerified:
    asked = moment(here.desk.need(InstanceRestored).asked_at)
    return ContentVerified(
        depth=depth.depth,
        tables=len(read.shapes),
        size=read.hashed,
        seconds=read.seconds,
        after_s=max(0, round((here.provider_now() - asked).total_seconds())),
        rows={name: spared(content.rows) for name, content in read.found.items()},
    )


# -- at the checkpoint --------------------------------------------------------------------------------------------
async def counts_still_hold(here: Here) -> Observation:
    """Companion of the checkpoint: row counts now, against what the full comparison counted in this copy.

    Within seconds, whatever its size: what there is no time for is left out and told.  Tables whose rows come and go
    must only be there.  Without that comparison (it was attested) the manifests say what there must be.
    """
    database, began = copy(here), here.desk.clock.monotonic_ns()
    shapes, transient = await database.shapes(), frozenset(here.environment.database.transient_tables)
    verified = here.run.fact(ContentVerified)
    limits, whence = _compared_limits(verified) if verified else _stated_limits(await around(here))
    due = [shape for shape in shapes if shape.name not in transient]
    counted = await recounted(here, database, due, began)
    faults = [f"{name} is missing" for name in sorted(limits.keys() - {shape.name for shape in shapes})]
    faults += [fault for content in counted if (fault := _moved(content, limits.get(content.table)))]
    left = sorted({shape.name for shape in due} - {content.table for content in counted})
    return Observation.that(
        not faults,
        expected=f"row counts {whence}",
        observed=_faults(tuple(faults)) if faults else _recounted(len(counted), left, whence if limits else ""),
        source="count(*)",
        fix="Somebody writes to the copy, or it is another one: look who is connected, then compare it again.",
    )


def _recounted(counted: int, left: list[str], whence: str) -> str:
    against = f", all {whence}" if whence else ": there is nothing to hold them against"
    late = f"; no time to count again: {named(left)} ({len(left):,} of {counted + len(left):,} tables)" if left else ""
    return outside_text(f"{counted:,} tables counted again{against}{late}", _TOLD)


def _compared_limits(verified: ContentVerified) -> tuple[_Limits, str]:
    return {name: range_of(rows) for name, rows in verified.rows.items()}, "as compared before"


def _stated_limits(near: Around) -> tuple[_Limits, str]:
    """The fewest and the most rows of each table; one manifest alone says only which ones are not empty."""
    limits = {
        name: (min(want.low, 1), None) if near.alone else (want.low, want.high)
        for name, want in Terms(near, major="").stated.items()
    }
    return limits, "as the manifests state them" if near.stated else "to be had: there is no usable manifest"


def _moved(content: TableContent, limits: tuple[int, int | None] | None) -> str:
    low, high = limits or (0, None)
    if content.rows >= low and (high is None or content.rows <= high):
        return ""
    wanted = "some" if high is None else count(low) if high == low else f"{count(low)} to {count(high)}"
    return f"{content.table}: {count(content.rows)} rows, {wanted} expected"


# -- words --------------------------------------------------------------------------------------------------------
def _expected(near: Around, tables: int) -> str:
    if not near.stated:
        return "tables to be there: without a manifest there is nothing to compare them with"
    made = " and ".join(hour(each) for each in near.stated)
    return f"{tables:,} tables as the manifests of {made} state them"


def _faults(faults: tuple[str, ...]) -> str:
    more = f"; and {len(faults) - _FAULTS} more" if len(faults) > _FAULTS else ""
    return outside_text("; ".join(faults[:_FAULTS]), _TOLD) + more


def _observed(read: _Read, compared: Comparison) -> str:
    said = f"{len(read.shapes):,} tables, {count(read.rows)} rows, {_compared(read, compared)}"
    return outside_text("; ".join((said, *_only_counted(compared))), _TOLD)


def _only_counted(compared: Comparison) -> Iterator[str]:
    for reason in (TRANSIENT, QUICK, ALL_MOVED):
        if tables := [table for table, why in compared.not_compared if why == reason]:
            yield f"only counted: {named(tables)} ({reason})"


def _compared(read: _Read, compared: Comparison) -> str:
    near = read.terms.around
    if not near.stated:
        return "content not compared"
    whole = compared.compared + compared.moved
    part = f"{share(compared.compared, whole)} of buckets"
    where = f" in {len(compared.equal):,} tables" if compared.not_compared else ""
    if not compared.moved:
        return f"{part} compared{where}"
    moved = share(compared.moved, whole)
    if near.alone:
        return f"{part} equal{where}, {moved} differ from the one manifest of {hour(near.stated[0])}"
    between = " and ".join(hour(each) for each in near.stated)
    return f"{part} compared{where}, {moved} moved between {between}: not compared, counts inside the range"


def _source(read: _Read, near: Around) -> str:
    methods = sorted({content.method for content in read.found.values() if content.digest is not None})
    hashes = {"record": "sum(hash_record_extended(t, 0))", "text": "sum(hashtextextended(t::text, 0))"}
    told = ", ".join(("count(*)", *(hashes[method] for method in methods)))
    return f"{told} per bucket of the primary key, against the manifests" if near.stated else told


def _sample(read: _Read) -> tuple[Finding, ...]:
    if read.terms.quick_limit is None:
        return ()
    tables = sum(read.found[shape.name].digest is not None for shape in read.shapes)
    part = share(read.hashed, sum(shape.size for shape in read.shapes))
    return (Finding(f"only a sample was compared: {tables:,} tables, {part} of bytes", "major"),)
