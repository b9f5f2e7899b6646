"""The platform's simulator: documents by its contract, refusals as probed, a status that lags, real processes."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from runbook.training.servers.images import Catalogue
from runbook.training.servers.platform import Platform
from tests.training.conftest import Asker
from tests.training.until import until

PROJECT = "/v1/projects/clinic-staging"
WEB = PROJECT + "/services/web"
DEPLOY = PROJECT + "/services/deployment/web"


def deployment(digest: str, instances: int = 1) -> dict[str, Any]:
    image = f"ghcr.io/practice-clinic/clinic@{digest}"
    return {"deployment": {"instances": instances, "external": {"imagePath": image, "credentials": "ghcr-pull"}}}


def status(ask: Asker) -> dict[str, str]:
    answer: dict[str, str] = ask("GET", WEB).get_json()["data"]["status"]["deployment"]
    return answer


def health(platform: Platform) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", platform.workload.balancer.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/auth",
        "/v1/projects",
        PROJECT,
        PROJECT + "/services",
        WEB,
        PROJECT + "/services/vault",
        WEB + "/deployments",
        WEB + "/containers",
        PROJECT + "/secrets",
        PROJECT + "/secrets/clinic-env",
        "/v1/integrations/registries",
    ],
)
def test_every_read_fits_the_contract_and_says_its_rate_limit(northflank: Asker, path: str) -> None:
    answer = northflank("GET", path)
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-limit"] == "1000"
    assert int(answer.headers["x-ratelimit-reset"]) <= 3600


def test_a_missing_and_a_wrong_token_are_refused_alike(northflank: Asker) -> None:
    missing, wrong = (northflank("GET", "/v1/auth", token=token) for token in (None, "other"))
    assert missing.get_json() == wrong.get_json() == {"error": {"status": 401, "message": "Unauthorized"}}


def test_an_unknown_route_is_told_before_the_token_is_looked_at(northflank: Asker) -> None:
    answer = northflank("GET", PROJECT + "/nothing", token=None, judged=False)
    assert answer.status_code == 404
    assert "does not exist" in answer.get_json()["error"]["message"]


def test_a_wrong_method_is_answered_as_plain_text(northflank: Asker) -> None:
    answer = northflank("DELETE", "/v1/auth")
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_deployment_without_instances_is_refused(northflank: Asker, platform: Platform) -> None:
    answer = northflank("PATCH", DEPLOY, json={"deployment": {"external": {"imagePath": "ghcr.io/a/b:c"}}})
    assert answer.status_code == 400
    assert '"deployment.instances" is required' in answer.get_json()["error"]["details"]["object"][0]
    assert platform.workload.containers == []


@pytest.mark.parametrize("image", ["clinic", "ghcr.io/a/b", "ghcr.io/a/b:c@sha256:" + "0" * 64])
def test_an_image_that_is_neither_tag_nor_digest_is_refused(northflank: Asker, image: str) -> None:
    body = {"deployment": {"instances": 1, "external": {"imagePath": image}}}
    assert northflank("PATCH", DEPLOY, json=body).status_code == 400


def test_before_the_first_deploy_nothing_runs(northflank: Asker, platform: Platform) -> None:
    assert northflank("GET", WEB + "/containers").get_json()["data"]["containers"] == []
    assert health(platform) == (503, "no healthy upstream\n")


def test_a_deploy_runs_the_image_and_the_status_lags_behind(
    northflank: Asker, platform: Platform, catalogue: Catalogue
) -> None:
    release = catalogue.released("v1.8.2")
    before = status(northflank)
    northflank("PATCH", DEPLOY, json=deployment(release.digest))
    newest = northflank("GET", WEB + "/deployments").get_json()["data"]["deployments"][0]
    assert (newest["name"], newest["active"]) == (None, False)
    until(lambda: platform.workload.running)
    until(lambda: northflank("GET", WEB + "/deployments").get_json()["data"]["deployments"][0]["active"])
    told = [status(northflank) for _ in range(4)]
    assert told[0] == told[1] == before
    assert [one["status"] for one in told] == ["COMPLETED", "COMPLETED", "IN_PROGRESS", "COMPLETED"]
    assert told[3]["lastTransitionTime"] > before["lastTransitionTime"]
    code, document = health(platform)
    assert code == 503  # its database does not exist
    assert (json.loads(document)["digest"], json.loads(document)["commit"]) == (release.digest, release.commit)


def test_the_same_deploy_again_does_not_roll_and_a_restart_does(
    northflank: Asker, platform: Platform, catalogue: Catalogue
) -> None:
    body = deployment(catalogue.released("v1.8.2").digest)
    northflank("PATCH", DEPLOY, json=body)
    until(lambda: platform.workload.running)
    first = platform.workload.running[0].child.pid
    northflank("PATCH", DEPLOY, json=body)
    assert platform.workload.running[0].child.pid == first
    northflank("POST", WEB + "/restart")
    until(lambda: platform.workload.running)
    assert platform.workload.running[0].child.pid != first


def test_variables_are_merged_into_the_group(northflank: Asker) -> None:
    path = PROJECT + "/secrets/clinic-env"
    northflank("PATCH", path, json={"secrets": {"variables": {"DATABASE_URL": "postgresql://restored"}}})
    held = northflank("GET", path + "?show=this").get_json()["data"]["secrets"]["variables"]
    assert held["DATABASE_URL"] == "postgresql://restored"
    assert held["VAULT_ADDR"] == "https://127.0.0.1:1"


def test_restarting_the_vault_service_restarts_the_vault(northflank: Asker, restarts: list[str]) -> None:
    northflank("POST", PROJECT + "/services/vault/restart")
    until(lambda: restarts == ["vault"])


def test_stopping_leaves_no_process(northflank: Asker, platform: Platform, catalogue: Catalogue) -> None:
    northflank("PATCH", DEPLOY, json=deployment(catalogue.released("v1.8.2").digest, 2))
    children = platform.workload.children()
    assert len(children) == 2
    platform.stop()
    assert [child for child in children if child.alive] == []
    northflank("POST", WEB + "/restart")
    assert platform.workload.children() == []
