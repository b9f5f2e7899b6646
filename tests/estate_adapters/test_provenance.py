"""Attestations of Sigstore's public instance: a genuine one of GitHub's, and altered copies of it."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.door import Door
from runbook.estate.ports import Provenance
from runbook.estate.provenance import public_good
from runbook.estate.provenance.bundle import Kind, kind_of
from runbook.estate.provenance.verifier import ProvenanceVerifier
from runbook.estate.provenance.wanted import Wanted
from tests.estate_adapters.provider import CONTRACTS, interlock

GENUINE = CONTRACTS / "examples" / "real-public-good-attestation.sigstore.json"
MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
Change = Callable[[dict[str, Any]], object]


class Genuine:
    """The recorded attestation, and what it says of itself."""

    def __init__(self) -> None:
        self.bundle: dict[str, Any] = json.loads(GENUINE.read_text(encoding="utf-8"))
        statement = payload_of(self.bundle)
        self.digest = "sha256:" + statement["subject"][0]["digest"]["sha256"]
        built = statement["predicate"]["buildDefinition"]
        workflow = built["externalParameters"]["workflow"]
        self.repository = workflow["repository"].removeprefix("https://github.com/")
        self.ref = workflow["ref"]
        self.workflow = workflow["path"]
        self.commit = built["resolvedDependencies"][0]["digest"]["gitCommit"]

    def wanted(self, **changes: Any) -> dict[str, Any]:
        given = {"digest": self.digest, "repository": self.repository, "refs": (self.ref, "refs/tags/v1")}
        asked = given | changes
        return {"image": f"ghcr.io/acme/app@{asked['digest']}", **asked}

    def altered(self, change: Change) -> dict[str, Any]:
        bundle = copy.deepcopy(self.bundle)
        change(bundle)
        return bundle


@pytest.fixture(scope="module")
def genuine() -> Genuine:
    if not GENUINE.exists():
        pytest.skip("the contracts are not beside this checkout")
    return Genuine()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(2)
    yield door
    door.close()


@pytest.fixture
def verifier(door: Door) -> ProvenanceVerifier:
    return ProvenanceVerifier(interlock(), door)


def payload_of(bundle: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def set_payload(bundle: dict[str, Any], statement: Any) -> None:
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()


def flipped(place: int) -> Change:
    def change(bundle: dict[str, Any]) -> None:
        (signature,) = bundle["dsseEnvelope"]["signatures"]
        raw = bytearray(base64.b64decode(signature["sig"]))
        raw[place] ^= 1
        signature["sig"] = base64.b64encode(raw).decode()

    return change


def log_of(bundle: dict[str, Any]) -> dict[str, Any]:
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    found: dict[str, Any] = entry
    return found


# -- the genuine one ----------------------------------------------------------------------------------------------
async def test_a_genuine_attestation_says_which_commit_was_built_where(genuine, verifier) -> None:
    found = await verifier.verify(genuine.bundle, **genuine.wanted())
    assert found == Provenance(genuine.digest, genuine.commit, genuine.ref, genuine.workflow, "sigstore, offline")


async def test_it_is_refused_for_another_digest_repository_or_ref(genuine, verifier) -> None:
    for changes, sentence in (
        ({"digest": "sha256:" + "0" * 64}, "for another image"),
        ({"repository": "acme-health/app"}, "of another repository, not of https://github.com/acme-health/app"),
        ({"refs": ("refs/heads/release",)}, "another ref, not of refs/heads/release"),
        ({"refs": ()}, "another ref, not of no ref at all"),
    ):
        with pytest.raises(LayerFailed, match=sentence) as refused:
            await verifier.verify(genuine.bundle, **genuine.wanted(**changes))
        assert refused.value.fix.startswith("Do not deploy this image")


async def test_the_librarys_own_text_stands_beside_the_sentence(genuine, verifier) -> None:
    with pytest.raises(LayerFailed) as refused:
        await verifier.verify(genuine.bundle, **genuine.wanted(repository="acme-health/app"))
    assert f"got https://github.com/{genuine.repository}" in refused.value.provider_text


async def test_a_repository_on_another_server_is_another_repository(genuine, door) -> None:
    elsewhere = ProvenanceVerifier(interlock(), door, server="https://ghe.acme.test")
    with pytest.raises(LayerFailed, match=r"not of https://ghe\.acme\.test/"):
        await elsewhere.verify(genuine.bundle, **genuine.wanted())


# -- altered copies -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("place", [0, 5, -1])
async def test_a_flipped_bit_in_the_signature_is_refused(genuine, verifier, place: int) -> None:
    with pytest.raises(LayerFailed, match="its signature does not hold"):
        await verifier.verify(genuine.altered(flipped(place)), **genuine.wanted())


async def test_a_statement_that_was_changed_after_signing_is_refused_by_its_signature(genuine, verifier) -> None:
    """Also where it would not be for this image at all: what nobody signed is not read for its content."""
    other = "sha256:" + "1" * 64

    def change(bundle: dict[str, Any]) -> None:
        statement = payload_of(bundle)
        statement["predicateType"] = "https://example.test/sbom"
        statement["subject"][0]["digest"]["sha256"] = other.removeprefix("sha256:")
        set_payload(bundle, statement)

    for digest in (genuine.digest, other):
        with pytest.raises(LayerFailed, match="its signature does not hold"):
            await verifier.verify(genuine.altered(change), **genuine.wanted(digest=digest))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda b: log_of(b).update(integratedTime="1716600000"), "signing certificate does not hold"),
        (lambda b: log_of(b)["inclusionProof"].update(rootHash="AAAA"), "transparency log does not hold"),
        (lambda b: log_of(b).update(canonicalizedBody="e30="), "transparency log does not hold"),
        (lambda b: log_of(b)["inclusionPromise"].update(signedEntryTimestamp="AAAA"), "is refused"),
        (lambda b: b["verificationMaterial"]["certificate"].update(rawBytes="AAAA"), "is refused"),
        (lambda b: b["verificationMaterial"].update(tlogEntries=["nothing"]), "cannot be read as a Sigstore bundle"),
        (lambda b: b["verificationMaterial"].update(tlogEntries=[log_of(b)] * 2), "is refused|cannot be read"),
        (lambda b: b["verificationMaterial"].pop("tlogEntries"), "neither a transparency log entry nor a time stamp"),
        (lambda b: b["verificationMaterial"].clear(), "neither a transparency log entry nor a time stamp"),
        (lambda b: b["dsseEnvelope"].update(payloadType="application/json"), "is no statement"),
        (lambda b: b["dsseEnvelope"].update(payload="!"), "statement in the attestation cannot be read"),
        (lambda b: b["dsseEnvelope"].update(payload=base64.b64encode(b"[1]").decode()), "cannot be read"),
        (lambda b: b["dsseEnvelope"].update(signatures=[]), "no signed statement"),
        (lambda b: b.pop("dsseEnvelope"), "no signed statement"),
        (lambda b: b.update(mediaType="text/plain"), "no Sigstore bundle: its media type is text/plain"),
        (lambda b: b.update(mediaType=None), "no Sigstore bundle: its media type is not stated"),
        (lambda b: b.update(beside=object()), "cannot be read"),
        (lambda b: b.clear(), "no Sigstore bundle"),
    ],
)
async def test_an_altered_copy_is_refused_with_what_does_not_fit(genuine, verifier, change: Change, sentence) -> None:
    with pytest.raises(LayerFailed, match=sentence):
        await verifier.verify(genuine.altered(change), **genuine.wanted())


@pytest.mark.parametrize("garbage", [None, [], "bundle", 7, {"mediaType": MEDIA, "dsseEnvelope": [1]}])
async def test_what_is_no_bundle_at_all_is_refused(verifier, garbage: Any) -> None:
    with pytest.raises(LayerFailed, match="attestation"):
        await verifier.verify(garbage, image="a@b", digest="sha256:0", repository="a/b", refs=("refs/heads/main",))


def places(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in it."""
    yield way
    nested = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in nested:
        yield from places(value, (*way, key))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_put_into_it_it_is_verified_as_it_was_or_refused_in_words(genuine, data) -> None:
    junk: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([[], {}])
    )
    *way, last = data.draw(st.sampled_from([way for way in places(genuine.bundle) if way]))
    bundle = copy.deepcopy(genuine.bundle)
    target = bundle
    for key in way:
        target = target[key]
    target[last] = data.draw(junk)
    asked = genuine.wanted()
    wanted = Wanted(asked["image"], asked["digest"], asked["repository"], asked["refs"])
    with suppress(LayerFailed):
        if kind_of(bundle) is Kind.PUBLIC_GOOD:
            assert public_good.verified(bundle, wanted).commit == genuine.commit


# -- this machine -------------------------------------------------------------------------------------------------
def test_nothing_is_printed_and_nothing_written_into_the_home(genuine, tmp_path: Path) -> None:
    script = f"""
import asyncio, json
from runbook.estate.door import Door
from runbook.estate.provenance.verifier import ProvenanceVerifier
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
async def main():
    door = Door(1)
    with open({str(GENUINE)!r}) as file:
        bundle = json.load(file)
    await ProvenanceVerifier(Interlock(bounds.practice()), door).verify(bundle, **{genuine.wanted()!r})
    door.close()
asyncio.run(main())
"""
    home = {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, env=home, timeout=60, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


async def test_without_the_extra_no_verdict_is_had_and_the_extra_is_named(genuine, verifier, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.models", None)
    with pytest.raises(NoVerdict, match="sigstore package is not installed") as unable:
        await verifier.verify(genuine.bundle, **genuine.wanted())
    assert "restoration-runbook[provenance]" in unable.value.fix


def test_the_library_is_not_loaded_before_the_first_attestation() -> None:
    script = (
        "import sys, runbook.estate.provenance.verifier, runbook.estate.github;"
        "print(sorted({'sigstore', 'cramjam', 'cryptography'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"
