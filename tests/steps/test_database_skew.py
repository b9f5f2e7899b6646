"""Whether the vault has the keys of the rows; and how much was lost, of how many people."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from runbook.config import Column
from runbook.engine.ports import Choice, Choose
from runbook.engine.procedure import Check
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict
from runbook.estate.memory.contents import NOTES, Contents
from runbook.estate.memory.sql import MemoryDatabase
from runbook.estate.ports import KeyVersions, TransitKey, Whereabouts
from steps.database import recency, skew, structure
from steps.database.stage import DATABASE
from steps.facts import DataUntil, PatientsHeld, SnapshotChosen, VaultBackupChosen
from steps.here import Here
from tests.support.clock import HeldClock
from tests.support.operator import OPEN, back
from tests.support.practice import Practice
from tests.support.standing import Standing

SKEW = "database.key-skew"


def configure(practice: Practice, **settings: Any) -> None:
    database = practice.environment.database.model_copy(update=settings)
    practice.environment = practice.environment.model_copy(update={"database": database})


def needs(practice: Practice, *versions: int, other: int = 0) -> None:
    def change(copy: Contents) -> None:
        copy.keys[NOTES, "ciphertext"] = KeyVersions(versions, 4000, other)

    practice.world.databases.spoil(change)


def vault_has(practice: Practice, monkeypatch: pytest.MonkeyPatch, key: TransitKey | None) -> None:
    """The check's own question only: vault.keys has seen that the key is there."""
    ask = practice.world.vault.transit_key

    async def answer(mount: str, name: str) -> TransitKey | None:
        known = await ask(mount, name)
        return key if practice.world.databases.copies else known

    monkeypatch.setattr(practice.world.vault, "transit_key", answer)


async def looked(practice: Practice, step: str = SKEW) -> tuple[Attempt, Run]:
    run = await practice.walk()
    last = run.last(step)
    assert last is not None, run.aborted
    return last, run


# -- keys ---------------------------------------------------------------------------------------------------------
async def test_both_times_and_the_versions_are_told(practice: Practice) -> None:
    last, run = await looked(practice)
    assert last.verdict is Verdict.PASS
    assert last.observed == (
        "vault as of 2027-01-15T09:05:00Z, database as of 2027-01-15T08:50:00Z; "
        "public.clinical_notes.ciphertext: 4,000 values, version 1 of patient-notes"
    )
    assert run.findings == ()


async def test_a_version_that_the_vault_does_not_have_leads_back_to_its_choice(practice: Practice) -> None:
    practice.world.stale_backup(3)
    needs(practice, 1, 2)
    last, run = await looked(practice)
    assert last.verdict is Verdict.FAIL
    assert "rows of public.clinical_notes.ciphertext need version 2 of patient-notes, the recovered vault has 1" in (
        last.observed
    )
    assert last.fix == "Go back to vault.choose and take a backup made after 2027-01-15T08:50:00Z."
    assert run.outcome == "FAIL"


async def test_a_newer_vault_that_lacks_the_key_is_not_answered_by_a_newer_one(practice: Practice) -> None:
    practice.world.key_skew()
    last, _ = await looked(practice)
    assert "this one is newer than the data, and still lacks its key" in last.fix


async def test_another_backup_and_one_restore_call_are_enough(practice: Practice) -> None:
    practice.world.key_skew()
    operator = practice.operator(
        {
            f"decide {SKEW}": [back("vault", "the key of the notes is not in this backup")],
            "choose vault.choose": [_newest, _older],
        }
    )
    run = await practice.walk(operator)
    last = run.last(SKEW)
    assert last is not None
    assert last.verdict is Verdict.PASS
    assert practice.done("rds:RestoreDBInstanceFromDBSnapshot") == practice.done("rds:DeleteDBInstance")
    assert len(practice.done("rds:RestoreDBInstanceFromDBSnapshot")) == 1


def _newest(ask: Choose) -> Choice:
    return Choice(ask.default)


def _older(ask: Choose) -> Choice:
    keys = [option.key for option in ask.options if not option.unfit and option.key != ask.default]
    return Choice(keys[0], "key skew")


