"""The main job, once, on the real servers: `runbook train --unattended` restores the practice estate and proves it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.support import training_run

STEPS = (
    "identity.tool",
    "identity.clock",
    "identity.aws-account",
    "identity.northflank",
    "identity.github",
    "identity.cloudflare",
    "vault.backup",
    "vault.download",
    "vault.inspect",
    "vault.target",
    "vault.initialise",
    "vault.restore",
    "vault.sealed-control",
    "vault.unseal",
    "vault.health",
    "vault.login",
    "vault.keys",
    "vault.damaged-control",
    "database.snapshots",
    "database.choose",
    "database.restore",
    "database.available",
    "database.connect",
    "database.content",
    "database.recency",
    "application.image",
    "application.config",
    "application.deploy",
    "application.rollout",
    "application.boots",
    "application.database",
    "application.decrypt",
    "connectivity.still-holds",
    "connectivity.zone",
    "connectivity.waf",
    "connectivity.records",
    "connectivity.dns",
    "connectivity.https",
    "connectivity.waf-live",
    "closeout.criteria",
    "closeout.cleanup",
    "closeout.declare",
)


class Calm:
    """What one calm run showed: its lines, its document, its home, and the estate while it ran."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.estate: dict[str, Any] = {}
        self.servers: set[str] = set()
        with training_run.running(home, "train", "--unattended") as process:
            assert process.stdout is not None
            self.lines = []
            for line in process.stdout:
                self.lines.append(line.rstrip("\n"))
                if line.startswith("  CHECKPOINT"):
                    self.estate = training_run.listed(home)
                    self.servers |= {each["name"] for each in self.estate.get("processes", [])}
            self.exit_code = process.wait(30)
        self.document = training_run.document(home)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    return Calm(tmp_path_factory.mktemp("calm"))


def test_it_exits_0_and_prints_the_stages_with_their_checks(calm: Calm) -> None:
    assert calm.exit_code == 0, "\n".join(calm.lines)
    said = "\n".join(calm.lines)
    for number, title in enumerate(
        ("Identity & Access", "Encryption Vault", "Core Database", "Application Tier", "Connectivity"), start=1
    ):
        assert f"Stage {number} of 5: {title}" in said
    assert all(f" {step}" in said for step in STEPS)


def test_every_stage_criterion_and_control_is_pass(calm: Calm) -> None:
    doc = calm.document
    assert doc["outcome"] == "PASS"
    assert [stage["result"] for stage in doc["stages"]] == ["PASS"] * 5
    assert set(doc["criteria"].values()) == {"PASS"}
    assert set(doc["negative_controls"].values()) == {"PASS"}
    assert doc["findings"] == []
    assert doc["exceptions"] == []


def test_every_step_is_there_and_carries_what_it_observed(calm: Calm) -> None:
    by_id = {each["id"]: each for each in calm.document["steps"]}
    assert set(STEPS) <= set(by_id)
    for each in by_id.values():
        assert all(each[key] for key in ("expected", "observed", "source", "at")), each


def test_times_are_given_with_both_their_timestamps(calm: Calm) -> None:
    for figure in ("rto", "rpo"):
        assert calm.document[figure]["actual_s"] > 0
        assert calm.document[figure]["from"]
        assert calm.document[figure]["to"]
        assert calm.document[figure]["met"] == "NOT_SET"


def test_what_was_created_was_destroyed(calm: Calm) -> None:
    created = calm.document["created"]
    assert "rds:instance" in {each["kind"] for each in created}
    assert all(each["destroyed_at"] for each in created)


def test_real_servers_ran_and_nothing_of_them_is_left(calm: Calm) -> None:
    assert sum(name.startswith("bao") for name in calm.servers) >= 2, calm.servers
    assert sum(name.startswith("postgres") for name in calm.servers) >= 2, calm.servers
    assert training_run.left_over(calm.estate) == []
    assert not (training_run.folder(calm.home) / "estate.json").exists()


def test_the_record_is_complete_and_sealed(calm: Calm) -> None:
    folder = training_run.folder(calm.home)
    made = {"run.json", "report.md", "report.html", "SHA256SUMS"}
    assert {path.name for path in folder.iterdir()} == {"journal.jsonl", *made}
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    with (calm.home / "training" / "training-log.csv").open(encoding="utf-8", newline="") as log:
        (row,) = csv.DictReader(log)
    assert (row["mode"], row["environment"], row["outcome"]) == ("TRAINING", "PRACTICE", "PASS")


def test_no_credential_is_in_any_file(calm: Calm) -> None:
    for path in calm.home.rglob("*"):
        if path.is_file():
            assert "postgresql://" not in path.read_text(encoding="utf-8", errors="replace"), path


def test_nothing_was_written_beside_the_training_record(calm: Calm) -> None:
    assert {path.name for path in calm.home.iterdir()} == {"training"}
    assert not list(calm.home.rglob("restoration-test-log*"))
