"""What goes wrong with images, platform and edge is found at its step, before anything worse is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runbook.engine.verdict import Verdict
from runbook.estate.memory import MemoryEstate
from tests.steps.test_faults import after, attempt
from tests.support.practice import Practice

Fault = Callable[[MemoryEstate], Any]

IMAGES: dict[str, tuple[Fault, str]] = {
    "unsigned": (MemoryEstate.unsigned_image, "is not signed as GitHub would verify it (unsigned)"),
    "red": (MemoryEstate.red_checks, "its checks are not green: test is failure"),
    "tag moved": (MemoryEstate.moved_tag, "the tag v1.8.2 does not lead to this digest any more"),
    "other bytes": (MemoryEstate.tampered_image, "its bytes hash to sha256:"),
    "side branch": (MemoryEstate.side_branch, "its commit is not on the protected branch main"),
    "open branch": (MemoryEstate.unprotected_branch, "the branch main is not protected"),
}
PLATFORM: dict[str, tuple[Fault, str, str]] = {
    "error page": (MemoryEstate.half_boot, "boots", "HTTP 200 with an error page, no health document"),
    "error page of one": (lambda w: w.half_boot("worker"), "boots", "1 of 2: worker: HTTP 200 with an error page"),
    "rollout fails": (lambda w: w.fail_rollout("worker"), "rollout", "the deployment failed: worker"),
    "not a deployment": (lambda w: w.platform.describe("web", kind="combined"), "deploy", "web is a combined service"),
    "kept variable": (lambda w: w.platform.kept.add("DATABASE_URL"), "config", "does not hold what was set"),
    "kept switch": (lambda w: w.platform.kept.add("OUTBOUND_JOBS"), "quiet", "OUTBOUND_JOBS"),
    "wrong database": (MemoryEstate.wrong_database, "database", "web has a DATABASE_URL of its own"),
    "worker's wrong database": (lambda w: w.wrong_database("worker"), "database", "worker has a DATABASE_URL of its"),
    "address in the image": (
        lambda w: setattr(w, "app_on_wrong_database", True),
        "database",
        "NO connection of training-",
    ),
    "other text": (MemoryEstate.change_canary, "decrypt", "decrypts, but to another text than the configured one"),
    "newer key": (lambda w: w.change_canary("newer-version"), "decrypt", "needs a newer key version than this vault"),
    "other key": (lambda w: w.change_canary("other-key"), "decrypt", "wrong key material"),
    "probe fails": (MemoryEstate.probe_fails, "decrypt", "the record could not be read"),
}
EDGE: dict[str, tuple[Fault, str, str]] = {
    "paused": (MemoryEstate.pause_zone, "zone", "PAUSED"),
    "level off": (MemoryEstate.security_level, "settings", "security level essentially_off, not medium"),
    "self-signed": (lambda w: w.bad_certificate("self-signed"), "https", "is self-signed"),
    "expired": (lambda w: w.bad_certificate("expired"), "https", "has expired"),
    "wrong host": (lambda w: w.bad_certificate("wrong-host"), "https", "is for another host name"),
    "http": (
        MemoryEstate.http_redirect,
        "https",
        "HTTP 301 to http://app.clinic.test/: visitors are sent away",
    ),
}
GOES_ON: dict[str, tuple[Fault, str]] = {
    "firewall off": (MemoryEstate.waf_off, "PASS"),
    "managed rules off": (lambda w: w.waf_off(canary=False), "PASS"),
    "canary rule gone": (lambda w: w.waf_off(managed=False), "PASS"),
    "old origin": (MemoryEstate.dns_old_origin, "PASS"),
    "open origin": (MemoryEstate.open_origin, "PASS_WITH_ISSUES"),
    "groups replaced": (lambda w: setattr(w.platform, "replaces", True), "PASS"),
    "cloudflare limits": (lambda w: w.rate_limited("cloudflare"), "PASS"),
    "github limits": (lambda w: w.rate_limited("github"), "PASS"),
    "northflank limits": (lambda w: w.rate_limited("northflank"), "PASS"),
}


def guarded(world: MemoryEstate) -> list[bool]:
    """At each change of a record from now on: whether the firewall protected just then."""
    seen: list[bool] = []
    world.watch(lambda operation, _: seen.append(world.edge.protected) if operation == "cloudflare:SetRecord" else None)
    return seen


def changed(practice: Practice, provider: str) -> list[str]:
    return [operation for operation, _ in practice.world.calls if operation.startswith(f"{provider}:")]


# -- images -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fault", "said"), IMAGES.values(), ids=IMAGES.keys())
async def test_an_image_that_is_not_verified_is_refused_before_anything_of_the_platform_changes(
    practice: Practice, fault: Fault, said: str
) -> None:
    fault(practice.world)
    run = await practice.walk()
    found = attempt(run, "application.image")
    assert (found.verdict, run.outcome) == (Verdict.FAIL, "FAIL")
    assert said in found.observed
    assert changed(practice, "northflank") == []


def at_level_a(practice: Practice) -> None:
    (image,) = practice.environment.application.images
    strict = image.model_copy(update={"level": "A"})
    application = practice.environment.application.model_copy(update={"images": (strict,)})
    practice.environment = practice.environment.model_copy(update={"application": application})


async def test_at_level_a_an_attested_image_passes(practice: Practice) -> None:
    at_level_a(practice)
    practice.world.attest()
    assert (await practice.walk()).outcome == "PASS"


@pytest.mark.parametrize(
    "attested",
    [
        {},
        {"subject": "sha256:" + "1" * 64},
        {"repository": "somebody/else"},
        {"ref": "refs/heads/try-out"},
        {"commit": "0" * 40},
    ],
    ids=["none", "other digest", "other repository", "other ref", "other commit"],
)
async def test_at_level_a_an_attestation_that_is_missing_or_of_something_else_is_refused_before_any_change(
    practice: Practice, attested: dict[str, str]
) -> None:
    at_level_a(practice)
    if attested:
        practice.world.attest(**attested)
    run = await practice.walk()
    assert attempt(run, "application.image").verdict is Verdict.FAIL
    assert changed(practice, "northflank") == []


@pytest.mark.parametrize("fault", [each[0] for each in IMAGES.values()], ids=IMAGES.keys())
async def test_an_image_that_is_spoilt_after_it_was_chosen_is_refused_before_the_deployment_call(
    practice: Practice, fault: Fault
) -> None:
    operator = practice.operator({"confirm application.config": [after(practice, fault, then=True)]})
    run = await practice.walk(operator)
    assert attempt(run, "application.deploy").verdict is Verdict.FAIL
    assert practice.done("northflank:Deploy") == []
    assert run.outcome == "FAIL"


# -- the platform -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fault", "step", "said"), PLATFORM.values(), ids=PLATFORM.keys())
async def test_what_is_wrong_with_the_application_fails_its_step_and_opens_no_door(
    practice: Practice, fault: Fault, step: str, said: str
) -> None:
    fault(practice.world)
    run = await practice.walk()
    found = attempt(run, f"application.{step}")
    assert found.verdict is Verdict.FAIL
    assert said in f"{found.observed} {found.provider_text}"
    assert run.outcome == "FAIL"
    assert changed(practice, "cloudflare") == []
    assert practice.world.databases.copies == {}


async def test_a_healthy_application_on_the_wrong_database_fails_the_second_criterion_only(practice: Practice) -> None:
    practice.world.app_on_wrong_database = True
    run = await practice.walk()
    assert attempt(run, "application.boots").verdict is Verdict.PASS
    found = attempt(run, "application.database")
    assert found.verdict is Verdict.FAIL
    assert "status ok, database ok" in found.observed
    assert run.outcome == "FAIL"


async def test_an_application_of_this_run_that_is_seen_on_production_is_a_hard_stop(practice: Practice) -> None:
    practice.world.wrong_database(as_this_run=True)
    run = await practice.walk()
    found = attempt(run, "application.database")
    assert found.hard_stop
    assert "CONNECTED TO PRODUCTION" in found.observed


# -- the edge -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fault", "step", "said"), EDGE.values(), ids=EDGE.keys())
async def test_what_is_wrong_with_the_edge_fails_its_step_and_leaves_the_records_as_they_were(
    practice: Practice, fault: Fault, step: str, said: str
) -> None:
    before, seen = dict(practice.world.edge.zone_records), guarded(practice.world)
    fault(practice.world)
    run = await practice.walk()
    found = attempt(run, f"connectivity.{step}")
    assert found.verdict is Verdict.FAIL
    assert said in found.observed
    assert run.outcome == "FAIL"
    assert practice.world.edge.zone_records == before
    assert all(seen)
    assert bool(seen) is (step == "https"), "no door opens over what is found before"


@pytest.mark.parametrize(("fault", "outcome"), GOES_ON.values(), ids=GOES_ON.keys())
async def test_what_can_be_put_right_or_waited_for_is(practice: Practice, fault: Fault, outcome: str) -> None:
    seen = guarded(practice.world)
    fault(practice.world)
    run = await practice.walk()
    assert run.outcome == outcome
    assert seen
    assert all(seen)


async def test_the_firewall_is_put_right_dry_first_and_seen_on_before_any_record_is_changed(practice: Practice) -> None:
    practice.world.waf_off()
    run = await practice.walk()
    assert run.outcome == "PASS"
    log = [(operation, target) for operation, target in practice.world.log if operation.startswith("cloudflare:")]
    first = next(place for place, (operation, _) in enumerate(log) if operation == "cloudflare:SetRecord")
    changes = [place for place, (operation, _) in enumerate(log[:first]) if operation in WAF_CHANGES]
    dry = [place for place, (operation, _) in enumerate(log) if operation.endswith("(dry run)")]
    read = [
        target.partition("/")[2] for operation, target in log[changes[-1] : first] if operation == "cloudflare:Rules"
    ]
    assert changes
    assert dry
    assert dry[0] < changes[0]
    assert {"http_request_firewall_managed", "http_request_firewall_custom"} <= set(read), "read back since"


WAF_CHANGES = {"cloudflare:PutRules", "cloudflare:ChangeRule"}


@pytest.mark.parametrize(
    "fault", [MemoryEstate.seal, MemoryEstate.stop_database, MemoryEstate.swap_digest, MemoryEstate.waf_off]
)
async def test_no_record_is_changed_when_a_layer_or_the_firewall_falls_while_the_preview_is_read(
    practice: Practice, fault: Fault
) -> None:
    seen = guarded(practice.world)
    operator = practice.operator({"confirm connectivity.records": [after(practice, fault, then=True)]})
    run = await practice.walk(operator)
    assert not attempt(run, "connectivity.records").verdict.satisfies
    assert seen == []


async def test_a_layer_that_falls_between_two_records_stops_the_second(practice: Practice) -> None:
    world, seen = practice.world, []

    def fall(operation: str, _: str) -> None:
        if operation == "cloudflare:SetRecord":
            seen.append(operation)
            world.seal()
            practice.clock.advance(30)

    world.watch(fall)
    run = await practice.walk()
    found = attempt(run, "connectivity.records")
    assert found.verdict is Verdict.FAIL
    assert "Encryption Vault does not hold any more" in found.observed
    assert seen[:2] == ["cloudflare:SetRecord"] * 2  # the first, and by the closing the same one back
    assert [record.proxied for record in world.edge.zone_records.values()] == [False, False]
    assert len(set(practice.done("cloudflare:SetRecord"))) == 1


async def test_who_makes_us_wait_is_shown_meanwhile(practice: Practice) -> None:
    practice.world.rate_limited("northflank", calls=2, wait=7)
    conductor = practice.conductor()
    told: list[str] = []
    practice.world.rates.listen(lambda one: told.append(f"{one.provider} {one.waiting_s:.0f}"))
    await conductor.perform_stage("identity")
    assert told == ["Northflank 7"] * 2
