"""Every scenario of the deck, and worlds that change at a checkpoint, walked unattended on the real servers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.training import scenario
from runbook.training.scenario import Scenario
from tests.scenarios import also
from tests.support import doors, leaks, training_run

pytestmark = [pytest.mark.scenarios, pytest.mark.timeout(400)]

EXITS = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3, "ABORTED": 5, "PASS_WITH_ISSUES": 6}
DECK = [each for each in scenario.deck() if each.name != "calm"]  # calm is in the default tier


def _known(home: Path) -> bool:
    return training_run.listed(home).get("state") == "ready" if (home / "training").exists() else False


@pytest.mark.parametrize("each", DECK, ids=lambda each: each.name)
def test_the_deck_ends_as_it_says_and_leaves_no_secret(each: Scenario, tmp_path: Path) -> None:
    with training_run.running(tmp_path, "train", each.name, "--unattended") as process:
        training_run.until(lambda: _known(tmp_path) or process.poll() is not None, "the practice estate, ready")
        secrets = leaks.secrets_of(training_run.folder(tmp_path))
        said, _ = process.communicate(timeout=training_run.LIMIT_S)
    assert process.returncode == EXITS[each.expect.outcome], said
    assert secrets, "the estate was not asked in time: nothing would be looked for"
    assert leaks.leaked(tmp_path, secrets) == []
    doc = training_run.document(tmp_path)
    assert doc["outcome"] == each.expect.outcome
    if each.expect.fails_at:
        assert training_run.last(doc, each.expect.fails_at)["verdict"] == "FAIL"
    assert all(entry["destroyed_at"] for entry in doc["created"])
    assert doors.opened_too_early(training_run.journal(tmp_path)) == []
    if each.name in also.ALSO:
        also.ALSO[each.name](tmp_path, said)


def test_a_wrong_share_throws_the_whole_set_back(tmp_path: Path) -> None:
    run = training_run.finished(tmp_path, "train", "wrong-share", "--unattended")
    assert "progress is back to 0" in run.stdout
    submitted = [
        line for line in training_run.journal(tmp_path) if line["event"] == "intent" and line["step"] == "vault.unseal"
    ]
    assert len(submitted) == 6


def test_an_empty_table_is_named_with_its_counts(tmp_path: Path) -> None:
    training_run.finished(tmp_path, "train", "empty-table", "--unattended")
    observed = training_run.last(training_run.document(tmp_path), "database.content")["observed"]
    assert re.search(r"public\.appointments: EMPTY, 8,99\d rows stated", observed), observed


def test_going_back_for_the_right_key_restores_the_database_once(tmp_path: Path) -> None:
    training_run.finished(tmp_path, "train", "key-skew", "--unattended")
    lines = training_run.journal(tmp_path)
    restores = [line["data"]["operation"] for line in lines if line["event"] == "intent" and _restoring(line)]
    assert restores == ["rds:RestoreDBInstanceFromDBSnapshot"]
    doc = training_run.document(tmp_path)
    assert [each["verdict"] for each in doc["steps"] if each["id"] == "database.key-skew"] == ["FAIL", "PASS"]
    assert "adopted" in training_run.last(doc, "database.restore")["observed"]


def _restoring(line: dict[str, Any]) -> bool:
    return str(line["data"]["operation"]).startswith("rds:Restore")


def test_a_copy_that_is_production_is_called_so(tmp_path: Path) -> None:
    training_run.finished(tmp_path, "train", "wrong-endpoint", "--unattended")
    observed = training_run.last(training_run.document(tmp_path), "database.connect")["observed"]
    assert "THIS IS THE SOURCE" in observed


def test_a_loss_before_the_backup_is_told_by_yesterdays_manifest(tmp_path: Path) -> None:
    training_run.finished(tmp_path, "train", "shrunk-manifest", "--unattended")
    doc = training_run.document(tmp_path)
    assert training_run.last(doc, "database.content")["verdict"] == "PASS"
    assert any("public.clinical_notes states 3" in each["text"] for each in doc["findings"]), doc["findings"]


def test_content_passes_while_production_goes_on(tmp_path: Path) -> None:
    path = _file(tmp_path, "production-lives", "start", outcome="PASS")
    run = training_run.finished(tmp_path, "train", path, "--unattended")
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_moment_is_restored_to_the_second_while_production_goes_on(tmp_path: Path) -> None:
    """A booking a second: the copy's newest one is of the second before the moment that was asked for."""
    chosen = """
[[operator.answers]]
at = "database.choose"
pick = 2
detail = "-6s"
reason = "the last moment before the mistake"
"""
    path = _file(tmp_path, "production-lives", "start", outcome="PASS_WITH_ISSUES", more=chosen)
    run = training_run.finished(tmp_path, "train", path, "--unattended")
    assert run.returncode == 6, run.stdout + run.stderr
    doc = training_run.document(tmp_path)
    at, newest = (
        datetime.fromisoformat(re.search(pattern, training_run.last(doc, step)["observed"])[1])  # type: ignore[index] # it is said
        for step, pattern in (
            ("database.choose", r"clinic-production@(\S+Z)"),
            ("database.recency", r"newest row (\S+Z)"),
        )
    )
    assert timedelta(0) <= at - newest <= timedelta(seconds=2)
    assert "rds:RestoreDBInstanceToPointInTime" in {
        line["data"]["operation"] for line in training_run.journal(tmp_path) if line["event"] == "intent"
    }


