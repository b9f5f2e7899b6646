"""The outer layers on the real data layers: the application deployed, proven, broken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import psycopg
import pytest

from runbook import config
from runbook.training.layers import Layers, practice
from runbook.training.variant import Variant
from tests.training.until import until

pytestmark = pytest.mark.estate

NONCE = bytes.fromhex("00112233445566778899aabbccddeeff")
INSTANCES = {"web": 2, "worker": 1}


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
        application = self.environment.application
        image = application.images[0]
        token = {"Authorization": f"Bearer {self.layers.credentials()['github-token']}"}
        url = f"{application.github}/orgs/{image.organisation}/packages/container/{image.package}/versions?per_page=100"
        listed = self.http.get(url, headers=token).json()
        found: dict[str, Any] = next(one for one in listed if "v1.8.2" in one["metadata"]["container"]["tags"])
        return found

    def point_at_production(self) -> None:
        """For these tests the source plays the restored database, and production's vault the restored one."""
        self.point_at(self.layers.data.source_endpoint())

    def point_at(self, endpoint: tuple[str, int]) -> None:
        """Both services, each under a name of its own, with every switch off."""
        host, port = endpoint
        for group, name in {"clinic-env": "rt-test", "worker-env": "rt-test/worker"}.items():
            held = self.northflank("GET", f"/secrets/{group}")["secrets"]["variables"]
            parts = urlsplit(held["DATABASE_URL"])
            query = dict(parse_qsl(parts.query)) | {"application_name": name}
            login = f"{parts.username}:{parts.password}"
            variables = {
                "DATABASE_URL": f"postgresql://{login}@{host}:{port}{parts.path}?{urlencode(query)}",
                "VAULT_ADDR": self.layers.data.production_vault_address(),
                **{name: "off" for name in held if name.startswith("OUTBOUND_")},
            }
            self.northflank("PATCH", f"/secrets/{group}", {"secrets": {"variables": variables}})

    def deploy(self, *services: str) -> str:
        """The newest release; answers its digest."""
        digest = str(self.newest()["name"])
        external = {"imagePath": f"ghcr.io/practice-clinic/clinic@{digest}", "credentials": "ghcr-pull"}
        for service in services:
            body = {"deployment": {"instances": INSTANCES[service], "external": external}}
            self.northflank("PATCH", f"/services/deployment/{service}", body)
        self.settled(*services)
        return digest

    def restart(self, *services: str) -> None:
        for service in services:
            self.northflank("POST", f"/services/{service}/restart")
        self.settled(*services)

    def settled(self, *services: str) -> None:
        for service in services:
            seen: list[str] = []

            def done(service: str = service, seen: list[str] = seen) -> bool:
                seen.append(self.northflank("GET", f"/services/{service}")["status"]["deployment"]["status"])
                return "IN_PROGRESS" in seen and seen[-1] == "COMPLETED"

            until(done)

    def health(self, service: str = "web") -> httpx.Response:
        found = next(one.health for one in self.environment.application.services if one.name == service)
        assert found is not None
        return self.http.get(found.url)

    def probe(self, nonce: str = NONCE.hex()) -> httpx.Response:
        url = self.environment.application.services[0].probe_url
        assert url is not None
        return self.http.post(url, json={"nonce": nonce})

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
    started.deploy(*INSTANCES)
    return started


def test_each_service_answers_with_its_image_and_both_its_layers(practice_: Practice) -> None:
    newest = practice_.newest()
    for service in INSTANCES:
        answer = practice_.health(service)
        document = answer.json()
        assert answer.status_code == 200
        assert (document["status"], document["database"], document["vault"]) == ("ok", "ok", "ok")
        assert document["digest"] == newest["name"]
        assert document["outbound"] == "off"


def test_the_application_proves_that_it_decrypts_now(practice_: Practice) -> None:
    plaintext = practice_.canary()
    assert hashlib.sha256(plaintext).hexdigest() == practice_.environment.canary.sha256
    assert practice_.probe().json() == {"hmac": hmac.new(NONCE, plaintext, hashlib.sha256).hexdigest()}
    assert practice_.probe("not hex").status_code == 400


def test_the_page_that_is_probed_says_what_the_configuration_looks_for(practice_: Practice) -> None:
    (probe,) = practice_.environment.application.probes
    answer = practice_.http.get(probe.url)
    assert answer.status_code == probe.status
    assert probe.contains in answer.text


