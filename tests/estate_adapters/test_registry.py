from __future__ import annotations

import base64
import hashlib
import json

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.registry import Registry
from tests.estate_adapters.provider import Provider, answer, conforms, door, interlock

__all__ = ["door"]
V2 = "/v2/acme-health/app"
COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
CHALLENGE = 'Bearer realm="http://127.0.0.1/token",service="ghcr.io",scope="repository:acme-health/app:pull"'


def sha(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


CONFIG = json.dumps({"config": {"Labels": {"org.opencontainers.image.revision": COMMIT}}}).encode()
MANIFEST = json.dumps({"schemaVersion": 2, "config": {"digest": sha(CONFIG)}, "layers": []}, indent=1).encode()
INDEX = json.dumps(
    {
        "manifests": [
            {"digest": "sha256:" + "0" * 64, "platform": {"os": "unknown", "architecture": "unknown"}},
            {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": sha(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}},
        ]
    }
).encode()


def guarded(body: bytes):
    """Answers only to the pull token, as GHCR does, and only to an Accept that knows indexes."""

    def reply(request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != "Bearer pull":
            refusal = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
            return httpx.Response(401, json=refusal, headers={"www-authenticate": CHALLENGE})
        assert "application/vnd.oci.image.index.v1+json" in request.headers["accept"]
        return httpx.Response(200, content=body, headers={"docker-content-digest": sha(body)})

    return reply


def provider(**changes) -> Provider:
    replies = {
        "GET /token": answer({"token": "pull"}),
        f"GET {V2}/manifests/v1.8.2": guarded(INDEX),
        f"GET {V2}/manifests/{sha(MANIFEST)}": guarded(MANIFEST),
        f"GET {V2}/blobs/{sha(CONFIG)}": httpx.Response(
            307, headers={"location": "http://127.0.0.1:9/ghcr1/blobs/x?sig=y"}
        ),
        "GET /ghcr1/blobs/x": httpx.Response(200, content=CONFIG),
    }
    return Provider({**replies, **changes.get("replies", {})})


PAT = Secret("pat")


def registry(given: Provider, door, token: Secret | None = PAT) -> Registry:
    return Registry("http://127.0.0.1", token, interlock(), door, wiring=given.wiring)


async def test_an_image_is_proved_by_its_own_bytes_and_its_labels(door):
    given = provider()
    proof = await registry(given, door).image("acme-health/app", "v1.8.2")
    assert proof is not None
    assert proof.computed == proof.stated == sha(INDEX)
    assert proof.revision == COMMIT
    dance = next(request for request in given.requests if request.url.path == "/token")
    assert base64.b64decode(dance.headers["authorization"].removeprefix("Basic ")).endswith(b":pat")
    assert dict(dance.url.params) == {"service": "ghcr.io", "scope": "repository:acme-health/app:pull"}
    for request in given.requests:
        if request.url.path.startswith(V2):
            conforms("ghcr", "", request)


async def test_the_blob_store_is_not_told_the_sign_in(door):
    given = provider()
    await registry(given, door).image("acme-health/app", "v1.8.2")
    stored = next(request for request in given.requests if request.url.path.startswith("/ghcr1"))
    assert "authorization" not in stored.headers


async def test_the_token_is_fetched_once_and_again_when_it_has_run_out(door):
    given = provider()
    here = registry(given, door)
    await here.image("acme-health/app", "v1.8.2")
    await here.image("acme-health/app", "v1.8.2")
    assert sum(request.url.path == "/token" for request in given.requests) == 1
    here._pull_tokens["acme-health/app"] = Secret("old")
    assert await here.image("acme-health/app", "v1.8.2") is not None
    assert sum(request.url.path == "/token" for request in given.requests) == 2


async def test_an_anonymous_reader_sends_no_credentials(door):
    given = provider()
    await registry(given, door, token=None).image("acme-health/app", "v1.8.2")
    assert "authorization" not in next(one for one in given.requests if one.url.path == "/token").headers


async def test_the_token_is_not_told_to_another_host(door):
    elsewhere = httpx.Response(401, headers={"www-authenticate": 'Bearer realm="http://evil.test/token",service="x"'})
    given = provider(replies={f"GET {V2}/manifests/v1.8.2": elsewhere})
    with pytest.raises(NoVerdict, match="another host"):
        await registry(given, door).image("acme-health/app", "v1.8.2")
    assert len(given.requests) == 1


async def test_a_refused_token_is_about_the_sign_in(door):
    denied = {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}
    given = provider(replies={"GET /token": answer(denied, 403)})
    with pytest.raises(NoVerdict, match="sign-in") as caught:
        await registry(given, door).image("acme-health/app", "v1.8.2")
    assert caught.value.provider_text == "DENIED requested access to the resource is denied"


async def test_an_unknown_image_is_none(door):
    unknown = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
    given = provider(replies={f"GET {V2}/manifests/v9": answer(unknown, 404)})
    assert await registry(given, door).image("acme-health/app", "v9") is None


async def test_bytes_that_are_not_what_their_digest_says_fail_the_image(door):
    given = provider(replies={f"GET {V2}/manifests/{sha(MANIFEST)}": guarded(MANIFEST + b" ")})
    with pytest.raises(LayerFailed, match="other bytes"):
        await registry(given, door).image("acme-health/app", "v1.8.2")


async def test_a_digest_that_is_a_path_is_refused(door):
    crooked = json.dumps({"config": {"digest": "../../../token"}}).encode()
    given = provider(replies={f"GET {V2}/manifests/v1.8.2": guarded(crooked)})
    with pytest.raises(LayerFailed, match="no SHA-256"):
        await registry(given, door).image("acme-health/app", "v1.8.2")


async def test_a_moved_tag_shows_in_what_was_computed(door):
    given = provider(replies={f"GET {V2}/manifests/v1.8.2": guarded(MANIFEST)})
    proof = await registry(given, door).image("acme-health/app", "v1.8.2")
    assert proof is not None
    assert proof.computed == sha(MANIFEST) != sha(INDEX)


async def test_every_label_of_the_image_is_told(door):
    proof = await registry(provider(), door).image("acme-health/app", "v1.8.2")
    assert proof is not None
    assert proof.labels == {"org.opencontainers.image.revision": COMMIT}


# -- where a tag leads --------------------------------------------------------------------------------------------
async def test_a_tag_leads_to_the_digest_of_the_bytes_behind_it(door):
    given = provider()
    assert await registry(given, door).digest("acme-health/app", "v1.8.2") == sha(INDEX)
    assert not any("blobs" in request.url.path for request in given.requests)


async def test_a_tag_that_is_not_there_leads_nowhere(door):
    unknown = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
    given = provider(replies={f"GET {V2}/manifests/v9": answer(unknown, 404)})
    assert await registry(given, door).digest("acme-health/app", "v9") is None


NINES = {"docker-content-digest": "sha256:" + "9" * 64}


@pytest.mark.parametrize(("headers", "said"), [(NINES, "sha256:999999999999…"), ({}, "nothing")])
async def test_a_registry_that_states_another_digest_than_its_bytes_have_is_not_believed(door, headers, said):
    given = provider(replies={f"GET {V2}/manifests/v1.8.2": httpx.Response(200, content=INDEX, headers=headers)})
    with pytest.raises(LayerFailed, match=rf"hashes to {sha(INDEX)[:19]}…, the registry says {said}"):
        await registry(given, door).digest("acme-health/app", "v1.8.2")
