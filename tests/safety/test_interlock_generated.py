"""Every change that the adapters can issue, tried with the adapters themselves on what is not theirs to change.

Whoever adds an operation to the table has to say here how the adapter makes it, or the first test fails.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from runbook.config.file import Configuration
from runbook.engine.errors import Refused
from runbook.estate.door import Door
from runbook.safety import bounds
from runbook.safety.bounds import Bounds
from runbook.safety.interlock import Interlock
from runbook.safety.operations import OPERATIONS, Effect
from tests.safety import places
from tests.safety.cases import TRIES, Desk, Things, attempted, operation_of
from tests.safety.places import PRODUCTION, RECOVERY, RUN, STAGING, UNLISTED
from tests.safety.recording import World, in_place, tags_of

CHANGES: Final = tuple(each.name for each in OPERATIONS if each.effect is not Effect.READ)
RECORDING: Final = "s3:PutObject"  # into the one place that both environments have for it
ONE_ID: Final = {  # what alone makes a call another one's
    "rds:Restore": ("made",),
    "rds:CopyDBSnapshot, kept": ("kept",),
    "rds:Copy": ("made",),
    "rds:Modify": ("there",),
    "rds:Delete": ("there",),
    "s3:Put": ("bucket", "owner", "key"),
    "vault:": ("environment",),
    "northflank:Set": ("project", "group"),
    "northflank:": ("project",),
    "cloudflare:Set": ("zone", "name", "record"),
    "cloudflare:": ("zone",),
    "postgres:": ("there",),
}

OF_THE_OTHER_MODE: Final = {("recovery", "rds:DeleteDBInstance"), ("drill", "rds:CopyDBSnapshot, kept")}
ZONE_WIDE: Final = {"cloudflare:PutRules", "cloudflare:ChangeRule"}


@dataclass(frozen=True)
class Attempt:
    """One change, on those things, by whoever is in that account."""

    what: str
    bounds: Bounds
    things: Things
    account: str


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return places.configured(tmp_path_factory.mktemp("apart"))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """One account and one zone for both."""
    return places.configured(tmp_path_factory.mktemp("together"), **places.ONE_ACCOUNT, **places.ONE_ZONE)


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    count: Counter[str] = Counter()
    yield count
    sys.stdout.write(f"\ninterlock: {len(CHANGES)} changing operations, {dict(count)}\n")
    assert count["slipped through"] == 0


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(2)
    yield door
    door.close()


def test_every_changing_operation_has_its_case() -> None:
    assert {operation_of(case) for case in TRIES} == set(CHANGES)


@pytest.mark.parametrize("case", TRIES)
async def test_a_drill_changes_nothing_of_productions(case, apart, door, tally) -> None:
    await _all_refused(case, _in_a_drill(case, apart), door, tally)


@pytest.mark.parametrize("case", TRIES)
async def test_a_drill_in_productions_account_and_zone_changes_nothing_of_productions(
    case, together, door, tally
) -> None:
    await _all_refused(case, _in_a_drill(case, together), door, tally)


@pytest.mark.parametrize("case", [each for each in TRIES if operation_of(each) != RECORDING])
async def test_a_recovery_changes_nothing_of_stagings(case, apart, door, tally) -> None:
    may = places.bounds_of(apart, "recovery")
    others = [("all of staging's", places.staging(apart)), *_swaps(case, _own(apart, may), places.staging(apart))]
    found = [Attempt(what, may, things, account) for what, things in others for account in (PRODUCTION, STAGING)]
    await _all_refused(case, found, door, tally)


@pytest.mark.parametrize("case", TRIES)
async def test_training_changes_nothing_that_is_not_on_this_machine(case, apart, door, tally) -> None:
    found = [
        Attempt(what, bounds.practice(), things, STAGING)
        for what, things in (
            ("staging's", places.staging(apart)),
            ("production's", places.production(apart)),
            ("nobody's", places.nobodys(apart)),
        )
    ]
    await _all_refused(case, found, door, tally)


@pytest.mark.parametrize("case", TRIES)
async def test_what_is_on_no_list_is_not_changed(case, apart, door, tally) -> None:
    """An account that no environment has, an account that STS does not say, and ids that nobody knows."""
    found = []
    for mode in ("drill", "recovery"):
        may = places.bounds_of(apart, mode)
        listed, own = may.target.account if may.target else "", _own(apart, may)
        strange = [("all of nobody's", places.nobodys(apart)), *_swaps(case, own, places.nobodys(apart))]
        found += [Attempt(f"{mode}, {what}", may, things, listed) for what, things in strange]
        if case.startswith("rds:"):
            found += [Attempt(f"{mode}, account {one or 'unsaid'}", may, own, one) for one in (UNLISTED, "")]
            found += [Attempt(f"{mode}, no tag", may, replace(own, run=""), listed)] * ("Copy" not in case)
    await _all_refused(case, found, door, tally)


@pytest.mark.parametrize("case", TRIES)
async def test_a_command_that_reads_changes_nothing(case, apart, door, tally) -> None:
    await _all_refused(case, [Attempt("", bounds.reading(), places.staging(apart), STAGING)], door, tally)


@pytest.mark.parametrize("mode", ["drill", "recovery"])
@pytest.mark.parametrize("case", TRIES)
async def test_the_same_call_on_the_runs_own_things_passes(case, mode, apart, door, tally) -> None:
    may = places.bounds_of(apart, mode)
    assert may.target is not None
    attempt = Attempt("its own", may, _own(apart, may), may.target.account)
    if (mode, case) in OF_THE_OTHER_MODE:
        return await _all_refused(case, [attempt], door, tally)
    assert await _sent(case, attempt, door)
    tally["passed"] += 1
    return None


@pytest.mark.parametrize("case", TRIES)
async def test_in_one_account_and_one_zone_only_the_zones_rules_are_out_of_reach(case, together, door, tally) -> None:
    may = places.bounds_of(together, "drill")
    attempt = Attempt("its own", may, places.staging(together), PRODUCTION)
    if operation_of(case) in ZONE_WIDE or ("drill", case) in OF_THE_OTHER_MODE:
        return await _all_refused(case, [attempt], door, tally)
    assert await _sent(case, attempt, door)
    tally["passed"] += 1
    return None


# -- generated ----------------------------------------------------------------------------------------------------
def _in_a_drill(case: str, configuration: Configuration) -> list[Attempt]:
    """All of production's at once, what a recovery made, and each single id of production's in a call that is right."""
    may = places.bounds_of(configuration, "drill")
    theirs, own = places.production(configuration), places.staging(configuration)
    others = [
        ("all of production's", theirs),
        ("production's own database", places.source(configuration)),
        (
            "production's prefix and this run",
            replace(theirs, made=f"recovered-{RUN}", there=f"recovered-{RUN}", run=RUN),
        ),
        *_swaps(case, own, theirs),
    ]
    return [Attempt(what, may, things, account) for what, things in others for account in (STAGING, PRODUCTION)]


def _swaps(case: str, own: Things, theirs: Things) -> list[tuple[str, Things]]:
    names = next(names for start, names in ONE_ID.items() if case.startswith(start))
    different: dict[str, Any] = {name: getattr(theirs, name) for name in names}
    return [
        (f"their {name}", replace(own, **{name: value}))
        for name, value in different.items()
        if value != getattr(own, name)
    ]


def _own(configuration: Configuration, may: Bounds) -> Things:
    if may.mode != "recovery":
        return places.staging(configuration)
    own = places.production(configuration)
    written = places.staging(configuration)
    return replace(own, bucket=written.bucket, owner=written.owner, key=written.key)


# -- tried --------------------------------------------------------------------------------------------------------
async def _sent(case: str, attempt: Attempt, door: Door) -> bool:
    """Whether it reached the transport; Refused where the interlock said no."""
    world = World(attempt.account, tags_of(attempt.things.run))
    interlock = Interlock(attempt.bounds)
    interlock.learned.run(RECOVERY if attempt.bounds.mode == "recovery" else RUN, ())
    with in_place(world):
        try:
            return await attempted(case, Desk(world, interlock, door), attempt.things)
        except Refused:
            assert world.changes == []
            assert interlock.counts["refused"]
            raise


async def _all_refused(case: str, attempts: list[Attempt], door: Door, tally: Counter[str]) -> None:
    slipped = []
    for attempt in attempts:
        tally["tried on what is not theirs"] += 1
        try:
            await _sent(case, attempt, door)
        except Refused:
            tally["refused"] += 1
        else:
            slipped.append(f"{attempt.what} in account {attempt.account}")
    tally["slipped through"] += len(slipped)
    assert not slipped
