"""The adapters against the practice estate's provider simulators, in memory: what both believe of the provider fits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.github import GitHub
from runbook.estate.http import Wiring
from runbook.estate.northflank import Northflank
from runbook.estate.ports import CombinedStatus, DnsRecord, Phase
from runbook.estate.rates import KnownRates
from runbook.estate.registry import Registry
from runbook.training.servers import zone as practice
from runbook.training.servers.cloudflare import Cloudflare as CloudflareServer
from runbook.training.servers.firewall import CUSTOM_PHASE, MANAGED_PHASE
from runbook.training.servers.github import GitHub as GitHubServer
from runbook.training.servers.images import ORGANISATION, PACKAGE, REPOSITORY, Catalogue
from runbook.training.servers.northflank import Northflank as NorthflankServer
from runbook.training.servers.northflank_state import IMAGE_NAME, PROJECT, WEB, WEB_GROUP, WORKER, Group
from runbook.training.servers.platform import Platform
from runbook.training.servers.registry import Registry as RegistryServer
from runbook.training.servers.zone import Zone
from tests.estate_adapters.provider import door, interlock, permit
from tests.training.until import until

__all__ = ["door"]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "practice-token"
BASE = "http://127.0.0.1"
BUNDLE = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {"payload": "e30="}}


def wired(server, **more) -> Wiring:
    return Wiring(transport=httpx.WSGITransport(app=server), **more)


def network(server: CloudflareServer, door, token: Secret = Secret(TOKEN)) -> Cloudflare:  # noqa: B008 - frozen
    base = f"{BASE}/client/v4"
    return Cloudflare(base, token, None, interlock(), door, read_only=False, wiring=wired(server))


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(seed=7, now=NOW)


@pytest.fixture
def code_host(catalogue) -> GitHubServer:
    return GitHubServer(catalogue, TOKEN, NOW)


@pytest.fixture
def github(code_host, door) -> GitHub:
    return GitHub(BASE, Secret(TOKEN), interlock(), door, wiring=wired(code_host))


@pytest.fixture
def registry(catalogue, door) -> Registry:
    return Registry(BASE, Secret(TOKEN), interlock(), door, wiring=wired(RegistryServer(catalogue, TOKEN)))


@pytest.fixture
def hosting(tmp_path: Path, catalogue: Catalogue) -> Iterator[Platform]:
    files = {"/etc/letterhead.txt": {"data": "UHJhY3RpY2U=", "encoding": "utf-8"}}
    group = Group(WEB_GROUP, {"DATABASE_URL": "postgresql://lost", "VAULT_ADDR": "https://lost"}, (WEB,), files=files)
    made = Platform(tmp_path, catalogue, (group,), restart_vault=lambda: None, now=NOW)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def platform_api(hosting) -> NorthflankServer:
    return NorthflankServer(hosting, TOKEN)


@pytest.fixture
def northflank(platform_api, door) -> Northflank:
    return Northflank(f"{BASE}/v1", Secret(TOKEN), interlock(), door, wiring=wired(platform_api))


# -- code host and registry -------------------------------------------------------------------------------------------
async def test_an_image_is_traced_from_its_tag_to_a_green_commit_of_the_protected_branch(github, registry):
    assert {"read:packages", "repo"} <= set((await github.token()).scopes)
    assert await github.repository_visible(REPOSITORY)
    versions = await github.package_versions(ORGANISATION, PACKAGE)
    release = next(version for version in versions if "v1.8.2" in version.tags)
    assert any(not version.tags for version in versions)
    proof = await registry.image(REPOSITORY, "v1.8.2")
    assert proof is not None
    assert proof.stated == proof.computed == release.digest == await registry.digest(REPOSITORY, "v1.8.2")
    commit = await github.commit(REPOSITORY, proof.revision or "")
    assert commit is not None
    assert commit.verified
    branch = await github.branch(REPOSITORY, "main")
    assert branch is not None
    assert branch.protected
    head = await github.commit(REPOSITORY, branch.head)
    assert head is not None
    assert commit.sha in head.parents[1:]
    assert await github.check_runs(REPOSITORY, commit.sha)
    assert await github.combined_status(REPOSITORY, commit.sha) == CombinedStatus("pending", 0)
    assert await registry.image(REPOSITORY, "no-such-tag") is None
    assert await github.commit(REPOSITORY, "0" * 40) is None


async def test_a_moved_tag_leads_to_other_bytes_than_the_version_that_has_it(github, registry, catalogue):
    before = await registry.digest(REPOSITORY, "v1.8.2")
    catalogue.move("v1.8.2")
    versions = await github.package_versions(ORGANISATION, PACKAGE)
    assert next(version.digest for version in versions if "v1.8.2" in version.tags) == before
    assert await registry.digest(REPOSITORY, "v1.8.2") not in {before, None}


@pytest.mark.parametrize("retired", [False, True])
async def test_bundles_are_had_inline_and_from_the_store(github, code_host, catalogue, retired):
    if retired:
        pytest.importorskip("cramjam")
    code_host.retired = retired
    digest = catalogue.released("v1.8.2").digest
    assert await github.attestations(REPOSITORY, digest) == ()
    catalogue.attest(digest, BUNDLE)
    assert [dict(one) for one in await github.attestations(REPOSITORY, digest)] == [BUNDLE]


# -- signing in, and limits -------------------------------------------------------------------------------------------
async def test_a_wrong_token_gives_no_verdict(door, catalogue, code_host, platform_api):
    wrong = Secret("wrong")
    github = GitHub(BASE, wrong, interlock(), door, wiring=wired(code_host))
    registry = Registry(BASE, wrong, interlock(), door, wiring=wired(RegistryServer(catalogue, TOKEN)))
    northflank = Northflank(f"{BASE}/v1", wrong, interlock(), door, wiring=wired(platform_api))
    edge = network(CloudflareServer(Zone(), TOKEN), door, wrong)
    for asked in (github.token(), registry.image(REPOSITORY, "v1.8.2"), northflank.token(), edge.token()):
        with pytest.raises(NoVerdict):
            await asked


class Patience:
    """A clock that passes only while somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rates = KnownRates(lambda: self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def test_a_throttled_provider_is_waited_for_as_long_as_it_asks(door, code_host, platform_api):
    patience = Patience()
    more = {"sleep": patience.sleep, "rates": patience.rates}
    github = GitHub(BASE, Secret(TOKEN), interlock(), door, wiring=wired(code_host, **more))
    northflank = Northflank(f"{BASE}/v1", Secret(TOKEN), interlock(), door, wiring=wired(platform_api, **more))
    for server, asked in ((code_host, github.token), (platform_api, northflank.token)):
        before = patience.seconds
        server.allowance.throttle(2, 3)
        assert (await asked()).id
        assert 6 <= patience.seconds - before < 12
    refused = [patience.rates.of(provider) for provider in ("github", "northflank")]
    assert [one.refused for one in refused if one is not None] == [2, 2]


# -- the platform -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("old_shape", [False, True])
async def test_a_service_is_read_in_both_shapes(northflank, platform_api, old_shape):
    platform_api.old_shape = old_shape
    assert await northflank.project_visible(PROJECT)
    service = await northflank.service(PROJECT, WEB)
    assert service is not None
    assert (service.instances, service.credentials, service.status) == (2, "ghcr-pull", "COMPLETED")
    assert not service.paused
    statuses = await northflank.statuses(PROJECT)
    assert statuses[WEB].transition == service.transition
    assert {WEB, WORKER} <= statuses.keys()
    assert await northflank.service(PROJECT, "other") is None


async def test_a_deployment_is_followed_from_the_call_to_the_running_container(northflank, hosting, catalogue):
    image = f"{IMAGE_NAME}@{catalogue.released('v1.8.2').digest}"
    allowed = permit("northflank:Deploy", f"{PROJECT}/{WORKER}")
    told = await northflank.deploy(allowed, PROJECT, WORKER, image=image, instances=1, credentials="ghcr-pull")
    assert (told.image, told.status) == (image, "IN_PROGRESS")
    stale = (await northflank.statuses(PROJECT))[WORKER]
    assert stale.status == "COMPLETED"
    newest = (await northflank.deployments(PROJECT, WORKER))[0]
    assert not newest.active
    until(lambda: hosting.workloads[WORKER].running)
    until(lambda: hosting.hosted[WORKER].service.deployments[0].active)
    newest = (await northflank.deployments(PROJECT, WORKER))[0]
    assert newest.active
    assert newest.digest == catalogue.released("v1.8.2").digest
    assert await northflank.running_containers(PROJECT, WORKER) == 1


async def test_an_image_that_the_registry_does_not_have_is_not_deployed(northflank, hosting):
    allowed = permit("northflank:Deploy", f"{PROJECT}/{WEB}")
    image = f"{IMAGE_NAME}@sha256:{'0' * 64}"
    with pytest.raises(LayerFailed) as refused:
        await northflank.deploy(allowed, PROJECT, WEB, image=image, instances=2, credentials=None)
    assert "Unable to verify external image" in refused.value.provider_text
    assert hosting.children() == []


@pytest.mark.parametrize("replaces", [False, True])
async def test_a_whole_group_sent_keeps_its_files_whether_it_is_merged_or_replaced(
    northflank, platform_api, hosting, replaces
):
    platform_api.replaces = replaces
    held = dict(await northflank.secret_group(PROJECT, WEB_GROUP)) | {"VAULT_ADDR": Secret("https://restored")}
    allowed = permit("northflank:SetSecretGroup", f"{PROJECT}/{WEB_GROUP}")
    await northflank.set_secret_group(allowed, PROJECT, WEB_GROUP, held)
    now = await northflank.secret_group(PROJECT, WEB_GROUP)
    assert {name: value.reveal() for name, value in now.items()} == {
        "DATABASE_URL": "postgresql://lost",
        "VAULT_ADDR": "https://restored",
    }
    assert list(hosting.groups[WEB_GROUP].files) == ["/etc/letterhead.txt"]


# -- the zone ---------------------------------------------------------------------------------------------------------
async def test_a_zone_is_put_right(door):
    server = CloudflareServer(Zone(), TOKEN)
    edge = network(server, door)
    assert (await edge.token()).active
    zone = await edge.zone(practice.ZONE)
    assert zone is not None
    assert await edge.zone("other.test") is None
    assert await edge.phase(zone.id, "http_ratelimit") == Phase(None, ())
    with pytest.raises(LayerFailed):
        await edge.phase("0" * 32, MANAGED_PHASE)

    rules = (await edge.phase(zone.id, MANAGED_PHASE)).rules
    allowed = permit("cloudflare:PutRules", f"{zone.id}/{MANAGED_PHASE}")
    off = tuple({**rule.raw, "enabled": False} for rule in rules)
    await edge.put_rules(allowed, zone.id, MANAGED_PHASE, off, dry_run=True)
    assert (await edge.phase(zone.id, MANAGED_PHASE)).rules[0].enabled
    await edge.put_rules(allowed, zone.id, MANAGED_PHASE, off, dry_run=False)
    assert not (await edge.phase(zone.id, MANAGED_PHASE)).rules[0].enabled

    canary = await edge.phase(zone.id, CUSTOM_PHASE)
    (rule,) = canary.rules
    target = f"{zone.id}/{canary.id}/{rule.id}"
    changed = {**rule.raw, "enabled": False}
    await edge.change_rule(permit("cloudflare:ChangeRule", target), zone.id, canary.id or "", rule.id or "", changed)
    assert not (await edge.phase(zone.id, CUSTOM_PHASE)).rules[0].enabled

    (record,) = await edge.records(zone.id, practice.HOSTNAME)
    wanted = DnsRecord(record.id, record.name, "CNAME", practice.ORIGIN, proxied=True, ttl=1)
    assert await edge.set_record(permit("cloudflare:SetRecord", f"{zone.id}/{record.id}"), zone.id, wanted) == wanted
    assert await edge.ranges() == practice.RANGES
