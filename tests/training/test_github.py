"""GitHub's simulator: documents by contract, pages, a history with a merge, limits, attestations."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from runbook.training.servers.allowance import Allowance
from runbook.training.servers.github import GitHub
from runbook.training.servers.images import Catalogue
from tests.training.conftest import NOW, TOKEN, Asker

REPOSITORY = "/repos/practice-clinic/clinic"
VERSIONS = "/orgs/practice-clinic/packages/container/clinic/versions"


@pytest.mark.parametrize(
    "path",
    [
        "/user",
        REPOSITORY,
        REPOSITORY + "/branches/main",
        REPOSITORY + "/commits/main",
        REPOSITORY + "/commits/main/check-runs",
        REPOSITORY + "/commits/main/status",
        REPOSITORY + "/attestations/sha256:00",
        VERSIONS,
    ],
)
def test_every_read_fits_the_contract_and_says_its_rate_limit(github: Asker, path: str) -> None:
    answer = github("GET", path)
    assert answer.status_code == 200
    assert int(answer.headers["x-ratelimit-reset"]) > 1_700_000_000  # an epoch second, unlike the platform's


def test_the_user_shows_the_tokens_scopes(github: Asker) -> None:
    assert "read:packages" in github("GET", "/user").headers["X-OAuth-Scopes"]


def test_a_wrong_token_and_a_strange_repository_are_refused_in_flat_bodies(github: Asker) -> None:
    wrong = github("GET", "/user", token="other")
    document = wrong.get_json()
    assert (wrong.status_code, document["message"], document["status"]) == (401, "Bad credentials", "401")
    assert github("GET", "/repos/practice-clinic/other").get_json()["message"] == "Not Found"


def test_versions_come_in_pages_whose_links_lead_to_all_of_them(github: Asker, catalogue: Catalogue) -> None:
    first = github("GET", VERSIONS + "?per_page=10")
    assert 'rel="next"' in first.headers["Link"]
    names = []
    for page in range(1, 9):
        part = github("GET", f"{VERSIONS}?per_page=10&page={page}")
        names += [one["name"] for one in part.get_json()]
        if 'rel="next"' not in part.headers["Link"]:
            break
    assert names == [one.digest for one in catalogue.versions()]
    assert "Link" not in github("GET", VERSIONS + "?per_page=100").headers


def test_most_versions_are_untagged_parts(github: Asker) -> None:
    tags = [one["metadata"]["container"]["tags"] for one in github("GET", VERSIONS + "?per_page=100").get_json()]
    assert sum(not one for one in tags) == 3 * sum(bool(one) for one in tags)


def ancestors(github: Asker, *, first_parents_only: bool) -> set[str]:
    """Of the protected branch's head, itself included."""
    found: set[str] = set()
    left = [str(github("GET", REPOSITORY + "/branches/main").get_json()["commit"]["sha"])]
    while left:
        sha = left.pop()
        if sha not in found:
            found.add(sha)
            parents = [one["sha"] for one in github("GET", f"{REPOSITORY}/commits/{sha}").get_json()["parents"]]
            left += parents[:1] if first_parents_only else parents
    return found


def test_the_newest_release_came_to_the_branch_by_a_merge(github: Asker, catalogue: Catalogue) -> None:
    newest, older = (catalogue.released(tag).commit for tag in ("v1.8.2", "v1.8.1"))
    straight, every = (ancestors(github, first_parents_only=only) for only in (True, False))
    assert newest in every - straight
    assert older in straight
    assert catalogue.released("v1.9.0-rc.1").commit not in every


def test_a_branch_that_lost_its_protection_says_so(github: Asker, catalogue: Catalogue) -> None:
    assert github("GET", REPOSITORY + "/branches/main").get_json()["protected"] is True
    catalogue.protected = False
    assert github("GET", REPOSITORY + "/branches/main").get_json()["protected"] is False
    assert github("GET", REPOSITORY + "/branches/other").status_code == 404


def newest(github: Asker, catalogue: Catalogue, rest: str = "") -> Any:
    """What GitHub says of the newest release's commit."""
    return github("GET", f"{REPOSITORY}/commits/{catalogue.released('v1.8.2').commit}{rest}").get_json()


def test_faults_of_a_release_are_seen(github: Asker, catalogue: Catalogue) -> None:
    assert newest(github, catalogue)["commit"]["verification"]["verified"]
    catalogue.unsign("v1.8.2")
    catalogue.fail_checks("v1.8.2")
    verification = newest(github, catalogue)["commit"]["verification"]
    assert (verification["verified"], verification["reason"]) == (False, "unsigned")
    runs = newest(github, catalogue, "/check-runs")["check_runs"]
    assert {one["conclusion"] for one in runs} == {"failure"}


