"""Attestations that only GitHub can verify: through its command line, here a small program of that name."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.estate.ports import Provenance
from runbook.estate.provenance.verifier import ProvenanceVerifier
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from tests.support.waiting import eventually

DIGEST = "sha256:" + "3f" * 32
COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
REPOSITORY = "acme-health/app"
SERVER = "https://github.com"
ASKED = {
    "image": f"ghcr.io/acme-health/app@{DIGEST}",
    "digest": DIGEST,
    "repository": REPOSITORY,
    "refs": ("refs/heads/main", "refs/tags/v1.8.2"),
}


def statement(**changes: Any) -> dict[str, Any]:
    built = {
        "externalParameters": {"workflow": {"path": ".github/workflows/release.yml"}},
        "resolvedDependencies": [
            {"uri": f"git+{SERVER}/{REPOSITORY}@refs/tags/v1.8.2", "digest": {"gitCommit": COMMIT}}
        ],
    }
    plain = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"name": "ghcr.io/acme-health/app", "digest": {"sha256": "3f" * 32}}],
        "predicate": {"buildDefinition": built},
    }
    return plain | changes


def result(said: dict[str, Any] | None = None, **certificate: Any) -> dict[str, Any]:
    """One element of what `gh attestation verify --format json` prints."""
    identity = {
        "issuer": "https://token.actions.githubusercontent.com",
        "sourceRepositoryURI": f"{SERVER}/{REPOSITORY}",
        "sourceRepositoryRef": "refs/tags/v1.8.2",
        "sourceRepositoryDigest": COMMIT,
    }
    return {
        "attestation": {"bundle": {}},
        "verificationResult": {
            "signature": {"certificate": identity | certificate},
            "statement": said or statement(),
        },
    }


def internal_bundle() -> dict[str, Any]:
    """What GitHub's own Sigstore makes: a time stamp in place of an entry in a public log."""
    payload = base64.b64encode(json.dumps(statement()).encode()).decode()
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "MIIC"}]},
            "certificate": {"rawBytes": "MIIH"},
        },
        "dsseEnvelope": {
            "payload": payload,
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": "MEUC"}],
        },
    }


