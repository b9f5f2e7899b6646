"""The edge network's API: envelope, error codes, pages, rules that are replaced whole."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from runbook.training.servers import zone as state
from runbook.training.servers.cloudflare import Cloudflare
from runbook.training.servers.cloudflare_limits import ALLOWED, WINDOW
from runbook.training.servers.firewall import (
    CUSTOM_PHASE,
    EMPTY_AGENT,
    FREE_RULESET,
    MANAGED_PHASE,
    MANAGED_RULESET,
    Visit,
)
from runbook.training.servers.zone import CANARY_RULE, MANAGED_RULE, ORIGIN, Zone
from tests.training.conftest import TOKEN, Asker

BASE = "/client/v4"
ATTACK = Visit("app.clinic.test", "/", "curl", "${jndi:ldap://x}")
SCRIPT = Visit("app.clinic.test", "/", "curl", "<script>")


def to(path: str) -> Visit:
    return Visit("app.clinic.test", path, "curl", path)


def code(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.get_json()["errors"][0]["code"]


def in_zone(zone: Zone, rest: str = "") -> str:
    return f"{BASE}/zones/{zone.id}{rest}"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/dns_records",
        "/dns_records?type=TXT&per_page=5&page=1",
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
    ("path", "header", "refusal"),
    [
        ("/zones", None, (400, 9106)),
        ("/zones", "Bearer Bearer x", (400, 6003)),
        ("/user/tokens/verify", "Bearer wrong", (401, 1000)),
        ("/zones", "Bearer wrong", (403, 10000)),
        ("/accounts/ACCOUNT/tokens/verify", f"Bearer {TOKEN}", (401, 1000)),
        ("/accounts/0000/tokens/verify", f"Bearer {TOKEN}", (404, 7003)),
        ("/zones/0000/dns_records", f"Bearer {TOKEN}", (404, 7003)),
    ],
)
def test_refusals_carry_the_codes_that_were_seen(
    cloudflare: Asker, zone: Zone, path: str, header: str | None, refusal: tuple[int, int]
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = cloudflare("GET", BASE + path.replace("ACCOUNT", zone.account), token=None, headers=headers)
    assert code(answer) == refusal
    assert answer.get_json()["success"] is False


def test_a_token_that_the_account_owns_is_known_under_the_account_alone(zone: Zone) -> None:
    asker = Asker(Cloudflare(zone, TOKEN, owner="account"), "cloudflare", BASE)
    owned = asker("GET", f"{BASE}/accounts/{zone.account}/tokens/verify")
    assert owned.get_json()["result"]["status"] == "active"
    assert code(asker("GET", BASE + "/user/tokens/verify")) == (401, 1000)


def test_the_page_after_the_last_is_empty(cloudflare: Asker, zone: Zone) -> None:
    path = in_zone(zone, "/dns_records?name.exact=app.clinic.test&page=")
    assert len(cloudflare("GET", path + "1").get_json()["result"]) == 1
    assert cloudflare("GET", path + "2").get_json()["result"] == []


def test_pages_together_are_the_whole(cloudflare: Asker, zone: Zone) -> None:
    zone.records += [state.Record(f"n{number}.clinic.test", "A", "192.0.2.9", proxied=False) for number in range(4)]
    pages = [cloudflare("GET", in_zone(zone, f"/dns_records?per_page=5&page={page}")).get_json() for page in (1, 2, 3)]
    assert [len(page["result"]) for page in pages] == [5, 3, 0]
    assert pages[0]["result_info"] == {"page": 1, "per_page": 5, "total_pages": 2, "count": 5, "total_count": 8}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=api.clinic.test", ["api.clinic.test"]),
        ("name.exact=api.clinic.test&type=CNAME", ["api.clinic.test"]),
        ("name.exact=api.clinic.test&type=A", []),
        ("content.exact=192.0.2.90", ["status.clinic.test"]),
        ("proxied=true", []),
    ],
)
def test_records_are_found_by_what_they_say(cloudflare: Asker, zone: Zone, query: str, names: list[str]) -> None:
    found = cloudflare("GET", in_zone(zone, f"/dns_records?{query}")).get_json()["result"]
    assert [one["name"] for one in found] == names


def whole(record: state.Record, **changes: object) -> dict[str, object]:
    body = {"type": record.type, "name": record.name, "content": record.content, "ttl": record.ttl}
    return {**body, "proxied": record.proxied, **changes}


def test_a_record_is_set_only_with_all_its_parts(cloudflare: Asker, zone: Zone) -> None:
    record = zone.records[0]
    path = in_zone(zone, f"/dns_records/{record.id}")
    assert code(cloudflare("PATCH", path, json={"proxied": True})) == (400, 1004)
    wanted = whole(record, content=ORIGIN, proxied=True, ttl=300)
    changed = cloudflare("PATCH", path, json=wanted).get_json()["result"]
    assert (changed["id"], changed["content"], changed["proxied"]) == (record.id, ORIGIN, True)
    assert changed["ttl"] == 1  # of what is proxied the ttl is automatic
    assert changed["comment"] == "Northflank origin"
    assert code(cloudflare("PATCH", in_zone(zone, f"/dns_records/{state.new_id()}"), json=wanted)) == (404, 81044)


def test_only_addresses_and_aliases_can_be_proxied(cloudflare: Asker, zone: Zone) -> None:
    text = next(one for one in zone.records if one.type == "TXT")
    path = in_zone(zone, f"/dns_records/{text.id}")
    assert cloudflare("GET", path).get_json()["result"]["proxiable"] is False
    assert code(cloudflare("PATCH", path, json=whole(text, proxied=True))) == (400, 1004)


def test_a_record_stands_once_and_an_alias_alone_at_its_name(cloudflare: Asker, zone: Zone) -> None:
    status = next(one for one in zone.records if one.type == "A")
    path = in_zone(zone, "/dns_records")
    assert code(cloudflare("POST", path, json=whole(status))) == (400, 81058)
    assert code(cloudflare("POST", path, json=whole(status, type="CNAME", content=ORIGIN))) == (400, 81057)
    made = cloudflare("POST", path, json=whole(status, content="192.0.2.91")).get_json()["result"]
    assert cloudflare("DELETE", f"{path}/{made['id']}", json={}).get_json()["result"] == {"id": made["id"]}
    assert code(cloudflare("GET", f"{path}/{made['id']}")) == (404, 81044)


@pytest.mark.parametrize("ttl", [0, 30, 90000, "300", True])
def test_a_ttl_out_of_range_is_refused(cloudflare: Asker, zone: Zone, ttl: object) -> None:
    record = zone.records[0]
    path = in_zone(zone, f"/dns_records/{record.id}")
    assert code(cloudflare("PATCH", path, json=whole(record, ttl=ttl))) == (400, 1004)


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
    # the contract (2024) knows no dry run's answer; the vendor's SDK 5.9.0 does: a result of null
    tried = cloudflare("PUT", path + "?dry_run=true", json={"rules": [other]}, judged=False)
    assert tried.get_json()["result"] is None
    assert zone.blocks(to("/__waf-canary"))
    changed = cloudflare("PUT", path, json={"rules": [other]}).get_json()["result"]
    assert (changed["version"], len(changed["rules"])) == ("3", 1)
    assert zone.blocks(to("/admin"))
    assert not zone.blocks(to("/__waf-canary"))


def test_a_rule_that_is_put_with_its_id_keeps_it_and_gets_a_new_version(cloudflare: Asker, zone: Zone) -> None:
    path = in_zone(zone, f"/rulesets/phases/{CUSTOM_PHASE}/entrypoint")
    held = zone.rulesets[CUSTOM_PHASE].rules[0]
    kept, new = cloudflare(
        "PUT", path, json={"rules": [{**CANARY_RULE, "id": held["id"]}, dict(CANARY_RULE)]}
    ).get_json()["result"]["rules"]
    assert (kept["id"], kept["version"]) == (held["id"], "2")
    assert (new["id"] != held["id"], new["version"]) == (True, "1")


@pytest.mark.parametrize(
    "rules",
    [
        [{"action": "execute", "expression": "true"}],
        [{"action": "execute", "expression": "true", "action_parameters": {"id": "0" * 32}}],
        [{"action": "block"}],
        [{"action": "skip", "expression": "true"}],
        [dict(MANAGED_RULE), dict(MANAGED_RULE)],
        "none",
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_unfit_rule_is_refused_by_a_dry_run_too(cloudflare: Asker, zone: Zone, rules: object, query: str) -> None:
    path = in_zone(zone, f"/rulesets/phases/{MANAGED_PHASE}/entrypoint")
    assert cloudflare("PUT", path + query, json={"rules": rules}).status_code == 400
    assert zone.blocks(ATTACK)


def test_a_rule_is_changed_whole_and_one_more_is_added(cloudflare: Asker, zone: Zone) -> None:
    ruleset = zone.rulesets[MANAGED_PHASE]
    one = ruleset.rules[0]["id"]
    path = in_zone(zone, f"/rulesets/{ruleset.id}/rules")
    assert cloudflare("PATCH", f"{path}/{one}", json={"enabled": False}).status_code == 400
    less = {key: value for key, value in MANAGED_RULE.items() if key != "description"}
    changed = cloudflare("PATCH", f"{path}/{one}", json={**less, "enabled": False}).get_json()["result"]
    assert (changed["rules"][0]["enabled"], changed["version"]) == (False, "4")
    assert "description" not in changed["rules"][0]
    assert not zone.blocks(ATTACK)
    free = {**MANAGED_RULE, "action_parameters": {"id": FREE_RULESET}}
    added = cloudflare("POST", path, json=free).get_json()["result"]
    assert len(added["rules"]) == 2
    assert zone.blocks(ATTACK)
    assert len(cloudflare("DELETE", f"{path}/{one}").get_json()["result"]["rules"]) == 1
    assert code(cloudflare("PATCH", f"{path}/{one}", json=free)) == (404, 10002)


# -- what the firewall makes of rules ---------------------------------------------------------------------------------
def managed(**overrides: object) -> dict[str, object]:
    return {**MANAGED_RULE, "action_parameters": {"id": MANAGED_RULESET, "overrides": overrides}}


@pytest.mark.parametrize(
    ("overrides", "attack", "script"),
    [
        ({"enabled": False}, False, False),
        ({"action": "log"}, False, False),
        ({"categories": [{"category": "xss", "enabled": False}]}, True, False),
        ({"enabled": False, "categories": [{"category": "apache", "enabled": True}]}, True, False),
        ({"categories": [{"category": "xss", "action": "log"}]}, True, False),
        ({"rules": [{"id": "6afe6795ee6a48d6a1dfe59255395a76", "enabled": False}]}, True, False),
        ({"action": "challenge"}, True, True),
    ],
)
def test_overrides_of_the_managed_rules_are_obeyed(
    cloudflare: Asker, zone: Zone, *, overrides: dict[str, object], attack: bool, script: bool
) -> None:
    path = in_zone(zone, f"/rulesets/phases/{MANAGED_PHASE}/entrypoint")
    assert cloudflare("PUT", path, json={"rules": [managed(**overrides)]}).status_code == 200
    assert (zone.blocks(ATTACK), zone.blocks(SCRIPT)) == (attack, script)


def test_the_documented_probe_is_off_until_it_is_switched_on(cloudflare: Asker, zone: Zone) -> None:
    nobody = Visit("app.clinic.test", "/", "", "")
    assert not zone.blocks(nobody)
    path = in_zone(zone, f"/rulesets/phases/{MANAGED_PHASE}/entrypoint")
    cloudflare("PUT", path, json={"rules": [managed(rules=[{"id": EMPTY_AGENT, "enabled": True}])]})
    assert zone.blocks(nobody)


@pytest.mark.parametrize(
    ("phase", "parameters"),
    [
        (CUSTOM_PHASE, {"phases": [MANAGED_PHASE]}),
        (MANAGED_PHASE, {"ruleset": "current"}),
        (MANAGED_PHASE, {"rulesets": [MANAGED_RULESET]}),
        (MANAGED_PHASE, {"rules": {MANAGED_RULESET: ["0c054d4e4dd5455c9ff8f01efe5abb10"]}}),
    ],
)
@pytest.mark.parametrize(("expression", "passes"), [("true", True), ('http.host eq "other.test"', False)])
def test_a_skip_rule_lets_an_attack_pass_where_its_expression_matches(
    cloudflare: Asker, zone: Zone, *, phase: str, parameters: dict[str, object], expression: str, passes: bool
) -> None:
    held = [{key: one[key] for key in ("id", "action", "expression", "enabled")} for one in zone.rulesets[phase].rules]
    for one in held:
        if one["action"] == "execute":
            one["action_parameters"] = {"id": MANAGED_RULESET}
    skip = {"action": "skip", "expression": expression, "action_parameters": parameters}
    path = in_zone(zone, f"/rulesets/phases/{phase}/entrypoint")
    assert cloudflare("PUT", path, json={"rules": [skip, *held]}).status_code == 200
    assert zone.blocks(ATTACK) is not passes


# -- zone and settings ------------------------------------------------------------------------------------------------
def test_only_one_property_of_the_zone_changes_at_a_time(cloudflare: Asker, zone: Zone) -> None:
    refused = cloudflare("PATCH", in_zone(zone), json={"paused": True, "type": "full"})
    assert (refused.status_code, zone.paused) == (400, False)
    assert "Only one zone property" in refused.get_json()["errors"][0]["message"]
    assert cloudflare("PATCH", in_zone(zone), json={"paused": True}).get_json()["result"]["paused"] is True


def test_development_mode_shows_in_the_zone(cloudflare: Asker, zone: Zone) -> None:
    cloudflare("PATCH", in_zone(zone, "/settings/development_mode"), json={"value": "on"})
    assert cloudflare("GET", in_zone(zone)).get_json()["result"]["development_mode"] > 0


def test_a_setting_takes_only_its_own_values(cloudflare: Asker, zone: Zone) -> None:
    path = in_zone(zone, "/settings/security_level")
    assert cloudflare("PATCH", path, json={"value": "extreme"}).status_code == 400
    assert cloudflare("PATCH", path, json={"value": "high"}).get_json()["result"]["value"] == "high"
    assert cloudflare("GET", in_zone(zone, "/settings/nothing")).status_code == 400


# -- the allowance ----------------------------------------------------------------------------------------------------
@pytest.fixture
def seconds() -> list[float]:
    return [1000.0]


@pytest.fixture
def timed(zone: Zone, seconds: list[float]) -> Asker:
    """A simulator whose seconds the test counts."""
    return Asker(Cloudflare(zone, TOKEN, clock=lambda: seconds[0]), "cloudflare", BASE)


def test_every_answer_says_what_is_left_and_until_when(timed: Asker) -> None:
    first, second = (timed("GET", BASE + "/zones") for _ in range(2))
    assert first.headers["x-ratelimit-limit"] == "1200"
    assert [int(one.headers["x-ratelimit-remaining"]) for one in (first, second)] == [1199, 1198]
    assert parsedate_to_datetime(first.headers["x-ratelimit-reset"]).tzinfo is not None
    assert "retry-after" not in first.headers


def test_one_call_too_many_locks_the_owner_out_for_five_minutes(timed: Asker, seconds: list[float]) -> None:
    for _ in range(ALLOWED):
        assert timed("GET", BASE + "/user/tokens/verify", judged=False).status_code == 200
    refused = timed("GET", BASE + "/zones")
    assert code(refused) == (429, 971)
    assert (refused.headers["retry-after"], refused.headers["x-ratelimit-remaining"]) == ("300", "0")
    assert timed("GET", BASE + "/ips", token=None).status_code == 200
    seconds[0] += WINDOW - 1
    assert timed("GET", BASE + "/zones").headers["retry-after"] == "1"
    seconds[0] += 1
    assert timed("GET", BASE + "/zones").headers["x-ratelimit-remaining"] == "1199"


def test_a_throttled_call_changes_nothing_and_is_told_when_to_come_back(timed: Asker, zone: Zone) -> None:
    assert isinstance(timed.app, Cloudflare)
    timed.app.throttle(2, 7)
    for _ in range(2):
        refused = timed("PATCH", in_zone(zone), json={"paused": True})
        assert (code(refused), refused.headers["retry-after"]) == ((429, 971), "7")
    assert (zone.paused, timed.app.changes) == (False, ())
    timed("PATCH", in_zone(zone), json={"paused": True})
    assert timed.app.changes == (f"PATCH {in_zone(zone)}",)
