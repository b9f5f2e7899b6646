"""Every service by the digest that was verified, once; nothing when an image is refused; watched until it runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import NoVerdict
from runbook.engine.events import Kind, Progress
from runbook.engine.verdict import Verdict
from runbook.estate.memory import MemoryEstate
from runbook.estate.memory.images import RELEASES
from runbook.estate.ports import Allowance, Deployment
from tests.support.operator import RETRY, abort, back
from tests.support.practice import DECLARED, Practice
from tests.support.recorder import Killed
from tests.support.stage4 import (
    attempt,
    just_before,
    preview,
    resumed,
    set_variable,
    through_stage_4,
    up_to_stage_4,
)

BOTH = ["clinic-staging/web", "clinic-staging/worker"]
RECOVERY = {**DECLARED, "mode": "recovery"}


def changing(practice: Practice) -> list[str]:
    """What was done on the platform before the closing began to undo."""
    done = [name for name, _ in practice.world.calls if name.startswith("northflank:")]
    return [name for name in done if name != "northflank:SetSecretGroup"]


# -- refused ------------------------------------------------------------------------------------------------------
async def test_a_tag_that_moved_between_verification_and_deployment_stops_it_before_any_call(
    practice: Practice,
) -> None:
    run = await through_stage_4(practice, {"confirm application.deploy": [just_before(practice.world.moved_tag)]})
    last = attempt(run, "application.deploy")
    assert attempt(run, "application.image").verdict is Verdict.PASS
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith("v1.8.2 is refused now: ")
    assert "tag" in last.observed
    assert changing(practice) == []


@pytest.mark.parametrize("fault", [MemoryEstate.unsigned_image, MemoryEstate.red_checks, MemoryEstate.tampered_image])
async def test_an_image_that_turns_bad_after_its_verification_is_not_deployed(practice: Practice, fault: Any) -> None:
    run = await through_stage_4(practice, {"confirm application.deploy": [just_before(lambda: fault(practice.world))]})
    assert "is refused now" in attempt(run, "application.deploy").observed
    assert changing(practice) == []


@pytest.mark.parametrize("fault", [MemoryEstate.unsigned_image, MemoryEstate.red_checks])
async def test_an_image_that_was_bad_from_the_start_changes_no_secret_group_either(
    practice: Practice, fault: Any
) -> None:
    fault(practice.world)
    run = await through_stage_4(practice)
    assert attempt(run, "application.image").verdict is Verdict.FAIL
    assert [name for name, _ in practice.world.calls if name.startswith("northflank:")] == []


async def test_one_bad_image_of_several_keeps_all_services_from_being_deployed(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=3, packages=3)
    moves = just_before(lambda: practice.world.images.move_tag(RELEASES[-1], "clinic-03"))
    run = await through_stage_4(practice, {"confirm application.deploy": [moves]})
    last = attempt(run, "application.deploy")
    assert last.verdict is Verdict.FAIL
    assert "clinic-03" in last.observed
    assert changing(practice) == []


async def test_a_tag_that_moves_between_two_deployments_stops_the_rest_and_who_has_it_is_said(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=3)
    deploy = practice.world.platform.deploy

    async def moved_after(*given: Any, **more: Any) -> Any:
        answer = await deploy(*given, **more)
        practice.world.moved_tag()
        return answer

    practice.world.platform.deploy = moved_after  # type: ignore[method-assign]  # somebody is quick
    run = await through_stage_4(practice)
    last = attempt(run, "application.deploy")
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith("v1.8.2 is refused now: ")
    assert last.observed.endswith("; deployed with it already: web")
    assert changing(practice) == ["northflank:Deploy"]


async def test_a_registry_that_cannot_be_asked_is_no_permission(practice: Practice) -> None:
    down = just_before(lambda: practice.world.take_down("registry"))
    run = await through_stage_4(practice, {"confirm application.deploy": [down]})
    assert attempt(run, "application.deploy").verdict is Verdict.INCONCLUSIVE
    assert changing(practice) == []


# -- services as they are -----------------------------------------------------------------------------------------
async def test_the_instances_are_kept_and_each_service_has_its_own_image(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=3, packages=2)
    run = await through_stage_4(practice)
    services = practice.world.platform.services
    assert [one.described.instances for one in services.values()] == [2, 1, 1]
    digests = [release.image.digest for release in practice.world.platform.started]
    assert digests[0] == digests[2] != digests[1]
    assert attempt(run, "application.boots").verdict is Verdict.PASS


@pytest.mark.parametrize("described", [{"instances": 0}, {"instances": 0, "paused": True}])
async def test_in_a_recovery_a_service_of_which_nothing_ran_is_started_with_one_instance_and_that_is_said(
    practice: Practice, described: dict[str, Any]
) -> None:
    practice.world.platform.describe("worker", **described)
    operator = up_to_stage_4(practice)
    run = await practice.conductor(operator).declare(RECOVERY)
    shown = preview(operator, "application.deploy")
    assert "started, since nothing of it ran: worker" in shown.what
    assert "instances 1 (none ran)" in shown.calls[1]
    assert practice.world.platform.services["worker"].described.instances == 1
    assert "3 instances running" in attempt(run, "application.rollout").observed


@pytest.mark.parametrize("described", [{"instances": 0}, {"instances": 0, "paused": True}])
async def test_in_a_drill_a_service_of_which_nothing_runs_is_not_started(
    practice: Practice, described: dict[str, Any]
) -> None:
    practice.world.platform.describe("worker", **described)
    operator = up_to_stage_4(practice)
    run = await through_stage_4(practice, operator=operator)
    last = attempt(run, "application.deploy")
    assert last.verdict is Verdict.FAIL
    assert "worker: nothing of worker runs" in last.observed
    assert "Start it yourself, or take it out of" in last.fix
    assert operator.questions("confirm application.deploy") == changing(practice) == []


async def test_a_digest_that_is_configured_already_is_restarted_unless_nothing_runs(practice: Practice) -> None:
    reference = practice.world.images.newest_release.reference
    practice.world.platform.describe("web", image=reference)
    practice.world.platform.describe("worker", image=reference, instances=0)
    for service in practice.world.platform.services.values():
        newest = replace(service.deployments[0], digest=practice.world.images.newest_release.digest)
        service.deployments[0] = newest
    operator = up_to_stage_4(practice)
    run = await practice.conductor(operator).declare(RECOVERY)
    assert preview(operator, "application.deploy").calls[0].startswith("POST services/web/restart")
    assert changing(practice) == ["northflank:Restart", "northflank:Deploy"]
    assert attempt(run, "application.rollout").verdict is Verdict.PASS


async def test_a_service_whose_instances_are_not_said_is_not_scaled_by_a_guess(practice: Practice) -> None:
    practice.world.platform.describe("worker", instances=None)
    last = attempt(await through_stage_4(practice), "application.deploy")
    assert last.verdict is Verdict.INCONCLUSIVE
    assert "does not say how many instances worker has" in last.observed
    assert changing(practice) == []


@pytest.mark.parametrize("kind", ["combined", "build"])
async def test_a_service_that_takes_no_image_is_named_before_anything_is_deployed(
    practice: Practice, kind: str
) -> None:
    practice.world.platform.describe("worker", kind=kind)
    run = await through_stage_4(practice)
    last = attempt(run, "application.deploy")
    assert last.verdict is Verdict.FAIL
    assert last.observed.endswith(f"worker is a {kind} service: only a deployment service takes an image by digest")
    assert "deployment service" in last.fix
    assert changing(practice) == []


async def test_a_service_that_is_not_there_is_named(practice: Practice) -> None:
    del practice.world.platform.services["worker"]
    run = await through_stage_4(practice)
    assert "there is no service worker in clinic-staging" in attempt(run, "application.deploy").observed
    assert changing(practice) == []


# -- found again --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("late", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["first", "second", "third"])
def test_killed_among_several_deployments_the_resumed_run_makes_only_the_missing_ones(
    tmp_path: Path, which: int, *, late: bool
) -> None:
    calm = Practice(tmp_path / "calm", services=3)
    journal = calm.recorder()
    asyncio.run(through_stage_4(calm, recorder=journal))
    room = [e.seq for e in journal.of(Kind.INTENT) if e.step == "application.deploy"][which]
    practice = Practice(tmp_path / "killed", services=3)
    recorder = practice.recorder(room=room, late=late)
    with pytest.raises(Killed):
        asyncio.run(through_stage_4(practice, recorder=recorder))
    assert len(practice.done("northflank:Deploy")) == which + late
    run = resumed(practice, recorder)
    assert sorted(practice.done("northflank:Deploy")) == sorted([*BOTH, "clinic-staging/worker-03"])
    assert practice.done("northflank:Restart") == []
    assert attempt(run, "application.rollout").verdict is Verdict.PASS
    assert attempt(run, "application.database").verdict is Verdict.PASS
    assert run.open_ledger == ()


async def test_a_platform_that_falls_silent_half_way_is_asked_only_for_the_rest_when_it_is_back(
    practice: Practice,
) -> None:
    def silent_at_the_second(operation: str, target: str) -> None:
        if operation == "northflank:Deploy" and target == BOTH[0]:
            practice.world.take_down("northflank")

    practice.world._world.watchers.append(silent_at_the_second)
    mended = just_before(lambda: practice.world.bring_back("northflank"), RETRY)
    operator = up_to_stage_4(practice, {"decide application.deploy": [mended]})
    run = await through_stage_4(practice, operator=operator)
    assert practice.done("northflank:Deploy") == BOTH
    again = operator.questions("confirm application.deploy")[1].preview
    assert [call.partition(":")[0] for call in again.calls] == ["PATCH services/deployment/worker"]
    assert attempt(run, "application.rollout").verdict is Verdict.PASS


@pytest.mark.parametrize(("silent", "again"), [(3, []), (99, ["northflank:Restart"])], ids=["late", "never"])
async def test_a_call_whose_answer_was_lost_is_waited_for_in_the_list_of_deployments_before_it_is_made_again(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, silent: int, again: list[str]
) -> None:
    platform, asked = practice.world.platform, [0]
    deploy, deployments = platform.deploy, platform.deployments

    async def lost(permit: Any, project: str, service: str, **more: Any) -> Any:
        answer = await deploy(permit, project, service, **more)
        if len(practice.done("northflank:Deploy")) == 1:
            raise NoVerdict("no answer: whether the change was made is not known")
        return answer

    async def late(project: str, service: str) -> tuple[Deployment, ...]:
        found = await deployments(project, service)
        asked[0] += 1
        behind = service == "web" and asked[0] <= silent and not practice.done("northflank:Restart")
        return found[1:] if behind else found

    monkeypatch.setattr(platform, "deploy", lost)
    monkeypatch.setattr(platform, "deployments", late)
    run = await through_stage_4(practice, {"decide application.deploy": [RETRY]})
    assert practice.done("northflank:Deploy") == BOTH
    assert changing(practice) == ["northflank:Deploy", *again, "northflank:Deploy"]
    assert attempt(run, "application.rollout").verdict is Verdict.PASS


async def test_going_back_adopts_what_runs(practice: Practice) -> None:
    run = await through_stage_4(practice, {"gate application": [back("application", "look again"), abort("enough")]})
    assert practice.done("northflank:Deploy") == BOTH
    assert attempt(run, "application.deploy").adopted


async def test_processes_that_do_not_know_the_newest_configuration_are_started_anew(practice: Practice) -> None:
    drift = just_before(
        lambda: set_variable(practice, "worker-env/VAULT_ADDR", "https://127.0.0.1:8199"), back("application", "drift")
    )
    run = await through_stage_4(practice, {"gate application": [drift, abort("enough")]})
    assert practice.done("northflank:Deploy") == BOTH
    assert practice.done("northflank:Restart") == BOTH  # the digest is there already
    assert attempt(run, "application.boots").verdict is Verdict.PASS


async def test_what_somebody_deployed_over_ours_is_replaced_after_going_back(practice: Practice) -> None:
    swapped = just_before(lambda: practice.world.swap_digest("worker"), back("application", "another image runs"))
    run = await through_stage_4(practice, {"gate application": [swapped, abort("enough")]})
    assert practice.done("northflank:Deploy") + practice.done("northflank:Restart") == [*BOTH, BOTH[1]]
    assert attempt(run, "application.boots").verdict is Verdict.PASS


# -- shown --------------------------------------------------------------------------------------------------------
async def test_thirty_services_are_thirty_short_lines_and_each_image_once(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30, packages=2)
    operator = up_to_stage_4(practice)
    recorder = practice.recorder()
    run = await through_stage_4(practice, operator=operator, recorder=recorder)
    shown = preview(operator, "application.deploy")
    assert len(set(shown.calls)) == 30
    assert max(map(len, shown.calls)) <= 80
    assert len(shown.changes) == 2
    assert [change.after for change in shown.changes] == [
        practice.world.images.release(RELEASES[-1], package).reference for package in ("clinic", "clinic-02")
    ]
    assert shown.what == "Deploy clinic v1.8.2, clinic-02 v1.8.2 by digest, instances as they are"
    for step in ("deploy", "rollout", "boots", "database", "decrypt"):
        last = attempt(run, f"application.{step}")
        assert last.verdict is Verdict.PASS
        assert len(last.observed) <= 240, last.observed
    assert len(practice.done("northflank:Deploy")) == 30


# -- rolled out ---------------------------------------------------------------------------------------------------
def progress_of(practice: Practice, step: str, script: dict[str, Any] | None = None) -> tuple[Any, list[str]]:
    said: list[str] = []
    conductor = practice.conductor(up_to_stage_4(practice, script))
    conductor.subscribe(lambda one: said.append(one.text) if isinstance(one, Progress) and one.step == step else None)
    return asyncio.run(conductor.declare(DECLARED)), said


def test_the_rollout_says_how_many_of_them_are_there(practice: Practice) -> None:
    _, said = progress_of(practice, "application.rollout")
    assert said[0] == "0 of 2 services; web: not begun, worker: not begun"
    assert "0 of 2 services; web: in progress, worker: in progress" in said
    assert "2 of 2 services" in said


async def test_a_rollout_that_failed_names_the_service_and_going_back_deploys_it_again(practice: Practice) -> None:
    practice.world.fail_rollout("worker")

    def mend() -> None:
        practice.world.platform.services["worker"].comes_up = True

    script = {"decide application.rollout": [just_before(mend, back("application", "it can start now"))]}
    recorder = practice.recorder()
    run = await through_stage_4(practice, script, recorder=recorder)
    (failed, _) = [a for a in run.attempts if a.step == "application.rollout"]
    assert failed.verdict is Verdict.FAIL
    assert failed.observed == "the platform says that the deployment failed: worker"
    assert practice.done("northflank:Deploy") == BOTH
    assert practice.done("northflank:Restart") == BOTH[1:]
    assert attempt(run, "application.rollout").verdict is Verdict.PASS


async def test_an_image_that_somebody_deploys_during_the_rollout_is_noticed(practice: Practice) -> None:
    service = practice.world.platform.services["worker"]
    finish = service.finish

    def over_ours(release: Any, now: Any) -> None:
        finish(release, now)
        if release is not None and release.image == practice.world.images.newest_release:
            practice.world.swap_digest("worker")

    service.finish = over_ours  # type: ignore[method-assign]  # somebody is quick
    run = await through_stage_4(practice)
    last = attempt(run, "application.rollout")
    assert last.verdict is Verdict.FAIL
    assert "somebody deployed another image since" in last.observed


async def test_containers_that_do_not_come_up_are_waited_for_and_then_named(practice: Practice) -> None:
    practice.world.platform.services["web"].missing = 1
    run = await through_stage_4(practice)
    last = attempt(run, "application.rollout")
    assert last.verdict is Verdict.INCONCLUSIVE
    assert last.observed == "waited 900 s for the rollout of web: 1 of 2"


@pytest.mark.parametrize("instances", [0, 3])
async def test_as_many_have_to_run_as_were_sent_whatever_the_service_says_afterwards(
    practice: Practice, instances: int
) -> None:
    deploy = practice.world.platform.deploy

    async def scaled(permit: Any, project: str, service: str, **more: Any) -> Any:
        answer = await deploy(permit, project, service, **more)
        if service == "worker":
            practice.world.platform.describe("worker", instances=instances)
        return answer

    practice.world.platform.deploy = scaled  # type: ignore[method-assign]  # somebody is quick
    run = await through_stage_4(practice)
    last = attempt(run, "application.rollout")
    assert last.verdict is Verdict.INCONCLUSIVE
    assert last.observed == f"waited 900 s for the rollout of worker: {instances} of 1"
    assert run.opened == ("identity", "vault", "database")


async def test_a_poll_asks_the_platform_once_however_many_services_there_are(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30)
    await through_stage_4(practice)
    log = [name for name, _ in practice.world._world.log]
    rollout = log[len(log) - 1 - log[::-1].index("northflank:Deploy") :]
    assert 2 <= rollout.count("northflank:Services") <= 6
    assert rollout.count("northflank:Deployments") == 30
    assert rollout.count("northflank:Containers") == 30
    assert "northflank:Service" not in rollout[: rollout.index("northflank:SecretGroup")]


async def test_a_service_is_looked_at_once_unless_who_agrees_takes_their_time(practice: Practice) -> None:
    await through_stage_4(practice)
    log = [name for name, _ in practice.world.log]
    assert log[: log.index("northflank:Deploy")].count("northflank:Service") == 2


async def test_what_changed_while_somebody_thought_about_it_is_seen(practice: Practice) -> None:
    def later() -> None:
        practice.clock.advance(600)
        practice.world.platform.describe("worker", instances=3)

    await through_stage_4(practice, {"confirm application.deploy": [just_before(later)]})
    assert practice.world.platform.services["worker"].described.instances == 3


async def test_it_polls_slower_when_little_is_left_of_the_hourly_allowance_and_says_what_is(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = Allowance("Northflank", 1000, 40, 1200.0)
    monkeypatch.setattr(practice.world.rates, "of", lambda provider: low if provider == "northflank" else None)
    slept: list[float] = []
    sleep = practice.clock.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(practice.clock, "sleep", noted)
    run = await through_stage_4(practice)
    assert 30.0 in slept
    assert attempt(run, "application.rollout").observed.endswith("40 of 1,000 calls left")


async def test_a_platform_that_refuses_calls_for_a_while_is_waited_for(practice: Practice) -> None:
    limited = just_before(lambda: practice.world.rate_limited("northflank", calls=3, wait=2))
    run = await through_stage_4(practice, {"confirm application.deploy": [limited]})
    assert attempt(run, "application.rollout").verdict is Verdict.PASS
    assert practice.done("northflank:Deploy") == BOTH


# -- watched ------------------------------------------------------------------------------------------------------
async def test_the_heartbeat_asks_every_service_and_never_the_platform(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30)
    conductor = practice.conductor()
    for stage in ("identity", "vault", "database", "application"):
        await conductor.perform_stage(stage)
    before, said = len(practice.world._world.log), []
    conductor.subscribe(lambda one: said.append(one) if isinstance(one, Progress) else None)
    await conductor._watch.look([conductor.procedure.stage("application")])
    assert said == []  # every 30 s, beside whatever the operator is doing
    asked = [name for name, _ in practice.world._world.log[before:]]
    assert asked == ["web:Get"] * 30
    assert conductor.run.pulses["application"].alive


async def test_a_heartbeat_names_the_service_that_fell(practice: Practice) -> None:
    conductor = practice.conductor()
    for stage in ("identity", "vault", "database", "application"):
        await conductor.perform_stage(stage)
    practice.world.swap_digest("worker")
    await conductor._watch.look([conductor.procedure.stage("application")])
    pulse = conductor.run.pulses["application"]
    assert not pulse.alive
    assert pulse.observed.startswith("1 of 2: worker: digest is sha256:")
