"""The account that production's backups live in: signed in to by a role of its own, and only ever read."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.engine.errors import Refused
from runbook.engine.ports import Permit, Secret
from runbook.estate.aws.backup_source import backup_source
from runbook.estate.ports import BackupSource
from tests.estate_adapters.aws import settings_for
from tests.estate_adapters.loopback_aws import Asked, Cloud, session
from tests.estate_adapters.signing import KEYS, MFA, Bench, Signing, ask

READER = "arn:aws:iam::444455556666:role/runbook-reads-backups"
CODE = Secret("123456")


@pytest.fixture(autouse=True)
def machine(trapped: Path) -> Path:
    """Every test here is on a machine whose own AWS set-up leads astray."""
    return trapped


def by_role(asked: Asked) -> tuple[int, str]:
    return session("AssumeRole", "ASIAREADER" if asked.form["RoleArn"] == READER else "ASIAFIRST")


@pytest.fixture
def first(bench: Bench) -> Signing:
    bench.cloud.answers["sts:AssumeRole"] = by_role
    return bench(MFA, KEYS)


@pytest.fixture
def source(bench: Bench, first: Signing) -> BackupSource:
    settings = settings_for(bench.cloud.address, account_id="444455556666", sign_in={"role_arn": READER})
    found = backup_source(settings, first.access, first.interlock, bench.door)
    assert found is not None
    return found


def test_where_there_is_no_other_account_there_is_no_source(bench: Bench, first: Signing) -> None:
    assert backup_source(None, first.access, first.interlock, bench.door) is None


def test_nothing_is_called_before_something_is_read(source: BackupSource, cloud: Cloud) -> None:
    state = ask(source.account.sign_in_state())
    assert (state.way, state.mfa, state.needs) == ("ambient", "NO", "")
    assert READER in state.source
    assert cloud.asked == []


def test_its_role_is_assumed_from_the_session_that_had_its_second_factor(
    first: Signing, source: BackupSource, cloud: Cloud
) -> None:
    ask(first.account.sign_in(CODE))
    ask(source.objects.list("backups", "vault/"))
    assert [(one.what, one.key) for one in cloud.asked] == [
        ("sts:AssumeRole", "AKIALONGTERM"),
        ("sts:AssumeRole", "ASIAFIRST"),
        ("s3:GET", "ASIAREADER"),
    ]
    assert "TokenCode" not in cloud.asked[1].form


def test_its_session_is_used_again_and_the_first_one_stays_the_first(
    first: Signing, source: BackupSource, cloud: Cloud
) -> None:
    ask(first.account.sign_in(CODE))
    ask(source.objects.list("backups", "vault/"))
    ask(source.account.identity())
    first.list()
    assert cloud.keys("sts:AssumeRole") == ["AKIALONGTERM", "ASIAFIRST"]
    assert cloud.keys("sts:GetCallerIdentity") == ["ASIAREADER"]
    assert cloud.keys("s3:GET") == ["ASIAREADER", "ASIAFIRST"]


@pytest.mark.parametrize("operation", ["rds:DeleteDBSnapshot", "rds:CopyDBSnapshot", "rds:DeleteDBInstance"])
def test_nothing_can_be_changed_there_not_even_with_a_permit(
    first: Signing, source: BackupSource, cloud: Cloud, operation: str
) -> None:
    ask(first.account.sign_in(CODE))
    permit = Permit("run", "step", operation, "rt-x")
    calls = {
        "rds:DeleteDBSnapshot": lambda: source.databases.forget(permit, "rt-x"),
        "rds:CopyDBSnapshot": lambda: source.databases.keep(permit, "rds:x", "rt-x"),
        "rds:DeleteDBInstance": lambda: source.databases.delete(permit, "rt-x"),
    }
    with pytest.raises(Refused):
        ask(calls[operation]())
    assert not [one for one in cloud.asked if one.what == operation]


def test_without_a_second_factor_is_asked_for_in_so_many_words(first: Signing, cloud: Cloud) -> None:
    state = ask(first.account.sign_in_without_code())
    assert (state.mfa, state.source) == ("NO", "AssumeRole without a second factor")
    assert not {"SerialNumber", "TokenCode"} & set(cloud.asked[-1].form)
    assert ask(first.account.sign_in(CODE)).mfa == "PROVEN"


def test_without_a_role_the_users_own_keys_are_used_as_they_are(bench: Bench) -> None:
    signing = bench({"way": "mfa", "mfa_serial": MFA["mfa_serial"]}, KEYS)
    assert ask(signing.account.sign_in_without_code()).mfa == "NO"
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["AKIALONGTERM"]
