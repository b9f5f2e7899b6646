"""The three criteria, each with the ways in which it fails, in words that tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook import config
from runbook.engine.ports import Act, Decide, Decision
from runbook.engine.verdict import Verdict
from runbook.estate.memory import MemoryEstate
from runbook.estate.ports import Endpoint, Login, Undecryptable
from tests.support.operator import abort
from tests.support.practice import DECLARED, Practice
from tests.support.stage4 import attempt, configure, just_before, through_stage_4

RUN = DECLARED["run_id"]
COPY = f"rt-{RUN}".lower()
Patch = pytest.MonkeyPatch


def with_health(practice: Practice, number: int, **health: Any) -> None:
    """That service's health is judged otherwise; `health=None`: it has none."""
    services = list(practice.environment.application.services)
    known = services[number].health
    assert known is not None
    judged = None if health.get("health", ...) is None else config.Health(**{**known.model_dump(), **health})
    services[number] = services[number].model_copy(update={"health": judged})
    configure(practice, services=tuple(services))


def with_probe(practice: Practice, **urls: str | None) -> None:
    services = practice.environment.application.services
    changed = tuple(one.model_copy(update={"probe_url": urls.get(one.name, one.probe_url)}) for one in services)
    configure(practice, services=changed)


# -- criterion 1 --------------------------------------------------------------------------------------------------
async def test_a_200_with_an_error_page_is_no_health_and_whose_it_is_is_said(practice: Practice) -> None:
    practice.world.half_boot("worker")
    run = await through_stage_4(practice)
    last = attempt(run, "application.boots")
    assert last.verdict is Verdict.FAIL
    assert last.observed == "1 of 2: worker: HTTP 200 with an error page, no health document"
    assert run.outcome == "FAIL"


async def test_fields_are_found_by_their_dotted_path(practice: Practice) -> None:
    practice.world.application.said_of_health = {"checks": {"queue": {"state": "idle", "depth": 0, "paused": False}}}
    wanted = {"checks.queue.state": "idle", "checks.queue.depth": "0", "checks.queue.paused": "false"}
    with_health(practice, 0, fields=wanted)
    run = await through_stage_4(practice)
    assert attempt(run, "application.boots").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("said", "fields", "observed"),
    [
        ({"status": "degraded"}, {"status": "ok"}, "status is degraded"),
        ({"status": None}, {"status": "ok"}, "status is null"),
        ({"status": True}, {"status": "ok"}, "status is true"),
        ({"status": ""}, {"status": "ok"}, "status is empty"),
        ({}, {"checks.queue": "idle"}, "checks.queue is missing"),
        ({"checks": "all"}, {"checks.queue": "idle"}, "checks.queue is missing"),
        ({"status": "x\x1b[31m" + "y" * 90}, {"status": "ok"}, "status is x�[31myyyy"),
        ({"digest": "sha256:" + "0" * 64}, {"status": "ok"}, "digest is sha256:0000"),
        ({"commit": "0" * 40}, {"status": "ok"}, "commit is 0000"),
    ],
)
async def test_a_field_that_is_otherwise_is_named_with_what_it_says(
    practice: Practice, said: Mapping[str, object], fields: dict[str, str], observed: str
) -> None:
    practice.world.application.said_of_health = dict(said)
    with_health(practice, 0, fields=fields)
    with_health(practice, 1, health=None)
    run = await through_stage_4(practice)
    last = attempt(run, "application.boots")
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith(observed)
    assert len(last.observed) < 80
    assert last.fix


async def test_a_service_may_name_itself_by_its_commit_only(practice: Practice) -> None:
    practice.world.application.said_of_health = {"digest": "who knows", "git": {"sha": "0" * 40}}
    with_health(practice, 0, digest=None)
    with_health(practice, 1, digest=None, commit="git.sha")
    run = await through_stage_4(practice)
    assert attempt(run, "application.boots").observed == f"1 of 2: worker: git.sha is {'0' * 40}"


