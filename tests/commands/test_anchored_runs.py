"""Whole runs: their new head is locked in the evidence bucket, and offered as a commit, once everything is recorded."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from runbook.commands.real import session
from runbook.engine.errors import RecordFailed
from runbook.engine.ports import Confirm
from tests.commands.memory_real import MemoryReal

COMMIT = "confirm closeout.declare"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryReal:
    """A platform whose folder is a repository on `main`, and whose bucket keeps heads for six years."""
    for name, value in (("GIT_CONFIG_NOSYSTEM", "1"), ("HOME", str(tmp_path)), ("XDG_CONFIG_HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    real = MemoryReal(tmp_path, monkeypatch)
    real.write(**{"records.bucket.retain_days": 2192})
    for command in (
        ("init", "-q", "-b", "main"),
        ("config", "user.name", "Pat"),
        ("config", "user.email", "pat@example.test"),
        ("add", "runbook.toml"),
        ("commit", "-q", "-m", "the configuration"),
    ):
        git(real, *command)
    return real


def git(real: MemoryReal, *command: str) -> str:
    where = real.file.parent
    return subprocess.run(["git", *command], cwd=where, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S607


def test_a_recorded_drill_is_anchored_in_the_bucket_and_in_a_commit(real: MemoryReal) -> None:
    ending = real.walk("drill", real.operator({COMMIT: [True]}))
    assert ending.outcome == "PASS", ending.report
    (key,) = [each for each in real.bucket.objects if each.startswith("runbook/heads/00000001-")]
    said = json.loads(real.bucket.objects[key])
    assert (said["rows"], said["head"], said["log"]) == (1, ending.details["head"], "restoration-test-log.csv")
    assert set(real.bucket.locked) == {key}
    assert ending.details["commit"].startswith("the record is committed as ")
    assert git(real, "log", "-1", "--format=%s") == f"Restoration record: {Path(ending.folder).name} PASS, row 1"
    assert git(real, "status", "--porcelain", "--untracked-files=all", "--", "compliance/evidence") == ""


def test_the_environment_is_free_before_anybody_is_asked_about_a_commit(real: MemoryReal) -> None:
    def look(_: Confirm) -> bool:
        assert json.loads(real.bucket.objects["runbook/locks/staging.json"])["released"] is True
        raise asyncio.CancelledError

    ending = real.walk("drill", real.operator({COMMIT: [look]}))
    assert ending.outcome == "PASS", "whoever leaves at that question hides no outcome"
    assert "interrupted" in ending.details["commit"]


def test_a_bucket_without_object_lock_changes_no_outcome(real: MemoryReal) -> None:
    real.bucket.locks = False
    session, told = real.session("drill"), list[str]()
    session.subscribe(lambda said: told.append(str(said)))
    ending = asyncio.run(session.walk(real.operator({COMMIT: [False]})))
    assert ending.outcome == "PASS", ending.report
    assert any("is not locked in the evidence bucket" in each for each in told)
    assert ending.details["commit"].startswith("the record is not committed.")


def test_where_nobody_is_there_nothing_is_committed(real: MemoryReal) -> None:
    real.stored, before = True, git(real, "rev-parse", "HEAD")
    ending = asyncio.run(real.session("rehearsal", attended=False).walk(None))
    assert git(real, "rev-parse", "HEAD") == before
    assert ending.details["commit"].startswith("the record is not committed")


def test_evidence_that_cannot_be_read_again_hides_no_outcome_and_holds_no_environment(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: Path) -> dict[str, bytes]:
        raise RecordFailed("run.json could not be read: Input/output error")

    monkeypatch.setattr(session, "_contents", failing)
    walking, told = real.session("drill"), list[str]()
    walking.subscribe(lambda said: told.append(str(said)))
    ending = asyncio.run(walking.walk(real.operator({COMMIT: [False]})))
    assert ending.outcome == "PASS"
    assert any("the evidence is not in the evidence bucket" in each for each in told)
    assert json.loads(real.bucket.objects["runbook/locks/staging.json"])["released"] is True


def test_a_front_end_that_fails_at_the_question_hides_no_outcome(real: MemoryReal) -> None:
    def failing(_: Confirm) -> bool:
        raise ZeroDivisionError

    ending = real.walk("drill", real.operator({COMMIT: [failing]}))
    assert ending.outcome == "PASS"
    assert "ZeroDivisionError" in ending.details["commit"]