class FakeGh:
    """A program `gh` on the PATH that writes down how it was called, and answers as told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def answers(self, out: Any = "", *, err: str = "", status: int = 0, first: str = "") -> None:
        words = out if isinstance(out, str) else json.dumps(out)
        program = self.folder / "gh"
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys\n"
            f"with open({str(self.folder / 'call.json')!r}, 'w') as file:\n"
            "    json.dump([sys.argv[1:], dict(os.environ), os.getpid()], file)\n"
            f"{first}\n"
            f"sys.stdout.write({words!r})\nsys.stderr.write({err!r})\nsys.exit({status})\n",
            encoding="utf-8",
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    @property
    def call(self) -> tuple[list[str], dict[str, str], int]:
        argv, environment, pid = json.loads((self.folder / "call.json").read_text())
        return argv, environment, pid

    @property
    def called(self) -> bool:
        return (self.folder / "call.json").exists()


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    return FakeGh(tmp_path, monkeypatch)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(2)
    yield door
    door.close()


def alive_in(group: int) -> list[int]:
    """Of a process group; one that nobody has reaped yet is dead all the same."""
    found = []
    for process in psutil.process_iter(["pid", "status"]):
        with suppress(ProcessLookupError):
            if process.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == group:
                found.append(process.pid)
    return found


def verifier(door: Door, **more: Any) -> ProvenanceVerifier:
    return ProvenanceVerifier(Interlock(bounds.reading()), door, **more)


async def verify(door: Door, **more: Any) -> Provenance:
    return await verifier(door, **more).verify(internal_bundle(), **ASKED)  # type: ignore[arg-type]


# -- it verifies --------------------------------------------------------------------------------------------------
async def test_what_gh_verified_is_judged_again_and_told(gh, door) -> None:
    gh.answers([result()])
    assert await verify(door) == Provenance(
        DIGEST, COMMIT, "refs/tags/v1.8.2", ".github/workflows/release.yml", "gh attestation verify"
    )
    argv, _, _ = gh.call
    assert argv[:3] == ["attestation", "verify", f"oci://ghcr.io/acme-health/app@{DIGEST}"]
    assert argv[argv.index("--repo") + 1] == REPOSITORY
    assert argv[argv.index("--format") + 1] == "json"


async def test_gh_gets_its_own_sign_in_and_nothing_else_of_ours(gh, door, monkeypatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for gh")
    monkeypatch.setenv("GH_HOST", "elsewhere.test")
    gh.answers([result()])
    await verify(door, token=Secret("gh-token\n"))
    _, environment, _ = gh.call
    assert environment["GH_TOKEN"] == "gh-token"
    assert environment["GH_PROMPT_DISABLED"] == "1"
    assert "not for gh" not in environment.values()
    assert "GH_HOST" not in environment


async def test_one_of_several_that_fits_is_enough(gh, door) -> None:
    gh.answers([result(sourceRepositoryRef="refs/heads/try"), result()])
    assert (await verify(door)).ref == "refs/tags/v1.8.2"


# -- its answer does not fit --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ([result(statement(subject=[{"digest": {"sha256": "0" * 64}}]))], "for another image"),
        ([result(statement(subject="app"))], "for another image: it names none"),
        ([result(statement(predicateType="https://spdx.dev/Document"))], "no build provenance"),
        ([result(statement(predicate={}))], "another repository: none named"),
        ([result(sourceRepositoryRef="refs/heads/try")], "a build of refs/heads/try, not of refs/heads/main or"),
        ([result(sourceRepositoryURI=f"{SERVER}/evil/app")], "another repository: https://github.com/evil/app"),
        ([result(sourceRepositoryDigest="0" * 40)], "another commit than its certificate"),
        ([result(issuer="https://accounts.google.com")], "not signed by a GitHub workflow"),
        ([{"verificationResult": None}], "not signed by a GitHub workflow"),
        (["nothing"], "not signed by a GitHub workflow"),
        ([], "no build provenance"),
        ({}, "no build provenance"),
        ("", "no build provenance"),
        ("\x1b[32mVerification succeeded!", "no build provenance"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(gh, door, answer: Any, sentence: str) -> None:
    gh.answers(answer)
    with pytest.raises(LayerFailed, match=sentence) as refused:
        await verify(door)
    assert "\x1b" not in refused.value.provider_text


async def test_a_build_of_a_material_that_is_another_repository_is_refused(gh, door) -> None:
    said = statement()
    said["predicate"]["buildDefinition"]["resolvedDependencies"][0]["uri"] = f"git+{SERVER}/evil/app@refs/heads/main"
    gh.answers([result(said)])
    with pytest.raises(LayerFailed, match=r"another repository: https://github\.com/evil/app"):
        await verify(door)


# -- it refuses, or cannot ask ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "err",
    [
        'Error: verifying with issuer "GitHub, Inc."',
        "✗ No attestations found for subject sha256:3f3f",
        "Error: expected SourceRepositoryURI to be https://github.com/acme-health/app, got https://github.com/evil/app",
        "Error: HTTP 404: Not Found (https://api.github.com/repos/acme-health/app/attestations/sha256:3f3f)",
    ],
)
async def test_what_gh_refuses_is_refused_with_its_own_words(gh, door, err: str) -> None:
    gh.answers(err=err, status=1)
    with pytest.raises(LayerFailed, match="gh refuses the attestation") as refused:
        await verify(door)
    assert refused.value.provider_text == err


@pytest.mark.parametrize(
    ("err", "status", "sentence"),
    [
        ("To get started with GitHub CLI, please run:  gh auth login", 4, "not signed in"),
        ("Error: failed to parse reference: denied: requested access to the resource is denied", 1, "not signed in"),
        ("gh: HTTP 401: Bad credentials", 1, "not signed in"),
        ('unknown command "attestation" for "gh"', 1, "knows no attestations"),
        ("error connecting to api.github.com", 1, r"could not verify .* \(it ended with 1\)"),
        ("", -9, "ended with -9"),
    ],
)
async def test_a_gh_that_cannot_ask_gives_no_verdict(gh, door, err: str, status: int, sentence: str) -> None:
    killed = "import signal; os.kill(os.getpid(), signal.SIGKILL)" if status < 0 else ""
    gh.answers(err=err, status=max(status, 0), first=killed)
    with pytest.raises(NoVerdict, match=sentence) as unable:
        await verify(door)
    assert unable.value.fix


async def test_a_token_that_gh_repeats_is_not_shown(gh, door) -> None:
    gh.answers(err="error: bad token gh-token", status=1)
    with pytest.raises(NoVerdict) as unable:
        await verify(door, token=Secret("gh-token"))
    assert unable.value.provider_text == "error: bad token ***"


async def test_a_gh_that_hangs_is_ended_with_all_it_started(gh, door) -> None:
    waits = "import subprocess, threading\nsubprocess.Popen(['sleep', '600'])\nthreading.Event().wait()"
    gh.answers(first=waits)
    began = time.monotonic()
    with pytest.raises(NoVerdict, match="did not finish within"):
        await verify(door, gh_timeout_s=1.0)
    assert time.monotonic() - began < 10
    _, _, group = gh.call
    eventually(lambda: alive_in(group), lambda alive: alive == [])


async def test_a_gh_that_cannot_be_started_gives_no_verdict(gh, door) -> None:
    gh.answers()
    program = gh.folder / "gh"
    program.write_text("#!/nowhere/python\n")
    with pytest.raises(NoVerdict, match="could not be started"):
        await verify(door)


async def test_without_gh_both_ways_out_are_named(door, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoVerdict, match="gh, can verify it, and it is not on this machine") as unable:
        await verify(door)
    assert "Install gh 2.49" in unable.value.fix
    assert "level B" in unable.value.fix


async def test_training_does_not_start_it(gh, door) -> None:
    gh.answers([result()])
    interlock = Interlock(bounds.practice())
    with pytest.raises(Refused, match="training cannot leave this machine"):
        await ProvenanceVerifier(interlock, door).verify(internal_bundle(), **ASKED)  # type: ignore[arg-type]
    assert not gh.called
    assert interlock.counts["refused"] == 1
