"""What a verified statement says.  Its signature is judged before; nothing in here proves one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from runbook.estate.answers import listing, mapping, text
from runbook.estate.provenance.wanted import Wanted, refused

PREDICATE: Final = "https://slsa.dev/provenance/v1"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit_in(statement: Mapping[str, Any], wanted: Wanted) -> str:
    """The commit that the image was built from; LayerFailed when it is of another predicate, image or repository."""
    predicate = text(statement.get("predicateType"), 200)
    if predicate != PREDICATE:
        raise refused(f"the attestation is no build provenance (SLSA v1): it says {predicate or 'nothing'}")
    subjects = [mapping(mapping(each).get("digest")).get("sha256") for each in listing(statement.get("subject"))]
    digests = [f"sha256:{each}" for each in subjects]
    if wanted.digest not in digests:
        raise wanted.refused_digest(digests)
    return _commit(_definition(statement), wanted)


def workflow_in(statement: Mapping[str, Any]) -> str:
    """The workflow's file; "" where it is not said."""
    parameters = mapping(_definition(statement).get("externalParameters"))
    return text(mapping(parameters.get("workflow")).get("path"), 200)


def _definition(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(statement.get("predicate")).get("buildDefinition"))


def _commit(definition: Mapping[str, Any], wanted: Wanted) -> str:
    """Of the dependency that is the repository itself: a build may name others beside it."""
    materials = [mapping(each) for each in listing(definition.get("resolvedDependencies"))]
    ours = [each for each in materials if _repository(each) == wanted.source]
    if not ours:
        raise wanted.refused_repository(_repository(materials[0]) if materials else "")
    commit = text(mapping(ours[0].get("digest")).get("gitCommit"), 64)
    if not _COMMIT.fullmatch(commit):
        raise refused("the attestation does not name the commit that was built", commit)
    return commit


def _repository(material: Mapping[str, Any]) -> str:
    """Of `git+https://github.com/owner/name@refs/heads/main`."""
    return text(material.get("uri"), 300).removeprefix("git+").rpartition("@")[0]
