"""Each proof can fail: the world is made to be what the proof is there to notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Act, Secret
from runbook.engine.run import Run
from runbook.engine.verdict import Verdict
from runbook.estate.memory import MemoryEstate
from runbook.estate.memory.application import Reply
from runbook.estate.ports import WebAnswer
from steps.vault.proofs import damaged
from tests.support.practice import DECLARED, Practice

Patch = pytest.MonkeyPatch
COPY = f"rt-{DECLARED['run_id']}".lower()


async def refused_at(practice: Practice, step: str) -> str:
    """What was observed at the step that this run failed at."""
    run = await practice.walk()
    last = run.last(step)
    assert last is not None, f"{step} was not reached: {run.aborted}"
    assert last.verdict is Verdict.FAIL, last
    assert run.outcome == "FAIL"
    return last.observed


# -- identity -----------------------------------------------------------------------------------------------------
async def test_a_clock_that_is_wrong_fails_and_says_which_way(practice: Practice) -> None:
    practice.world.account.offset = -75.0
    assert await refused_at(practice, "identity.clock") == "75.0 s behind the provider"


async def test_a_clock_that_is_a_little_wrong_is_a_finding(practice: Practice) -> None:
    practice.world.account.offset = 20.0
    run = await practice.walk()
    assert [finding.text for finding in run.findings] == ["this machine's clock is 20 s ahead"]


async def test_somebody_else_is_not_us(practice: Practice) -> None:
    practice.world.account.caller = "arn:aws:iam::111122223333:user/mallory"
    assert "user/mallory" in await refused_at(practice, "identity.aws-account")


async def test_a_token_that_cannot_read_packages_is_found_before_it_is_needed(practice: Practice) -> None:
    practice.world.code.scopes = ("repo", "gist")
    assert "scopes repo, gist" in await refused_at(practice, "identity.github")


# -- vault --------------------------------------------------------------------------------------------------------
async def test_production_is_never_the_target(practice: Practice) -> None:
    vault = practice.environment.vault
    same = vault.model_copy(update={"production_address": vault.address})
    practice.environment = practice.environment.model_copy(update={"vault": same})
    assert "THIS IS PRODUCTION" in await refused_at(practice, "vault.target")
    assert practice.done("vault:Initialise") == []


async def test_a_target_that_somebody_uses_is_left_alone(practice: Practice) -> None:
    practice.world.server.initialise(5, 3)
    theirs = practice.world.server.cluster
    assert "IN USE by somebody else" in await refused_at(practice, "vault.target")
    assert practice.world.server.cluster is theirs
    assert practice.world.calls == []


@pytest.mark.parametrize("step", ["vault.sealed-control", "vault.damaged-control"])
async def test_a_vault_that_decrypts_everything_is_no_vault(practice: Practice, monkeypatch: Patch, step: str) -> None:
    decrypt = practice.world.vault.decrypt

    async def anything(mount: str, key: str, ciphertext: str, *, token: Secret | None = None) -> Secret:
        if token is not None:
            return await decrypt(mount, key, ciphertext, token=token)
        if step == "vault.damaged-control" and not practice.world.server.open:
            return await decrypt(mount, key, ciphertext)
        return Secret("anything")

    monkeypatch.setattr(practice.world.vault, "decrypt", anything)
    assert "was decrypted" in await refused_at(practice, step)


async def test_a_control_that_never_decrypts_proves_nothing(practice: Practice) -> None:
    unknown = practice.environment.canary.model_copy(update={"control_ciphertext": "vault:v1:" + "QUJD" * 20})
    practice.environment = practice.environment.model_copy(update={"canary": unknown})
    assert "the undamaged control record does not decrypt either" in await refused_at(practice, "vault.damaged-control")


async def test_missing_keys_are_named(practice: Practice) -> None:
    vault = practice.environment.vault.model_copy(update={"transit_keys": ("patient-notes", "documents")})
    practice.environment = practice.environment.model_copy(update={"vault": vault})
    assert await refused_at(practice, "vault.keys") == "missing: key documents"


# -- application --------------------------------------------------------------------------------------------------
async def test_an_image_from_beside_the_protected_branch_is_not_verified(practice: Practice) -> None:
    images = practice.world.images
    images.head = images.previous_release.commit
    assert "its commit is not on the protected branch main" in await refused_at(practice, "application.image")


async def test_an_image_whose_bytes_are_not_what_the_registry_says_is_not_verified(
    practice: Practice, monkeypatch: Patch
) -> None:
    estate = practice.world.estate

    def with_another_hash() -> Any:
        made = estate()
        ask = made.registry.image

        async def image(repository: str, reference: str) -> Any:
            proof = await ask(repository, reference)
            return proof and replace(proof, computed="sha256:" + "0" * 64)

        monkeypatch.setattr(made.registry, "image", image)
        return made

    monkeypatch.setattr(practice.world, "estate", with_another_hash)
    assert "its bytes hash to sha256:000000000000" in await refused_at(practice, "application.image")


async def test_an_hmac_over_another_text_is_wrong(practice: Practice, monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        practice.world.application, "probe", lambda *_: Reply(200, {}, b'{"hmac": "' + b"0" * 64 + b'"}')
    )
    assert "its HMAC over our nonce is WRONG" in await refused_at(practice, "application.decrypt")


async def test_an_hmac_over_an_earlier_nonce_is_wrong(practice: Practice, monkeypatch: Patch) -> None:
    probe = practice.world.application.probe
    replayed = {"nonce": "00" * 32}
    monkeypatch.setattr(practice.world.application, "probe", lambda *_: probe(replayed))
    assert "its HMAC over our nonce is WRONG" in await refused_at(practice, "application.decrypt")


async def test_a_canary_of_another_text_is_noticed_though_it_decrypts(practice: Practice) -> None:
    other = practice.world._production.other
    practice.world.databases.spoil(lambda copy: setattr(copy, "canary", other))
    assert "to another text than the configured one" in await refused_at(practice, "application.decrypt")


@pytest.mark.parametrize("field", ["digest", "commit", "status"])
async def test_another_build_that_says_it_is_well_does_not_boot(
    practice: Practice, monkeypatch: Patch, field: str
) -> None:
    health = practice.world.application.health

    def says_otherwise(service: str) -> Reply | None:
        reply = health(service)
        return reply and Reply(200, {}, reply.body.replace(f'"{field}"'.encode(), b'"x"'))

    monkeypatch.setattr(practice.world.application, "health", says_otherwise)
    assert f"{field} is missing" in await refused_at(practice, "application.boots")


# -- connectivity -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "layer"),
    [
        (MemoryEstate.seal, "Encryption Vault"),
        (MemoryEstate.stop_database, "Core Database"),
        (MemoryEstate.swap_digest, "Application Tier"),
        (MemoryEstate.stop_application, "Application Tier"),
        (MemoryEstate.change_canary, "criterion 3"),
    ],
)
async def test_no_door_opens_over_a_layer_that_does_not_hold_any_more(
    practice: Practice, fault: Callable[[MemoryEstate], None], layer: str
) -> None:
    conductor = practice.conductor()
    for stage in ("identity", "vault", "database", "application"):
        await conductor.perform_stage(stage)
    fault(practice.world)
    await conductor.perform_stage("connectivity")
    held = conductor.run.last("connectivity.still-holds")
    assert held is not None
    assert not held.verdict.satisfies
    assert held.observed.startswith(f"{layer} does not hold any more: ")
    assert practice.done("cloudflare:SetRecord") == []


async def seen_by_visitors(practice: Practice, monkeypatch: Patch, change: Callable[[WebAnswer], WebAnswer]) -> Run:
    get = practice.world.web.get

    async def changed_answer(url: str, *, address: str | None = None) -> WebAnswer:
        answer = await get(url, address=address)
        return change(answer) if url.startswith("https://app.clinic.test") else answer

    monkeypatch.setattr(practice.world.web, "get", changed_answer)
    return await practice.walk()


async def test_a_page_that_comes_past_the_edge_is_noticed(practice: Practice, monkeypatch: Patch) -> None:
    run = await seen_by_visitors(practice, monkeypatch, lambda answer: replace(answer, headers={}))
    last = run.last("connectivity.https")
    assert last is not None
    assert "app.clinic.test: PAST the edge (no cf-ray), commit not shown" in last.observed
    assert run.outcome == "FAIL"


async def test_a_rule_that_does_not_act_protects_nobody(practice: Practice, monkeypatch: Patch) -> None:
    run = await seen_by_visitors(practice, monkeypatch, lambda answer: replace(answer, status=200))
    last = run.last("connectivity.waf-live")
    assert last is not None
    assert last.observed == "1 of 2: app.clinic.test: /__waf-canary: HTTP 200, not blocked"
    assert run.outcome == "FAIL"


async def test_doors_that_were_opened_are_closed_again_when_a_run_fails(practice: Practice, monkeypatch: Patch) -> None:
    before = dict(practice.world.edge.zone_records)
    await seen_by_visitors(practice, monkeypatch, lambda answer: replace(answer, status=500))
    assert len(practice.done("cloudflare:SetRecord")) == 4
    assert practice.world.edge.zone_records == before


@pytest.mark.parametrize("text", ["vault:v1:", "", "vault:v1:not base64", "vault:v1:é"])
def test_a_control_record_that_is_none_gives_no_verdict(text: str) -> None:
    with pytest.raises(NoVerdict, match="not a transit ciphertext") as said:
        damaged(text)
    assert "[canary] control_ciphertext" in (said.value.fix or "")


# -- none of it can be waved through ------------------------------------------------------------------------------
async def test_no_failure_offers_to_be_attested(practice: Practice) -> None:
    practice.world.lose_table("public.patients")
    operator = practice.operator()
    await practice.walk(operator)
    (asked,) = operator.questions("decide database.content")
    assert asked.options == (Act.RETRY, Act.BACK, Act.ABORT)
