from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx
import pytest

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.github import GitHub
from tests.estate_adapters.provider import Provider, answer, conforms, door, examples, interlock

__all__ = ["door"]
VERSIONS = "/orgs/acme-health/packages/container/app/versions"
REPO = "/repos/acme-health/app"


def github(provider: Provider, door) -> GitHub:
    return GitHub("http://127.0.0.1", Secret("gh-token"), interlock(), door, wiring=provider.wiring)


def version(name: str, created: str, *tags: str) -> dict[str, object]:
    container = {"package_type": "container", "container": {"tags": list(tags)}}
    return {"id": 1, "name": name, "created_at": created, "metadata": container}


async def test_every_call_pins_the_api_version(door):
    provider = Provider({"GET /user": answer({"login": "cto"}, x_oauth_scopes="read:packages, repo")})
    identity = await github(provider, door).token()
    assert (identity.id, identity.kind, identity.scopes) == ("cto", "classic", ("read:packages", "repo"))
    sent = provider.requests[0].headers
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["accept"] == "application/vnd.github+json"
    assert sent["user-agent"].startswith("restoration-runbook/")
    conforms("github", "", provider.requests[0])


@pytest.mark.parametrize("said", ["2027-01-01 00:00:00 UTC", "2027-01-01 01:00:00 +0100"])
async def test_a_tokens_expiry_is_read_from_its_header(door, said):
    provider = Provider({"GET /user": answer({"login": "cto"}, github_authentication_token_expiration=said)})
    identity = await github(provider, door).token()
    assert identity.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert identity.kind == "fine-grained"


async def test_versions_come_over_all_pages_newest_first(door):
    following = f'<http://127.0.0.1{VERSIONS}?page=2>; rel="next", <http://127.0.0.1{VERSIONS}?page=2>; rel="last"'
    pages = [
        answer([version("sha256:a", "2026-11-01T00:00:00Z", "v1")], link=following),
        answer([version("sha256:b", "2026-11-20T00:00:00Z", "v2"), version("sha256:c", "2026-11-10T00:00:00Z")],
               link=f'<http://127.0.0.1{VERSIONS}?page=1>; rel="prev"'),
    ]  # fmt: skip
    provider = Provider({f"GET {VERSIONS}": pages})
    found = await github(provider, door).package_versions("acme-health", "app")
    assert [one.digest for one in found] == ["sha256:b", "sha256:c", "sha256:a"]
    assert found[0].tags == ("v2",)
    assert len(provider.requests) == 2
    conforms("github", "", provider.requests[0])


async def test_the_next_page_on_another_host_is_not_followed(door):
    provider = Provider({f"GET {VERSIONS}": answer([], link='<http://evil.test/x>; rel="next"')})
    with pytest.raises(NoVerdict, match="another host"):
        await github(provider, door).package_versions("acme-health", "app")
    assert len(provider.requests) == 1


async def test_an_owner_that_is_a_user_is_asked_as_one(door):
    path = "/users/alice/packages/container/app%2Fweb/versions"
    provider = Provider({f"GET {path}": answer([version("sha256:a", "2026-11-01T00:00:00Z", "v1")])})
    assert len(await github(provider, door).package_versions("alice", "app/web")) == 1


async def test_an_unknown_commit_or_branch_is_none(door):
    sha = "6dcb09b"
    provider = Provider({f"GET {REPO}/commits/{sha}": answer({"message": "No commit found for SHA"}, 422)})
    assert await github(provider, door).commit("acme-health/app", sha) is None
    assert await github(provider, door).branch("acme-health/app", "main") is None
    assert await github(provider, door).repository_visible("acme-health/app") is False


async def test_a_signature_that_could_not_be_checked_is_no_verdict(door):
    document = {"sha": "abc", "commit": {"verification": {"verified": False, "reason": "gpgverify_unavailable"}}}
    provider = Provider({f"GET {REPO}/commits/abc": answer(document)})
    with pytest.raises(NoVerdict, match="signature"):
        await github(provider, door).commit("acme-health/app", "abc")


async def test_a_spent_allowance_is_throttling_not_a_bad_sign_in(door):
    reset = str(int(time.time()) + 600)
    spent = answer({"message": "API rate limit exceeded"}, 403, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    provider = Provider({"GET /user": spent})
    with pytest.raises(NoVerdict, match="10 min"):
        await github(provider, door).token()


async def test_the_reset_is_judged_by_the_providers_own_clock(door):
    date = "Mon, 23 Nov 2026 12:00:00 GMT"
    reset = str(int(datetime(2026, 11, 23, 12, 0, 9, tzinfo=UTC).timestamp()))
    spent = answer({"message": "slow"}, 403, x_ratelimit_remaining="0", x_ratelimit_reset=reset, date=date)
    provider = Provider({"GET /user": [spent, answer({"login": "cto"})]})
    await github(provider, door).token()
    assert provider.slept == [9.0]


async def test_a_plain_403_is_about_the_sign_in(door):
    refused = answer({"message": "Resource not accessible by personal access token"}, 403, x_ratelimit_remaining="4999")
    with pytest.raises(NoVerdict, match="sign-in") as caught:
        await github(Provider({"GET /user": refused}), door).token()
    assert "read:packages" in caught.value.fix


async def test_a_redirect_is_named_and_not_followed(door):
    moved = httpx.Response(301, headers={"location": "https://api.github.com/repositories/1"})
    provider = Provider({f"GET {REPO}": moved})
    with pytest.raises(NoVerdict, match=r"api\.github\.com"):
        await github(provider, door).repository_visible("acme-health/app")
    assert len(provider.requests) == 1


async def test_the_documented_answers_are_understood(door):
    given = examples("github")
    sha = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
    provider = Provider(
        {
            f"GET {VERSIONS}": answer(given["package versions"]["body"]),
            f"GET {REPO}/commits/{sha}": answer(given["commit verified"]["body"]),
            f"GET {REPO}/commits/{sha}/check-runs": answer(given["check-runs"]["body"]),
        }
    )
    here = github(provider, door)
    assert (await here.package_versions("acme-health", "app"))[0].digest.startswith("sha256:")
    commit = await here.commit("acme-health/app", sha)
    assert commit is not None
    assert commit.sha == sha
    assert commit.verified
    assert len(await here.check_runs("acme-health/app", sha)) == 1
    for request in provider.requests:
        conforms("github", "", request)
