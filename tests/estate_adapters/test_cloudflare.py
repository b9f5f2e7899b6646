from __future__ import annotations

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.ports import ZoneSettings
from tests.estate_adapters.cloudflare_zone import (
    BASE,
    ENTRY,
    ITEM,
    PHASE,
    RECORD,
    RECORDS,
    ZONE,
    bad,
    conforms_but_for_read_only_fields,
    edge,
    good,
)
from tests.estate_adapters.provider import Provider, answer, conforms, door, examples, permit

__all__ = ["door"]


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


async def test_of_two_zones_of_that_name_the_active_one_counts(door):
    pending = {"id": "p", "name": "example.com", "status": "pending"}
    active = {"id": ZONE, "name": "example.com", "status": "active", "name_servers": ["Ada.NS.Cloudflare.com"]}
    zone = await edge(Provider({f"GET {BASE}/zones": good([pending, active])}), door).zone("example.com")
    assert zone is not None
    assert (zone.id, zone.name_servers) == (ZONE, ("ada.ns.cloudflare.com",))


async def test_settings_are_the_security_level_and_the_development_mode(door):
    at = f"GET {BASE}/zones/{ZONE}/settings"
    given = Provider(
        {
            f"{at}/security_level": good({"id": "security_level", "value": "under_attack"}),
            f"{at}/development_mode": [
                good({"id": "development_mode", "value": "on", "time_remaining": 3600}),
                good({"id": "development_mode", "value": "off", "time_remaining": 0}),
            ],
        }
    )
    here = edge(given, door)
    assert await here.settings(ZONE) == ZoneSettings("under_attack", development_mode=True)
    assert await here.settings(ZONE) == ZoneSettings("under_attack", development_mode=False)


async def test_records_come_over_all_pages(door):
    item = {"id": RECORD.id, "name": RECORD.name, "type": "A", "content": "192.0.2.1", "proxied": True, "ttl": 1}
    given = Provider({f"GET {RECORDS}": [good([item], total_pages=2), good([{**item, "id": "b"}], total_pages=2)]})
    assert [one.id for one in await edge(given, door).records(ZONE, RECORD.name)] == [RECORD.id, "b"]
    assert [request.url.params["page"] for request in given.requests] == ["1", "2"]
    assert given.requests[0].url.params["name.exact"] == RECORD.name


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        ([good([], total_pages=0)], 1),
        ([good([ITEM])], 1),
        ([answer({"success": True, "errors": [], "messages": [], "result": [ITEM]})], 1),
        ([answer({"success": True, "errors": [], "messages": [], "result": [ITEM], "result_info": None})], 1),
        ([good([ITEM], total_pages=9), good([], total_pages=9)], 2),
    ],
    ids=["no pages", "no total", "no info", "null info", "an empty page before the last"],
)
async def test_pages_end_where_there_is_nothing_more(door, pages, asked):
    given = Provider({f"GET {RECORDS}": pages})
    await edge(given, door).records(ZONE, RECORD.name)
    assert len(given.requests) == asked


async def test_a_record_is_sent_whole(door):
    document = {"name": RECORD.name, "type": "CNAME", "content": RECORD.content, "ttl": 1, "proxied": True}
    given = Provider({f"PATCH {RECORDS}/{RECORD.id}": good({"id": RECORD.id, **document})})
    allowed = permit("cloudflare:SetRecord", f"{ZONE}/{RECORD.id}")
    assert await edge(given, door).set_record(allowed, ZONE, RECORD) == RECORD
    assert given.body() == document  # neither comment nor tags: a PATCH leaves what it does not name
    conforms_but_for_read_only_fields(given.requests[-1])


async def test_throttling_is_waited_for(door):
    limited = bad(429, 971, "Please wait and consider throttling your request speed")
    limited.headers["retry-after"] = "3"
    given = Provider(
        {f"GET {BASE}/ips": [limited, good({"ipv4_cidrs": ["173.245.48.0/20"], "ipv6_cidrs": ["2400::/32"]})]}
    )
    assert await edge(given, door).ranges() == ("173.245.48.0/20", "2400::/32")
    assert given.slept == [3.0]


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
    rules = (await here.phase(ZONE, PHASE)).rules
    assert rules[0].action == "execute"
    wanted = tuple(rule.raw for rule in rules)
    await here.put_rules(permit("cloudflare:PutRules", f"{ZONE}/{PHASE}"), ZONE, PHASE, wanted, dry_run=False)
    assert len(await here.ranges()) == 3
    for request in provider.requests:
        if request.method == "GET":
            conforms("cloudflare", BASE, request)
        else:
            conforms_but_for_read_only_fields(request)
