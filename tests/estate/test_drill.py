"""A complete drill through the public command line: the practice estate as staging, its backups as production's."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from runbook.records.log.logs import TestLog
from tests.support import leaks
from tests.support.person import Person
from tests.support.two_environments import Place, for_a_drill, practice

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with practice(tmp_path_factory.mktemp("drill"), for_a_drill) as place:
        yield place


def test_a_drill_ends_pass_with_a_row_and_leaves_nothing(place: Place) -> None:
    """Ended by SIGTERM on its way, and resumed; another one is refused meanwhile."""
    before, person = place.outside(), Person(place.estate)
    with place.running("drill", "--plain") as begun:
        assert person.walk(begun, until="CHECKPOINT 1 ") == -1, begun.said
        _a_second_one_is_refused(place, begun.process.pid)
        assert person.walk(begun, until="CHECKPOINT 3 ") == -1, begun.said
        begun.process.send_signal(signal.SIGTERM)
        assert begun.ended() == 143
    with place.running("resume", "--plain") as terminal:
        assert person.walk(terminal) == 0, terminal.said
    document, row = place.document(), _row(place)
    assert document["outcome"] == row["outcome"] == "PASS"
    said = {name: row[name] for name in ("mode", "environment", "providers", "record_type", "quarter")}
    assert (said["mode"], said["environment"], said["providers"], said["record_type"]) == (
        "DRILL",
        "STAGING",
        "LOOPBACK",
        "RUN",
    )
    assert (row["operator_name"], row["witness_name"], row["mfa"]) == ("Ana Lovelace", "Bo Turing", "PROVEN")
    assert (row["cleanup"], row["findings_open"], row["db_restore_method"]) == ("DONE", "0", "SNAPSHOT")
    assert place.left_over() == []
    assert place.outside() == before
    assert document["created"]
    assert all(each["destroyed_at"] for each in document["created"])
    _nothing_leaked(place, begun.said + terminal.said, person)


def _a_second_one_is_refused(place: Place, pid: int) -> None:
    """Whoever holds the environment is named: process, machine and run; and from another home the run itself."""
    run_id = place.runs[-1].name
    status, said = place.through("drill", "--plain")
    assert status == 4, said
    assert all(word in said for word in (str(pid), socket.gethostname(), run_id)), said
    with place.running("drill", "--plain", home=place.folder / "another") as terminal:
        assert Person(place.estate).walk(terminal) == 2, terminal.said
    assert f"{run_id} is not finished" in terminal.said
    assert len(place.runs) == 1


def _row(place: Place) -> dict[str, Any]:
    """The only one, of a log that verifies."""
    verified = TestLog(place.compliance, place.home / "pending").verify()
    assert (verified.verdict, len(verified.rows)) == ("OK", 1), verified
    return dict(verified.rows[0])


def _nothing_leaked(place: Place, said: str, person: Person) -> None:
    """Not in the record, not in the home, not on the terminal."""
    (place.folder / "home" / "terminal.txt").write_text(said, encoding="utf-8")
    secrets = {*leaks.secrets_of(place.folder / "estate"), *person.secrets}
    assert len(secrets) > 10
    for sink in (place.home, place.compliance):
        assert leaks.leaked(sink, secrets) == []
    assert leaks.leaked(place.folder, secrets) == []
