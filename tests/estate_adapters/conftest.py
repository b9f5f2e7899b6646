"""Fixtures for the adapters' tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import JSONFileLoader
from botocore.stub import Stubber

from runbook.engine.ports import Permit
from runbook.estate.aws.client import AwsAccess
from runbook.estate.door import Door
from runbook.estate.vault.server import VaultServer
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from tests.estate_adapters.aws import access_to
from tests.estate_adapters.loopback_aws import Cloud, loopback_aws
from tests.estate_adapters.signing import Bench
from tests.estate_adapters.vault_scripted import Handler, Scripted, address, settings
from tests.support.loopback import serving

BOTOCORE = str(Path(botocore.__file__).parent)


@pytest.fixture(scope="session", autouse=True)
def service_models_are_read_once() -> Iterator[None]:
    """botocore reads a service's description (1.5 MB of JSON for RDS) anew for every session, and each test has one."""
    read = JSONFileLoader.load_file
    kept: dict[str, Any] = {}

    def once(self: JSONFileLoader, file_path: str) -> Any:
        if not file_path.startswith(BOTOCORE):
            return read(self, file_path)
        if file_path not in kept:
            kept[file_path] = read(self, file_path)
        return kept[file_path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", once)
        yield


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(4)
    yield door
    door.close()


@pytest.fixture
def access(door: Door) -> AwsAccess:
    """At AWS's own addresses: for stubbed answers, which never leave this process."""
    return access_to(door)


@pytest.fixture
def rds(access: AwsAccess) -> Iterator[Stubber]:
    """What RDS answers, in this order and to exactly these parameters; all of it has to be asked for."""
    with Stubber(access.client("rds")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with loopback_aws() as cloud:
        yield cloud


@pytest.fixture
def bench(cloud: Cloud, door: Door) -> Bench:
    return Bench(cloud, door)


@pytest.fixture
def trapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home and variables that lead astray whoever reads them; answers the home."""
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    trap = "aws_access_key_id = AKIATRAP\naws_secret_access_key = trap\nendpoint_url = http://127.0.0.1:1\n"
    (home / ".aws" / "config").write_text(f"[default]\n{trap}[profile trap]\n{trap}")
    for name, value in {
        "HOME": str(home),
        "AWS_PROFILE": "trap",
        "AWS_ACCESS_KEY_ID": "AKIATRAP",
        "AWS_SECRET_ACCESS_KEY": "trap",
        "AWS_SESSION_TOKEN": "trap",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_CA_BUNDLE": str(home / "none.pem"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def bare(trapped: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no AWS set-up at all, as a fresh laptop has it; answers the home."""
    for name in ("PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}")
    (trapped / ".aws" / "config").unlink()
    return trapped


# -- a vault that says what a test wants ---------------------------------------------------------------------------
@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted(("127.0.0.1", 0), Handler)
    server.headers, server.seen = {}, []
    with serving(server):
        yield server


@pytest.fixture
def vault(server, door) -> VaultServer:
    return VaultServer(settings(address(server)), Interlock(bounds.practice()), door)


@pytest.fixture
def permit(server):
    return lambda operation: Permit("run", "step", operation, address(server))
