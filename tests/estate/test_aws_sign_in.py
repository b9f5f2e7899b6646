"""Signing in to the practice AWS with the product's own adapters, in the three ways, from a machine full of traps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from runbook.config import Aws
from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.engine.ports import Secret
from runbook.estate.aws.account import AwsAccount
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.objects import AwsObjects
from runbook.estate.aws.sign_in import AwsSignIn
from runbook.estate.door import Door
from runbook.estate.ports import WrongCode
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.operator_sign_in import OperatorSignIn
from runbook.training.servers.aws_names import ACCOUNT, BUCKET, REGION
from runbook.training.servers.aws_process import AwsProcess

pytestmark = pytest.mark.estate
T = TypeVar("T")
USER = "arn:aws:iam::111122223333:user/cto"
DRILL = "arn:aws:sts::111122223333:assumed-role/runbook-drill/cto"
CENTER = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ClinicAdministrator_0123456789abcdef/cto"
TRAPS = (
    "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_DEFAULT_REGION", "AWS_REGION",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
)  # fmt: skip
AWAY = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_IAM",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip


@dataclass
class Operator:
    """The practice operator and the product on their machine."""

    hands: OperatorSignIn
    account: AwsAccount
    objects: AwsObjects
    sign_in: Aws

    def code(self) -> Secret | None:
        shown = self.hands.credentials().get("aws-mfa-code")
        return Secret(shown) if shown else None

    def list(self) -> None:
        ask(self.objects.list(BUCKET, ""))

    def read(self) -> None:
        ask(self.objects.read(BUCKET, "one"))


def ask(question: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(question)


@pytest.fixture(autouse=True)
def traps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "trap").write_text("[default]\naws_access_key_id = AKIATRAP\naws_secret_access_key = trap\n[broken")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in TRAPS:
        monkeypatch.setenv(name, str(tmp_path / "trap"))
    for name in AWAY:
        monkeypatch.setenv(name, "http://127.0.0.1:1")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsProcess]:
    server = AwsProcess(tmp_path_factory.mktemp("practice") / "aws")
    try:
        server.start(control="http://127.0.0.1:1", engine_version="16.1", source_port=1, snapshots=[datetime.now(UTC)])
        yield server
    finally:
        server.stop()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(4)
    yield door
    door.close()


def operator(aws: AwsProcess, folder: Path, door: Door, way: str) -> Operator:
    hands = OperatorSignIn(aws, folder / "operator", way)
    hands.prepare()
    settings = Aws.model_validate({
        "account_id": ACCOUNT, "region": REGION, "endpoint": aws.endpoint,
        "identity_patterns": hands.identities(), "sign_in": hands.settings(),
    })  # fmt: skip
    held, interlock = hands.credentials(), Interlock(bounds.practice())
    keys = (Secret(held["aws-access-key"]), Secret(held["aws-secret-key"])) if way == "mfa" else None
    signed_in = AwsSignIn(settings, keys, interlock)
    access = AwsAccess(settings, signed_in, interlock, door)
    return Operator(hands, AwsAccount(access, signed_in), AwsObjects(access), settings)


@pytest.fixture
def by_code(aws: AwsProcess, tmp_path: Path, door: Door) -> Operator:
    return operator(aws, tmp_path, door, "mfa")


@pytest.fixture
def by_browser(aws: AwsProcess, tmp_path: Path, door: Door) -> Operator:
    return operator(aws, tmp_path, door, "sso")


@pytest.fixture
def by_file(aws: AwsProcess, tmp_path: Path, door: Door) -> Operator:
    return operator(aws, tmp_path, door, "ambient")


@pytest.fixture(scope="module")
def minutes() -> Iterator[int]:
    return iter(range(2, 1000, 2))


@pytest.fixture
def device_at_rest(aws: AwsProcess, minutes: Iterator[int]) -> None:
    """The provider's clock goes on by two minutes, so that no window of an earlier test's is used up."""
    aws.ask("weather", clock_offset=60.0 * next(minutes))


def test_a_code_makes_the_user_the_drill_role(by_code: Operator, device_at_rest: None) -> None:
    assert ask(by_code.account.identity()).arn == USER
    with pytest.raises(SignedOut):
        by_code.list()
    assert ask(by_code.account.sign_in(by_code.code())).mfa == "PROVEN"
    assert ask(by_code.account.identity()).arn == DRILL
    by_code.list()


def test_a_code_is_good_once_and_a_wrong_one_never(by_code: Operator, device_at_rest: None) -> None:
    code = by_code.code()
    assert code is not None
    ask(by_code.account.sign_in(code))
    with pytest.raises(WrongCode, match="MultiFactorAuthentication failed with invalid MFA one time pass code"):
        ask(by_code.account.sign_in(code))
    by_code.list()
    assert by_code.code() != code
    ask(by_code.account.sign_in(by_code.code()))
    by_code.list()


def test_another_device_is_refused_in_awss_words(
    aws: AwsProcess, tmp_path: Path, door: Door, monkeypatch: pytest.MonkeyPatch, device_at_rest: None
) -> None:
    mistaken = {"way": "mfa", "role_arn": aws.facts["role_arn"], "mfa_serial": f"arn:aws:iam::{ACCOUNT}:mfa/other"}
    monkeypatch.setattr(OperatorSignIn, "settings", lambda _: mistaken)
    one = operator(aws, tmp_path, door, "mfa")
    with pytest.raises(WrongCode, match="verify your MFA serial number is valid"):
        ask(one.account.sign_in(one.code()))


def test_the_role_and_the_services_are_closed_to_the_keys_alone(aws: AwsProcess) -> None:
    from botocore.config import Config
    from botocore.exceptions import ClientError

    make: Any = _plain_session().create_client

    def client(service: str) -> Any:
        return make(
            service, endpoint_url=aws.endpoint, region_name=REGION, verify=False, config=Config(proxies={}),
            aws_access_key_id=aws.facts["user_key"], aws_secret_access_key=aws.facts["user_secret"],
        )  # fmt: skip

    role = {"RoleArn": aws.facts["role_arn"], "RoleSessionName": "cto"}
    refused: dict[str, Callable[[], Any]] = {
        "is not authorized to perform: sts:AssumeRole": lambda: client("sts").assume_role(**role),
        "must provide both": lambda: client("sts").assume_role(**role, SerialNumber=aws.facts["mfa_serial"]),
        "explicit deny": lambda: client("rds").describe_db_instances(),
        "perform: kms:ListKeys": lambda: client("kms").list_keys(),
        "perform: s3:": lambda: client("s3").list_buckets(),
        "perform: sso:ListInstances": lambda: client("sso-admin").list_instances(),
        "perform: iam:ListUsers": lambda: client("iam").list_users(),
    }
    for words, call in refused.items():
        with pytest.raises(ClientError, match=words) as denied:
            call()
        assert denied.value.response["Error"]["Code"].startswith("AccessDenied")


def _plain_session() -> Any:
    """Of AWS's own library, but for the traps."""
    from botocore import session as core

    names = ("config_file", "credentials_file", "profile", "ca_bundle")
    make: Any = core.Session
    return make(session_vars=dict.fromkeys(names, (None, None, None, None)))


