"""boto3 clients go where they are told, whatever the machine's environment says, and ask the interlock first."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runbook.engine.errors import NoVerdict, Refused, SignedOut
from runbook.estate.aws import database_changes
from runbook.estate.aws.account import AwsAccount, AwsKeys
from tests.estate_adapters.aws import REGION, access_to, account_of
from tests.support.loopback import serving

HERE = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:sts::111122223333:assumed-role/drill/cto\u202e</Arn><Account>111122223333</Account><UserId>U</UserId>
</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""
SKEWED = """<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>Signature expired: now
is later</Message></Error><RequestId>r</RequestId></ErrorResponse>"""


class Sts(ThreadingHTTPServer):
    daemon_threads = True
    status, body, ahead, calls = 200, HERE, 0.0, 0


class Handler(BaseHTTPRequestHandler):
    server: Sts

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        body = self.server.body.encode()
        self.send_response_only(self.server.status)
        if self.server.ahead is not None:
            self.send_header("Date", formatdate(1_800_000_000 + self.server.ahead, usegmt=True))
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def sts() -> Iterator[Sts]:
    server = Sts(("127.0.0.1", 0), Handler)
    with serving(server):
        yield server


def _address(sts: Sts) -> str:
    return f"http://127.0.0.1:{sts.server_address[1]}"


def _account(sts: Sts, door) -> AwsAccount:
    return account_of(access_to(door, _address(sts)), now=lambda: 1_800_000_000.5)


@pytest.fixture
def misled(monkeypatch, tmp_path):
    """A CTO's shell at its worst."""
    (tmp_path / "config").write_text("[profile cto]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n[broken")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_PROFILE": "nosuch",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "config"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_CA_BUNDLE": str(tmp_path / "none.pem"),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "none.pem"),
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_MAX_ATTEMPTS": "nonsense",
        "AWS_DEFAULTS_MODE": "nonsense",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value) if name.endswith("_PROXY") else None
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


async def test_identity_comes_from_the_given_endpoint_whatever_the_environment_says(sts, door, misled):
    identity = await _account(sts, door).identity()
    assert identity.account == "111122223333"
    assert identity.arn == "arn:aws:sts::111122223333:assumed-role/drill/cto�"


async def test_real_endpoints_are_the_regional_ones_whatever_the_environment_says(door, misled):
    access = access_to(door)
    for service in ("sts", "s3", "kms", "rds", "ec2"):
        assert access.client(service).meta.endpoint_url == f"https://{service}.{REGION}.amazonaws.com"
    assert not access.loopback


async def test_the_offset_is_against_the_providers_date(sts, door):
    assert await _account(sts, door).clock_offset() == 0
    sts.ahead = 90
    assert await _account(sts, door).clock_offset() == -90


async def test_the_offset_is_read_from_a_refused_signature_too(sts, door):
    sts.status, sts.body, sts.ahead = 403, SKEWED, -600
    account = _account(sts, door)
    assert await account.clock_offset() == 600
    with pytest.raises(NoVerdict, match="clock is off"):
        await account.identity()


async def test_the_offset_is_read_before_anybody_is_signed_in(sts, door, monkeypatch, misled):
    sts.status, sts.body, sts.ahead = 403, SKEWED, 30
    account = _account(sts, door)

    def nobody(_: str) -> None:
        raise SignedOut("aws", "sign in first")

    monkeypatch.setattr(account._access._signed_in, "current", nobody)
    assert await account.clock_offset() == -30
    with pytest.raises(SignedOut):
        await account.identity()


async def test_without_a_date_there_is_no_offset(sts, door):
    sts.ahead = None
    with pytest.raises(NoVerdict, match="no readable Date"):
        await _account(sts, door).clock_offset()


async def test_a_page_of_html_is_no_verdict(sts, door):
    sts.body = "<html>Sign in to the hotel's wifi"
    with pytest.raises(NoVerdict, match="does not speak AWS's language"):
        await _account(sts, door).identity()


async def test_nobody_there_is_no_verdict(door, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(NoVerdict, match="could not be reached"):
        await account_of(access_to(door, "http://127.0.0.1:1")).identity()


async def test_training_cannot_reach_aws(door):
    access = access_to(door, training=True)
    with pytest.raises(Refused, match=r"training cannot leave this machine: sts\.eu-west-2"):
        await account_of(access).identity()
    with pytest.raises(Refused):
        await AwsKeys(access).state("k")


async def test_a_change_without_a_permit_never_reaches_the_wire(sts, door):
    access = access_to(door, _address(sts))
    with pytest.raises(Refused, match="nobody permitted it"):
        await door(database_changes.delete, access, "rt-x")
    assert (sts.calls, access.interlock.counts) == (0, {"read": 0, "mutating": 0, "refused": 1})


async def test_an_operation_outside_the_table_is_refused(sts, door):
    access = access_to(door, _address(sts))
    with pytest.raises(Refused, match="not in the table"):
        access.client("rds").describe_db_engine_versions()
    assert sts.calls == 0


async def test_a_client_is_made_once(door):
    access = access_to(door)
    clients = [access.client("sts") for _ in range(2)]
    assert clients[0] is clients[1]


async def test_a_client_with_another_endpoint_is_refused(door, monkeypatch):
    access = access_to(door)
    monkeypatch.setattr("botocore.client.ClientMeta.endpoint_url", property(lambda self: "http://elsewhere"))
    with pytest.raises(Refused, match="would call"):
        access.client("sts")


def test_loopback_is_said(door):
    assert access_to(door, "http://127.0.0.1:5000").loopback
    assert not access_to(door, "https://aws.example.test").loopback