async def test_a_service_without_a_health_document_is_judged_by_the_platform_and_that_is_said(
    practice: Practice,
) -> None:
    with_health(practice, 1, health=None)
    run = await through_stage_4(practice)
    last = attempt(run, "application.boots")
    assert last.verdict is Verdict.PASS
    assert last.observed == ("1 of 1 as expected: web; by the platform's word alone, without a health document: worker")


async def test_an_address_that_does_not_answer_is_no_verdict(practice: Practice) -> None:
    with_health(practice, 1, url="http://127.0.0.1:1/healthz")
    run = await through_stage_4(practice)
    last = attempt(run, "application.boots")
    assert last.verdict is Verdict.INCONCLUSIVE
    assert last.observed.startswith("1 of 2: worker: ")


async def test_of_thirty_services_those_that_are_wrong_are_counted_and_a_few_named(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30)
    practice.world.half_boot()
    run = await through_stage_4(practice)
    observed = attempt(run, "application.boots").observed
    assert observed.startswith("30 of 30: web: HTTP 200 with an error page")
    assert observed.endswith("and 26 more")
    assert len(observed) < 320


# -- criterion 2 --------------------------------------------------------------------------------------------------
async def test_every_consumers_own_connections_are_seen_on_the_copy_and_none_on_production(practice: Practice) -> None:
    run = await through_stage_4(practice)
    assert attempt(run, "application.database").observed == (
        f"2 connections on {COPY}, of {RUN}, {RUN}/worker; none on production; "
        "all 2 health documents are as expected (status ok, database ok)"
    )


async def test_one_of_several_on_the_wrong_database_fails_though_all_say_they_are_well(practice: Practice) -> None:
    practice.world.application.on_wrong_database = {"worker"}
    run = await through_stage_4(practice)
    assert attempt(run, "application.boots").verdict is Verdict.PASS
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.FAIL
    assert last.observed == (
        f"1 of 2: NO connection of {RUN}/worker on {COPY}, though all 2 health documents are as expected "
        "(status ok, database ok): it is connected to another database, or to none"
    )
    assert "go back to application.config" in last.fix
    assert run.outcome == "FAIL"


async def test_an_application_of_this_run_on_production_ends_the_run(practice: Practice) -> None:
    practice.world.wrong_database("worker", as_this_run=True)
    offered: list[tuple[Act, ...]] = []

    def seen(ask: Decide) -> Decision:
        offered.append(ask.options)
        return abort("stopped it")

    run = await through_stage_4(practice, {"decide application.database": [seen]})
    last = attempt(run, "application.database")
    assert last.hard_stop
    assert last.observed == f"HARD STOP: THE APPLICATION OF THIS RUN IS CONNECTED TO PRODUCTION: {RUN}/worker"
    assert offered == [(Act.ABORT,)]
    assert run.outcome == "FAIL"


@pytest.mark.parametrize(
    "lose", [lambda world: world.take_down("web"), MemoryEstate.stop_database], ids=["health documents", "the copy"]
)
async def test_nothing_that_does_not_answer_hides_that_it_is_on_production(
    practice: Practice, monkeypatch: Patch, lose: Callable[[MemoryEstate], None]
) -> None:
    practice.world.wrong_database("worker", as_this_run=True)
    containers, rolled_out = practice.world.platform.running_containers, set[str]()

    async def then_lost(project: str, service: str) -> int:
        running = await containers(project, service)
        rolled_out.add(service)
        if len(rolled_out) == len(practice.environment.application.services):
            lose(practice.world)
        return running

    monkeypatch.setattr(practice.world.platform, "running_containers", then_lost)
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.hard_stop
    assert "CONNECTED TO PRODUCTION" in last.observed
    assert run.outcome == "FAIL"


