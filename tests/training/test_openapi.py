"""The judge of contracts finds what does not fit: a judge that passes everything would prove nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.training.openapi import CONTRACTS, NOTHING, answer_violations, header_violations, request_violations

pytestmark = pytest.mark.skipif(not CONTRACTS.exists(), reason="the contracts are not beside this checkout")

ZONE = "/zones/" + "0" * 32
RECORD = {"type": "CNAME", "name": "app.clinic.test", "content": "origin.test", "ttl": 1, "proxied": True}
DEPLOYMENT = {"deployment": {"instances": 2, "external": {"imagePath": "ghcr.io/o/app@sha256:" + "a" * 64}}}
WEB = "/v1/projects/p/services/deployment/web"


@pytest.mark.parametrize(
    ("contract", "request_"),
    [
        ("cloudflare", ("GET", f"{ZONE}/dns_records", "name.exact=app.clinic.test&per_page=100&page=1", NOTHING)),
        ("cloudflare", ("PATCH", f"{ZONE}/dns_records/{'1' * 32}", "", RECORD)),
        ("northflank", ("PATCH", WEB, "", DEPLOYMENT)),
        ("northflank", ("POST", "/v1/projects/p/services/web/restart", "", NOTHING)),
        ("github", ("GET", "/repos/o/r/commits/main/check-runs", "per_page=100", NOTHING)),
    ],
)
def test_a_good_request_is_one(contract: str, request_: tuple[str, str, str, Any]) -> None:
    assert request_violations(contract, *request_) == []


@pytest.mark.parametrize(
    ("contract", "request_", "words"),
    [
        ("cloudflare", ("GET", "/nowhere", "", NOTHING), "no such operation"),
        ("cloudflare", ("DELETE", "/user/tokens/verify", "", NOTHING), "no such operation"),
        ("cloudflare", ("GET", f"{ZONE}/dns_records", "nam=x", NOTHING), "no query parameter nam"),
        ("cloudflare", ("GET", f"{ZONE}/dns_records", "per_page=many", NOTHING), "query parameter per_page"),
        ("cloudflare", ("GET", f"{ZONE}{'0' * 9}", "", NOTHING), "path parameter zone_id"),
        ("cloudflare", ("PATCH", f"{ZONE}/dns_records/{'1' * 32}", "", NOTHING), "the body is missing"),
        ("cloudflare", ("PATCH", f"{ZONE}/dns_records/{'1' * 32}", "", {**RECORD, "ttl": "auto"}), "not valid under"),
        ("cloudflare", ("GET", "/ips", "", {}), "knows no body"),
        ("northflank", ("PATCH", WEB, "", {"deployment": {"external": {}}}), "$.deployment: "),
    ],
)
def test_a_bad_request_is_found(contract: str, request_: tuple[str, str, str, Any], words: str) -> None:
    (first, *_) = request_violations(contract, *request_)
    assert words in first


ENTRYPOINT = f"{ZONE}/rulesets/phases/http_request_firewall_managed/entrypoint"
EXECUTE = {
    "action": "execute",
    "action_parameters": {"id": "0" * 32, "version": "latest"},
    "expression": "true",
    "enabled": True,
}
SECRETS = "/v1/projects/p/secrets/clinic-env"


@pytest.mark.parametrize(
    ("contract", "request_", "stranger"),
    [
        ("cloudflare", ("PATCH", f"{ZONE}/dns_records/{'1' * 32}", "", {**RECORD, "proxyed": True}), "$.proxyed"),
        ("cloudflare", ("PUT", ENTRYPOINT, "", {"rules": [EXECUTE], "rulez": []}), "$.rulez"),
        (
            "cloudflare",
            ("PUT", ENTRYPOINT, "", {"rules": [EXECUTE, {**EXECUTE, "expresion": "x"}]}),
            "$.rules[1].expresion",
        ),
        ("northflank", ("PATCH", WEB, "", {**DEPLOYMENT, "instances": 2}), "$.instances"),
        (
            "northflank",
            ("PATCH", WEB, "", {"deployment": {**DEPLOYMENT["deployment"], "externall": {}}}),
            "$.deployment.externall",
        ),
        ("northflank", ("PATCH", SECRETS, "", {"data": {"x": "1"}}), "$.data"),
    ],
)
def test_a_key_that_no_branch_of_a_body_knows_is_found(
    contract: str, request_: tuple[str, str, str, Any], stranger: str
) -> None:
    assert f"{stranger}: the contract knows no such key" in request_violations(contract, *request_)


def test_keys_that_the_contract_leaves_free_are_no_strangers() -> None:
    body = {"secrets": {"variables": {"ANY_NAME_AT_ALL": "1"}}}
    assert request_violations("northflank", "PATCH", SECRETS, "", body) == []


@pytest.mark.parametrize(
    ("contract", "method", "path", "sent", "missing"),
    [
        ("cloudflare", "GET", ENTRYPOINT, ["host"], ["authorization"]),
        ("cloudflare", "GET", ENTRYPOINT, ["Authorization"], []),
        ("cloudflare", "GET", "/ips", [], []),
        ("northflank", "PATCH", WEB, [], ["authorization"]),
        ("github", "GET", "/repos/o/r", ["Authorization"], ["x-github-api-version"]),
        ("github", "GET", "/repos/o/r", ["X-GitHub-Api-Version"], ["authorization"]),
        ("github", "GET", "/repos/o/r", ["Authorization", "X-GitHub-Api-Version"], []),
        ("ghcr", "GET", "/v2/o/r/manifests/latest", [], ["authorization"]),
        ("ghcr", "GET", "/token", [], []),
    ],
)
def test_a_header_that_the_api_needs_is_missed(
    contract: str, method: str, path: str, sent: list[str], missing: list[str]
) -> None:
    assert header_violations(contract, method, path, sent) == [f"the header {name} is missing" for name in missing]


def test_an_answer_is_judged_by_its_status_its_type_and_its_body() -> None:
    whole = json.loads((CONTRACTS / "examples" / "cloudflare.json").read_text())["GET /user/tokens/verify"]["body"]
    kind = "application/json"

    def judged(document: Any, *, status: int = 200, kind: str = kind) -> list[str]:
        return answer_violations("cloudflare", "GET", "/user/tokens/verify", status, document, kind=kind)

    assert judged(whole) == []
    assert judged({**whole, "errors": "none"}) != []
    assert judged(NOTHING) == ["the answer has no body"]
    assert judged(whole, status=302) == ["the contract has no answer 302"]
    assert judged(whole, kind="text/html") == ["the contract has no body of type text/html here"]
    refused = {"success": False, "errors": [{"code": 1000, "message": "Invalid API Token"}], "messages": []}
    assert judged({**refused, "result": None}, status=401) == []
    assert judged({**refused, "success": True, "result": None}, status=401) != []


def test_what_only_answers_carry_is_not_asked_of_requests() -> None:
    path = f"{ZONE}/rulesets/phases/http_request_firewall_custom/entrypoint"
    rule = {"action": "block", "expression": "true", "enabled": True}
    assert request_violations("cloudflare", "PUT", path, "dry_run=true", {"rules": [rule]}) == []
    assert request_violations("cloudflare", "PUT", path, "", {}) == ["$: 'rules' is a required property"]
    assert (
        answer_violations("cloudflare", "GET", path, 200, {"result": {"rules": [rule]}}, kind="application/json") != []
    )
