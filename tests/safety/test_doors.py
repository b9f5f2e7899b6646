"""Stages 4 and 5: what is listed is listed as what it does, its neighbours are refused, and a zone that is only read
stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from runbook.commands.wiring import connect
from runbook.engine.errors import Refused
from runbook.engine.ports import Permit, Secret
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.door import Door
from runbook.estate.http import Wiring
from runbook.estate.ports import DnsRecord, EdgeNetwork
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.safety.operations import Effect, of_http
from tests.support.practice import Practice

ZONE = "/client/v4/zones/023e"
PROJECT = "/v1/projects/prod"
RECORD = DnsRecord("372e", "app.example.com", "CNAME", "origin.code.run", proxied=True, ttl=1)
RULE = {"action": "execute", "expression": "true", "action_parameters": {"id": "efb7"}, "enabled": True}


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(2)
    yield door
    door.close()


@pytest.fixture
def interlock() -> Interlock:
    return Interlock(bounds.practice())


@pytest.mark.parametrize(
    ("provider", "method", "path", "name", "effect"),
    [
        ("northflank", "GET", PROJECT + "/services", "northflank:Services", Effect.READ),
        ("northflank", "PATCH", PROJECT + "/services/deployment/web", "northflank:Deploy", Effect.MUTATING),
        ("northflank", "PATCH", PROJECT + "/secrets/app-env", "northflank:SetSecretGroup", Effect.MUTATING),
        ("northflank", "POST", PROJECT + "/services/web/restart", "northflank:Restart", Effect.MUTATING),
        ("github", "GET", "/repos/acme/app/commits/6d/status", "github:CombinedStatus", Effect.READ),
        ("github", "GET", "/repos/acme/app/attestations/sha256:3f", "github:Attestations", Effect.READ),
        ("cloudflare", "GET", ZONE + "/settings/security_level", "cloudflare:Settings", Effect.READ),
        ("cloudflare", "GET", ZONE + "/settings/development_mode", "cloudflare:Settings", Effect.READ),
        ("cloudflare", "PUT", ZONE + "/rulesets/phases/ph/entrypoint", "cloudflare:PutRules", Effect.MUTATING),
        ("cloudflare", "PATCH", ZONE + "/rulesets/2f2f/rules/3a03", "cloudflare:ChangeRule", Effect.MUTATING),
        ("cloudflare", "PATCH", ZONE + "/dns_records/372e", "cloudflare:SetRecord", Effect.MUTATING),
    ],
)
def test_what_is_used_is_listed_as_what_it_does(provider, method, path, name, effect):
    operation = of_http(provider, method, path)
    assert (operation.name, operation.effect) == (name, effect)


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("northflank", "DELETE", PROJECT + "/services/web"),
        ("northflank", "POST", PROJECT + "/services/web/pause"),
        ("northflank", "POST", PROJECT + "/services/web/deployment"),
        ("northflank", "PATCH", PROJECT + "/services/combined/web"),
        ("northflank", "POST", PROJECT + "/secrets"),
        ("northflank", "DELETE", PROJECT + "/secrets/app-env"),
        ("github", "DELETE", "/repos/acme/app/attestations/sha256:3f"),
        ("github", "POST", "/repos/acme/app/statuses/6d"),
        ("registry", "PUT", "/v2/acme/app/manifests/latest"),
        ("cloudflare", "PATCH", ZONE),
        ("cloudflare", "PATCH", ZONE + "/settings/security_level"),
        ("cloudflare", "GET", ZONE + "/settings/waf"),
        ("cloudflare", "POST", ZONE + "/dns_records"),
        ("cloudflare", "PUT", ZONE + "/dns_records/372e"),
        ("cloudflare", "DELETE", ZONE + "/dns_records/372e"),
        ("cloudflare", "POST", ZONE + "/rulesets/2f2f/rules"),
        ("cloudflare", "DELETE", ZONE + "/rulesets/2f2f/rules/3a03"),
        ("cloudflare", "DELETE", ZONE + "/rulesets/2f2f"),
        ("cloudflare", "POST", ZONE + "/purge_cache"),
    ],
)
def test_its_neighbours_are_refused_in_every_mode(interlock, provider, method, path):
    with pytest.raises(Refused, match="not in the table"):
        interlock.check_url(provider, method, f"http://127.0.0.1{path}")
    assert interlock.counts == {"read": 0, "mutating": 0, "refused": 1}


async def _refuses_every_change(edge: EdgeNetwork) -> int:
    """How many changes were tried, each with exactly the right permit."""
    changes: list[tuple[str, str, Any]] = [
        ("cloudflare:PutRules", "023e/ph", lambda it: edge.put_rules(it, "023e", "ph", (RULE,), dry_run=False)),
        ("cloudflare:PutRules", "023e/ph", lambda it: edge.put_rules(it, "023e", "ph", (RULE,), dry_run=True)),
        ("cloudflare:ChangeRule", "023e/2f/3a", lambda it: edge.change_rule(it, "023e", "2f", "3a", RULE)),
        ("cloudflare:SetRecord", "023e/372e", lambda it: edge.set_record(it, "023e", RECORD)),
    ]
    for operation, target, change in changes:
        with pytest.raises(Refused, match="only read"):
            await change(Permit("run", "step", operation, target))
    return len(changes)


async def test_a_zone_that_is_only_read_sees_no_change_and_the_counts_say_so(interlock, door):
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"success": True, "result": [], "result_info": {"total_pages": 0}})

    wiring = Wiring(transport=httpx.MockTransport(reply))
    edge = Cloudflare("http://127.0.0.1/client/v4", Secret("cf"), None, interlock, door, read_only=True, wiring=wiring)
    tried = await _refuses_every_change(edge)
    assert await edge.records("023e", RECORD.name) == ()
    assert [request.method for request in seen] == ["GET"]
    assert interlock.counts == {"read": 1, "mutating": 0, "refused": tried}


async def test_without_host_names_the_connected_edge_is_only_read(interlock, door, tmp_path):
    practice = Practice(tmp_path)
    edge = practice.environment.connectivity.model_copy(update={"hostnames": ()})
    environment = practice.environment.model_copy(update={"connectivity": edge})
    estate = connect(environment, practice.world.credentials().__getitem__, interlock, door)
    tried = await _refuses_every_change(estate.edge)
    assert interlock.counts == {"read": 0, "mutating": 0, "refused": tried}


async def test_with_host_names_a_change_still_needs_its_permit(interlock, door, tmp_path):
    practice = Practice(tmp_path)
    assert practice.environment.connectivity.hostnames
    estate = connect(practice.environment, practice.world.credentials().__getitem__, interlock, door)
    with pytest.raises(Refused, match="the permit is for"):
        await estate.edge.set_record(Permit("run", "step", "cloudflare:SetRecord", "023e/other"), "023e", RECORD)
    assert interlock.counts == {"read": 0, "mutating": 0, "refused": 1}
