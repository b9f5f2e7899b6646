"""The outer layers on the real data layers: the application deployed, proven, broken; the supervisor as a process."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import signal
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import psutil
import psycopg
import pytest

from runbook import config
from runbook.engine.errors import NoVerdict
from runbook.training import statefile
from runbook.training.client import PracticeEstate, reap
from runbook.training.layers import Layers, practice
from runbook.training.statefile import EstateFile
from runbook.training.variant import Variant
from tests.training.until import until

pytestmark = pytest.mark.estate

NONCE = bytes.fromhex("00112233445566778899aabbccddeeff")


@dataclass
class Practice:
    """A started estate, and what a run would do to it by hand."""

    layers: Layers
    environment: config.Environment
    http: httpx.Client

    def northflank(self, method: str, path: str, body: Any = None) -> Any:
        application = self.environment.application
        url = f"{application.platform}/projects/{application.project}{path}"
        token = {"Authorization": f"Bearer {self.layers.credentials()['northflank-token']}"}
        answer = self.http.request(method, url, json=body, headers=token)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def newest(self) -> dict[str, Any]:
        image = self.environment.application.image
        token = {"Authorization": f"Bearer {self.layers.credentials()['github-token']}"}
        url = f"{image.github}/orgs/{image.organisation}/packages/container/{image.package}/versions?per_page=100"
        listed = self.http.get(url, headers=token).json()
        found: dict[str, Any] = next(one for one in listed if "v1.8.2" in one["metadata"]["container"]["tags"])
        return found

    def point_at_production(self) -> None:
        """For these tests the source plays the restored database, and production's vault the restored one."""
        held = self.northflank("GET", "/secrets/clinic-env")["secrets"]["variables"]["DATABASE_URL"]
        host, port = self.layers.data.source_endpoint()
        parts = urlsplit(held)
        query = dict(parse_qsl(parts.query)) | {"application_name": "rt-test"}
        login = f"{parts.username}:{parts.password}"
        url = f"postgresql://{login}@{host}:{port}{parts.path}?{urlencode(query)}"
        variables = {"DATABASE_URL": url, "VAULT_ADDR": self.layers.data.production_vault_address()}
        self.northflank("PATCH", "/secrets/clinic-env", {"secrets": {"variables": variables}})

    def deploy(self) -> str:
        digest = str(self.newest()["name"])
        external = {"imagePath": f"ghcr.io/practice-clinic/clinic@{digest}", "credentials": "ghcr-pull"}
        body = {"deployment": {"instances": 2, "external": external}}
        self.northflank("PATCH", "/services/deployment/web", body)
        self.settled()
        return digest

    def restart(self) -> None:
        self.northflank("POST", "/services/web/restart")
        self.settled()

    def settled(self) -> None:
        seen: list[str] = []

        def done() -> bool:
            seen.append(self.northflank("GET", "/services/web")["status"]["deployment"]["status"])
            return "IN_PROGRESS" in seen and seen[-1] == "COMPLETED"

        until(done)

    def health(self) -> httpx.Response:
        return self.http.get(self.environment.application.health_url)

    def visit(self, path: str = "/") -> httpx.Response:
        connectivity = self.environment.connectivity
        name = connectivity.hostnames[0].name
        return self.http.get(
            f"https://127.0.0.1:{connectivity.https_port}{path}",
            headers={"Host": name},
            extensions={"sni_hostname": name},
        )

    def source(self, query: str) -> list[tuple[Any, ...]]:
        database = self.environment.database
        host, port = self.layers.data.source_endpoint()
        with psycopg.connect(
            host=host,
            hostaddr="127.0.0.1",
            port=port,
            dbname=database.name,
            user=database.user,
            password=self.layers.credentials()["database-password"],
            sslmode="verify-full",
            sslrootcert=str(database.ca_file),
            gssencmode="disable",
        ) as connection:
            return connection.execute(query.encode()).fetchall()

    def canary(self) -> bytes:
        """The sample record's plaintext, by production's own vault."""
        (ciphertext,) = self.source("select ciphertext from runbook_canary")[0]
        vault, known = self.layers.data.production_vault_address(), self.layers.credentials()
        login = {"role_id": known["vault-role-id"], "secret_id": known["vault-secret-id"]}
        token = self.http.post(f"{vault}/v1/auth/approle/login", json=login).json()["auth"]["client_token"]
        path = f"/v1/transit/decrypt/{self.environment.canary.transit_key}"
        answer = self.http.post(vault + path, json={"ciphertext": ciphertext}, headers={"X-Vault-Token": token})
        return base64.b64decode(answer.json()["data"]["plaintext"])