async def test_a_version_that_the_vault_no_longer_decrypts_says_what_to_lower(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault_has(practice, monkeypatch, TransitKey("patient-notes", (1, 2), latest=2, min_decryption=2))
    last, _ = await looked(practice)
    assert last.verdict is Verdict.FAIL
    assert "need version 1 of patient-notes, the recovered vault decrypts from version 2 on only" in last.observed
    assert "min_decryption_version" in last.fix


async def test_a_key_that_is_not_there_at_all_fails(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    vault_has(practice, monkeypatch, None)
    last, _ = await looked(practice)
    assert "need key patient-notes, which the recovered vault does not have" in last.observed


async def test_a_column_may_have_a_key_of_its_own(practice: Practice) -> None:
    configure(practice, ciphertexts=(Column(table=NOTES, column="ciphertext", transit_key="documents"),))
    last, _ = await looked(practice)
    assert "need key documents, which the recovered vault does not have" in last.observed


async def test_values_that_are_no_ciphertexts_are_a_finding(practice: Practice) -> None:
    needs(practice, 1, other=12)
    _, run = await looked(practice)
    assert [(each.text, each.severity) for each in run.findings] == [
        ("12 values of public.clinical_notes.ciphertext are no ciphertexts of a transit key", "major"),
    ]


async def test_without_a_column_the_canary_speaks_and_an_older_vault_is_warned_of(practice: Practice) -> None:
    configure(practice, ciphertexts=())
    practice.world.stale_backup(3)
    last, run = await looked(practice)
    assert last.verdict is Verdict.PASS
    assert "public.runbook_canary.ciphertext: <10 values, version 1" in last.observed
    assert (
        "the vault's backup of 2027-01-15T06:05:00Z is 2 h 45 min older than the data of 2027-01-15T08:50:00Z: "
        "rows written in between may need keys that it does not have"
    ) in [finding.text for finding in run.findings]


async def test_without_a_column_a_newer_vault_needs_no_warning(practice: Practice) -> None:
    configure(practice, ciphertexts=())
    assert (await looked(practice))[1].findings == ()


async def test_the_keys_are_not_read_again_when_the_checkpoint_has_waited(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = MemoryDatabase.key_versions

    async def answer(database: MemoryDatabase, table: str, column: str) -> KeyVersions:
        asked.append(table)
        return await ask(database, table, column)

    def wait(_: Any) -> Any:
        practice.clock.advance(3600)
        return OPEN

    monkeypatch.setattr(MemoryDatabase, "key_versions", answer)
    run = await practice.walk(practice.operator({"gate database": [wait]}))
    assert "database" in run.opened
    assert asked == [NOTES]


# -- while it takes long ------------------------------------------------------------------------------------------
class Large:
    """A `Database` whose every answer takes until `over`."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def key_versions(self, table: str, column: str) -> KeyVersions:
        await self.over.wait()
        return KeyVersions((1,), len(table + column))

    async def newest(self, table: str, column: str) -> datetime | None:
        await self.over.wait()
        return datetime(2027, 1, 15, 8, 0, tzinfo=UTC) if table and column else None

    async def whereabouts(self) -> Whereabouts:
        now = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
        return Whereabouts("10.0.0.1", 5432, now, in_recovery=False, version="18.0", tls=True, server_time=now)

    async def rows(self, table: str) -> int:
        return len(table)

    async def assertion(self, query: str) -> str:
        await self.over.wait()
        return "0" if query else ""


@pytest.mark.parametrize(
    ("module", "look", "doing"),
    [
        (skew, skew.keys_fit, "reading the key versions of public.clinical_notes.ciphertext, 1 of 1 columns, 0:02"),
        (recency, recency.newest_row, "looking for the newest row of public.appointments 0:02"),
        (structure, structure.assertions_hold, "asking every note has its appointment, 1 of 1 assertions, 0:02"),
    ],
)
async def test_what_reads_a_whole_column_shows_that_it_goes_on(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, module: Any, look: Any, doing: str
) -> None:
    large, clock = Large(), HeldClock()
    monkeypatch.setattr(module, "copy", lambda _: large)
    monkeypatch.setattr(skew, "_key", key_one)
    chosen = SnapshotChosen("s", "2027-01-15T08:50:00Z", "automated", "postgres", 100)
    backup = VaultBackupChosen("b", "k", "", "2027-01-15T09:05:00Z", 1, "")
    standing = Standing(practice, SKEW, chosen, backup, clock=clock)
    work = asyncio.create_task(look(standing.here))
    async with asyncio.timeout(5):  # nobody sleeps on this clock unless there is something to show
        for _ in range(4):
            await clock.ring()
    large.over.set()
    assert (await work).verdict is Verdict.PASS
    assert doing in [each.text for each in standing.shown]


async def key_one(_: Here, name: str) -> TransitKey:
    return TransitKey(name, (1,), latest=1, min_decryption=1)


@pytest.mark.parametrize("step", [SKEW, "database.recency", "database.assertions"])
def test_what_reads_a_whole_column_has_the_time_that_the_content_has(step: str) -> None:
    slow, content = DATABASE.step(step), DATABASE.step("database.content")
    assert isinstance(slow, Check)
    assert isinstance(content, Check)
    assert slow.timeout == content.timeout


# -- recency ------------------------------------------------------------------------------------------------------
async def test_the_newest_row_and_the_people_are_told_and_kept(practice: Practice) -> None:
    last, run = await looked(practice, "database.recency")
    assert last.observed == "newest row 2027-01-15T08:45:00Z, 1 h 15 min before now; data of 3,000 people"
    assert run.fact(DataUntil) == DataUntil("2027-01-15T08:45:00Z")
    assert run.fact(PatientsHeld) == PatientsHeld("public.patients", 3000)


async def test_few_people_are_never_counted_exactly_in_what_is_said(practice: Practice) -> None:
    configure(practice, patients_table="public.settings")
    last, _ = await looked(practice, "database.recency")
    assert last.observed.endswith("; data of <10 people")


async def test_without_a_table_of_people_nothing_is_said_of_them(practice: Practice) -> None:
    configure(practice, patients_table=None)
    last, run = await looked(practice, "database.recency")
    assert last.observed.endswith("before now")
    assert run.fact(PatientsHeld) is None


async def test_a_vault_that_was_sealed_meanwhile_says_nothing_about_its_keys(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another layer fell: that is no verdict on the recovery point."""
    ask = practice.world.databases.instance

    async def sealing(instance: str) -> Any:
        found = await ask(instance)
        if found and found.host and any(operation.startswith("rds:Restore") for operation, _ in practice.world.calls):
            practice.world.seal()
        return found

    monkeypatch.setattr(practice.world.databases, "instance", sealing)
    last, _ = await looked(practice)
    assert last.verdict is Verdict.INCONCLUSIVE
    assert "sealed" in last.observed.lower()
