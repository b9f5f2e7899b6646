"""A drill without names of its own: production's zone is read, never changed, and what is not right is a finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runbook.engine.errors import NoVerdict
from runbook.engine.events import Kind
from runbook.estate.ports import ZoneSettings
from tests.support.operator import attest
from tests.support.practice import DECLARED, Practice

READ = ("connectivity.zone", "connectivity.waf", "connectivity.settings")
NOT_EXERCISED = {
    "connectivity.records": "routing the public names",
    "connectivity.dns": "that public names lead to the edge",
    "connectivity.https": "certificate, edge and page",
    "connectivity.waf-live": "that the firewall blocks, live",
    "connectivity.origin": "whether the origin can be reached past the edge",
}


@pytest.fixture
def unnamed(tmp_path: Path) -> Practice:
    return Practice(tmp_path, public_names="none")


async def test_nothing_is_changed_and_the_stage_says_what_was_exercised_and_what_was_not(unnamed: Practice) -> None:
    run = await unnamed.walk()
    assert run.outcome == "PASS"
    for step in READ:
        last = run.last(step)
        assert last is not None
        assert last.verdict == "PASS"
        assert "(only read: no hostnames are configured)" in last.observed
    for step, words in NOT_EXERCISED.items():
        last = run.last(step)
        assert last is not None
        assert last.verdict == "NOT_NEEDED"
        read = "only read: the zone, its firewall rules, its settings; nothing was changed"
        assert last.observed.startswith(f"no hostnames are configured; {read}; not exercised: {words}")


async def test_what_could_not_be_read_is_not_said_to_have_been(unnamed: Practice) -> None:
    async def down(zone: str) -> ZoneSettings:
        raise NoVerdict("Cloudflare is not well", source="cloudflare")

    unnamed.world.edge.settings = down  # type: ignore[method-assign]
    run = await unnamed.walk(unnamed.operator({"decide connectivity.settings": [attest("seen in the dashboard")]}))
    last = run.last("connectivity.records")
    assert last is not None
    assert "only read: the zone, its firewall rules; nothing was changed" in last.observed


async def test_not_one_mutating_call_is_made_and_none_is_announced(unnamed: Practice) -> None:
    unnamed.world.waf_off()
    recorder = unnamed.recorder()
    await unnamed.walk(recorder=recorder)
    changes = {"cloudflare:PutRules", "cloudflare:ChangeRule", "cloudflare:SetRecord"}
    made = {operation.removesuffix(" (dry run)") for operation, _ in unnamed.world.log}
    assert made.isdisjoint(changes)
    assert {event.data["operation"] for event in recorder.of(Kind.INTENT)}.isdisjoint(changes)
    assert {"cloudflare:Zone", "cloudflare:Rules", "cloudflare:Settings"} <= made


async def test_no_public_name_is_resolved_visited_or_read(unnamed: Practice) -> None:
    await unnamed.walk()
    targets = [target for operation, target in unnamed.world.log if operation in {"dns:Resolve", "web:Get"}]
    assert [target for target in targets if "app.clinic.test" in target] == []
    assert "cloudflare:Records" not in {operation for operation, _ in unnamed.world.log}


async def test_a_protection_that_is_off_in_production_is_a_major_finding_and_no_failure(unnamed: Practice) -> None:
    unnamed.world.waf_off()
    run = await unnamed.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    last = run.last("connectivity.waf")
    assert last is not None
    assert last.verdict == "NOT_NEEDED"
    assert "not as it should be" in last.observed
    assert [(finding.severity, finding.text) for finding in run.findings] == [
        ("major", "clinic.test: managed ruleset Cloudflare Managed: its rules are OFF"),
        ("major", "clinic.test: canary rule for /__waf-canary: no such rule"),
    ]


async def test_a_paused_zone_and_changed_settings_are_findings_and_the_checkpoint_opens(unnamed: Practice) -> None:
    unnamed.world.pause_zone()
    unnamed.world.security_level("off")
    unnamed.world.development_mode()
    run = await unnamed.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    assert [finding.text for finding in run.findings] == [
        "clinic.test: PAUSED: names resolve, nothing is protected",
        "clinic.test: security level off, not medium",
        "clinic.test: development mode ON: the cache is bypassed",
    ]
    assert "connectivity" in run.opened


async def test_a_zone_that_is_not_active_is_a_finding(unnamed: Practice) -> None:
    unnamed.world.edge.zone_state = replace(unnamed.world.edge.zone_state, status="pending")
    run = await unnamed.walk()
    assert [finding.text for finding in run.findings] == ["clinic.test: status pending, not active"]


async def test_the_heartbeat_is_that_the_zone_can_be_read(unnamed: Practice) -> None:
    recorder = unnamed.recorder()
    await unnamed.walk(recorder=recorder)
    pulses = [event for event in recorder.of(Kind.HEARTBEAT) if event.stage == "connectivity"]
    assert pulses
    assert all(event.data["alive"] for event in pulses)


async def test_a_recovery_without_public_names_is_not_one(unnamed: Practice) -> None:
    run = await unnamed.conductor().declare({**DECLARED, "mode": "recovery"})
    last = run.last("connectivity.zone")
    assert last is not None
    assert last.verdict == "FAIL"
    assert "a recovery without public names opens no door" in last.observed