def test_a_user_without_a_role_gets_a_session_of_their_own(
    aws: AwsProcess, tmp_path: Path, door: Door, monkeypatch: pytest.MonkeyPatch, device_at_rest: None
) -> None:
    monkeypatch.setattr(OperatorSignIn, "settings", lambda _: {"way": "mfa", "mfa_serial": aws.facts["mfa_serial"]})
    one = operator(aws, tmp_path, door, "mfa")
    ask(one.account.sign_in(one.code()))
    assert ask(one.account.identity()).arn == USER
    one.list()


def test_a_sign_in_that_runs_out_is_made_again_with_a_new_code(by_code: Operator, device_at_rest: None) -> None:
    ask(by_code.account.sign_in(by_code.code()))
    by_code.hands.expire()
    with pytest.raises(SignedOut, match="no longer accepts this session"):
        by_code.list()
    assert ask(by_code.account.sign_in_state()).needs == "code"
    ask(by_code.account.sign_in(by_code.code()))
    by_code.list()
    assert ask(by_code.account.identity()).arn == DRILL


def test_identity_center_gives_its_role_and_never_proves_mfa(by_browser: Operator) -> None:
    before = ask(by_browser.account.sign_in_state())
    assert before.until is not None
    assert (before.needs, before.mfa) == ("", "NO")
    ask(by_browser.account.sign_in())
    assert ask(by_browser.account.identity()).arn == CENTER
    assert len(ask(by_browser.account.sso_instances())) == 1
    by_browser.list()


def test_a_browser_sign_in_that_runs_out_is_made_again_by_hand(by_browser: Operator) -> None:
    ask(by_browser.account.sign_in())
    by_browser.hands.expire()
    with pytest.raises(SignedOut):
        by_browser.list()
    state = ask(by_browser.account.sign_in_state())
    assert (state.needs, state.command) == ("login", ("aws", "sso", "login", "--profile", "clinic"))
    with pytest.raises(SignedOut, match="has run out"):
        ask(by_browser.account.sign_in())
    by_browser.hands.sso_login()
    assert ask(by_browser.account.sign_in()).needs == ""
    by_browser.list()


def test_a_session_in_a_file_is_used_and_the_next_one_too(by_file: Operator) -> None:
    assert ask(by_file.account.sign_in_state()).source == "AWS configuration file"
    assert ask(by_file.account.identity()).arn == DRILL
    by_file.hands.expire()
    with pytest.raises(SignedOut):
        by_file.list()
    ask(by_file.account.sign_in())
    by_file.list()


@pytest.mark.parametrize("way", ["mfa", "sso", "ambient"])
def test_what_the_role_may_not_do_is_said(
    aws: AwsProcess, tmp_path: Path, door: Door, way: str, device_at_rest: None
) -> None:
    one = operator(aws, tmp_path, door, way)
    ask(one.account.sign_in(one.code()))
    arn, actions = ask(one.account.identity()).arn, tuple(f"s3:Action{number}" for number in range(120))
    assert ask(one.account.denied(arn, actions)) == ()
    try:
        aws.ask("weather", denied_actions=["s3:Action7", "s3:Action110"])
        assert ask(one.account.denied(arn, actions)) == ("s3:Action7", "s3:Action110")
        aws.ask("weather", denied_actions=["iam:SimulatePrincipalPolicy"])
        with pytest.raises(NoVerdict, match="may not ask the policy simulator"):
            ask(one.account.denied(arn, actions))
    finally:
        aws.ask("weather", denied_actions=[])


def test_a_key_that_may_not_be_used_speaks_about_the_backup(aws: AwsProcess, by_file: Operator) -> None:
    try:
        aws.ask("weather", kms_denied=True)
        with pytest.raises(LayerFailed, match="the KMS key of the backup cannot be used"):
            by_file.read()
    finally:
        aws.ask("weather", kms_denied=False)


def test_what_lies_on_the_operators_disk_is_private(aws: AwsProcess, tmp_path: Path, door: Door) -> None:
    operator(aws, tmp_path, door, "sso")
    files = [file for file in (tmp_path / "operator").rglob("*") if file.is_file()]
    assert len(files) == 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_an_unknown_way_names_the_known_ones(aws: AwsProcess, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mfa, sso, ambient"):
        OperatorSignIn(aws, tmp_path / "operator", "fax")
