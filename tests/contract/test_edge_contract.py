"""What every estate does at the edge: its rules, settings and records, and what visitors meet."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.estate.ports import Phase, Zone, ZoneSettings
from tests.contract.world import World

MANAGED = "http_request_firewall_managed"
CUSTOM = "http_request_firewall_custom"


@pytest.fixture
def zone(world: World) -> Zone:
    found = world.ask(world.estate.edge.zone(world.environment.connectivity.zone))
    assert found is not None
    return found


# -- the zone -----------------------------------------------------------------------------------------------------
def test_the_zone_is_active_and_unknown_ones_are_none(world: World, zone: Zone):
    assert (zone.status, zone.paused, zone.development_mode) == ("active", False, False)
    assert world.ask(world.estate.edge.zone("no-such-zone.test")) is None


def test_its_settings_are_as_configured(world: World, zone: Zone):
    level = world.environment.connectivity.security_level
    assert world.ask(world.estate.edge.settings(zone.id)) == ZoneSettings(level, development_mode=False)


def test_every_server_knows_the_zones_name_servers(world: World, zone: Zone):
    settings, names = world.environment.connectivity, world.estate.names
    for server in (*settings.authoritative, *settings.resolvers):
        assert world.ask(names.name_servers(zone.name, server.address, server.port)) == tuple(sorted(zone.name_servers))
        assert world.ask(names.name_servers(f"nobody.{zone.name}", server.address, server.port)) == ()


def test_an_authoritative_server_refuses_a_zone_that_is_not_its_own(world: World):
    settings, names = world.environment.connectivity, world.estate.names
    (server,), (resolver,) = settings.authoritative, settings.resolvers
    with pytest.raises(NoVerdict):
        world.ask(names.name_servers("no-such-zone.test", server.address, server.port))
    assert world.ask(names.name_servers("no-such-zone.test", resolver.address, resolver.port)) == ()


def test_a_name_that_nobody_has_has_no_addresses(world: World):
    server = world.environment.connectivity.authoritative[0]
    assert world.ask(world.estate.names.addresses("nobody.clinic.test", server.address, server.port)) == ()


# -- the rules ----------------------------------------------------------------------------------------------------
def test_the_phases_have_their_rules_and_one_that_was_never_configured_has_none(world: World, zone: Zone):
    settings, edge = world.environment.connectivity, world.estate.edge
    managed = world.ask(edge.phase(zone.id, MANAGED))
    assert managed.id
    assert any(rule.ruleset == settings.managed_rulesets[0] and rule.enabled for rule in managed.rules)
    assert all(rule.id for rule in managed.rules)
    assert world.ask(edge.phase(zone.id, "http_ratelimit")) == Phase(None, ())
    with pytest.raises(LayerFailed):
        world.ask(edge.phase("0" * 32, MANAGED))


def test_a_dry_run_changes_no_rule_and_a_put_replaces_them(world: World, zone: Zone):
    edge = world.estate.edge
    before = world.ask(edge.phase(zone.id, CUSTOM))
    permit = world.permit("cloudflare:PutRules", f"{zone.id}/{CUSTOM}")
    off = tuple({**rule.raw, "enabled": False} for rule in before.rules)
    world.ask(edge.put_rules(permit, zone.id, CUSTOM, off, dry_run=True))
    assert [rule.enabled for rule in world.ask(edge.phase(zone.id, CUSTOM)).rules] == [
        rule.enabled for rule in before.rules
    ]
    world.ask(edge.put_rules(permit, zone.id, CUSTOM, off, dry_run=False))
    assert not any(rule.enabled for rule in world.ask(edge.phase(zone.id, CUSTOM)).rules)
    world.ask(edge.put_rules(permit, zone.id, CUSTOM, tuple(rule.raw for rule in before.rules), dry_run=False))
    after = world.ask(edge.phase(zone.id, CUSTOM))
    assert after.id == before.id
    assert [rule.expression for rule in after.rules] == [rule.expression for rule in before.rules]


def test_a_changed_rule_keeps_its_id_and_loses_what_was_left_out(world: World, zone: Zone):
    edge, settings = world.estate.edge, world.environment.connectivity
    before = world.ask(edge.phase(zone.id, MANAGED))
    rule = next(one for one in before.rules if one.ruleset == settings.managed_rulesets[0])
    assert before.id
    assert rule.id
    target = f"{zone.id}/{before.id}/{rule.id}"
    permit = world.permit("cloudflare:ChangeRule", target)
    bare = {
        "action": "execute",
        "action_parameters": {"id": rule.ruleset, "overrides": {"enabled": False}},
        "expression": "true",
        "enabled": False,
    }
    world.ask(edge.change_rule(permit, zone.id, before.id, rule.id, bare))
    (changed,) = (one for one in world.ask(edge.phase(zone.id, MANAGED)).rules if one.id == rule.id)
    assert (changed.enabled, changed.raw["action_parameters"]["overrides"]) == (False, {"enabled": False})
    assert "description" not in changed.raw or not changed.raw["description"]
    world.ask(edge.change_rule(permit, zone.id, before.id, rule.id, rule.raw))
    after = world.ask(edge.phase(zone.id, MANAGED))
    assert after.id == before.id
    assert [(one.id, one.enabled, one.raw["action_parameters"]) for one in after.rules] == [
        (one.id, one.enabled, one.raw["action_parameters"]) for one in before.rules
    ]


def test_a_rule_that_is_not_there_cannot_be_changed(world: World, zone: Zone):
    edge = world.estate.edge
    ruleset, unknown = world.ask(edge.phase(zone.id, MANAGED)).id, "0" * 32
    permit = world.permit("cloudflare:ChangeRule", f"{zone.id}/{ruleset}/{unknown}")
    rule = {"action": "block", "expression": "true", "enabled": True}
    with pytest.raises(LayerFailed):
        world.ask(edge.change_rule(permit, zone.id, ruleset or "", unknown, rule))


# -- the records, and what visitors meet --------------------------------------------------------------------------
def test_the_doors_open_through_the_edge_only(opened: World, deployed):
    settings, edge = opened.environment.connectivity, opened.estate.edge
    zone = opened.ask(edge.zone(settings.zone))
    assert zone is not None
    ranges = [ipaddress.ip_network(cidr) for cidr in opened.ask(edge.ranges())]
    for hostname in settings.hostnames:
        (record,) = opened.ask(edge.records(zone.id, hostname.name))
        assert (record.type, record.proxied) == ("CNAME", False)
        assert record.content != hostname.content
        wanted = replace(record, content=hostname.content, proxied=True, ttl=1)
        permit = opened.permit("cloudflare:SetRecord", f"{zone.id}/{record.id}")
        assert opened.ask(edge.set_record(permit, zone.id, wanted)) == wanted
        for server in (*settings.authoritative, *settings.resolvers):
            addresses = opened.ask(opened.estate.names.addresses(hostname.name, server.address, server.port))
            assert addresses
            assert all(any(ipaddress.ip_address(one) in net for net in ranges) for one in addresses)
        _is_served(opened, hostname.name, addresses[0])
    assert opened.ask(edge.records(zone.id, "nobody.clinic.test")) == ()


def _is_served(world: World, name: str, address: str) -> None:
    """With its certificate, its marker and its protection."""
    settings, web = world.environment.connectivity, world.estate.web
    url = f"https://{name}:{settings.https_port}"
    page = world.ask(web.get(f"{url}/", address=address))
    assert (page.status, "cf-ray" in page.headers) == (200, True)
    assert settings.marker_header
    assert len(page.headers[settings.marker_header]) == 40
    assert page.certificate_until is not None
    assert page.certificate_until > datetime.now(UTC)
    blocked = world.ask(web.get(url + settings.canary_path, address=address))
    assert (blocked.status, "cf-ray" in blocked.headers, "cf-mitigated" in blocked.headers) == (403, True, False)
    attack = world.ask(web.get(f"{url}/?q=%3Cscript%3Ealert(1)%3C/script%3E", address=address))
    assert (attack.status, "cf-ray" in attack.headers) == (403, True)


def test_the_origin_itself_refuses_visitors(opened: World, deployed):
    for origin in opened.environment.connectivity.origins:
        answer = opened.ask(opened.estate.web.get(origin.url, address=origin.address))
        assert (answer.status, "cf-ray" in answer.headers) == (403, False)


# -- without public names -----------------------------------------------------------------------------------------
def test_without_public_names_the_zone_is_read_and_every_change_is_refused_dry_runs_too(world: World, zone: Zone):
    assert world.nameless is not None
    edge = world.nameless.edge
    seen = world.ask(edge.zone(zone.name))
    assert seen is not None
    phase = world.ask(edge.phase(seen.id, CUSTOM))
    (record, *_) = world.ask(edge.records(seen.id, "app.clinic.test"))
    rules = tuple(rule.raw for rule in phase.rules)
    put = world.permit("cloudflare:PutRules", f"{seen.id}/{CUSTOM}")
    change = world.permit("cloudflare:ChangeRule", f"{seen.id}/{phase.id}/{phase.rules[0].id}")
    tries = (
        lambda: edge.put_rules(put, seen.id, CUSTOM, rules, dry_run=True),
        lambda: edge.put_rules(put, seen.id, CUSTOM, rules, dry_run=False),
        lambda: edge.change_rule(change, seen.id, phase.id or "", phase.rules[0].id or "", rules[0]),
        lambda: edge.set_record(world.permit("cloudflare:SetRecord", f"{seen.id}/{record.id}"), seen.id, record),
    )
    for attempt in tries:
        with pytest.raises(Refused):
            world.ask(attempt())


def test_what_is_left_of_the_edges_allowance_is_known(world: World, zone: Zone):
    known = world.estate.rates.of("cloudflare")
    assert known is not None
    assert known.provider == "Cloudflare"
    assert world.estate.rates.waiting() == ()