async def test_one_that_connects_to_production_only_after_a_moment_is_seen_there(
    practice: Practice, monkeypatch: Patch
) -> None:
    practice.world.wrong_database("worker", as_this_run=True)
    sessions, looks = practice.world.application.sessions, list[Any]()

    def late(here: Any) -> Any:
        looks.append(here)
        return () if here is practice.world.databases.source and looks.count(here) <= 2 else sessions(here)

    monkeypatch.setattr(practice.world.sql, "_sessions", late)
    run = await through_stage_4(practice)
    assert attempt(run, "application.database").hard_stop


async def test_a_production_that_does_not_answer_was_not_looked_at_and_that_is_told(practice: Practice) -> None:
    lost = just_before(lambda: setattr(practice.world.databases.source, "answers", False))
    run = await through_stage_4(practice, {"confirm application.deploy": [lost]})
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.PASS
    assert "; production was not looked at (" in last.observed
    assert run.findings == ()


@pytest.mark.parametrize("port", [15432, 55432], ids=["another port", "the copy's own port"])
async def test_production_is_never_asked_through_the_tunnel_to_the_copy(
    practice: Practice, monkeypatch: Patch, port: int
) -> None:
    asked: list[Endpoint] = []
    at = practice.world.sql.at
    through(practice, port)

    def noted(end: Endpoint, login: Login | None = None) -> Any:
        asked.append(end)
        return at(end, login)

    monkeypatch.setattr(practice.world.sql, "at", noted)
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.PASS
    assert "; production was not looked at (the way to the restored instance leads nowhere else); " in last.observed
    assert practice.environment.database.source_host not in {end.host for end in asked}


async def test_nor_by_a_configured_way_whose_end_would_be_the_copys(practice: Practice) -> None:
    practice.world.databases.source.port = 55432
    run = await through_stage_4(practice)
    assert "; production was not looked at (the way to the restored" in attempt(run, "application.database").observed


def through(practice: Practice, port: int) -> None:
    """The copy, and production by its address, are reached by a tunnel's end at that port."""
    database = practice.environment.database.model_copy(update={"hostaddr": None, "tunnel_port": port})
    practice.environment = practice.environment.model_copy(update={"database": database})
    practice.world.private_copies()
    practice.world.hands_open_tunnel = False
    practice.world.sql.tunnel = port
    practice.world.databases.source.port = port


async def test_production_that_is_gone_is_no_finding(practice: Practice, monkeypatch: Patch) -> None:
    known = practice.world.databases.instance

    async def gone(instance: str) -> Any:
        return None if instance == practice.environment.database.source_instance else await known(instance)

    lost = just_before(lambda: monkeypatch.setattr(practice.world.databases, "instance", gone))
    run = await through_stage_4(practice, {"confirm application.deploy": [lost]})
    assert "; production is gone; " in attempt(run, "application.database").observed
    assert run.findings == ()


async def test_a_connection_of_before_its_own_services_deployment_does_not_count(
    practice: Practice, monkeypatch: Patch
) -> None:
    """The other service was deployed a minute earlier: its time is not this one's."""
    deploy, sessions = practice.world.platform.deploy, practice.world.application.sessions

    async def slowly(*given: Any, **more: Any) -> Any:
        done = await deploy(*given, **more)
        practice.clock.advance(60)
        return done

    def of_the_old_worker(here: Any) -> Any:
        return tuple(
            replace(one, started=one.started - timedelta(seconds=90)) if one.application.endswith("/worker") else one
            for one in sessions(here)
        )

    monkeypatch.setattr(practice.world.platform, "deploy", slowly)
    monkeypatch.setattr(practice.world.sql, "_sessions", of_the_old_worker)
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.FAIL
    assert f"NO connection of {RUN}/worker on {COPY}" in last.observed


async def test_services_that_share_a_variable_cannot_be_told_apart_and_that_is_a_finding(practice: Practice) -> None:
    share(practice)
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.PASS
    (finding,) = run.findings
    assert finding.severity == "minor"
    assert finding.text == (
        "connections of web and worker cannot be told apart: both use clinic-env/DATABASE_URL; "
        "give each its own variable or secret group"
    )


