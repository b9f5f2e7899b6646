"""A complete recovery through the public command line: the practice estate is where production is made again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from runbook.records.log.logs import TestLog
from tests.support import leaks
from tests.support.person import Person
from tests.support.two_environments import OPEN, PLATFORM, Place, for_a_recovery, practice

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with practice(tmp_path, for_a_recovery) as place:
        yield place


def test_a_recovery_ends_pass_with_a_row_and_what_it_restored_stays(place: Place) -> None:
    with place.running("recover", "--plain") as terminal:
        person = Person(place.estate)
        assert person.walk(terminal) == 0, terminal.said
    document = place.document()
    verified = TestLog(place.compliance, place.home / "pending").verify()
    assert (verified.verdict, len(verified.rows)) == ("OK", 1), verified
    row = verified.rows[0]
    assert (row["mode"], row["environment"], row["providers"], row["outcome"]) == (
        "RECOVERY",
        "PRODUCTION",
        "LOOPBACK",
        "PASS",
    )
    _counted_from_the_incident(document)
    _typed_before_every_action(person)
    _stays(place)
    secrets = {*leaks.secrets_of(place.folder / "estate"), *person.secrets}
    (place.home / "terminal.txt").write_text(terminal.said, encoding="utf-8")
    assert leaks.leaked(place.folder, secrets) == []


def _counted_from_the_incident(document: dict[str, dict[str, str]]) -> None:
    """Declared as an hour before the run."""
    began, started = (datetime.fromisoformat(at) for at in (document["rto"]["from"], str(document["started_at"])))
    assert 3500 < (started - began).total_seconds() < 3800


def _typed_before_every_action(person: Person) -> None:
    """Production's name, each time that something of it is changed."""
    typed = [answer for asked, answer in person.typed if "exactly" in asked]
    assert set(typed) == {PLATFORM}
    assert len(typed) >= 8


def _stays(place: Place) -> None:
    """The database, protected and with its backups on; the vault, open; the snapshot that was kept; nothing here."""
    (made,) = [one for one in place.instances() if one["DBInstanceIdentifier"].startswith("recovered-")]
    assert (made["DBInstanceStatus"], made["BackupRetentionPeriod"]) == ("available", 30)
    kept = place.aws("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert len(kept) == 1
    assert place.vault_health() == OPEN
    assert [path for path in (place.home / "runs").rglob("*") if path.is_file()] == []
