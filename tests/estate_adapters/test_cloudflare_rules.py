from __future__ import annotations

import pytest

from runbook.engine.errors import LayerFailed, Refused
from runbook.estate.ports import Phase
from tests.estate_adapters.cloudflare_zone import (
    BASE,
    ENTRY,
    PHASE,
    RECORD,
    RULESET,
    STORED,
    ZONE,
    bad,
    conforms_but_for_read_only_fields,
    edge,
    good,
)
from tests.estate_adapters.provider import Provider, door, permit

__all__ = ["door"]


async def test_a_phase_that_was_never_configured_has_no_rules(door):
    missing = bad(404, 10003, "could not find entrypoint ruleset")
    assert await edge(Provider({f"GET {ENTRY}": missing}), door).phase(ZONE, PHASE) == Phase(None, ())


async def test_a_wrong_zone_is_not_a_phase_without_rules(door):
    missing = bad(404, 7003, "Could not route to /zones/x, perhaps your object identifier is invalid?")
    with pytest.raises(LayerFailed) as caught:
        await edge(Provider({f"GET {ENTRY}": missing}), door).phase(ZONE, PHASE)
    assert caught.value.provider_text.startswith("7003 Could not route")


async def test_put_rules_sends_rules_without_what_only_answers_carry(door):
    given = Provider({f"GET {ENTRY}": good({"id": RULESET, "rules": [STORED]}), f"PUT {ENTRY}": good(None)})
    here = edge(given, door)
    phase = await here.phase(ZONE, PHASE)
    assert phase.id == RULESET
    (rule,) = phase.rules
    assert (rule.enabled, rule.ruleset) == (False, "efb7b8c949ac4650a09736fc376e9aee")
    wanted = ({**rule.raw, "enabled": True},)
    allowed = permit("cloudflare:PutRules", f"{ZONE}/{PHASE}")
    await here.put_rules(allowed, ZONE, PHASE, wanted, dry_run=True)
    assert given.requests[-1].url.params["dry_run"] == "true"
    sent = given.body()["rules"][0]
    assert sent["enabled"] is True
    assert sent["ref"] == STORED["ref"]
    assert not {"version", "last_updated"} & sent.keys()
    conforms_but_for_read_only_fields(given.requests[-1])
    await here.put_rules(allowed, ZONE, PHASE, wanted, dry_run=False)
    assert "dry_run" not in given.requests[-1].url.params


async def test_one_rule_is_changed_by_sending_all_of_it(door):
    path = f"{BASE}/zones/{ZONE}/rulesets/{RULESET}/rules/{STORED['id']}"
    given = Provider({f"PATCH {path}": good({"id": RULESET, "rules": [STORED]})})
    allowed = permit("cloudflare:ChangeRule", f"{ZONE}/{RULESET}/{STORED['id']}")
    await edge(given, door).change_rule(allowed, ZONE, RULESET, STORED["id"], {**STORED, "enabled": True})
    only_answered = ("version", "last_updated", "categories")
    assert given.body() == {**{key: STORED[key] for key in STORED if key not in only_answered}, "enabled": True}
    conforms_but_for_read_only_fields(given.requests[-1])


async def test_a_permit_for_one_rule_is_none_for_another_nor_for_the_phase(door):
    given = Provider({})
    for wrong in (
        permit("cloudflare:ChangeRule", f"{ZONE}/{RULESET}/other"),
        permit("cloudflare:ChangeRule", f"other/{RULESET}/{STORED['id']}"),
        permit("cloudflare:PutRules", f"{ZONE}/{PHASE}"),
    ):
        with pytest.raises(Refused):
            await edge(given, door).change_rule(wrong, ZONE, RULESET, STORED["id"], STORED)
    assert given.requests == []


async def test_overrides_come_with_the_rule_as_they_are(door):
    parameters = {
        **STORED["action_parameters"],
        "overrides": {"enabled": False, "rules": [{"id": "5d", "action": "log"}]},
    }
    given = Provider({f"GET {ENTRY}": good({"id": RULESET, "rules": [{**STORED, "action_parameters": parameters}]})})
    (rule,) = (await edge(given, door).phase(ZONE, PHASE)).rules
    assert rule.raw["action_parameters"] == parameters


async def test_without_host_names_every_change_is_refused_before_anything_is_sent_and_reads_go_on(door):
    given = Provider({f"GET {ENTRY}": good({"id": RULESET, "rules": [STORED]})})
    here = edge(given, door, read_only=True)
    to_rules = permit("cloudflare:PutRules", f"{ZONE}/{PHASE}")
    changes = (
        here.put_rules(to_rules, ZONE, PHASE, (STORED,), dry_run=False),
        here.put_rules(to_rules, ZONE, PHASE, (STORED,), dry_run=True),
        here.change_rule(
            permit("cloudflare:ChangeRule", f"{ZONE}/{RULESET}/{STORED['id']}"), ZONE, RULESET, STORED["id"], STORED
        ),
        here.set_record(permit("cloudflare:SetRecord", f"{ZONE}/{RECORD.id}"), ZONE, RECORD),
    )
    for change in changes:
        with pytest.raises(Refused, match="its zone is only read") as caught:
            await change
        assert "[[connectivity.hostnames]]" in caught.value.fix
    assert given.requests == []
    assert (await here.phase(ZONE, PHASE)).rules


async def test_a_permit_for_another_phase_is_refused(door):
    given = Provider({})
    wrong = permit("cloudflare:PutRules", f"{ZONE}/http_request_firewall_custom")
    with pytest.raises(Refused):
        await edge(given, door).put_rules(wrong, ZONE, PHASE, (), dry_run=True)
    assert given.requests == []