async def test_of_services_that_share_a_variable_one_with_an_own_is_found_all_the_same(practice: Practice) -> None:
    share(practice)
    practice.world.wrong_database("worker")
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.hard_stop
    assert last.observed == (
        "HARD STOP: worker has a DATABASE_URL of its own, which wins over the secret group: "
        "it leads to production's database"
    )


def share(practice: Practice) -> None:
    """Both services are told by web's group."""
    services = practice.world.platform.services
    services["worker"].place = replace(services["worker"].place, group="clinic-env", consumer="")
    application = practice.environment.application
    assert application.outbound != "none"
    configure(
        practice,
        consumers=(application.consumers[0].model_copy(update={"services": ()}),),
        outbound=tuple(switch for switch in application.outbound if switch.secret_group == "clinic-env"),
    )


async def test_an_application_that_says_itself_that_it_has_no_database_is_quoted(practice: Practice) -> None:
    practice.world.application.said_of_health = {"database": "error: 28P01"}
    practice.world.application.idle = {"web", "worker"}
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.FAIL
    assert f"NO connection of {RUN} on {COPY}" in last.observed
    assert "database is error: 28P01" in last.observed
    assert "another database" not in last.observed


async def test_connections_alone_do_not_make_an_unhealthy_application_pass(practice: Practice) -> None:
    practice.world.application.said_of_health = {"status": "failing"}
    run = await through_stage_4(practice)
    last = attempt(run, "application.database")
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith(f"2 connections on {COPY}")
    assert "status is failing" in last.observed


async def test_a_connection_of_before_the_deployment_does_not_count(practice: Practice, monkeypatch: Patch) -> None:
    sessions = practice.world.application.sessions

    def aged(here: Any) -> Any:
        return tuple(
            type(one)(one.application, one.client, one.started - timedelta(hours=1), one.user) for one in sessions(here)
        )

    monkeypatch.setattr(practice.world.sql, "_sessions", aged)
    run = await through_stage_4(practice)
    assert attempt(run, "application.database").verdict is Verdict.FAIL


async def test_a_database_that_cannot_be_asked_is_no_verdict_about_the_application(practice: Practice) -> None:
    lost = just_before(lambda: practice.world.take_down("postgres"))
    run = await through_stage_4(practice, {"confirm application.deploy": [lost]})
    assert attempt(run, "application.database").verdict is Verdict.INCONCLUSIVE


async def test_a_consumer_that_uses_no_database_is_not_waited_for(practice: Practice) -> None:
    web, worker = practice.environment.application.consumers
    configure(practice, consumers=(web, worker.model_copy(update={"database_variable": None})))
    practice.world.application.idle = {"worker"}
    run = await through_stage_4(practice)
    assert attempt(run, "application.database").observed.startswith(f"1 connection on {COPY}, of {RUN};")


# -- criterion 3 --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("other-text", "the sample record decrypts, but to another text than the configured one"),
        ("newer-version", "the record needs a newer key version than this vault backup holds"),
        ("other-key", "the vault has another key under this name: wrong key material"),
    ],
)
async def test_a_changed_canary_fails_in_words_that_tell_how(practice: Practice, to: str, said: str) -> None:
    practice.world.change_canary(to)
    run = await through_stage_4(practice)
    last = attempt(run, "application.decrypt")
    assert last.verdict is Verdict.FAIL
    assert said in last.observed
    assert run.outcome == "FAIL"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("sealed", "the vault is sealed"),
        ("authentication", "wrong key material"),
        ("unknown-key", "the vault does not know this key"),
        ("version-too-new", "a newer key version"),
        ("version-too-old", "below min_decryption_version"),
        ("malformed", "not a transit ciphertext"),
        ("other", "for another reason"),
    ],
)
async def test_every_refusal_of_the_vault_has_its_own_words(
    practice: Practice, monkeypatch: Patch, reason: str, said: str
) -> None:
    async def refuses(*_: Any, **__: Any) -> Any:
        raise Undecryptable(reason, 400, "1 error occurred")

    refused = just_before(lambda: monkeypatch.setattr(practice.world.vault, "decrypt", refuses))
    run = await through_stage_4(practice, {"confirm application.deploy": [refused]})
    last = attempt(run, "application.decrypt")
    assert last.verdict is Verdict.FAIL
    assert said in last.observed
    assert last.provider_text == "1 error occurred"


