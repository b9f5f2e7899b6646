from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

import cramjam
import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.github import GitHub
from runbook.estate.ports import CombinedStatus
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
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


async def test_a_package_that_the_token_may_not_read_is_the_packages_answer(door):
    refused = answer({"message": "Resource not accessible by personal access token"}, 403, x_ratelimit_remaining="99")
    with pytest.raises(LayerFailed, match="does not let this token read the package acme-health/app") as caught:
        await github(Provider({f"GET {VERSIONS}": refused}), door).package_versions("acme-health", "app")
    assert "classic token with read:packages" in caught.value.fix
    with pytest.raises(LayerFailed, match="404"):
        await github(Provider({}), door).package_versions("acme-health", "app")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_sign_in_that_ended_and_a_spent_allowance_say_nothing_of_the_package(door, status):
    refused = answer({"message": "no"}, status, x_ratelimit_remaining="0", retry_after="600")
    with pytest.raises(NoVerdict):
        await github(Provider({f"GET {VERSIONS}": refused}), door).package_versions("acme-health", "app")


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


# -- commit statuses ----------------------------------------------------------------------------------------------
async def test_commit_statuses_are_told_with_their_number(door):
    path = f"{REPO}/commits/abc/status"
    provider = Provider({f"GET {path}": answer({"state": "pending", "total_count": 0, "statuses": []})})
    assert await github(provider, door).combined_status("acme-health/app", "abc") == CombinedStatus("pending", 0)
    conforms("github", "", provider.requests[0])


async def test_the_documented_status_is_understood(door):
    document = examples("github")["combined status"]["body"]
    provider = Provider({f"GET {REPO}/commits/abc/status": answer(document)})
    found = await github(provider, door).combined_status("acme-health/app", "abc")
    assert found == CombinedStatus("success", document["total_count"])


# -- attestations -------------------------------------------------------------------------------------------------
DIGEST = "sha256:" + "3f" * 32
ATTESTATIONS = f"{REPO}/attestations/{DIGEST}"
STORE = "http://127.0.0.1:9/attestations/1.json.sn"
BUNDLE = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {}}


def stored(body: bytes) -> httpx.Response:
    """As the blob store has it."""
    return httpx.Response(200, content=bytes(cramjam.snappy.compress_raw(body)))


async def asked(provider: Provider, door):
    return await github(provider, door).attestations("acme-health/app", DIGEST)


async def test_attestations_come_over_all_pages(door):
    following = f'<http://127.0.0.1{ATTESTATIONS}?after=abc>; rel="next"'
    pages = [
        answer({"attestations": [{"bundle": BUNDLE}]}, link=following),
        answer({"attestations": [{"bundle": {"n": 2}}]}),
    ]
    provider = Provider({f"GET {ATTESTATIONS}": pages})
    assert await asked(provider, door) == (BUNDLE, {"n": 2})
    assert dict(provider.requests[0].url.params) == {"predicate_type": "provenance", "per_page": "30"}
    conforms("github", "", provider.requests[0])


@pytest.mark.parametrize("none", [answer({"attestations": []}), answer({"message": "Not Found"}, 404), answer({})])
async def test_an_image_without_attestations_has_none(door, none):
    assert await asked(Provider({f"GET {ATTESTATIONS}": none}), door) == ()


@pytest.mark.parametrize("name", ["attestations inline (2022-11-28)", "attestations url only (2026-03-10)"])
async def test_the_documented_attestations_are_understood(door, name):
    document = examples("github")[name]["body"]

    def in_store(request: httpx.Request) -> httpx.Response:
        return stored(json.dumps(BUNDLE).encode())

    urls = {httpx.URL(each["bundle_url"]).path for each in document["attestations"]}
    here = Provider({f"GET {ATTESTATIONS}": answer(document), **{f"GET {path}": in_store for path in urls}})
    outside = Interlock(bounds.reading())
    found = await GitHub("http://127.0.0.1", Secret("gh-token"), outside, door, wiring=here.wiring).attestations(
        "acme-health/app", DIGEST
    )
    assert len(found) == len(document["attestations"])
    assert all(bundle["mediaType"] == BUNDLE["mediaType"] for bundle in found)


async def test_a_bundle_that_is_not_in_the_answer_is_fetched_without_the_token(door):
    listed = answer({"attestations": [{"bundle": None, "bundle_url": STORE + "?sig=abc"}]})
    store = stored(json.dumps(BUNDLE).encode())
    provider = Provider({f"GET {ATTESTATIONS}": listed, "GET /attestations/1.json.sn": store})
    assert await asked(provider, door) == (BUNDLE,)
    fetched = provider.requests[1]
    assert "authorization" not in fetched.headers
    assert fetched.url.params["sig"] == "abc"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (httpx.Response(200, content=b"{}"), "not compressed as told"),
        (httpx.Response(200, content=b""), "not compressed as told"),
        (stored(b"not json"), "no JSON"),
        (stored(b"[1]"), "no JSON object"),
        (stored(b"\xff\xfe"), "no JSON"),
        (httpx.Response(200, content=b"\xff\xff\xff\xff\x0fabc"), "claims to have 4,294,967,295 bytes"),
        (httpx.Response(404, json={"message": "gone"}), "knows nothing by that name"),
    ],
)
async def test_a_listed_bundle_that_cannot_be_read_fails_the_image(door, body, sentence):
    listed = answer({"attestations": [{"bundle_url": STORE}]})
    provider = Provider({f"GET {ATTESTATIONS}": listed, "GET /attestations/1.json.sn": body})
    with pytest.raises(LayerFailed, match=sentence):
        await asked(provider, door)


@pytest.mark.parametrize("url", [None, "", "ftp://127.0.0.1/x", "file:///etc/passwd", "https//127.0.0.1"])
async def test_an_attestation_that_is_nowhere_to_be_had_fails_the_image(door, url):
    provider = Provider({f"GET {ATTESTATIONS}": answer({"attestations": [{"bundle_url": url}]})})
    with pytest.raises(LayerFailed, match="nowhere to be had"):
        await asked(provider, door)
    assert len(provider.requests) == 1


async def test_without_the_extra_no_verdict_is_had_and_the_extra_is_named(door, monkeypatch):
    monkeypatch.setitem(sys.modules, "cramjam", None)
    listed = answer({"attestations": [{"bundle_url": STORE}]})
    provider = Provider({f"GET {ATTESTATIONS}": listed, "GET /attestations/1.json.sn": stored(b"{}")})
    with pytest.raises(NoVerdict, match="cramjam package is not installed") as unable:
        await asked(provider, door)
    assert "restoration-runbook[provenance]" in unable.value.fix


async def test_a_conclusion_that_nobody_documented_is_told_as_it_is(door):
    runs = {"total_count": 1, "check_runs": [{"name": "build", "status": "completed", "conclusion": "stale"}]}
    provider = Provider({f"GET {REPO}/commits/abc/check-runs": answer(runs)})
    (run,) = await github(provider, door).check_runs("acme-health/app", "abc")
    assert run.conclusion == "stale"
