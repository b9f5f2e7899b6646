"""SIGKILL while an action is under way, then `runbook resume`: same outcome, nothing done twice, nothing left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import training_run

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]

ONCE = ("database.restore", "application.deploy")


def _announced(home: Path, step: str) -> bool:
    return any(line["event"] == "intent" and line["step"] == step for line in training_run.journal(home))


@pytest.mark.parametrize("step", ["vault.initialise", "vault.restore", "database.restore", "application.deploy"])
def test_a_killed_run_is_resumed_to_the_same_end(step: str, tmp_path: Path) -> None:
    with training_run.running(tmp_path, "train", "--unattended") as process:
        training_run.until(lambda: _announced(tmp_path, step), f"an intent of {step}")
        process.kill()
        process.wait(10)
        estate = training_run.listed(tmp_path)
        assert training_run.left_over(estate), "the practice estate outlives a killed run"
        resumed = training_run.finished(tmp_path, "resume", "--unattended")

    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    lines = training_run.journal(tmp_path)
    doc = training_run.document(tmp_path)
    assert [line["event"] for line in lines].count("resumed") == 1
    assert lines[-1]["event"] == "ended"
    assert doc["outcome"] == "PASS"
    assert len([each for each in doc["created"] if each["kind"] == "rds:instance"]) == 1
    done = [line["data"] for line in lines if line["event"] == "result" and line["step"] in ONCE]
    assert all(line["verdict"] == "PASS" for line in done)
    assert len([each for each in done if not each["adopted"]]) <= len(ONCE), "an action was done twice"
    assert training_run.left_over(estate) == []


def test_the_next_train_ends_a_killed_run_and_reaps_its_estate(tmp_path: Path) -> None:
    with training_run.running(tmp_path, "train", "--unattended") as process:
        training_run.until(lambda: _announced(tmp_path, "database.restore"), "an intent of database.restore")
        process.kill()
        process.wait(10)
        first, estate = training_run.folder(tmp_path), training_run.listed(tmp_path)
        second = training_run.finished(tmp_path, "train", "--unattended")

    assert second.returncode == 0, second.stdout + second.stderr
    assert training_run.left_over(estate) == []
    assert '"outcome": "ABORTED"' in (first / "run.json").read_text(encoding="utf-8")
    assert training_run.document(tmp_path)["outcome"] == "PASS"


def test_an_unattended_run_stays_unattended(tmp_path: Path) -> None:
    with training_run.running(tmp_path, "train", "--unattended") as process:
        training_run.until(lambda: _announced(tmp_path, "vault.download"), "an intent of vault.download")
        process.kill()
        process.wait(10)
        refused = training_run.finished(tmp_path, "resume", "--plain")
        assert refused.returncode == 2
        assert "unattended" in refused.stderr
