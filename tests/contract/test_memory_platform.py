"""The faults of platform, application and images in memory show where a step would meet them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.memory import MemoryEstate
from runbook.estate.ports import Undecryptable
from tests.contract.memory import copy_of, health, probe_url, sign_in
from tests.contract.world import World


@pytest.fixture
def world(memory: World) -> World:
    return memory


# -- what runs ---------------------------------------------------------------------------------------------------
def test_an_application_on_the_wrong_database_looks_well_and_has_no_session_on_the_copy(made, running):
    made.app_on_wrong_database = True
    assert health(running)[0] == 200
    copy = copy_of(running)
    assert running.ask(running.connect(copy).sessions("contract")) == ()


def test_one_service_alone_may_be_on_the_wrong_database_or_idle(made, running):
    here = running.connect(copy_of(running))
    made.wrong_database("worker")
    assert [len(running.ask(here.sessions(name))) for name in ("contract", "contract/worker")] == [1, 0]
    made.application.idle.add("web")
    assert running.ask(here.sessions("contract")) == ()


def test_a_half_booted_service_answers_200_with_a_page_and_the_other_its_document(made, running):
    made.half_boot("web")
    urls = [service.health.url for service in running.environment.application.services]
    pages = [running.ask(running.estate.web.get(url)) for url in urls]
    assert [page.status for page in pages] == [200, 200]
    assert b"Something went wrong" in pages[0].body
    assert json.loads(pages[1].body)["status"] == "ok"


def test_what_was_switched_off_before_the_start_is_off_in_what_runs(made, running):
    switches = {
        "web/OUTBOUND_MAIL": "off",
        "web/OUTBOUND_SMS": "off",
        "web/OUTBOUND_WEBHOOKS": "off",
        "worker/OUTBOUND_JOBS": "off",
    }
    assert made.application.acting() == switches
    assert [release.service for release in made.platform.started] == ["web", "worker"]


def test_a_sealed_vault_shows_in_the_health_document_and_in_the_probe(made, running):
    made.seal()
    status, document = health(running)
    assert (status, document["database"], document["vault"]) == (503, "ok", "unreachable")
    answer = running.ask(running.estate.web.post(probe_url(running), {"nonce": "00"}))
    assert (answer.status, json.loads(answer.body)) == (503, {"error": "the vault could not be reached"})


def test_a_stopped_database_takes_the_appointments_page_with_it(made, running):
    made.stop_database()
    (probe,) = running.environment.application.probes
    assert running.ask(running.estate.web.get(probe.url)).status == 503


def test_a_swapped_digest_shows_in_documents_and_deployments(made, running):
    before = [health(running, place)[1]["digest"] for place in (0, 1)]
    made.swap_digest("worker")
    settings = running.environment.application
    newest = [
        running.ask(running.estate.platform.deployments(settings.project, service.name))[0].digest
        for service in settings.services
    ]
    after = [health(running, place)[1]["digest"] for place in (0, 1)]
    assert after == newest
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]


def test_a_rollout_that_fails_says_so_and_leaves_nothing_running(made, running):
    made.fail_rollout("web")
    project, platform = running.environment.application.project, running.estate.platform
    running.ask(platform.restart(running.permit("northflank:Restart", f"{project}/web"), project, "web"))
    running.until(lambda: platform.statuses(project), lambda now: now["web"].status == "FAILED")
    assert [running.ask(platform.running_containers(project, name)) for name in ("web", "worker")] == [0, 1]


def test_a_changed_canary_gives_another_proof(made, running):
    before = running.ask(running.estate.web.post(probe_url(running), {"nonce": "00"})).body
    made.change_canary()
    after = running.ask(running.estate.web.post(probe_url(running), {"nonce": "00"}))
    assert (after.status, after.body != before) == (200, True)


@pytest.mark.parametrize(("to", "reason"), [("newer-version", "version-too-new"), ("other-key", "authentication")])
def test_a_canary_that_cannot_be_decrypted_says_why(made, running, to, reason):
    made.change_canary(to)
    canary, copy = running.environment.canary, copy_of(running)
    here = running.connect(copy)
    text = running.ask(here.text_value(canary.table, canary.key_column, canary.key, canary.ciphertext_column))
    sign_in(running)
    with pytest.raises(Undecryptable) as refused:
        running.ask(running.estate.vault.decrypt("transit", canary.transit_key, text))
    assert refused.value.reason == reason
    assert running.ask(running.estate.web.post(probe_url(running), {"nonce": "00"})).status == 503


def test_a_group_may_be_merged_or_replaced_and_may_keep_what_it_has(made, world):
    platform, target = world.estate.platform, "clinic-staging/clinic-env"
    group = dict(world.ask(platform.secret_group("clinic-staging", "clinic-env")))
    less = {name: value for name, value in group.items() if name != "OUTBOUND_SMS"}

    def sent(variables: dict[str, Secret]) -> dict[str, Secret]:
        permit = world.permit("northflank:SetSecretGroup", target)
        world.ask(platform.set_secret_group(permit, "clinic-staging", "clinic-env", variables))
        return dict(world.ask(platform.secret_group("clinic-staging", "clinic-env")))

    assert sent(less) == group
    made.platform.replaces = True
    assert sent(less) == less
    made.platform.kept.add("VAULT_ADDR")
    assert sent({**less, "VAULT_ADDR": Secret("https://elsewhere.test")}) == less


# -- images -------------------------------------------------------------------------------------------------------
def test_a_moved_tag_leads_to_another_digest_than_the_list(made, world):
    made.moved_tag()
    image = world.environment.application.images[0]
    versions = world.ask(world.estate.code.package_versions(image.organisation, image.package))
    listed = next(version for version in versions if "v1.8.2" in version.tags)
    proof = world.ask(world.estate.registry.image(image.path, "v1.8.2"))
    assert proof.stated == proof.computed != listed.digest
    assert world.ask(world.estate.registry.digest(image.path, "v1.8.2")) == proof.stated
    assert world.ask(world.estate.registry.image(image.path, listed.digest)).stated == listed.digest


def test_bytes_that_were_changed_hash_to_another_digest_than_is_stated(made, world):
    made.tampered_image()
    image, digest = world.environment.application.images[0], made.images.newest_release.digest
    proof = world.ask(world.estate.registry.image(image.path, digest))
    assert proof.stated == digest != proof.computed


def test_labels_are_part_of_what_the_digest_is_made_of(made, world):
    before = made.images.newest_release.digest
    made.images.label("v1.8.2", migrations="7c1f0e5ab2d4", org__opencontainers__image__revision=None)
    digest = made.images.newest_release.digest
    proof = world.ask(world.estate.registry.image(world.environment.application.images[0].path, digest))
    assert digest != before
    assert (proof.revision, proof.labels["migrations"]) == (None, "7c1f0e5ab2d4")


def test_a_release_from_beside_the_branch_is_not_behind_its_head(made, world):
    made.side_branch()
    made.unprotected_branch()
    image = world.environment.application.images[0]
    branch = world.ask(world.estate.code.branch(image.repository, image.branch))
    head = world.ask(world.estate.code.commit(image.repository, branch.head))
    assert not branch.protected
    assert made.images.newest_release.commit not in {branch.head, *head.parents}
    assert head.parents == made.images.commits[made.images.newest_release.commit].parents


def verifying(world: World, made: MemoryEstate, **asked):
    image, digest = world.environment.application.images[0], made.images.newest_release.digest
    (bundle,) = world.ask(world.estate.code.attestations(image.repository, digest))
    given = {"digest": digest, "repository": image.repository, "refs": ("refs/heads/main",), **asked}
    return world.estate.provenances.verify(bundle, image=f"ghcr.io/{image.path}@{digest}", **given)


def test_an_attestation_is_verified_for_its_own_digest_repository_and_ref(made, world):
    made.attest()
    proven = world.ask(verifying(world, made))
    assert (proven.digest, proven.commit) == (made.images.newest_release.digest, made.images.newest_release.commit)
    for other, said in (
        ({"digest": "sha256:" + "0" * 64}, "another digest"),
        ({"repository": "somebody/else"}, "another repository"),
        ({"refs": ("refs/heads/release",)}, "another ref"),
    ):
        with pytest.raises(LayerFailed, match=said):
            world.ask(verifying(world, made, **other))


def test_a_verdict_that_was_set_is_given(made, world):
    made.attest(subject="sha256:" + "1" * 64)
    with pytest.raises(LayerFailed, match="another digest: sha256:111111111111"):
        world.ask(verifying(world, made))
    made.provenances.verdicts[made.images.newest_release.digest] = NoVerdict("gh is not installed here")
    with pytest.raises(NoVerdict, match="gh is not installed"):
        world.ask(verifying(world, made))


# -- how large ----------------------------------------------------------------------------------------------------
def test_a_world_of_thirty_services_and_names_runs_each_by_its_own_group():
    made = MemoryEstate(now=lambda: datetime.now(UTC), services=30, hostnames=30, packages=3)
    settings = made.environment()
    application = settings.application
    assert (len(application.services), len(settings.connectivity.hostnames), len(application.images)) == (30, 30, 3)
    assert len(application.secret_groups) == 30
    assert len({service.health.url for service in application.services if service.health}) == 30
    assert {application.image_of(service).package for service in application.services} == {
        "clinic",
        "clinic-02",
        "clinic-03",
    }
    assert len({service.described.image for service in made.platform.services.values()}) == 3