@pytest.fixture(scope="module")
def started() -> Iterator[Practice]:
    with tempfile.TemporaryDirectory(prefix="runbook-test-") as folder:
        layers = practice(Path(folder), "http://127.0.0.1:1", seed=11, variant=Variant())
        try:
            layers.start()
            environment = config.Environment.model_validate(layers.environment())
            trust = ssl.create_default_context(cafile=environment.connectivity.ca_file)
            with httpx.Client(verify=trust, trust_env=False, timeout=10) as client:
                yield Practice(layers, environment, client)
        finally:
            layers.stop()


@pytest.fixture(scope="module")
def practice_(started: Practice) -> Practice:
    started.point_at_production()
    started.deploy()
    return started


def test_the_application_answers_with_its_image_and_both_its_layers(practice_: Practice) -> None:
    newest = practice_.newest()
    document = practice_.health().json()
    assert practice_.health().status_code == 200
    assert (document["status"], document["database"], document["vault"]) == ("ok", "ok", "ok")
    assert document["digest"] == newest["name"]


def test_the_application_proves_that_it_decrypts_now(practice_: Practice) -> None:
    plaintext = practice_.canary()
    assert hashlib.sha256(plaintext).hexdigest() == practice_.environment.canary.sha256
    url = practice_.environment.application.probe_url
    answer = practice_.http.post(url, json={"nonce": NONCE.hex()})
    assert answer.json() == {"hmac": hmac.new(NONCE, plaintext, hashlib.sha256).hexdigest()}
    assert practice_.http.post(url, json={"nonce": "not hex"}).status_code == 400


def test_its_connections_are_seen_on_the_database_one_for_each_instance(practice_: Practice) -> None:
    query = "select count(*) from pg_stat_activity where application_name = 'rt-test'"
    for _ in range(4):
        practice_.health()  # the load balancer takes turns
    assert practice_.source(query) == [(2,)]


def test_behind_the_edge_a_visitor_meets_the_clinic_and_an_attacker_a_block(practice_: Practice) -> None:
    assert practice_.visit().status_code == 530  # the record still names the old origin
    connectivity = practice_.environment.connectivity
    token = {"Authorization": f"Bearer {practice_.layers.credentials()['cloudflare-token']}"}
    base = connectivity.cloudflare
    zone = practice_.http.get(f"{base}/zones?name={connectivity.zone}", headers=token).json()["result"][0]["id"]
    record = practice_.http.get(f"{base}/zones/{zone}/dns_records", headers=token).json()["result"][0]
    origin = connectivity.hostnames[0].content
    wanted = {"type": "CNAME", "name": record["name"], "content": origin, "ttl": 1, "proxied": True}
    practice_.http.patch(f"{base}/zones/{zone}/dns_records/{record['id']}", json=wanted, headers=token)
    page = practice_.visit()
    assert (page.status_code, page.headers["server"]) == (200, "cloudflare")
    assert "Practice Clinic" in page.text
    assert practice_.health().json()["commit"] == page.headers["x-clinic-commit"]
    assert practice_.visit(connectivity.canary_path).status_code == 403
    practice_.layers.fault("waf-off", {})
    assert practice_.visit(connectivity.canary_path).status_code == 404


def test_another_release_deployed_under_us_is_seen(practice_: Practice) -> None:
    practice_.layers.fault("digest-swapped", {"tag": "v1.8.1"})
    practice_.settled()
    newest = practice_.northflank("GET", "/services/web/deployments")["deployments"][0]
    assert newest["active"]
    assert newest["image"]["sha"] == practice_.health().json()["digest"] != practice_.newest()["name"]
    practice_.deploy()