async def test_the_application_is_asked_with_a_nonce_that_was_never_used(
    practice: Practice, monkeypatch: Patch
) -> None:
    with_probe(practice, worker="http://127.0.0.1:9001/__runbook/probe")
    web = practice.world.web
    inside = dict(web._inside)
    probed = next(url for url in inside if url.endswith("/__runbook/probe"))
    monkeypatch.setitem(web._inside, "http://127.0.0.1:9001/__runbook/probe", inside[probed])
    nonces: list[str] = []
    post = web.post

    async def noted(url: str, document: Mapping[str, Any], *, address: str | None = None) -> Any:
        if url.endswith("/__runbook/probe"):
            nonces.append(document["nonce"])
        return await post(url, document, address=address)

    monkeypatch.setattr(web, "post", noted)
    run = await through_stage_4(practice)
    assert attempt(run, "application.decrypt").observed == (
        "own leg: SHA-256 equal; through web, worker: its HMAC over our nonce is right"
    )
    assert len(set(nonces)) == len(nonces) == 2
    assert {len(nonce) for nonce in nonces} == {64}


async def test_an_application_that_answers_with_an_error_is_quoted_and_the_blame_is_its_own(practice: Practice) -> None:
    practice.world.probe_fails("the vault refused: status 403")
    run = await through_stage_4(practice)
    last = attempt(run, "application.decrypt")
    assert last.verdict is Verdict.FAIL
    assert last.observed == (
        "the application did not answer the probe: HTTP 503, it says: the vault refused: status 403"
    )
    assert "opened this record for us a moment ago" in last.fix
    assert last.source.startswith("POST http")


async def test_without_a_probe_it_is_shown_beside_the_application_and_that_is_a_finding(practice: Practice) -> None:
    services = tuple(one.model_copy(update={"probe_url": None}) for one in practice.environment.application.services)
    configure(practice, services=services)
    run = await through_stage_4(practice)
    last = attempt(run, "application.decrypt")
    assert last.verdict is Verdict.PASS
    assert last.observed == "own leg: SHA-256 equal; shown beside the application only"
    assert ["beside the application, not through it" in finding.text for finding in run.findings] == [True]


async def test_the_plaintext_is_kept_nowhere(practice: Practice) -> None:
    recorder = practice.recorder()
    await through_stage_4(practice, recorder=recorder)
    canary = practice.world._production.vault.texts[practice.world._production.canary]
    assert canary not in str(recorder.events)


@pytest.mark.parametrize(("step", "lost"), [("boots", "web"), ("database", "postgres"), ("decrypt", "vault")])
async def test_no_criterion_can_be_attested(practice: Practice, step: str, lost: str) -> None:
    offered: list[tuple[Act, ...]] = []

    def seen(ask: Decide) -> Decision:
        offered.append(ask.options)
        return abort("no")

    down = just_before(lambda: practice.world.take_down(lost))
    script: dict[str, list[Any]] = {"confirm application.deploy": [down], f"decide application.{step}": [seen]}
    run = await through_stage_4(practice, script)
    assert attempt(run, f"application.{step}").verdict is Verdict.INCONCLUSIVE
    (options,) = offered
    assert Act.RETRY in options
    assert Act.ATTEST not in options
