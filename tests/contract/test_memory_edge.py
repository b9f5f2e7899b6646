"""The faults of edge, names and allowances in memory show where a step would meet them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import MemoryEstate
from runbook.estate.memory.firewall import CANARY, MANAGED, stored
from runbook.estate.memory.names import CUSTOM_PHASE, MANAGED_PHASE, MANAGED_RULESET, ORIGIN
from runbook.estate.memory.web import GUILT
from runbook.estate.ports import Phase
from tests.contract.world import World


@pytest.fixture
def world(memory: World) -> World:
    return memory


# -- the edge -----------------------------------------------------------------------------------------------------
def test_a_zone_without_a_configured_firewall_has_two_bare_phases(made, world):
    made.waf_off(never_configured=True)
    edge = world.estate.edge
    zone = world.ask(edge.zone("clinic.test"))
    for phase in (MANAGED_PHASE, CUSTOM_PHASE):
        assert world.ask(edge.phase(zone.id, phase)) == Phase(None, ())
    assert not made.edge.protected


def test_a_put_makes_the_entry_point_of_a_phase_that_has_none(made, world):
    made.waf_off(never_configured=True)
    edge = world.estate.edge
    zone = world.ask(edge.zone("clinic.test"))
    permit = world.permit("cloudflare:PutRules", f"{zone.id}/{CUSTOM_PHASE}")
    world.ask(edge.put_rules(permit, zone.id, CUSTOM_PHASE, (CANARY,), dry_run=False))
    phase = world.ask(edge.phase(zone.id, CUSTOM_PHASE))
    assert phase.id
    assert [(rule.action, rule.enabled) for rule in phase.rules] == [("block", True)]
    assert made.edge.blocks("/__waf-canary", "")


@pytest.mark.parametrize(
    ("phase", "rule"),
    [
        (MANAGED_PHASE, {**MANAGED, "action_parameters": {"id": MANAGED_RULESET, "overrides": {"enabled": False}}}),
        (MANAGED_PHASE, {**MANAGED, "action_parameters": {"id": MANAGED_RULESET, "overrides": {"action": "log"}}}),
        (MANAGED_PHASE, {**MANAGED, "expression": '(http.request.uri.path eq "/admin")'}),
        (CUSTOM_PHASE, {**CANARY, "expression": '(http.request.uri.path eq "/other")'}),
    ],
)
def test_a_rule_that_is_on_and_does_nothing_protects_nobody(made, phase, rule):
    assert made.edge.protected
    made.edge.phases[phase] = [stored(rule)]
    assert not made.edge.protected


@pytest.mark.parametrize(
    "skips", [{"phases": [MANAGED_PHASE]}, {"rulesets": [MANAGED_RULESET]}, {"ruleset": "current"}]
)
def test_a_skip_rule_in_front_lets_requests_past(made, skips):
    skip = stored({"action": "skip", "action_parameters": skips, "expression": "true"})
    made.edge.phases[CUSTOM_PHASE].insert(0, skip)
    assert not made.edge.protected


def test_a_skip_rule_that_is_off_or_behind_lets_nobody_past(made):
    skip = {"action": "skip", "action_parameters": {"ruleset": "current"}, "expression": "true"}
    made.edge.phases[CUSTOM_PHASE].append(stored(skip))
    made.edge.phases[CUSTOM_PHASE].insert(0, stored({**skip, "enabled": False}))
    assert made.edge.protected


def opened_doors(made: MemoryEstate) -> None:
    for name, record in made.edge.zone_records.items():
        made.edge.zone_records[name] = replace(record, content=ORIGIN, proxied=True)


@pytest.mark.parametrize("guilt", sorted(GUILT))
def test_a_bad_certificate_is_refused_with_its_guilt(made, running, guilt):
    opened_doors(made)
    made.bad_certificate(guilt)
    with pytest.raises(LayerFailed, match=GUILT[guilt]):
        running.ask(running.estate.web.get("https://app.clinic.test:8443/"))


def test_a_redirect_a_challenge_and_an_open_origin_are_what_visitors_meet(made, running):
    opened_doors(made)
    url, settings = "https://api.clinic.test:8443/", running.environment.connectivity
    get = running.estate.web.get
    assert running.ask(get(url)).status == 200
    made.http_redirect()
    assert running.ask(get(url)).headers["location"] == "http://api.clinic.test/"
    made.security_level("under_attack")
    assert running.ask(get(url)).headers["cf-mitigated"] == "challenge"
    assert running.ask(get(settings.origins[0].url, address="127.0.0.1")).status == 403
    made.open_origin()
    assert running.ask(get(settings.origins[0].url, address="127.0.0.1")).status == 200


def test_a_visitor_who_is_led_to_the_origin_meets_its_ingress_and_at_the_old_one_nobody(made, running):
    get, url = running.estate.web.get, "https://app.clinic.test:8443/"
    with pytest.raises(NoVerdict):
        running.ask(get(url))
    made.edge.zone_records["app.clinic.test"] = replace(made.edge.record, content=ORIGIN)
    assert running.ask(get(url)).status == 403


def test_public_resolvers_are_stale_for_each_name_on_its_own(made, world):
    made.dns_old_origin(answers=1)
    opened_doors(made)
    names, settings = world.estate.names, world.environment.connectivity
    public = settings.resolvers[0]
    for hostname in settings.hostnames:
        said = [world.ask(names.addresses(hostname.name, public.address, public.port)) for _ in (1, 2)]
        assert said == [("192.0.2.81",), ("127.0.0.1",)]


def test_servers_may_know_other_name_servers_than_the_zone(made, world):
    made.names.delegation = ("old.ns.example.test",)
    server = world.environment.connectivity.authoritative[0]
    found = world.ask(world.estate.names.name_servers("clinic.test", server.address, server.port))
    assert found == ("old.ns.example.test",)


def test_the_log_has_reads_changes_and_dry_runs_in_order(made, world):
    edge = world.estate.edge
    zone = world.ask(edge.zone("clinic.test"))
    rules = tuple(rule.raw for rule in world.ask(edge.phase(zone.id, CUSTOM_PHASE)).rules)
    put = world.permit("cloudflare:PutRules", f"{zone.id}/{CUSTOM_PHASE}")
    seen: list[str] = []
    made.watch(lambda operation, _: seen.append(f"{operation} {made.edge.protected}"))
    world.ask(edge.put_rules(put, zone.id, CUSTOM_PHASE, rules, dry_run=True))
    world.ask(edge.put_rules(put, zone.id, CUSTOM_PHASE, (), dry_run=False))
    assert [operation for operation, _ in made.log] == [
        "cloudflare:Zone",
        "cloudflare:Rules",
        "cloudflare:PutRules (dry run)",
        "cloudflare:PutRules",
    ]
    assert made.calls == [("cloudflare:PutRules", put.target)] == made.dry_runs
    assert seen == ["cloudflare:PutRules True"], "told before it is done, and of no dry run"
    assert not made.edge.protected


# -- allowances ---------------------------------------------------------------------------------------------------
def test_a_limited_provider_makes_calls_wait_says_so_and_answers(made, world):
    made.rate_limited("cloudflare", calls=3, wait=2)
    told: list[tuple[str, float]] = []
    stop = world.estate.rates.listen(lambda one: told.append((one.provider, one.waiting_s)))
    world.ask(world.estate.edge.token())
    assert told == [("Cloudflare", 2)] * 3
    known = world.estate.rates.of("cloudflare")
    assert (known.refused, known.waiting_s, known.remaining) == (3, 0, 1199)
    stop()
    made.rates.begin_wait("cloudflare", 5)
    assert [one.waiting_s for one in world.estate.rates.waiting()] == [5]
    assert len(told) == 3