def test_its_connections_are_seen_on_the_database_one_for_each_instance(practice_: Practice) -> None:
    query = "select application_name, count(*) from pg_stat_activity where application_name like 'rt-test%' group by 1"
    for _ in range(4):
        practice_.health()  # the load balancer takes turns
    assert dict(practice_.source(query)) == {"rt-test": 2, "rt-test/worker": 1}


def test_the_worker_opens_its_connection_when_it_starts(practice_: Practice) -> None:
    query = "select pid from pg_stat_activity where application_name = 'rt-test/worker'"
    before = practice_.source(query)
    practice_.restart("worker")
    after = practice_.source(query)
    assert len(after) == len(before) == 1
    assert after != before


def test_behind_the_edge_a_visitor_meets_the_clinic_and_an_attacker_a_block(practice_: Practice) -> None:
    assert practice_.visit().status_code == 530  # the record still names the old origin
    connectivity = practice_.environment.connectivity
    token = {"Authorization": f"Bearer {practice_.layers.credentials()['cloudflare-token']}"}
    base = connectivity.cloudflare
    zone = practice_.http.get(f"{base}/zones?name={connectivity.zone}", headers=token).json()["result"][0]["id"]
    name, origin = connectivity.hostnames[0].name, connectivity.hostnames[0].content
    (record,) = practice_.http.get(f"{base}/zones/{zone}/dns_records?name.exact={name}", headers=token).json()["result"]
    wanted = {"type": "CNAME", "name": name, "content": origin, "ttl": 1, "proxied": True}
    practice_.http.patch(f"{base}/zones/{zone}/dns_records/{record['id']}", json=wanted, headers=token)
    page = practice_.visit()
    assert (page.status_code, page.headers["server"]) == (200, "cloudflare")
    assert "Practice Clinic" in page.text
    assert connectivity.marker_header is not None
    assert practice_.health().json()["commit"] == page.headers[connectivity.marker_header]
    assert practice_.visit(connectivity.canary_path).status_code == 403
    practice_.layers.fault("waf-off", {})
    assert practice_.visit(connectivity.canary_path).status_code == 404


def test_another_release_deployed_under_us_is_seen(practice_: Practice) -> None:
    practice_.layers.fault("digest-swapped", {"tag": "v1.8.1"})
    practice_.settled("web")
    newest = practice_.northflank("GET", "/services/web/deployments")["deployments"][0]
    assert newest["active"]
    assert newest["image"]["sha"] == practice_.health().json()["digest"] != practice_.newest()["name"]
    assert practice_.health("worker").json()["digest"] == practice_.newest()["name"]
    practice_.deploy("web")


def test_stopped_processes_leave_a_503_until_the_next_restart(practice_: Practice) -> None:
    practice_.layers.fault("app-stopped", {})
    assert [practice_.health(service).status_code for service in INSTANCES] == [503, 503]
    practice_.restart(*INSTANCES)
    assert [practice_.health(service).status_code for service in INSTANCES] == [200, 200]


@pytest.mark.parametrize(
    ("to", "words"),
    [("newer-version", "the vault refused: .*version"), ("other-key", "the vault refused: .*authentication failed")],
)
def test_a_changed_canary_is_told_by_what_the_vault_says(practice_: Practice, to: str, words: str) -> None:
    practice_.point_at(practice_.layers.data.start_copy_at(f"rt-{to}", datetime.now(UTC) - timedelta(hours=1)))
    practice_.restart("web")
    assert practice_.probe().status_code == 200
    practice_.layers.fault("canary-changed", {"to": to})
    answer = practice_.probe()
    assert answer.status_code == 503
    assert re.search(words, answer.json()["error"]), answer.text
    practice_.layers.data.remove_copy(f"rt-{to}")


def test_on_the_wrong_database_health_says_ok_all_the_same(started: Practice) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?application_name=rt-right"}
    started.northflank("PATCH", "/secrets/clinic-env", {"secrets": {"variables": nowhere}})
    started.layers.fault("wrong-database", {})
    started.restart("web")
    assert started.health().json()["status"] == "ok"
    names = {name for (name,) in started.source("select application_name from pg_stat_activity")}
    assert "clinic" in names
    assert "rt-right" not in names


def test_a_half_booted_release_answers_200_with_an_error_page(started: Practice) -> None:
    started.layers.fault("half-boot", {})
    started.settled("web")
    answer = started.health()
    assert answer.status_code == 200
    assert "Application error" in answer.text


@pytest.mark.parametrize(("kind", "given"), [("waf-off", {"managed": "yes"}), ("half-boot", {"x": 1}), ("fire", {})])
def test_an_unknown_fault_or_parameter_is_refused_with_a_sentence(
    started: Practice, kind: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=kind):
        started.layers.fault(kind, given)
