"""What every estate does around the application: images proved, groups changed, services rolled out, answers judged."""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.ports import CombinedStatus, Instance
from tests.contract.deploying import known_as, newest_release, service_of
from tests.contract.world import World

SLACK = timedelta(seconds=2)


def image_of(world: World) -> config.Image:
    return world.environment.application.images[0]


# -- the image ----------------------------------------------------------------------------------------------------
def test_the_newest_release_is_proved_by_bytes_commit_branch_and_checks(world: World):
    image, code = image_of(world), world.estate.code
    release = newest_release(world)
    proof = world.ask(world.estate.registry.image(image.path, release.digest))
    assert proof is not None
    assert proof.stated == proof.computed == release.digest
    assert proof.revision is not None
    assert proof.labels["org.opencontainers.image.revision"] == proof.revision
    commit = world.ask(code.commit(image.repository, proof.revision))
    assert commit is not None
    assert commit.verified
    branch = world.ask(code.branch(image.repository, image.branch))
    assert branch is not None
    assert branch.protected
    runs = world.ask(code.check_runs(image.repository, proof.revision))
    assert set(image.required_checks) <= {run.name for run in runs if run.conclusion == "success"}


def test_a_tag_leads_to_the_digest_that_the_package_lists_under_it(world: World):
    image, release = image_of(world), newest_release(world)
    tag = next(tag for tag in release.tags if re.fullmatch(image.tag_pattern, tag))
    assert world.ask(world.estate.registry.digest(image.path, tag)) == release.digest
    assert world.ask(world.estate.registry.digest(image.path, "no-such-tag")) is None


def test_packages_are_listed_newest_first_with_untagged_parts_between(world: World):
    image = image_of(world)
    found = world.ask(world.estate.code.package_versions(image.organisation, image.package))
    assert [one.created for one in found] == sorted((one.created for one in found), reverse=True)
    assert any(not one.tags for one in found)


def test_a_package_that_does_not_show_is_no_empty_list(world: World):
    image, code = image_of(world), world.estate.code
    for organisation, package in ((image.organisation, "no-such-package"), ("no-such-owner", image.package)):
        with pytest.raises(LayerFailed):
            world.ask(code.package_versions(organisation, package))


def test_what_the_code_host_does_not_know_is_none(world: World):
    image, code = image_of(world), world.estate.code
    assert world.ask(code.commit(image.repository, "0" * 40)) is None
    assert world.ask(code.branch(image.repository, "no-such-branch")) is None
    assert world.ask(world.estate.registry.image(image.path, "no-such-tag")) is None


def test_a_commit_without_statuses_is_pending_of_none_and_an_image_without_attestations_has_none(world: World):
    image, code, release = image_of(world), world.estate.code, newest_release(world)
    proof = world.ask(world.estate.registry.image(image.path, release.digest))
    assert proof is not None
    assert world.ask(code.combined_status(image.repository, proof.revision or "")) == CombinedStatus("pending", 0)
    assert world.ask(code.attestations(image.repository, release.digest)) == ()


def test_what_is_no_attestation_is_never_verified(world: World):
    image, release = image_of(world), newest_release(world)
    reference = f"{world.environment.application.reference_host}/{image.path}@{release.digest}"
    verifying = world.estate.provenances.verify(
        {}, image=reference, digest=release.digest, repository=image.repository, refs=("refs/heads/main",)
    )
    with pytest.raises((LayerFailed, NoVerdict)):
        world.ask(verifying)


# -- the platform -------------------------------------------------------------------------------------------------
def test_one_call_says_the_status_of_every_service(world: World):
    settings = world.environment.application
    statuses = world.ask(world.estate.platform.statuses(settings.project))
    for service in settings.services:
        found = service_of(world, service.name)
        said = statuses[service.name]
        assert (said.status, said.transition) == (found.status, found.transition)
        assert found.kind == "deployment"
        assert (found.instances or 0) >= 1


def test_no_service_has_an_address_of_its_own_beside_its_group(world: World):
    consumers = world.environment.application.consumers
    told = {name for one in consumers for name in (one.database_variable, one.vault_variable)}
    owned = [service_of(world, service.name).own for service in world.environment.application.services]
    assert not [name for own in owned for name in own if name in told]
    assert all(isinstance(value, Secret) for own in owned for value in own.values())


def test_what_the_platform_does_not_have_is_none_or_refused(world: World):
    settings, platform = world.environment.application, world.estate.platform
    assert world.ask(platform.service(settings.project, "no-such-service")) is None
    with pytest.raises(LayerFailed):
        world.ask(platform.secret_group(settings.project, "no-such-group"))


def test_before_a_restore_every_switch_is_on_and_every_group_of_its_own(world: World):
    settings, platform = world.environment.application, world.estate.platform
    assert settings.outbound != "none"
    groups = {name: world.ask(platform.secret_group(settings.project, name)) for name in settings.secret_groups}
    for switch in settings.outbound:
        assert groups[switch.secret_group][switch.variable].reveal() == "on"
        others = [name for name in groups if name != switch.secret_group]
        assert not any(switch.variable in groups[other] for other in others)