# -- what is refused ----------------------------------------------------------------------------------------------
def test_a_red_image_is_not_deployed_either(tmp_path: Path) -> None:
    run = training_run.finished(tmp_path, "train", _file(tmp_path, "red-checks", "start"), "--unattended")
    assert run.returncode == 1, run.stdout + run.stderr
    assert training_run.last(training_run.document(tmp_path), "application.image")["verdict"] == "FAIL"
    also.never("northflank:Deploy", "northflank:SetSecretGroup")(tmp_path, run.stdout)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("other-text", "decrypts, but to another text"),
        ("newer-version", "a newer key version than this vault backup holds"),
        ("other-key", "wrong key material"),
    ],
)
def test_a_canary_of_another_kind_is_called_what_it_is(to: str, said: str, tmp_path: Path) -> None:
    path = _file(tmp_path, "canary-changed", "after application.deploy", with_=f'to = "{to}"')
    run = training_run.finished(tmp_path, "train", path, "--unattended")
    assert run.returncode == 1, run.stdout + run.stderr
    decrypt = training_run.last(training_run.document(tmp_path), "application.decrypt")
    assert decrypt["verdict"] == "FAIL"
    assert said in decrypt["observed"], decrypt["observed"]


# -- the doors ----------------------------------------------------------------------------------------------------
CLOSES = """
[[operator.answers]]
at = "checkpoint connectivity"
do = "open"

[[operator.answers]]
at = "checkpoint connectivity"
do = "close"

[[operator.answers]]
at = "connectivity.records"
do = "abort"
reason = "the canary changed while the doors were open"
"""


def test_doors_that_are_closed_again_give_every_name_its_former_record_back(tmp_path: Path) -> None:
    """The canary changes once the doors are open: the checkpoint refuses, they are closed, and stay so."""
    path = _file(tmp_path, "canary-changed", "after connectivity.records", more=CLOSES)
    run = training_run.finished(tmp_path, "train", path, "--unattended")
    assert run.returncode == 1, run.stdout + run.stderr
    lines, doc = training_run.journal(tmp_path), training_run.document(tmp_path)
    former = doors.former(lines)
    assert set(former) == {"app.clinic.test", "api.clinic.test"}
    closed = [line for line in lines if line["event"] == "cleanup" and line["data"]["kind"] == "cloudflare:record"]
    assert [line["stage"] for line in closed] == ["connectivity"] * 2  # in mid-run, not by the closing
    assert all(line["data"]["gone"] for line in closed)
    said = " ".join(line["data"]["observed"] for line in closed)
    assert all(f"{name} put back: {record}" in said for name, record in former.items()), said
    assert len(doors.opened(lines)) == 2  # and never again
    assert training_run.last(doc, "connectivity.records")["verdict"] == "FAIL"
    assert any("(Connectivity) fell" in sentence for sentence in doc["refusals"]), doc["refusals"]
    assert doors.opened_too_early(lines) == []


# -- worlds that change -------------------------------------------------------------------------------------------
CHANGES = [
    ("vault-sealed", "checkpoint database", "Encryption Vault", 1),
    ("database-stopped", "checkpoint database", "Core Database", 3),  # it cannot be asked: no verdict about it
    ("digest-swapped", "checkpoint application", "Application Tier", 1),
    ("canary-changed", "checkpoint application", "Application Tier", 1),
]


@pytest.mark.parametrize(("kind", "when", "layer", "status"), CHANGES)
def test_a_world_that_changes_at_a_checkpoint_keeps_it_shut(
    kind: str, when: str, layer: str, status: int, tmp_path: Path
) -> None:
    run = training_run.finished(tmp_path, "train", _file(tmp_path, kind, when), "--unattended")
    assert run.returncode == status, run.stdout + run.stderr
    doc = training_run.document(tmp_path)
    assert any(f"({layer}) fell" in sentence for sentence in doc["refusals"]), doc["refusals"]
    assert doc["stages"][4]["result"] == "NOT_RUN"


def test_a_canary_changed_after_stage_4_is_caught_before_the_doors_open(tmp_path: Path) -> None:
    run = training_run.finished(
        tmp_path, "train", _file(tmp_path, "canary-changed", "opened application"), "--unattended"
    )
    assert run.returncode == 1, run.stdout + run.stderr
    held = training_run.last(training_run.document(tmp_path), "connectivity.still-holds")
    assert held["verdict"] == "FAIL"
    assert "criterion 3" in held["observed"]


def test_unsealing_again_from_a_later_stage_lets_the_run_go_on(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "vault-sealed",
        "checkpoint database",
        outcome="PASS",
        more="""
[[operator.answers]]
at = "checkpoint database"
do = "open"

[[operator.answers]]
at = "checkpoint database"
do = "back"
to = "vault.unseal"
reason = "the vault was restarted and is sealed"
""",
    )
    run = training_run.finished(tmp_path, "train", path, "--unattended")
    assert run.returncode == 0, run.stdout + run.stderr
    doc = training_run.document(tmp_path)
    assert len([each for each in doc["created"] if each["kind"] == "rds:instance"]) == 1


def _file(folder: Path, kind: str, when: str, *, outcome: str = "FAIL", with_: str = "", more: str = "") -> str:
    path = folder / "changed.toml"
    path.write_text(
        f"""schema = 1
name = "changed"
title = "The world changes while the run waits"
story = "Nobody told the operator."
good_operator = "Sees which layer fell."
[expect]
outcome = "{outcome}"
[[faults]]
kind = "{kind}"
when = "{when}"
with = {{ {with_} }}
{more}""",
        encoding="utf-8",
    )
    return str(path)
