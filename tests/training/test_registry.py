"""The registry's simulator: the token dance, what `Accept` hides, digests of the bytes served."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode

from runbook.training.servers.images import INDEX, MANIFEST, Catalogue
from tests.training.conftest import TOKEN, Asker

IMAGE = "/v2/practice-clinic/clinic"
SCOPE = "repository:practice-clinic/clinic:pull"
BOTH = {"Accept": f"{INDEX}, {MANIFEST}"}


def signed_in(registry: Asker, password: str = TOKEN) -> str:
    basic = b64encode(f"user:{password}".encode()).decode()
    path = f"/token?service=ghcr.io&scope={SCOPE}"
    answer = registry("GET", path, token=None, headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 200
    return str(answer.get_json()["token"])


def test_the_registry_challenges_and_gives_a_token(registry: Asker) -> None:
    challenge = registry("GET", IMAGE + "/manifests/v1.8.2", token=None)
    assert challenge.status_code == 401
    assert f'scope="{SCOPE}"' in challenge.headers["WWW-Authenticate"]
    assert registry("GET", IMAGE + "/manifests/v1.8.2", token=signed_in(registry), headers=BOTH).status_code == 200


def test_empty_credentials_and_a_push_scope_are_denied(registry: Asker) -> None:
    assert registry("GET", f"/token?scope={SCOPE}", token=None).status_code == 403
    basic = {"Authorization": "Basic " + b64encode(f"user:{TOKEN}".encode()).decode()}
    assert registry("GET", f"/token?scope={SCOPE},push", token=None, headers=basic).status_code == 403


def test_an_index_is_hidden_from_a_client_that_does_not_accept_it(registry: Asker) -> None:
    answer = registry("GET", IMAGE + "/manifests/v1.8.2", token=signed_in(registry), headers={"Accept": MANIFEST})
    assert answer.status_code == 404
    assert "OCI index found" in answer.get_json()["errors"][0]["message"]


def test_each_digest_is_that_of_its_bytes_down_to_the_commit(registry: Asker, catalogue: Catalogue) -> None:
    token = signed_in(registry)
    index = registry("GET", IMAGE + "/manifests/v1.8.2", token=token, headers=BOTH)
    release = catalogue.released("v1.8.2")
    assert index.headers["Docker-Content-Digest"] == release.digest == _digest(index.data)
    part = next(one for one in json.loads(index.data)["manifests"] if one["platform"]["os"] != "unknown")
    manifest = registry("GET", f"{IMAGE}/manifests/{part['digest']}", token=token, headers=BOTH)
    assert _digest(manifest.data) == part["digest"]
    config = json.loads(manifest.data)["config"]["digest"]
    redirect = registry("GET", f"{IMAGE}/blobs/{config}", token=token)
    assert redirect.status_code == 307
    stored = redirect.headers["Location"].removeprefix("http://localhost")
    assert registry("GET", stored, token=token).status_code == 403  # the registry's token is not for the blob store
    blob = registry("GET", stored, token=None)
    assert _digest(blob.data) == config
    labels = json.loads(blob.data)["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == release.commit


def test_head_answers_the_digest_without_a_body(registry: Asker, catalogue: Catalogue) -> None:
    answer = registry("HEAD", IMAGE + "/manifests/latest", token=signed_in(registry), headers=BOTH)
    assert (answer.data, answer.headers["Docker-Content-Digest"]) == (b"", catalogue.released("v1.8.2").digest)


def test_a_moved_tag_names_other_content_than_the_list_of_versions(registry: Asker, catalogue: Catalogue) -> None:
    catalogue.move("v1.8.2")
    answer = registry("HEAD", IMAGE + "/manifests/v1.8.2", token=signed_in(registry), headers=BOTH)
    assert answer.headers["Docker-Content-Digest"] != catalogue.released("v1.8.2").digest


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
