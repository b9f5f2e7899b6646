"""The edge network's API: envelope, error codes, pages, rules that are replaced whole."""

from __future__ import annotations

import pytest

from runbook.training.servers import zone as state
from runbook.training.servers.zone import CUSTOM_PHASE, MANAGED_PHASE, MANAGED_RULE, ORIGIN, Zone
from tests.training.conftest import TOKEN, Asker

BASE = "/client/v4"


def in_zone(zone: Zone, rest: str = "") -> str:
    return f"{BASE}/zones/{zone.id}{rest}"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/dns_records",
        "/rulesets",
        f"/rulesets/phases/{MANAGED_PHASE}/entrypoint",
        f"/rulesets/phases/{CUSTOM_PHASE}/entrypoint",
        "/settings/security_level",
        "/settings/development_mode",
    ],
)
def test_every_read_of_the_zone_fits_the_contract(cloudflare: Asker, zone: Zone, rest: str) -> None:
    answer = cloudflare("GET", in_zone(zone, rest))
    assert (answer.status_code, answer.get_json()["success"]) == (200, True)


def test_token_ranges_and_zones_fit_the_contract(cloudflare: Asker) -> None:
    assert cloudflare("GET", BASE + "/user/tokens/verify").get_json()["result"]["status"] == "active"
    assert cloudflare("GET", BASE + "/ips", token=None).get_json()["result"]["ipv4_cidrs"] == ["127.0.0.0/8"]
    assert cloudflare("GET", BASE + "/zones?name=clinic.test").get_json()["result"][0]["name"] == "clinic.test"
    assert cloudflare("GET", BASE + "/zones?name=other.test").get_json()["result"] == []


@pytest.mark.parametrize(
    ("path", "header", "status", "code"),
    [
        ("/zones", None, 400, 9106),
        ("/zones", "Bearer Bearer x", 400, 6003),
        ("/user/tokens/verify", "Bearer wrong", 401, 1000),
        ("/zones", "Bearer wrong", 403, 10000),
        ("/accounts/abc/tokens/verify", f"Bearer {TOKEN}", 401, 1000),
        ("/zones/0000/dns_records", f"Bearer {TOKEN}", 404, 7003),
    ],
)
def test_refusals_carry_the_codes_that_were_seen(
    cloudflare: Asker, path: str, header: str | None, status: int, code: int
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = cloudflare("GET", BASE + path, token=None, headers=headers)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (status, code)
    assert answer.get_json()["success"] is False


def test_the_page_after_the_last_is_empty(cloudflare: Asker, zone: Zone) -> None:
    path = in_zone(zone, "/dns_records?name.exact=app.clinic.test&page=")
    assert len(cloudflare("GET", path + "1").get_json()["result"]) == 1
    assert cloudflare("GET", path + "2").get_json()["result"] == []


def test_a_record_is_set_only_with_all_its_parts(cloudflare: Asker, zone: Zone) -> None:
    record = zone.records[0]
    path = in_zone(zone, f"/dns_records/{record.id}")
    assert cloudflare("PATCH", path, json={"proxied": True}).status_code == 400
    whole = {"type": "CNAME", "name": record.name, "content": ORIGIN, "ttl": 1, "proxied": True}
    changed = cloudflare("PATCH", path, json=whole).get_json()["result"]
    assert (changed["content"], changed["proxied"]) == (ORIGIN, True)
    missing = cloudflare("PATCH", in_zone(zone, f"/dns_records/{state.new_id()}"), json=whole)
    assert (missing.status_code, missing.get_json()["errors"][0]["code"]) == (404, 81044)


def test_a_phase_without_rules_is_10003_until_the_first_put(cloudflare: Asker, zone: Zone) -> None:
    del zone.rulesets[MANAGED_PHASE]
    path = in_zone(zone, f"/rulesets/phases/{MANAGED_PHASE}/entrypoint")
    refused = cloudflare("GET", path)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (404, 10003)
    assert cloudflare("PUT", path, json={"rules": [dict(MANAGED_RULE)]}).get_json()["result"]["version"] == "1"
    assert cloudflare("GET", path).status_code == 200


def test_a_put_replaces_all_rules_and_a_dry_run_none(cloudflare: Asker, zone: Zone) -> None:
    path = in_zone(zone, f"/rulesets/phases/{CUSTOM_PHASE}/entrypoint")
    other = {"action": "block", "expression": '(http.request.uri.path eq "/admin")', "enabled": True}
    # the contract (2024) knows no dry run; the vendor's SDK 5.9.0 does, with a result of null
    tried = cloudflare("PUT", path + "?dry_run=true", json={"rules": [other]}, judged=False)
    assert tried.get_json()["result"] is None
    assert zone.blocks("/__waf-canary", "")
    changed = cloudflare("PUT", path, json={"rules": [other]}).get_json()["result"]
    assert (changed["version"], len(changed["rules"])) == ("3", 1)
    assert zone.blocks("/admin", "")
    assert not zone.blocks("/__waf-canary", "")


def test_an_unfit_rule_is_refused(cloudflare: Asker, zone: Zone) -> None:
    path = in_zone(zone, f"/rulesets/phases/{MANAGED_PHASE}/entrypoint")
    for rules in ([{"action": "execute", "expression": "true"}], [{"action": "block"}], "none"):
        assert cloudflare("PUT", path, json={"rules": rules}).status_code == 400


def test_a_rule_is_changed_whole_and_one_more_is_added(cloudflare: Asker, zone: Zone) -> None:
    ruleset = zone.rulesets[MANAGED_PHASE]
    one = ruleset.rules[0]["id"]
    path = in_zone(zone, f"/rulesets/{ruleset.id}/rules")
    changed = cloudflare("PATCH", f"{path}/{one}", json={**MANAGED_RULE, "enabled": False}).get_json()["result"]
    assert changed["rules"][0]["enabled"] is False
    assert not zone.blocks("/", "${jndi:ldap://x}")
    added = cloudflare("POST", path, json=dict(MANAGED_RULE)).get_json()["result"]
    assert len(added["rules"]) == 2
    assert zone.blocks("/", "${jndi:ldap://x}")


def test_only_one_property_of_the_zone_changes_at_a_time(cloudflare: Asker, zone: Zone) -> None:
    assert cloudflare("PATCH", in_zone(zone), json={"paused": True, "type": "full"}).status_code == 400
    assert cloudflare("PATCH", in_zone(zone), json={"paused": True}).get_json()["result"]["paused"] is True


def test_development_mode_shows_in_the_zone(cloudflare: Asker, zone: Zone) -> None:
    cloudflare("PATCH", in_zone(zone, "/settings/development_mode"), json={"value": "on"})
    assert cloudflare("GET", in_zone(zone)).get_json()["result"]["development_mode"] > 0
