"""Whole runs over estates of other sizes: thirty services and names, one of each, and no public name at all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from runbook.engine.events import Kind
from runbook.engine.verdict import Verdict
from tests.support.practice import Practice


async def test_thirty_services_and_thirty_names_pass_and_each_result_fits_on_a_screen(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30, hostnames=30, packages=3)
    recorder = practice.recorder()
    run = await practice.walk(recorder=recorder)
    assert run.outcome == "PASS"
    assert (len(practice.done("northflank:Deploy")), len(set(practice.done("northflank:Deploy")))) == (30, 30)
    assert len(set(practice.done("cloudflare:SetRecord"))) == 30
    outer = [event for event in recorder.of(Kind.RESULT) if event.stage in {"application", "connectivity"}]
    assert max(len(event.data["observed"]) for event in outer) <= 400
    asked = Counter(operation.partition(":")[0] for operation, _ in practice.world.log)
    sent = [operation for operation, _ in practice.world.log if operation == "northflank:SetSecretGroup"]
    calls = asked["northflank"] + len(sent)  # a group's files are read before it is set
    assert calls <= 28 * 30, "of 1000 an hour: what is left is for going back, and for looking again"
    assert asked["cloudflare"] < 1200, "the allowance of five minutes"


async def test_one_service_and_one_name_pass(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=1, hostnames=1)
    assert (await practice.walk()).outcome == "PASS"
    assert practice.done("northflank:Deploy") == ["clinic-staging/web"]


async def test_without_public_names_nothing_at_the_edge_is_changed_and_every_step_says_what_was_not_exercised(
    tmp_path: Path,
) -> None:
    practice = Practice(tmp_path, public_names="none")
    run = await practice.walk()
    assert run.outcome == "PASS"
    sent = [operation for operation, _ in practice.world.log if operation.startswith("cloudflare:")]
    assert set(sent) <= {"cloudflare:Token", "cloudflare:Zone", "cloudflare:Rules", "cloudflare:Settings"}
    assert practice.world.dry_runs == []
    for step in ("zone", "waf", "settings"):
        last = run.last(f"connectivity.{step}")
        assert last is not None
        assert "only read: no hostnames are configured" in last.observed
    for step in ("records", "dns", "https", "waf-live", "origin"):
        last = run.last(f"connectivity.{step}")
        assert last is not None
        assert last.verdict is Verdict.NOT_NEEDED
        assert "; not exercised: " in last.observed


async def test_without_public_names_a_firewall_that_is_off_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    practice = Practice(tmp_path, public_names="none")
    practice.world.waf_off()
    run = await practice.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    assert not [operation for operation, _ in practice.world.calls if operation.startswith("cloudflare:")]
    assert practice.world.dry_runs == []