def test_each_check_run_has_a_conclusion_of_its_own_or_still_runs(github: Asker, catalogue: Catalogue) -> None:
    catalogue.check("v1.8.2", build="neutral", test=None, lint="timed_out")
    runs = newest(github, catalogue, "/check-runs")["check_runs"]
    assert [(one["name"], one["status"], one["conclusion"]) for one in runs] == [
        ("build", "completed", "neutral"),
        ("test", "in_progress", None),
        ("lint", "completed", "timed_out"),
    ]


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ({}, "pending"),
        ({"ci": "success", "scan": "success"}, "success"),
        ({"ci": "success", "scan": "pending"}, "pending"),
        ({"ci": "pending", "scan": "error"}, "failure"),
    ],
)
def test_commit_statuses_are_combined_to_the_worst_of_them(
    github: Asker, catalogue: Catalogue, states: dict[str, str], together: str
) -> None:
    catalogue.report("v1.8.2", **states)
    said = newest(github, catalogue, "/status")
    assert (said["state"], said["total_count"]) == (together, len(states))


# -- limits -----------------------------------------------------------------------------------------------------------
def test_after_the_hours_calls_every_call_is_refused_until_the_hour_is_over(catalogue: Catalogue) -> None:
    now = [0.0]
    limited = GitHub(catalogue, TOKEN, NOW, allowance=Allowance(2, clock=lambda: now[0]))
    ask = Asker(limited, "github")
    assert [ask("GET", "/user").headers["x-ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
    refused = ask("GET", "/user")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert "rate limit exceeded" in refused.get_json()["message"]
    assert "retry-after" not in refused.headers
    now[0] = 3600.0
    assert ask("GET", "/user").status_code == 200


def test_the_secondary_limit_asks_for_patience_while_calls_are_left(code_host: GitHub, github: Asker) -> None:
    code_host.allowance.throttle(2, 9)
    told = [github("GET", "/user") for _ in range(3)]
    assert [one.status_code for one in told] == [403, 403, 200]
    assert "secondary rate limit" in told[0].get_json()["message"]
    assert told[0].headers["retry-after"] == "9"
    assert int(told[0].headers["x-ratelimit-remaining"]) > 0


# -- attestations -----------------------------------------------------------------------------------------------------
def bundle(name: str, predicate: str = "https://slsa.dev/provenance/v1") -> dict[str, Any]:
    payload = b64encode(json.dumps({"predicateType": predicate, "name": name}).encode()).decode()
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {"payload": payload}}


def test_bundles_that_were_published_for_a_digest_are_listed_in_pages(github: Asker, catalogue: Catalogue) -> None:
    digest = catalogue.released("v1.8.2").digest
    for name in ("one", "two", "three"):
        catalogue.attest(digest, bundle(name))
    catalogue.attest(digest, bundle("parts", predicate="https://spdx.dev/Document"))
    first = github("GET", f"{REPOSITORY}/attestations/{digest}?predicate_type=provenance&per_page=2")
    following = first.headers["Link"].partition(">")[0].removeprefix("<http://localhost")
    second = github("GET", following)
    listed = [one["bundle"] for answer in (first, second) for one in answer.get_json()["attestations"]]
    assert listed == [bundle("one"), bundle("two"), bundle("three")]
    assert "Link" not in second.headers
    other = catalogue.released("v1.8.1").digest
    assert github("GET", f"{REPOSITORY}/attestations/{other}").get_json() == {"attestations": []}


def test_since_2026_a_bundle_is_had_from_a_store_that_takes_no_sign_in(github: Asker, catalogue: Catalogue) -> None:
    snappy = pytest.importorskip("cramjam").snappy
    digest = catalogue.released("v1.8.2").digest
    wanted = bundle("large" * 40_000)  # more than one chunk
    catalogue.attest(digest, wanted)
    headers = {"X-GitHub-Api-Version": "2026-03-10"}
    (item,) = github("GET", f"{REPOSITORY}/attestations/{digest}", headers=headers).get_json()["attestations"]
    assert "bundle" not in item
    url = item["bundle_url"].removeprefix("http://localhost")
    assert github("GET", url).status_code == 403
    assert github("GET", url.partition("?")[0], token=None).status_code == 403
    answer = github("GET", url, token=None)
    assert json.loads(bytes(snappy.decompress_raw(answer.data))) == wanted
    assert "x-ratelimit-limit" not in answer.headers


def test_the_store_may_be_another_host(catalogue: Catalogue) -> None:
    digest = catalogue.released("v1.8.2").digest
    catalogue.attest(digest, bundle("one"))
    ask = Asker(GitHub(catalogue, TOKEN, NOW, store="https://store.practice.test"), "github")
    (item,) = ask("GET", f"{REPOSITORY}/attestations/{digest}").get_json()["attestations"]
    assert item["bundle_url"].startswith("https://store.practice.test/")


def test_an_api_version_that_does_not_exist_is_refused(github: Asker) -> None:
    answer = github("GET", "/user", judged=False, headers={"X-GitHub-Api-Version": "2020-01-01"})
    assert answer.status_code == 400
