from __future__ import annotations

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.ports import DnsRecord
from tests.estate_adapters.provider import Provider, answer, conforms, door, examples, interlock, permit

__all__ = ["door"]
BASE = "/client/v4"
ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
PHASE = "http_request_firewall_managed"
ENTRY = f"{BASE}/zones/{ZONE}/rulesets/phases/{PHASE}/entrypoint"
RECORDS = f"{BASE}/zones/{ZONE}/dns_records"
RECORD = DnsRecord(
    "372e67954025e0ba6aaa6d586b9e0b59", "app.example.com", "CNAME", "origin.code.run", proxied=True, ttl=1
)


def good(result, **info) -> httpx.Response:
    return answer({"success": True, "errors": [], "messages": [], "result": result, "result_info": info})


def bad(status: int, code: int, message: str, **more) -> httpx.Response:
    errors = [{"code": code, "message": message, **more}]
    return answer({"success": False, "errors": errors, "messages": [], "result": None}, status)


def edge(provider: Provider, door, account: str | None = None) -> Cloudflare:
    return Cloudflare(f"http://127.0.0.1{BASE}", Secret("cf"), account, interlock(), door, wiring=provider.wiring)


async def test_a_users_token_is_verified(door):
    given = Provider({f"GET {BASE}/user/tokens/verify": good({"id": "t", "status": "active"})})
    identity = await edge(given, door).token()
    assert (identity.id, identity.kind, identity.active) == ("t", "user", True)


async def test_a_token_that_the_account_owns_is_verified_there(door):
    given = Provider(
        {
            f"GET {BASE}/user/tokens/verify": bad(401, 1000, "Invalid API Token"),
            f"GET {BASE}/accounts/acc/tokens/verify": good({"id": "t", "status": "disabled"}),
        }
    )
    identity = await edge(given, door, "acc").token()
    assert (identity.kind, identity.active) == ("account", False)
    with pytest.raises(NoVerdict, match="no such user token") as caught:
        await edge(given, door).token()
    assert "account_id" in caught.value.fix


@pytest.mark.parametrize(
    "refusal",
    [
        bad(400, 6003, "Invalid request headers", error_chain=[{"code": 6111, "message": "Invalid format"}]),
        bad(400, 9106, "Missing X-Auth-Key"),
        bad(403, 9109, "Unauthorized to access requested resource"),
        bad(403, 10000, "Authentication error"),
    ],
)
async def test_every_kind_of_refused_sign_in_is_no_verdict(door, refusal):
    with pytest.raises(NoVerdict, match="sign-in"):
        await edge(Provider({f"GET {BASE}/user/tokens/verify": refusal}), door).token()
    with pytest.raises(NoVerdict, match="sign-in"):
        await edge(Provider({f"GET {BASE}/zones": refusal}), door).zone("example.com")


async def test_a_phase_that_was_never_configured_has_no_rules(door):
    missing = bad(404, 10003, "could not find entrypoint ruleset")
    assert await edge(Provider({f"GET {ENTRY}": missing}), door).rules(ZONE, PHASE) == ()


async def test_a_wrong_zone_is_not_a_phase_without_rules(door):
    missing = bad(404, 7003, "Could not route to /zones/x, perhaps your object identifier is invalid?")
    with pytest.raises(LayerFailed) as caught:
        await edge(Provider({f"GET {ENTRY}": missing}), door).rules(ZONE, PHASE)
    assert caught.value.provider_text.startswith("7003 Could not route")


async def test_success_false_fails_whatever_the_status_says(door):
    with pytest.raises(LayerFailed, match="did not succeed"):
        await edge(Provider({f"GET {BASE}/zones": bad(200, 1004, "no")}), door).zone("example.com")


async def test_only_the_zone_of_exactly_that_name_counts(door):
    other = {"id": "x", "name": "not-example.com"}
    mine = {"id": ZONE, "name": "example.com", "status": "active", "paused": False, "development_mode": -20}
    given = Provider({f"GET {BASE}/zones": [good([other]), good([other, mine])]})
    assert await edge(given, door).zone("example.com") is None
    zone = await edge(given, door).zone("example.com")
    assert zone is not None
    assert (zone.id, zone.development_mode) == (ZONE, False)


