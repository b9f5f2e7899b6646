"""The platform's simulator: documents by its contract, refusals as probed, a status that lags, lists in pages."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.training.servers.allowance import Allowance
from runbook.training.servers.images import Catalogue
from runbook.training.servers.northflank import Northflank
from runbook.training.servers.platform import Platform
from tests.training.conftest import TOKEN, Asker
from tests.training.until import until

PROJECT = "/v1/projects/clinic-staging"
SERVICES = PROJECT + "/services"
WEB = SERVICES + "/web"
DEPLOY = SERVICES + "/deployment/web"
GROUP = PROJECT + "/secrets/clinic-env"


def deployment(digest: str, instances: int = 1) -> dict[str, Any]:
    image = f"ghcr.io/practice-clinic/clinic@{digest}"
    return {"deployment": {"instances": instances, "external": {"imagePath": image, "credentials": "ghcr-pull"}}}


def status(ask: Asker, service: str = "web") -> dict[str, str]:
    answer: dict[str, str] = ask("GET", f"{SERVICES}/{service}").get_json()["data"]["status"]["deployment"]
    return answer


def held(ask: Asker, group: str = GROUP) -> dict[str, Any]:
    answer: dict[str, Any] = ask("GET", group).get_json()["data"]["secrets"]
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "/v1/auth",
        "/v1/projects",
        PROJECT,
        SERVICES,
        WEB,
        SERVICES + "/worker",
        SERVICES + "/vault",
        WEB + "/deployments",
        SERVICES + "/vault/deployments",
        WEB + "/containers",
        PROJECT + "/secrets",
        GROUP,
        PROJECT + "/secrets/worker-env",
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


@pytest.mark.parametrize("path", [SERVICES + "/other", PROJECT + "/secrets/other", "/v1/projects/other/services"])
def test_what_the_project_does_not_have_is_not_found(northflank: Asker, path: str) -> None:
    assert northflank("GET", path).status_code == 404


# -- the hour's calls -------------------------------------------------------------------------------------------------
def test_after_the_hours_calls_every_call_is_refused_until_the_hour_is_over(platform: Platform) -> None:
    now = [0.0]
    ask = Asker(Northflank(platform, TOKEN, allowance=Allowance(3, clock=lambda: now[0])), "northflank")
    left = [ask("GET", "/v1/auth").headers["x-ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    now[0] = 600.5
    refused = ask("GET", "/v1/auth")
    assert (refused.status_code, refused.get_json()["error"]["status"]) == (429, 429)
    assert (refused.headers["x-ratelimit-remaining"], refused.headers["x-ratelimit-reset"]) == ("0", "3000")
    assert "retry-after" not in refused.headers
    now[0] = 3600.0
    assert ask("GET", "/v1/auth").status_code == 200


def test_a_throttled_platform_refuses_as_many_calls_as_it_was_told(platform_api: Northflank, northflank: Asker) -> None:
    platform_api.allowance.throttle(2, 7)
    told = [northflank("GET", "/v1/auth") for _ in range(3)]
    assert [one.status_code for one in told] == [429, 429, 200]
    assert told[0].headers["x-ratelimit-reset"] == "7"
    assert told[2].headers["x-ratelimit-remaining"] == "999"


# -- lists ------------------------------------------------------------------------------------------------------------
def test_a_list_comes_in_pages_by_number_and_by_cursor(northflank: Asker) -> None:
    first = northflank("GET", SERVICES + "?per_page=2").get_json()
    assert first["pagination"]["hasNextPage"]
    by_cursor = northflank("GET", f"{SERVICES}?per_page=2&cursor={first['pagination']['cursor']}").get_json()
    assert by_cursor == northflank("GET", SERVICES + "?per_page=2&page=2").get_json()
    names = [one["id"] for part in (first, by_cursor) for one in part["data"]["services"]]
    assert names == ["web", "worker", "vault"]
    assert by_cursor["pagination"] == {"hasNextPage": False, "count": 1}


@pytest.mark.parametrize("query", ["per_page=0", "per_page=101", "page=0", "cursor=x"])
def test_a_page_that_cannot_be_is_refused(northflank: Asker, query: str) -> None:
    assert northflank("GET", f"{SERVICES}?{query}").status_code == 400


# -- the service object -----------------------------------------------------------------------------------------------
def test_the_older_shape_says_what_the_newer_one_dropped(platform_api: Northflank, northflank: Asker) -> None:
    newer = northflank("GET", WEB).get_json()["data"]
    platform_api.old_shape = True
    older = northflank("GET", WEB, judged=False).get_json()["data"]
    assert {"uid", "updatedAt", "healthChecks"} <= newer.keys() - older.keys()
    assert older.keys() - newer.keys() == {"servicePaused", "projectId"}
    assert older["deployment"]["region"]
    northflank("POST", WEB + "/pause")
    assert northflank("GET", WEB, judged=False).get_json()["data"]["servicePaused"] is True


def test_a_services_own_variables_are_shown_in_either_shape(
    platform: Platform, platform_api: Northflank, northflank: Asker
) -> None:
    platform.hosted["web"].override({"DATABASE_URL": "postgresql://elsewhere"})
    for old in (False, True):
        platform_api.old_shape = old
        shown = northflank("GET", WEB, judged=not old).get_json()["data"]
        assert shown["runtimeEnvironment"] == {"DATABASE_URL": "postgresql://elsewhere"}
    platform_api.old_shape = False
    assert northflank("GET", SERVICES + "/worker").get_json()["data"]["runtimeEnvironment"] == {"ROLE": "worker"}


def test_a_paused_service_has_no_instances_and_only_it_can_be_resumed(northflank: Asker) -> None:
    assert northflank("POST", WEB + "/resume", json={"instances": 1}).status_code == 409
    northflank("POST", WEB + "/pause")
    assert northflank("GET", WEB).get_json()["data"]["deployment"]["instances"] == 0
    assert northflank("POST", WEB + "/resume", json={"instances": "two"}, judged=False).status_code == 400
    assert northflank("POST", WEB + "/resume", json={"instances": 1}).status_code == 200
    assert northflank("GET", WEB).get_json()["data"]["deployment"]["instances"] == 1


# -- deployments ------------------------------------------------------------------------------------------------------
def test_a_deployment_without_instances_is_refused(northflank: Asker, platform: Platform) -> None:
    answer = northflank("PATCH", DEPLOY, json={"deployment": {"external": {"imagePath": "ghcr.io/a/b:c"}}})
    assert answer.status_code == 400
    assert '"deployment.instances" is required' in answer.get_json()["error"]["details"]["object"][0]
    assert platform.children() == []


@pytest.mark.parametrize("image", ["clinic", "ghcr.io/a/b", "ghcr.io/a/b:c@sha256:" + "0" * 64])
def test_an_image_that_is_neither_tag_nor_digest_is_refused(northflank: Asker, image: str) -> None:
    body = {"deployment": {"instances": 1, "external": {"imagePath": image}}}
    assert northflank("PATCH", DEPLOY, json=body).status_code == 400


@pytest.mark.parametrize(
    "image", ["ghcr.io/practice-clinic/clinic@sha256:" + "0" * 64, "ghcr.io/practice-clinic/clinic:v9", "ghcr.io/a/b:c"]
)
def test_an_image_that_the_registry_does_not_have_is_refused(northflank: Asker, platform: Platform, image: str) -> None:
    answer = northflank("PATCH", DEPLOY, json={"deployment": {"instances": 1, "external": {"imagePath": image}}})
    assert (answer.status_code, answer.get_json()["error"]["message"]) == (400, "Unable to verify external image")
    assert platform.children() == []


def test_the_status_lags_behind_a_deploy_for_whoever_reads_it(northflank: Asker, catalogue: Catalogue) -> None:
    release = catalogue.released("v1.8.2")
    before = status(northflank)
    answer = northflank("PATCH", DEPLOY, json=deployment(release.digest))
    assert answer.get_json()["data"]["status"]["deployment"]["status"] == "IN_PROGRESS"
    newest = northflank("GET", WEB + "/deployments").get_json()["data"]["deployments"][0]
    assert (newest["name"], newest["active"]) == (None, False)
    until(lambda: northflank("GET", WEB + "/deployments").get_json()["data"]["deployments"][0]["active"])
    in_list = northflank("GET", SERVICES).get_json()["data"]["services"][0]["status"]["deployment"]
    told = [in_list, *(status(northflank) for _ in range(3))]
    assert told[0] == told[1] == before
    assert [one["status"] for one in told] == ["COMPLETED", "COMPLETED", "IN_PROGRESS", "COMPLETED"]
    assert told[3]["lastTransitionTime"] > before["lastTransitionTime"]


def test_one_services_deploy_changes_nothing_about_the_other(northflank: Asker, catalogue: Catalogue) -> None:
    before = northflank("GET", SERVICES + "/worker").get_json()
    northflank("PATCH", DEPLOY, json=deployment(catalogue.released("v1.8.2").digest))
    assert northflank("GET", SERVICES + "/worker").get_json() == before
    assert northflank("GET", SERVICES + "/worker/containers").get_json()["data"]["containers"] == []


def test_a_tag_is_deployed_as_what_it_names_now(northflank: Asker, catalogue: Catalogue) -> None:
    catalogue.move("v1.8.2")
    body = {"deployment": {"instances": 1, "external": {"imagePath": "ghcr.io/practice-clinic/clinic:v1.8.2"}}}
    northflank("PATCH", DEPLOY, json=body)
    newest = northflank("GET", WEB + "/deployments").get_json()["data"]["deployments"][0]
    assert newest["image"]["tag"] == "v1.8.2"
    assert newest["image"]["sha"] != catalogue.released("v1.8.2").digest


def test_the_vault_is_restarted_by_its_layer_and_never_deployed(northflank: Asker, restarts: list[str]) -> None:
    northflank("POST", SERVICES + "/vault/restart")
    until(lambda: restarts == ["vault"])
    until(lambda: status(northflank, "vault")["status"] == "IN_PROGRESS")
    until(lambda: status(northflank, "vault")["status"] == "COMPLETED")
    body = deployment("sha256:" + "0" * 64)
    assert northflank("PATCH", SERVICES + "/deployment/vault", json=body, judged=False).status_code == 409


# -- secret groups ----------------------------------------------------------------------------------------------------
def test_variables_are_merged_into_the_group_and_its_files_stay(northflank: Asker) -> None:
    northflank("PATCH", GROUP, json={"secrets": {"variables": {"DATABASE_URL": "postgresql://restored"}}})
    now = held(northflank)
    assert now["variables"]["DATABASE_URL"] == "postgresql://restored"
    assert now["variables"]["VAULT_ADDR"] == "https://127.0.0.1:1"
    assert list(now["files"]) == ["/etc/letterhead.txt"]


def test_a_platform_that_replaces_forgets_what_was_not_sent(platform_api: Northflank, northflank: Asker) -> None:
    platform_api.replaces = True
    northflank("PATCH", GROUP, json={"secrets": {"variables": {"A": "1"}}})
    assert held(northflank) == {"variables": {"A": "1"}, "files": {}}
    northflank("PATCH", GROUP, json={"secrets": {"variables": {"B": "2"}, "files": {"/f": {"data": ""}}}})
    assert held(northflank) == {"variables": {"B": "2"}, "files": {"/f": {"data": ""}}}


def test_one_group_is_not_the_other(northflank: Asker) -> None:
    before = held(northflank)
    northflank("PATCH", PROJECT + "/secrets/worker-env", json={"secrets": {"variables": {"OUTBOUND_JOBS": "off"}}})
    assert held(northflank, PROJECT + "/secrets/worker-env")["variables"]["OUTBOUND_JOBS"] == "off"
    assert held(northflank) == before


@pytest.mark.parametrize(
    "body", [{}, {"data": {"A": "1"}}, {"secrets": {"variables": {"A": 1}}}, {"secrets": {"files": {"/f": "text"}}}]
)
def test_a_group_takes_strings_and_files_only(northflank: Asker, body: dict[str, Any]) -> None:
    before = held(northflank)
    assert northflank("PATCH", GROUP, json=body, judged=False).status_code == 400
    assert held(northflank) == before
