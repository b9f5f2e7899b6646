"""The zone: active, not paused, delegated to the edge; and its settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import names
from steps.connectivity import zone
from steps.facts import ZoneKnown
from tests.support.outside import SetNames
from tests.support.practice import Practice
from tests.support.standing import Standing

SERVERS = ("ada.ns.practice.test", "bob.ns.practice.test")
PUBLIC = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
SILENCE = NoVerdict("The name server gave no usable answer", source="dns")


def at(practice: Practice) -> Standing:
    known = ZoneKnown(practice.world.edge.zone_state.id, names.ZONE)
    return Standing(practice, "connectivity.zone", known)


def resolving(practice: Practice, *said: tuple[str, ...] | Exception) -> None:
    """Public resolvers that say so of the zone, one after the other."""
    addresses = PUBLIC[: len(said)]
    settings = practice.environment.connectivity.model_copy(
        update={"resolvers": tuple(config.Resolver(address=one) for one in addresses)}
    )
    practice.environment = practice.environment.model_copy(update={"connectivity": settings})
    fake = SetNames(practice.world.names, {(names.ZONE, one): say for one, say in zip(addresses, said, strict=True)})
    practice.world.names = fake  # type: ignore[assignment]


async def test_a_zone_in_good_order_passes_and_is_known_from_then_on(practice: Practice) -> None:
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "PASS"
    assert seen.observed == (
        "active, not paused; delegated to ada.ns.practice.test, bob.ns.practice.test by 127.0.0.1:5302"
    )
    assert seen.facts == (ZoneKnown(practice.world.edge.zone_state.id, names.ZONE),)


async def test_a_paused_zone_fails_with_what_to_click(practice: Practice) -> None:
    practice.world.pause_zone()
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "FAIL"
    assert seen.observed.startswith("PAUSED: names resolve, nothing is protected")
    assert "Enable Cloudflare" in seen.fix
    assert seen.facts == ()


async def test_a_zone_that_is_not_active_fails(practice: Practice) -> None:
    edge = practice.world.edge
    edge.zone_state = replace(edge.zone_state, status="moved")
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "FAIL"
    assert "status moved, not active" in seen.observed
    assert "registrar" in seen.fix


async def test_a_zone_that_is_not_visible_is_told(practice: Practice) -> None:
    settings = practice.environment.connectivity.model_copy(update={"zone": "other.test"})
    practice.environment = practice.environment.model_copy(update={"connectivity": settings})
    with pytest.raises(LayerFailed, match=r"the zone other\.test is not visible"):
        await zone.zone_is_ready(at(practice).here)


async def test_a_zone_delegated_elsewhere_fails_and_says_by_whom(practice: Practice) -> None:
    resolving(practice, SERVERS, ("ns1.registrar.test", "ns2.registrar.test"))
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "FAIL"
    assert "delegated to ns1.registrar.test, ns2.registrar.test by 192.0.2.2" in seen.observed


async def test_a_zone_that_a_resolver_does_not_know_is_delegated_to_nobody(practice: Practice) -> None:
    resolving(practice, ())
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "FAIL"
    assert "delegated to nobody by 192.0.2.1" in seen.observed


async def test_final_dots_case_and_order_are_no_difference(practice: Practice) -> None:
    resolving(practice, ("Bob.NS.practice.test.", "ada.ns.practice.test."))
    assert (await zone.zone_is_ready(at(practice).here)).verdict == "PASS"


async def test_a_resolver_that_cannot_be_asked_fails_nothing_while_another_answers(practice: Practice) -> None:
    resolving(practice, SILENCE, SERVERS, SILENCE)
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "PASS"
    assert "by 192.0.2.2 (192.0.2.1, 192.0.2.3 did not answer)" in seen.observed


async def test_no_resolver_that_answers_is_no_verdict(practice: Practice) -> None:
    resolving(practice, SILENCE, SILENCE)
    with pytest.raises(NoVerdict, match=r"no resolver \(192\.0\.2\.1, 192\.0\.2\.2\) said who clinic\.test"):
        await zone.zone_is_ready(at(practice).here)


async def test_a_paused_zone_is_one_also_where_no_resolver_answers(practice: Practice) -> None:
    practice.world.pause_zone()
    resolving(practice, SILENCE)
    assert (await zone.zone_is_ready(at(practice).here)).verdict == "FAIL"


async def test_a_zone_without_named_servers_is_a_finding(practice: Practice) -> None:
    edge = practice.world.edge
    edge.zone_state = replace(edge.zone_state, name_servers=())
    seen = await zone.zone_is_ready(at(practice).here)
    assert seen.verdict == "PASS"
    assert [finding.text for finding in seen.findings] == ["the provider names no name servers for clinic.test"]


async def test_development_mode_is_judged_with_the_settings_and_nowhere_else(practice: Practice) -> None:
    practice.world.development_mode()
    here = at(practice).here
    seen = await zone.zone_is_ready(here)
    assert (seen.verdict, seen.findings) == ("PASS", ())
    seen = await zone.settings_are_right(here)
    assert seen.verdict == "FAIL"
    assert seen.observed == "development mode ON: the cache is bypassed"
    assert "Development mode: off" in seen.fix


async def test_the_security_level_is_as_configured_or_the_stage_is_shut(practice: Practice) -> None:
    here = at(practice).here
    seen = await zone.settings_are_right(here)
    assert (seen.verdict, seen.observed) == ("PASS", "security level medium, development mode off")
    for level in ("essentially_off", "under_attack"):
        practice.world.security_level(level)
        seen = await zone.settings_are_right(here)
        assert seen.verdict == "FAIL"
        assert seen.observed == f"security level {level}, not medium"
        assert "medium" in seen.fix


async def test_a_spent_allowance_is_said_while_it_is_waited_for(practice: Practice) -> None:
    practice.world.rate_limited("cloudflare", calls=2, wait=3)
    standing = at(practice)
    await zone.zone_is_ready(standing.here)
    assert "Cloudflare asks us to wait: 3 s still" in "; ".join(said.text for said in standing.shown)
