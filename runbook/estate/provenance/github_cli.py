"""`gh attestation verify`: GitHub's own command line, for bundles that only GitHub's own Sigstore can vouch for.

It asks GitHub and the registry itself, with its own sign-in.  What it answers is judged again here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.engine.ports import Secret
from runbook.estate.answers import mapping, text
from runbook.estate.http_errors import concealed
from runbook.estate.ports import Provenance
from runbook.estate.provenance.statement import PREDICATE, commit_in, workflow_in
from runbook.estate.provenance.wanted import ISSUER, SOURCE, Wanted, refused

TIMEOUT_S: Final = 60.0
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG")
_SIGN_IN: Final = ("GH_CONFIG_DIR", "GH_TOKEN", "GITHUB_TOKEN")
_QUIET: Final = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
_NOT_SIGNED_IN: Final = re.compile(r"auth login|authenticat|unauthorized|denied|HTTP 40[13]", re.IGNORECASE)
_NOT_KNOWN: Final = re.compile(r"unknown (?:command|flag)|not a gh command", re.IGNORECASE)
_JUDGED: Final = re.compile(r"verif(?:ying|ication) |no (?:matching )?attestations|HTTP 404|expected ", re.IGNORECASE)


def found() -> str | None:
    """Where `gh` is on this machine's PATH."""
    return shutil.which("gh")


def verified(gh: str, wanted: Wanted, token: Secret | None, timeout_s: float = TIMEOUT_S) -> Provenance:
    """Have it verify what is attested of the image; blocking.

    LayerFailed when it refuses, or its answer is of another image or ref; NoVerdict when it cannot ask.
    """
    argv = [gh, "attestation", "verify", f"oci://{wanted.image}", "--repo", wanted.repository]
    argv += ["--predicate-type", PREDICATE, "--format", "json"]
    status, out, err = _run(argv, _environment(token), timeout_s)
    if status:
        raise _refusal(status, concealed(err or out, (token,) if token else ()))
    return _judged(out, wanted)


def _environment(token: Secret | None) -> dict[str, str]:
    """What it needs to find its own sign-in, and nothing else of ours: no AWS session, no other token."""
    kept = {name: value for name in (*_KEPT, *_SIGN_IN) if (value := os.environ.get(name))}
    return kept | _QUIET | ({"GH_TOKEN": token.reveal().strip()} if token else {})


def _run(argv: list[str], environment: Mapping[str, str], timeout_s: float) -> tuple[int, str, str]:
    """Status and both outputs; NoVerdict when it cannot be started or does not end, and then it is ended with all it
    started."""
    try:
        process = subprocess.Popen(
            argv,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise _unable("gh could not be started", "Repair or reinstall GitHub's command line.", str(error)) from None
    with process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise _unable(
                f"gh did not finish within {timeout_s:.0f} s", "Check this machine's network, then try again."
            ) from None
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _refusal(status: int, words: str) -> RunbookError:
    """Exit code 4 is "not signed in"; of everything else only gh's words tell."""
    if status == 4 or _NOT_SIGNED_IN.search(words):
        fix = "Run `gh auth login`, and sign in to the registry (`docker login ghcr.io`); then try again."
        return _unable("gh is not signed in to GitHub or to the registry", fix, words)
    if _NOT_KNOWN.search(words):
        return _unable("this gh knows no attestations", "Install gh 2.49 or newer, then try again.", words)
    if _JUDGED.search(words):
        return refused("gh refuses the attestation of this image", words)
    return _unable(f"gh could not verify the attestation (it ended with {status})", "Read its own words below.", words)


def _unable(sentence: str, fix: str, words: str = "") -> NoVerdict:
    return NoVerdict(sentence, fix=fix, provider_text=words, source=SOURCE)


def _judged(out: str, wanted: Wanted) -> Provenance:
    """The first result that fits, else the reason against the first."""
    try:
        results = json.loads(out)
    except (ValueError, RecursionError):
        results = None
    if not isinstance(results, list) or not results:
        raise refused("gh found no build provenance for this image", out[:500])
    reasons = []
    for result in results:
        try:
            return _provenance(mapping(mapping(result).get("verificationResult")), wanted)
        except LayerFailed as reason:
            reasons.append(reason)
    raise reasons[0]


def _provenance(result: Mapping[str, Any], wanted: Wanted) -> Provenance:
    certificate = mapping(mapping(result.get("signature")).get("certificate"))
    if certificate.get("issuer") != ISSUER:
        raise refused("the attestation was not signed by a GitHub workflow", text(certificate.get("issuer"), 200))
    if certificate.get("sourceRepositoryURI") != wanted.source:
        raise wanted.refused_repository(text(certificate.get("sourceRepositoryURI"), 200))
    ref = text(certificate.get("sourceRepositoryRef"), 200)
    if ref not in wanted.refs:
        raise wanted.refused_ref(ref)
    statement = mapping(result.get("statement"))
    commit = commit_in(statement, wanted)
    if certificate.get("sourceRepositoryDigest") != commit:
        raise refused(
            "the attestation's statement names another commit than its certificate",
            text(certificate.get("sourceRepositoryDigest"), 64),
        )
    return Provenance(wanted.digest, commit, ref, workflow_in(statement), "gh attestation verify")
