"""What the looks at the structure mean, and the data checks of one's own."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.config import Assertion
from runbook.engine.errors import NoVerdict
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Observation, Verdict
from runbook.estate.memory.contents import LOOKS
from runbook.estate.ports import ContentProgress, Reading
from runbook.estate.postgres import structure as adapter
from steps.database import structure as database_structure
from steps.database.structure import assertions_hold, structure_is_sound
from tests.support.practice import Practice
from tests.support.standing import Standing

STRUCTURE = "database.structure"
BESIDE = (
    "disabled triggers",
    "constraints not validated",
    "unlogged tables",
    "collation versions",
    "replication slots",
    "subscriptions",
    "prepared transactions",
    "large objects",
)
NAMES = tuple(look.name for look in (*adapter._BULK, *adapter._REST))


class Looked:
    """A `Database` whose structure was looked at."""

    def __init__(self, *readings: Reading) -> None:
        self._readings = readings

    async def structure(self, progress: ContentProgress) -> tuple[Reading, ...]:
        progress(1, 2, "public.patients_pkey")
        return self._readings


@pytest.fixture
def judged(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def judge(*readings: Reading) -> Observation:
        monkeypatch.setattr(database_structure, "copy", lambda _: Looked(*readings))
        return await structure_is_sound(Standing(practice, STRUCTURE).here)

    return judge


async def structure(practice: Practice, step: str = STRUCTURE) -> tuple[Attempt, Run]:
    run = await practice.walk()
    last = run.last(step)
    assert last is not None, run.aborted
    return last, run


# -- what fails ---------------------------------------------------------------------------------------------------
def test_every_look_has_the_same_name_in_the_adapter_in_memory_and_here() -> None:
    assert sorted(LOOKS) == sorted(NAMES)
    assert set(BESIDE) == set(database_structure._BESIDE)
    assert set(BESIDE) < set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BESIDE])
async def test_what_a_restore_or_damage_did_fails_the_layer(judged: Any, name: str) -> None:
    seen = await judged(Reading(name, ("public.patients_pkey",)), Reading("extensions"))
    assert seen.verdict is Verdict.FAIL
    assert seen.observed == f"{name}: public.patients_pkey"
    assert seen.findings == ()


async def test_whatever_a_look_finds_that_nobody_knows_fails_the_layer(judged: Any) -> None:
    assert (await judged(Reading("moon phase", ("full",)))).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", BESIDE)
async def test_what_production_had_too_is_a_finding_with_a_fix(judged: Any, name: str) -> None:
    seen = await judged(Reading(name, ("public.x",)))
    assert seen.verdict is Verdict.PASS
    (finding,) = seen.findings
    assert finding.text.startswith(f"{name}: public.x. ")
    assert len(finding.text) > len(f"{name}: public.x. ") + 10


@pytest.mark.parametrize("name", BESIDE)
async def test_damage_met_by_any_look_fails_the_layer(judged: Any, name: str) -> None:
    seen = await judged(Reading(name, ("pg_trigger is damaged: XX001",)))
    assert (seen.verdict, seen.observed) == (Verdict.FAIL, f"{name}: pg_trigger is damaged: XX001")


async def test_a_collation_that_sorts_otherwise_says_reindex(judged: Any) -> None:
    (finding,) = (
        await judged(Reading("collation versions", ("database clinic: built with 2.36, here 2.41",)))
    ).findings
    assert finding.severity == "major"
    assert "REINDEX" in finding.text


async def test_many_lines_are_cut_and_counted(judged: Any) -> None:
    seen = await judged(Reading("invalid indexes", tuple(f"public.i{number}" for number in range(9))))
    assert seen.observed.endswith("public.i5 and 3 more")


# -- what was not run ---------------------------------------------------------------------------------------------
async def test_what_could_not_be_looked_at_is_never_taken_for_sound(judged: Any) -> None:
    why = "amcheck is not installed in this database: indexes were not checked"
    seen = await judged(Reading("index structure", not_run=why), Reading("invalid indexes"))
    assert seen.verdict is Verdict.PASS
    assert seen.observed == f"1 looks, nothing that fails the copy; NOT RUN: index structure ({why})"
    assert [(finding.text, finding.severity) for finding in seen.findings] == [
        (f"index structure not checked: {why}", "major")
    ]


async def test_a_part_that_was_looked_at_still_fails(judged: Any) -> None:
    seen = await judged(Reading("index structure", ("public.a_pkey is damaged: XX002",), "1 not read: 42501"))
    assert seen.verdict is Verdict.FAIL
    assert "NOT RUN: index structure (1 not read: 42501)" in seen.observed


async def test_where_nothing_could_be_looked_at_there_is_no_verdict(judged: Any) -> None:
    seen = await judged(*(Reading(name, not_run="permission denied, 42501") for name in NAMES))
    assert seen.verdict is Verdict.INCONCLUSIVE
    assert (await judged()).verdict is Verdict.INCONCLUSIVE


async def test_what_was_read_is_told(judged: Any) -> None:
    seen = await judged(Reading("index structure", note="42 indexes checked"))
    assert seen.observed == "1 looks, nothing that fails the copy; 42 indexes checked"


async def test_its_owner_is_asked_where_this_run_has_the_password(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_structure, "owner", lambda _: Looked(Reading("extensions", note="as the owner")))
    monkeypatch.setattr(database_structure, "copy", lambda _: Looked(Reading("extensions", note="as the reader")))
    seen = await structure_is_sound(Standing(practice, STRUCTURE).here)
    assert seen.observed.endswith("as the owner")


# -- on a run -----------------------------------------------------------------------------------------------------
async def test_a_sound_copy_passes(practice: Practice) -> None:
    last, run = await structure(practice)
    assert last.observed == "17 looks, nothing that fails the copy"
    assert run.findings == ()


async def test_a_lost_index_is_named(practice: Practice) -> None:
    practice.world.break_structure("index structure", "public.appointments_pkey is damaged: XX002")
    last, run = await structure(practice)
    assert last.observed == "index structure: public.appointments_pkey is damaged: XX002"
    assert run.outcome == "FAIL"


# -- assertions ---------------------------------------------------------------------------------------------------
def assert_that(practice: Practice, *asserted: Assertion) -> None:
    database = practice.environment.database.model_copy(update={"assertions": asserted})
    practice.environment = practice.environment.model_copy(update={"database": database})


async def test_assertions_that_hold_are_counted(practice: Practice) -> None:
    last, _ = await structure(practice, "database.assertions")
    assert (last.verdict, last.observed) == (Verdict.PASS, "1 of 1 as expected")


async def test_without_any_the_step_is_not_needed(practice: Practice) -> None:
    assert_that(practice)
    assert (await structure(practice, "database.assertions"))[0].verdict is Verdict.NOT_NEEDED


async def test_each_that_does_not_hold_is_told_with_what_was_expected(practice: Practice) -> None:
    assert_that(
        practice,
        Assertion(name="patients", sql="select count(*) from public.patients", expect="3001"),
        Assertion(name="settings", sql="select count(*) from public.settings", expect="9"),
        Assertion(name="nonsense", sql="select nonsense", expect="0"),
    )
    last, _ = await structure(practice, "database.assertions")
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith("patients: 3,000, 3001 expected; settings: <10, 9 expected; nonsense: ")
    assert last.expected == "patients: 3001; settings: 9; nonsense: 0"


async def test_a_database_that_cannot_be_asked_is_no_verdict(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        async def assertion(self, query: str) -> str:
            raise NoVerdict(f"{query} could not be asked", fix="Retry.", source="postgres")

    monkeypatch.setattr(database_structure, "copy", lambda _: Gone())
    with pytest.raises(NoVerdict):
        await assertions_hold(Standing(practice, "database.assertions").here)


UNAVAILABLE = Reading("index structure", not_run="amcheck is not installed: indexes were not checked", unavailable=True)


async def test_what_the_practice_server_cannot_do_is_told_and_is_no_finding(judged: Any) -> None:
    seen = await judged(UNAVAILABLE, Reading("invalid indexes"))
    assert "NOT RUN: index structure (amcheck is not installed" in seen.observed
    assert seen.findings == ()


async def test_on_a_providers_own_server_the_same_is_a_finding(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_structure, "copy", lambda _: Looked(UNAVAILABLE, Reading("invalid indexes")))
    monkeypatch.setattr(type(practice.world.account), "loopback", False)
    seen = await structure_is_sound(Standing(practice, STRUCTURE).here)
    assert [finding.severity for finding in seen.findings] == ["major"]


async def test_what_the_owner_may_not_read_is_read_as_the_reader(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RDS's master user is no superuser."""
    as_owner = Looked(Reading("foreign keys", ("orphans",), "permission denied"), Reading("index structure"))
    as_reader = Looked(Reading("foreign keys", note="3 followed"), Reading("index structure", not_run="no grant"))
    monkeypatch.setattr(database_structure, "owner", lambda _: as_owner)
    monkeypatch.setattr(database_structure, "copy", lambda _: as_reader)
    seen = await structure_is_sound(Standing(practice, STRUCTURE).here)
    assert "NOT RUN" not in seen.observed
    assert seen.observed.startswith("foreign keys: orphans")
    assert seen.verdict is Verdict.FAIL


BEHIND = "sequences behind their columns"


@pytest.mark.parametrize(
    ("sequence", "verdict"), [("public.patients_id_seq", Verdict.PASS), ("public.appointments_id_seq", Verdict.FAIL)]
)
async def test_a_sequence_that_production_states_so_too_is_no_fault_of_the_copy(
    practice: Practice, sequence: str, verdict: Verdict
) -> None:
    """Patients stand still around the backup, so both manifests state one value; bookings go on."""
    practice.world.break_structure(BEHIND, f"{sequence} is behind the numbers in its table")
    last, run = await structure(practice)
    assert last.verdict is verdict
    if verdict is Verdict.PASS:
        assert [finding.text.partition(":")[0] for finding in run.findings] == ["as in production, by both manifests"]


async def test_without_manifests_a_sequence_behind_fails(practice: Practice) -> None:
    practice.world.no_manifests()
    practice.world.break_structure(BEHIND, "public.patients_id_seq is behind the numbers in its table")
    last, _ = await structure(practice)
    assert last.verdict is Verdict.FAIL