def test_a_changed_variable_is_read_back_and_the_other_group_stays_as_it_was(world: World):
    settings, platform = world.environment.application, world.estate.platform
    first, second = settings.secret_groups
    before = world.ask(platform.secret_group(settings.project, second))
    mine = dict(world.ask(platform.secret_group(settings.project, first)))
    permit = world.permit("northflank:SetSecretGroup", f"{settings.project}/{first}")
    changed = {**mine, "OUTBOUND_MAIL": Secret("off")}
    for variables in (changed, mine):
        world.ask(platform.set_secret_group(permit, settings.project, first, variables))
        assert world.ask(platform.secret_group(settings.project, first)) == variables
    assert world.ask(platform.secret_group(settings.project, second)) == before
    with pytest.raises(Refused):
        world.ask(platform.set_secret_group(permit, settings.project, second, before))


def test_the_deployed_digest_runs_everywhere(opened: World, deployed):
    settings, platform = opened.environment.application, opened.estate.platform
    assert set(deployed) == {service.name for service in settings.services}
    for name, deployment in deployed.items():
        service = service_of(opened, name)
        assert deployment.digest == newest_release(opened).digest
        assert (service.image or "").endswith(f"@{deployment.digest}")
        assert service.transition is not None
        assert service.transition >= deployment.created - SLACK
        assert opened.ask(platform.running_containers(settings.project, name)) == service.instances


def test_a_restart_rolls_what_is_configured_already(opened: World, deployed):
    project, platform = opened.environment.application.project, opened.estate.platform
    name = next(reversed(deployed))
    before = service_of(opened, name)
    opened.ask(platform.restart(opened.permit("northflank:Restart", f"{project}/{name}"), project, name))
    after = opened.until(
        lambda: platform.service(project, name),
        lambda now: now is not None and now.status == "COMPLETED" and now.transition != before.transition,
    )
    assert after is not None
    assert (after.image, after.instances) == (before.image, before.instances)


# -- the application ----------------------------------------------------------------------------------------------
def test_each_health_document_names_what_runs(opened: World, deployed):
    for service in opened.environment.application.services:
        assert service.health is not None
        answer = opened.ask(opened.estate.web.get(service.health.url))
        document = json.loads(answer.body)
        assert answer.status == 200
        assert {name: document[name] for name in service.health.fields} == dict(service.health.fields)
        assert (document["vault"], document["outbound"]) == ("ok", "off")
        assert document["digest"] == deployed[service.name].digest
        assert re.fullmatch(r"[0-9a-f]{40}", document["commit"])


def test_each_consumer_is_connected_to_the_copy_under_its_own_name(opened: World, deployed, copy: Instance):
    here = opened.connect(copy)
    for consumer in opened.environment.application.consumers:
        name = known_as(opened, consumer)
        found = opened.until(functools.partial(here.sessions, name), bool)
        assert {session.application for session in found} == {name}
        assert all(session.started <= datetime.now(UTC) + SLACK for session in found)
    assert opened.ask(here.sessions("nobody")) == ()


def test_the_application_proves_that_it_decrypts_the_canary(opened: World, deployed, copy: Instance):
    canary, nonce = opened.environment.canary, secrets.token_bytes(16)
    url = next(service.probe_url for service in opened.environment.application.services if service.probe_url)
    here = opened.connect(copy)
    text = opened.ask(here.text_value(canary.table, canary.key_column, canary.key, canary.ciphertext_column))
    plain = opened.ask(opened.estate.vault.decrypt("transit", canary.transit_key, text or ""))
    answer = opened.ask(opened.estate.web.post(url, {"nonce": nonce.hex()}))
    expected = hmac.new(nonce, plain.reveal().encode(), hashlib.sha256).hexdigest()
    assert json.loads(answer.body) == {"hmac": expected}


def test_each_configured_page_says_what_it_should(opened: World, deployed):
    for probe in opened.environment.application.probes:
        answer = opened.ask(opened.estate.web.get(probe.url))
        assert answer.status == probe.status
        assert probe.contains
        assert probe.contains in answer.body.decode()


# -- allowances ---------------------------------------------------------------------------------------------------
def test_what_is_left_of_each_allowance_is_known_after_an_answer(world: World):
    rates = world.estate.rates
    for token, provider, named in (
        (world.estate.platform.token(), "northflank", "Northflank"),
        (world.estate.code.token(), "github", "GitHub"),
    ):
        world.ask(token)
        known = rates.of(provider)
        assert known is not None
        assert (known.provider, known.waiting_s, known.refused) == (named, 0, 0)
        assert known.limit is not None
        assert known.remaining is not None
        assert 0 < known.remaining <= known.limit
    assert rates.waiting() == ()