async def test_put_rules_sends_rules_without_what_only_answers_carry(door):
    stored = {
        "id": "3a03", "ref": "3a03", "version": "1", "last_updated": "2026-11-20T18:08:14Z", "action": "execute",
        "action_parameters": {"id": "efb7b8c949ac4650a09736fc376e9aee"}, "expression": "true", "enabled": False,
    }  # fmt: skip
    given = Provider({f"GET {ENTRY}": good({"rules": [stored]}), f"PUT {ENTRY}": good(None)})
    here = edge(given, door)
    rules = await here.rules(ZONE, PHASE)
    assert (rules[0].enabled, rules[0].ruleset) == (False, "efb7b8c949ac4650a09736fc376e9aee")
    wanted = ({**rules[0].raw, "enabled": True},)
    allowed = permit("cloudflare:PutRules", f"{ZONE}/{PHASE}")
    await here.put_rules(allowed, ZONE, PHASE, wanted, dry_run=True)
    assert given.requests[-1].url.params["dry_run"] == "true"
    sent = given.body()["rules"][0]
    assert sent["enabled"] is True
    assert sent["ref"] == "3a03"
    assert not {"version", "last_updated"} & sent.keys()
    await here.put_rules(allowed, ZONE, PHASE, wanted, dry_run=False)
    assert "dry_run" not in given.requests[-1].url.params


async def test_a_permit_for_another_phase_is_refused(door):
    given = Provider({})
    wrong = permit("cloudflare:PutRules", f"{ZONE}/http_request_firewall_custom")
    with pytest.raises(Refused):
        await edge(given, door).put_rules(wrong, ZONE, PHASE, (), dry_run=True)
    assert given.requests == []


async def test_records_come_over_all_pages(door):
    item = {"id": RECORD.id, "name": RECORD.name, "type": "A", "content": "192.0.2.1", "proxied": True, "ttl": 1}
    given = Provider({f"GET {RECORDS}": [good([item], total_pages=2), good([{**item, "id": "b"}], total_pages=2)]})
    assert [one.id for one in await edge(given, door).records(ZONE, RECORD.name)] == [RECORD.id, "b"]
    assert given.requests[0].url.params["name.exact"] == RECORD.name


async def test_a_record_is_sent_whole(door):
    document = {"name": RECORD.name, "type": "CNAME", "content": RECORD.content, "ttl": 1, "proxied": True}
    given = Provider({f"PATCH {RECORDS}/{RECORD.id}": good({"id": RECORD.id, **document})})
    allowed = permit("cloudflare:SetRecord", f"{ZONE}/{RECORD.id}")
    assert await edge(given, door).set_record(allowed, ZONE, RECORD) == RECORD
    assert given.body() == document  # the contract wants read-only fields in requests too: not held against it


async def test_throttling_is_waited_for(door):
    limited = bad(429, 971, "Please wait and consider throttling your request speed")
    limited.headers["retry-after"] = "3"
    given = Provider(
        {f"GET {BASE}/ips": [limited, good({"ipv4_cidrs": ["173.245.48.0/20"], "ipv6_cidrs": ["2400::/32"]})]}
    )
    assert await edge(given, door).ranges() == ("173.245.48.0/20", "2400::/32")
    assert given.slept == [3.0]


async def test_a_throttled_change_was_not_made_and_is_not_repeated(door):
    limited = bad(429, 971, "Please wait")
    given = Provider({f"PATCH {RECORDS}/{RECORD.id}": limited})
    with pytest.raises(NoVerdict, match="wait") as caught:
        await edge(given, door).set_record(permit("cloudflare:SetRecord", f"{ZONE}/{RECORD.id}"), ZONE, RECORD)
    assert "not known" not in caught.value.sentence
    assert len(given.requests) == 1


async def test_the_documented_answers_are_understood(door):
    given = examples("cloudflare")
    entry = "/zones/{zone_id}/rulesets/phases/{ruleset_phase}/entrypoint"
    provider = Provider(
        {
            f"GET {BASE}/user/tokens/verify": answer(given["GET /user/tokens/verify"]["body"]),
            f"GET {BASE}/zones": answer(given["GET /zones"]["body"]),
            f"GET {RECORDS}": answer(given["GET /zones/{zone_id}/dns_records"]["body"]),
            f"GET {ENTRY}": answer(given[f"GET {entry}"]["body"]),
            f"PUT {ENTRY}": answer(given[f"PUT {entry}"]["body"]),
            f"GET {BASE}/ips": answer(given["GET /ips"]["body"]),
        }
    )
    here = edge(provider, door)
    assert (await here.token()).active
    zone = await here.zone("example.com")
    assert zone is not None
    assert zone.name_servers
    assert (await here.records(ZONE, "app.example.com"))[0].proxied
    rules = await here.rules(ZONE, PHASE)
    assert rules[0].action == "execute"
    wanted = tuple(rule.raw for rule in rules)
    await here.put_rules(permit("cloudflare:PutRules", f"{ZONE}/{PHASE}"), ZONE, PHASE, wanted, dry_run=False)
    assert len(await here.ranges()) == 3
    for request in provider.requests:
        if request.method == "GET":
            conforms("cloudflare", BASE, request)
