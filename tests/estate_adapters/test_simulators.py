"""The adapters against the practice estate's provider simulators, in memory: what both believe of the provider fits."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.github import GitHub
from runbook.estate.http import Wiring
from runbook.estate.ports import DnsRecord
from runbook.estate.registry import Registry
from runbook.training.servers import zone as practice
from runbook.training.servers.cloudflare import Cloudflare as CloudflareServer
from runbook.training.servers.github import GitHub as GitHubServer
from runbook.training.servers.images import ORGANISATION, PACKAGE, REPOSITORY, Catalogue
from runbook.training.servers.registry import Registry as RegistryServer
from runbook.training.servers.zone import Zone
from tests.estate_adapters.provider import door, interlock, permit

__all__ = ["door"]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "practice-token"
BASE = "http://127.0.0.1"


def wired(server) -> Wiring:
    return Wiring(transport=httpx.WSGITransport(app=server))


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(seed=7, now=NOW)


async def test_an_image_is_traced_from_its_tag_to_a_green_commit_of_the_protected_branch(door, catalogue):
    server = GitHubServer(catalogue, TOKEN, NOW)
    github = GitHub(BASE, Secret(TOKEN), interlock(), door, wiring=wired(server))
    registry = Registry(BASE, Secret(TOKEN), interlock(), door, wiring=wired(RegistryServer(catalogue, TOKEN)))
    assert {"read:packages", "repo"} <= set((await github.token()).scopes)
    assert await github.repository_visible(REPOSITORY)
    versions = await github.package_versions(ORGANISATION, PACKAGE)
    release = next(version for version in versions if "v1.8.2" in version.tags)
    assert any(not version.tags for version in versions)
    proof = await registry.image(REPOSITORY, "v1.8.2")
    assert proof is not None
    assert proof.stated == proof.computed == release.digest
    commit = await github.commit(REPOSITORY, proof.revision or "")
    assert commit is not None
    assert commit.verified
    branch = await github.branch(REPOSITORY, "main")
    assert branch is not None
    assert branch.protected
    assert await github.check_runs(REPOSITORY, commit.sha)
    assert await registry.image(REPOSITORY, "no-such-tag") is None
    assert await github.commit(REPOSITORY, "0" * 40) is None


async def test_a_wrong_token_gives_no_verdict(door, catalogue):
    github = GitHub(BASE, Secret("wrong"), interlock(), door, wiring=wired(GitHubServer(catalogue, TOKEN, NOW)))
    registry = Registry(BASE, Secret("wrong"), interlock(), door, wiring=wired(RegistryServer(catalogue, TOKEN)))
    edge = Cloudflare(
        f"{BASE}/client/v4", Secret("wrong"), None, interlock(), door, wiring=wired(CloudflareServer(Zone(), TOKEN))
    )
    with pytest.raises(NoVerdict):
        await github.token()
    with pytest.raises(NoVerdict):
        await registry.image(REPOSITORY, "v1.8.2")
    with pytest.raises(NoVerdict):
        await edge.token()


async def test_a_zone_is_put_right(door):
    server = CloudflareServer(Zone(), TOKEN)
    edge = Cloudflare(f"{BASE}/client/v4", Secret(TOKEN), None, interlock(), door, wiring=wired(server))
    assert (await edge.token()).active
    zone = await edge.zone(practice.ZONE)
    assert zone is not None
    assert await edge.zone("other.test") is None
    assert await edge.rules(zone.id, "http_ratelimit") == ()
    with pytest.raises(LayerFailed):
        await edge.rules("0" * 32, practice.MANAGED_PHASE)

    rules = await edge.rules(zone.id, practice.MANAGED_PHASE)
    allowed = permit("cloudflare:PutRules", f"{zone.id}/{practice.MANAGED_PHASE}")
    off = tuple({**rule.raw, "enabled": False} for rule in rules)
    await edge.put_rules(allowed, zone.id, practice.MANAGED_PHASE, off, dry_run=True)
    assert (await edge.rules(zone.id, practice.MANAGED_PHASE))[0].enabled
    await edge.put_rules(allowed, zone.id, practice.MANAGED_PHASE, off, dry_run=False)
    assert not (await edge.rules(zone.id, practice.MANAGED_PHASE))[0].enabled

    (record,) = await edge.records(zone.id, practice.HOSTNAME)
    wanted = DnsRecord(record.id, record.name, "CNAME", practice.ORIGIN, proxied=True, ttl=1)
    assert await edge.set_record(permit("cloudflare:SetRecord", f"{zone.id}/{record.id}"), zone.id, wanted) == wanted
    assert await edge.ranges() == practice.RANGES