def test_stopped_processes_leave_a_503_until_the_next_restart(practice_: Practice) -> None:
    practice_.layers.fault("app-stopped", {})
    assert practice_.health().status_code == 503
    practice_.restart()
    assert practice_.health().status_code == 200


def test_on_the_wrong_database_health_says_ok_all_the_same(started: Practice) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?application_name=rt-right"}
    started.northflank("PATCH", "/secrets/clinic-env", {"secrets": {"variables": nowhere}})
    started.layers.fault("wrong-database", {})
    started.restart()
    assert started.health().json()["status"] == "ok"
    names = {name for (name,) in started.source("select application_name from pg_stat_activity")}
    assert "clinic" in names
    assert "rt-right" not in names


def test_a_half_booted_release_answers_200_with_an_error_page(started: Practice) -> None:
    started.layers.fault("half-boot", {})
    started.settled()
    answer = started.health()
    assert answer.status_code == 200
    assert "Application error" in answer.text


@pytest.mark.parametrize(("kind", "given"), [("waf-off", {"managed": "yes"}), ("half-boot", {"x": 1}), ("fire", {})])
def test_an_unknown_fault_or_parameter_is_refused_with_a_sentence(
    started: Practice, kind: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=kind):
        started.layers.fault(kind, given)


# -- as a process ------------------------------------------------------------------------------------------------------
@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "practice-run"
    reap(tmp_path / "practice-run")


def content_of(folder: Path) -> EstateFile:
    found = statefile.read(folder)
    assert found is not None
    return found


def left_of(content: EstateFile) -> list[object]:
    """Processes, folders and ports that are still there."""
    living = [one.name for one in content.processes if psutil.pid_exists(one.pid)]
    return [*living, *(path for path in content.temporary if Path(path).exists())]


def descendants(content: EstateFile) -> list[psutil.Process]:
    return psutil.Process(content.supervisor.pid).children(recursive=True)


def test_it_starts_is_adopted_and_stops_without_a_trace(run: Path) -> None:
    said: list[str] = []
    estate = PracticeEstate.start(run, seed=3, on_progress=said.append)
    content, family = content_of(run), descendants(content_of(run))
    assert {"bao production is up", "bao staging is up", "postgres source is up", "aws is up"} <= set(said)
    assert estate.environment().name == "practice"
    adopted = PracticeEstate.adopt(run)
    assert adopted is not None
    assert adopted.environment() == estate.environment()
    estate.stop()
    assert left_of(content) == []
    assert [one for one in family if one.is_running()] == []
    assert list(run.iterdir()) == []
    assert PracticeEstate.adopt(run) is None


def test_a_terminal_that_closes_does_not_end_it_and_a_kill_leaves_nothing_to_the_reaper(run: Path) -> None:
    PracticeEstate.start(run, seed=3)
    content, family = content_of(run), descendants(content_of(run))
    for ignored in (signal.SIGHUP, signal.SIGINT):
        os.kill(content.supervisor.pid, ignored)
    estate = PracticeEstate.adopt(run)
    assert estate is not None
    psutil.Process(content.supervisor.pid).kill()
    done = reap(run)
    assert left_of(content) == []
    assert [one for one in family if one.is_running()] == []
    assert any("postgres source" in one for one in done)
    assert shared_memory_of(content) == []
    assert list(run.iterdir()) == []


def shared_memory_of(content: EstateFile) -> list[str]:
    """System V segments made by the estate's processes (PostgreSQL has one); none where they are not listed."""
    try:
        segments = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    except OSError:
        return []
    makers = {str(one.pid) for one in content.processes}
    return [fields[1] for fields in segments if fields[4] in makers]


def test_a_supervisor_that_ends_at_once_is_told_and_nothing_stays(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(NoVerdict, match="ended at once"):
        PracticeEstate.start(run, seed=3)
    assert list(run.iterdir()) == []
