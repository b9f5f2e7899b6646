"""Bundles of Sigstore's public instance, verified on this machine, without a call to anybody.

The keys and certificates that are trusted are those that the installed `sigstore` package carries, so that they are
what the lock file pinned: not the copy in this user's cache, which an earlier program may have written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.answers import mapping
from runbook.estate.ports import Provenance
from runbook.estate.provenance.bundle import as_json
from runbook.estate.provenance.statement import commit_in, workflow_in
from runbook.estate.provenance.wanted import EXTRA, ISSUER, SOURCE, Wanted, refused
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:  # loaded with the first attestation (0.3 s), from the extra
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier
    from sigstore.verify.policy import VerificationPolicy

_TRUSTED_BY: Final = "https://tuf-repo-cdn.sigstore.dev"
_MISFITS: Final = (  # what the library says → what it means; the first that fits
    ("log entry", "its entry in the transparency log does not hold"),
    ("transparency", "its entry in the transparency log does not hold"),
    ("certificate", "its signing certificate does not hold"),
    ("signing cert", "its signing certificate does not hold"),
    ("signature", "its signature does not hold: what was signed is not what it says now"),
)


def verified(bundle: Mapping[str, Any], wanted: Wanted) -> Provenance:
    """Certificate, who signed, log entry, signature, and then what was signed; blocking.

    LayerFailed says what does not fit; NoVerdict when the extra is not installed.
    """
    verifier = _verifier()
    from sigstore.models import Bundle

    identity = Identity(wanted)
    with _translated():
        parsed = Bundle.from_json(as_json(bundle))
        kind, payload = verifier.verify_dsse(parsed, identity)
    if kind != "application/vnd.in-toto+json":
        raise refused("the attestation signs something that is no statement", kind)
    statement = mapping(json.loads(payload))
    commit = commit_in(statement, wanted)
    identity.built(parsed.signing_certificate, commit)
    return Provenance(wanted.digest, commit, identity.ref, workflow_in(statement), "sigstore, offline")


class Identity:
    """A policy for Sigstore: GitHub's workflows, of this repository, at one of the refs; `ref` is then which."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.ref = ""

    def verify(self, cert: Certificate) -> None:
        """LayerFailed names what does not fit."""
        from sigstore.verify import policy

        if said := _misfit(policy.OIDCIssuerV2(ISSUER), cert):
            raise refused("the attestation was not signed by a GitHub workflow", said)
        if said := _misfit(policy.OIDCSourceRepositoryURI(self._wanted.source), cert):
            raise refused(f"the attestation is of another repository, not of {self._wanted.source}", said)
        told = {ref: _misfit(policy.OIDCSourceRepositoryRef(ref), cert) for ref in self._wanted.refs}
        self.ref = next((ref for ref, said in told.items() if not said), "")
        if not self.ref:
            said = next(iter(told.values()), "")
            raise refused(f"the attestation is for a build of another ref, not of {self._wanted.allowed}", said)

    def built(self, cert: Certificate, commit: str) -> None:
        """The workflow wrote the statement; the certificate, GitHub did: both have to name this commit."""
        from sigstore.verify import policy

        if said := _misfit(policy.OIDCSourceRepositoryDigest(commit), cert):
            raise refused("the attestation's statement names another commit than its certificate", said)


def _misfit(rule: VerificationPolicy, cert: Certificate) -> str:
    """The library's own words where the certificate breaks that rule; "" where it keeps it."""
    from sigstore.errors import VerificationError

    try:
        rule.verify(cert)
    except VerificationError as error:
        return str(error)
    return ""


def _verifier() -> Verifier:
    try:
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier
    except ImportError as error:
        raise NoVerdict(
            "this machine cannot verify provenance attestations: the sigstore package is not installed",
            fix=f"{EXTRA}, then try again.",
            provider_text=outside_text(error),
            source=SOURCE,
        ) from None
    _keep_quiet()
    packaged = resources.files("sigstore").joinpath("_store", quote(_TRUSTED_BY, safe=""), "trusted_root.json")
    try:
        with resources.as_file(packaged) as file:
            return Verifier(trusted_root=TrustedRoot.from_file(str(file)))
    except (OSError, ValueError) as error:
        raise NoVerdict(
            "the installed sigstore package does not carry the keys that attestations are verified with",
            fix=f"Install the release that the lock file pins: {EXTRA}.",
            provider_text=outside_text(error),
            source=SOURCE,
        ) from None


def _keep_quiet() -> None:
    """Without a handler anywhere, Python prints a library's warnings on the terminal, into the screen."""
    log = logging.getLogger("sigstore")
    if not log.handlers:
        log.addHandler(logging.NullHandler())


@contextmanager
def _translated() -> Iterator[None]:
    """Everything that a library says of bytes from outside is about these bytes."""
    from sigstore.models import InvalidBundle

    try:
        yield
    except LayerFailed:
        raise
    except InvalidBundle as error:
        raise refused("the attestation cannot be read as a Sigstore bundle", str(error)) from None
    except Exception as error:  # noqa: BLE001  # parsers of certificates and stamps raise whatever they meet
        words = str(error).lower()
        sentence = next((meant for said, meant in _MISFITS if said in words), "it does not verify")
        raise refused(f"the attestation is refused: {sentence}", f"{type(error).__name__}: {error}") from None
