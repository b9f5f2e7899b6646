"""The edge's faults are the same in every estate: what the rules say then, and what visitors meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import Phase, WebAnswer, Zone
from tests.contract.world import World

MANAGED = "http_request_firewall_managed"
CUSTOM = "http_request_firewall_custom"
PHASES = (MANAGED, CUSTOM)


@pytest.fixture
def zone(world: World) -> Zone:
    found = world.ask(world.estate.edge.zone(world.environment.connectivity.zone))
    assert found is not None
    return found


def rules_of(world: World, zone: Zone) -> dict[str, Phase]:
    return {phase: world.ask(world.estate.edge.phase(zone.id, phase)) for phase in PHASES}


def put(world: World, zone: Zone, phase: str, rules: tuple[Mapping[str, Any], ...]) -> None:
    permit = world.permit("cloudflare:PutRules", f"{zone.id}/{phase}")
    world.ask(world.estate.edge.put_rules(permit, zone.id, phase, rules, dry_run=False))


@pytest.fixture
def before(world: World, zone: Zone) -> Iterator[dict[str, Phase]]:
    """The rules in order; they are put back afterwards."""
    found = rules_of(world, zone)
    yield found
    for phase, was in found.items():
        put(world, zone, phase, tuple(rule.raw for rule in was.rules))


def test_without_its_firewall_the_zone_keeps_both_entry_points(world: World, zone: Zone, before: dict[str, Phase]):
    assert world.fault is not None
    world.fault("waf-off", {})
    found = rules_of(world, zone)
    assert {phase: one.id for phase, one in found.items()} == {phase: one.id for phase, one in before.items()}
    assert [rule.enabled for rule in found[MANAGED].rules] == [False] * len(before[MANAGED].rules)
    assert found[CUSTOM].rules == ()


def test_of_the_custom_rules_only_the_canarys_is_gone(world: World, zone: Zone, before: dict[str, Phase]):
    assert world.fault is not None
    other = {"action": "block", "expression": '(http.request.uri.path eq "/admin")', "enabled": True}
    put(world, zone, CUSTOM, (*(rule.raw for rule in before[CUSTOM].rules), other))
    world.fault("waf-off", {"managed": False})
    found = rules_of(world, zone)
    assert [rule.expression for rule in found[CUSTOM].rules] == [other["expression"]]
    assert all(rule.enabled for rule in found[MANAGED].rules)


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_that_was_never_configured_has_no_entry_point_until_rules_are_put(
    world: World, zone: Zone, before: dict[str, Phase], phase: str
):
    assert world.fault is not None
    world.fault("waf-off", {"managed": phase == MANAGED, "canary": phase == CUSTOM, "never_configured": True})
    found = rules_of(world, zone)
    assert found.pop(phase) == Phase(None, ())
    assert all(one.id for one in found.values())
    put(world, zone, phase, tuple(rule.raw for rule in before[phase].rules))
    made = rules_of(world, zone)[phase]
    assert made.id
    assert [rule.expression for rule in made.rules] == [rule.expression for rule in before[phase].rules]


@pytest.mark.parametrize(
    ("known", "words"), [(True, "10002 could not find rule"), (False, "10003 could not find ruleset")]
)
def test_what_is_not_there_is_said_by_its_code(world: World, zone: Zone, *, known: bool, words: str):
    edge, unknown = world.estate.edge, "0" * 32
    ruleset = world.ask(edge.phase(zone.id, MANAGED)).id if known else unknown
    permit = world.permit("cloudflare:ChangeRule", f"{zone.id}/{ruleset}/{unknown}")
    rule = {"action": "block", "expression": "true", "enabled": True}
    with pytest.raises(LayerFailed) as caught:
        world.ask(edge.change_rule(permit, zone.id, ruleset or "", unknown, rule))
    assert words in caught.value.provider_text


# -- what visitors meet -------------------------------------------------------------------------------------------
@pytest.fixture
def open_doors(world: World, zone: Zone) -> None:
    edge = world.estate.edge
    for hostname in world.environment.connectivity.hostnames:
        (record,) = world.ask(edge.records(zone.id, hostname.name))
        permit = world.permit("cloudflare:SetRecord", f"{zone.id}/{record.id}")
        wanted = replace(record, content=hostname.content, proxied=True, ttl=1)
        world.ask(edge.set_record(permit, zone.id, wanted))


def visit(world: World, path: str) -> WebAnswer:
    settings = world.environment.connectivity
    url = f"https://{settings.hostnames[0].name}:{settings.https_port}{path}"
    return world.ask(world.estate.web.get(url, address="127.0.0.1"))


def test_a_redirect_to_http_comes_after_the_rules_and_keeps_the_query(world: World, open_doors: None):
    assert world.fault is not None
    world.fault("http-redirect", {})
    name, canary = world.environment.connectivity.hostnames[0].name, world.environment.connectivity.canary_path
    sent = visit(world, "/appointments?day=2")
    assert (sent.status, sent.headers["location"]) == (301, f"http://{name}/appointments?day=2")
    blocked = visit(world, canary)
    assert (blocked.status, "location" in blocked.headers) == (403, False)
    world.fault("security-level", {"level": "under_attack"})
    assert visit(world, "/").headers["cf-mitigated"] == "challenge"
