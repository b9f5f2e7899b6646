"""What the platform's simulator runs: real processes of the sample application, with the variables of their service."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from runbook.training.servers.images import Catalogue
from runbook.training.servers.platform import Platform
from tests.training.conftest import Asker
from tests.training.test_northflank import SERVICES, deployment
from tests.training.until import until

SWITCHES = {"web": ("clinic-env", "OUTBOUND_MAIL"), "worker": ("worker-env", "OUTBOUND_JOBS")}


def asked(
    platform: Platform, path: str, *, service: str = "web", method: str = "GET", body: Any = None
) -> tuple[int, str]:
    """Status and text of the service's load balancer."""
    connection = http.client.HTTPConnection("127.0.0.1", platform.workloads[service].balancer.port, timeout=5)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def deployed(ask: Asker, catalogue: Catalogue, service: str, instances: int = 1) -> str:
    """Deploy the newest release, and wait until it is the active one; answers its digest."""
    release = catalogue.released("v1.8.2")
    ask("PATCH", f"{SERVICES}/deployment/{service}", json=deployment(release.digest, instances))
    until(lambda: ask("GET", f"{SERVICES}/{service}/deployments").get_json()["data"]["deployments"][0]["active"])
    return release.digest


def test_before_the_first_deploy_nothing_runs(northflank: Asker, platform: Platform) -> None:
    assert northflank("GET", SERVICES + "/web/containers").get_json()["data"]["containers"] == []
    assert asked(platform, "/healthz") == (503, "no healthy upstream\n")


def test_a_deploy_runs_the_image_and_says_what_it_cannot_reach(
    northflank: Asker, platform: Platform, catalogue: Catalogue
) -> None:
    digest = deployed(northflank, catalogue, "web")
    code, text = asked(platform, "/healthz")
    document = json.loads(text)
    assert code == 503  # neither its database nor its vault exists
    assert (document["digest"], document["commit"]) == (digest, catalogue.released("v1.8.2").commit)
    assert document["database"] == "error: the database refused: OperationalError"
    assert document["vault"] == "error: the vault cannot be reached: ConnectionRefusedError"
    assert asked(platform, "/appointments")[0] == 503
    code, text = asked(platform, "/__runbook/probe", method="POST", body={"nonce": "00"})
    assert (code, json.loads(text)) == (503, {"error": "the database refused: OperationalError"})


def test_the_worker_has_health_and_neither_pages_nor_a_probe(
    northflank: Asker, platform: Platform, catalogue: Catalogue
) -> None:
    digest = deployed(northflank, catalogue, "worker")
    assert json.loads(asked(platform, "/healthz", service="worker")[1])["digest"] == digest
    assert asked(platform, "/", service="worker")[0] == 404
    assert asked(platform, "/__runbook/probe", service="worker", method="POST", body={"nonce": "00"})[0] == 404
    assert asked(platform, "/healthz") == (503, "no healthy upstream\n")  # the other service


@pytest.mark.parametrize("service", SWITCHES)
def test_health_says_whether_the_service_acts_on_others_by_its_own_group(
    northflank: Asker, platform: Platform, catalogue: Catalogue, service: str
) -> None:
    group, variable = SWITCHES[service]
    deployed(northflank, catalogue, service)
    assert json.loads(asked(platform, "/healthz", service=service)[1])["outbound"] == "on"
    path = f"/v1/projects/clinic-staging/secrets/{group}"
    northflank("PATCH", path, json={"secrets": {"variables": {variable: "off"}}})
    assert json.loads(asked(platform, "/healthz", service=service)[1])["outbound"] == "on"  # until it starts anew
    northflank("POST", f"{SERVICES}/{service}/restart")
    until(lambda: platform.workloads[service].running)
    assert json.loads(asked(platform, "/healthz", service=service)[1])["outbound"] == "off"


def test_the_same_deploy_again_does_not_roll_and_a_restart_does(
    northflank: Asker, platform: Platform, catalogue: Catalogue
) -> None:
    deployed(northflank, catalogue, "web")
    first = [child.pid for child in platform.children()]
    deployed(northflank, catalogue, "web")
    assert [child.pid for child in platform.children()] == first
    northflank("POST", SERVICES + "/web/restart")
    assert [child.pid for child in platform.children()] != first


def test_a_half_booted_release_answers_200_with_an_error_page(
    northflank: Asker, platform: Platform, catalogue: Catalogue
) -> None:
    platform.hosted["web"].override({"HALF_BOOT": "1"})
    assert platform.children() == []  # it waits for the deployment
    deployed(northflank, catalogue, "web")
    for path in ("/healthz", "/", "/appointments"):
        code, text = asked(platform, path)
        assert code == 200
        assert "Application error" in text


def test_stopping_leaves_no_process(northflank: Asker, platform: Platform, catalogue: Catalogue) -> None:
    body = deployment(catalogue.released("v1.8.2").digest, 2)
    for service in ("web", "worker"):
        northflank("PATCH", f"{SERVICES}/deployment/{service}", json=body)
    children = platform.children()
    assert len(children) == 4
    platform.stop()
    assert [child for child in children if child.alive] == []
    northflank("POST", SERVICES + "/web/restart")
    assert platform.children() == []
