"""The printed policy allows exactly the calls of the table, and binds every change to what the tool itself makes."""

from __future__ import annotations

import argparse
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from runbook.commands import iam as command
from runbook.safety import iam_policy
from runbook.safety.iam import AWS, Sample, needed, restoring_actions
from runbook.safety.operations import OPERATIONS, Effect
from tests.safety import places

ROLES = ("drill", "recovery")
PRODUCTIONS = "arn:aws:rds:eu-west-2:111111111111:db:clinic-production"


def _policy(role: str, folder: Path, *, mfa: bool = False, **edits: Any) -> list[dict[str, Any]]:
    configuration = places.configured(folder, **edits)
    place = iam_policy.place_of(configuration.environment(role), configuration.records.bucket)
    statements: list[dict[str, Any]] = iam_policy.policy(role, place, mfa=mfa)["Statement"]
    return statements


def _actions(statements: list[dict[str, Any]]) -> set[str]:
    return {action for each in statements if each["Effect"] == "Allow" for action in each["Action"]}


@pytest.mark.parametrize("role", ROLES)
def test_exactly_what_the_table_needs_is_allowed(role: str, tmp_path: Path) -> None:
    calls = [each.name for each in OPERATIONS if each.name.startswith(AWS)]
    wanted = {action for name in calls for action in needed(name)}
    wanted -= {"rds:DeleteDBInstance"} if role == "recovery" else set()
    reader: dict[str, Any] = {
        "production.aws.reader_role": "arn:aws:iam::111111111111:role/reads",
        "records.bucket.retain_days": 2192,
    }
    wanted -= {"sts:AssumeRole"} if role == "recovery" else set()  # its backups are in its own account
    assert _actions(_policy(role, tmp_path, **reader)) == wanted


@pytest.mark.parametrize("role", ROLES)
def test_every_change_of_a_database_is_bound_to_our_names_and_our_tag(role: str, tmp_path: Path) -> None:
    prefix = {"drill": "rt", "recovery": "recovered"}[role]
    changes = [each for each in _policy(role, tmp_path) if _changes(each)]
    assert changes
    for each in changes:
        assert all(f":{prefix}-*" in arn for arn in each["Resource"]), each
        assert each["Condition"] == {"StringLike": {"aws:ResourceTag/runbook:run": iam_policy._runs(role)}}


def _changes(statement: dict[str, Any]) -> bool:
    return any(action.startswith(("rds:Modify", "rds:Delete")) for action in statement["Action"])


def test_a_drills_role_can_only_read_productions_database_in_the_same_account(tmp_path: Path) -> None:
    """What names it besides is the origin of a restore, whose result has to carry a drill's tag."""
    for each in _policy("drill", tmp_path, **places.ONE_ACCOUNT):
        if any(fnmatchcase(PRODUCTIONS, arn) for arn in each["Resource"]):
            reads = all(action.split(":")[1].startswith(("Describe", "List")) for action in each["Action"])
            restores = each["Sid"] == "Restore" and "aws:RequestTag/runbook:run" in each["Condition"]["StringLike"]
            assert reads or restores, each


def test_records_are_written_below_their_prefix_only_and_not_without_a_bucket(tmp_path: Path) -> None:
    writing = [each for each in _policy("drill", tmp_path) if "s3:PutObject" in each["Action"]]
    assert [each["Resource"] for each in writing] == [["arn:aws:s3:::practice-evidence/runbook/*"]]
    without: dict[str, Any] = {"records.bucket": None}
    assert "s3:PutObject" not in _actions(_policy("drill", tmp_path, **without))


def test_heads_alone_are_locked_where_that_is_configured_and_no_longer_than_that(tmp_path: Path) -> None:
    locking: dict[str, Any] = {"records.bucket.retain_days": 2192}
    (found,) = [each for each in _policy("drill", tmp_path, **locking) if "s3:PutObjectRetention" in each["Action"]]
    assert found["Resource"] == ["arn:aws:s3:::practice-evidence/runbook/heads/*"]
    assert found["Condition"] == {"NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": "2193"}}
    assert "s3:PutObjectRetention" not in _actions(_policy("drill", tmp_path))


@pytest.mark.parametrize("role", ROLES)
def test_an_iam_user_may_do_nothing_without_a_second_factor(role: str, tmp_path: Path) -> None:
    """A Deny, since long-term keys lack the condition's key: BoolIfExists in an Allow would let them through."""
    denied = [each for each in _policy(role, tmp_path, mfa=True) if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in denied] == [
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    ]
    assert denied[0]["NotAction"] == ["sts:GetSessionToken"]
    assert not [each for each in _policy(role, tmp_path) if each["Effect"] == "Deny"]


@pytest.mark.parametrize("role", ROLES)
def test_the_check_asks_only_about_what_the_policy_allows(role: str, tmp_path: Path) -> None:
    configuration = places.configured(tmp_path)
    place = iam_policy.place_of(configuration.environment(role))
    samples = iam_policy.samples(role, place)
    assert set(restoring_actions(role)) <= set(samples)
    for action, sample in samples.items():
        assert any(_allows(each, action, sample) for each in iam_policy.policy(role, place, mfa=False)["Statement"])


def _allows(statement: dict[str, Any], action: str, sample: Sample) -> bool:
    carried = dict(sample.context)
    conditions = [(key, value) for test in statement.get("Condition", {}).values() for key, value in test.items()]
    return (
        action in statement["Action"]
        and any(fnmatchcase(sample.resource, arn) for arn in statement["Resource"])
        and all(_meets(carried.get(key, ""), value) for key, value in conditions)
    )


def _meets(given: str, wanted: str | list[str]) -> bool:
    return any(fnmatchcase(given, each) for each in ([wanted] if isinstance(wanted, str) else wanted))


def test_writing_records_is_not_asked_about_with_the_rest() -> None:
    recording = {each.name for each in OPERATIONS if each.effect is Effect.RECORDING}
    assert recording.isdisjoint(restoring_actions("drill"))
    assert "rds:DeleteDBInstance" not in restoring_actions("recovery")


# -- the command --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_without_a_configuration_the_words_in_capitals_are_to_be_replaced(
    role: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("RUNBOOK_CONFIG", raising=False)
    assert command.run(argparse.Namespace(role=role, signin="sso", config=None)) == 0
    said = capsys.readouterr()
    assert "ACCOUNT" in json.dumps(json.loads(said.out))
    assert "put your own values" in said.err
    assert "the role's trust" in said.err


def test_with_a_configuration_it_is_the_policy_of_that_account(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    places.configured(tmp_path)
    assert command.run(argparse.Namespace(role="drill", signin="user", config=tmp_path / "runbook.toml")) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["Version"] == "2012-10-17"
    assert "arn:aws:rds:eu-west-2:222222222222:db:rt-*" in said.out
    assert "ACCOUNT" not in said.out
    assert "MFA" in said.err
    assert "111111111111" in said.err
