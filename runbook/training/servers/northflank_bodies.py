"""What clients send to Northflank, read; each function answers the problem in the provider's words if it is unfit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.training.servers.northflank_state import Service

_IMAGE = re.compile(r"[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+(?::[\w.-]+|@sha256:[0-9a-f]{64})")
_MOST_INSTANCES = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a deployment service is to run."""

    image: str
    instances: int
    credentials: str | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a secret group is to hold; `files` None: nothing was said of them."""

    variables: Mapping[str, str]
    files: Mapping[str, dict[str, str]] | None


def deployment(body: Mapping[str, Any] | None, service: Service) -> Wanted | str:
    """Of `PATCH …/services/deployment/{id}`; what is left out of `external` stays as it is."""
    change = (body or {}).get("deployment")
    if not isinstance(change, dict):
        return '"deployment" is required. Received "undefined"'
    count = change.get("instances")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_INSTANCES:
        return f'"deployment.instances" is required. Received "{"undefined" if count is None else count}"'
    external = change.get("external", {"imagePath": service.image, "credentials": service.credentials})
    image = external.get("imagePath") if isinstance(external, dict) else None
    if not (isinstance(image, str) and _IMAGE.fullmatch(image)):
        return '"deployment.external.imagePath" must be name:tag or name@sha256:digest'
    return Wanted(image, count, external.get("credentials"))


def instances(body: Mapping[str, Any] | None) -> int | str:
    """Of `POST …/resume`: one, unless said."""
    count = (body or {}).get("instances", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_INSTANCES:
        return f'"instances" must be between 1 and {_MOST_INSTANCES}. Received "{count}"'
    return count


def contents(body: Mapping[str, Any] | None) -> Contents | str:
    """Of `PATCH …/secrets/{id}`."""
    given = (body or {}).get("secrets")
    if not isinstance(given, dict):
        return '"secrets" is required. Received "undefined"'
    variables, files = given.get("variables", {}), given.get("files")
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        return '"secrets.variables" must be an object of strings'
    if files is not None and not (isinstance(files, dict) and all(isinstance(one, dict) for one in files.values())):
        return '"secrets.files" must be an object of files'
    return Contents(variables, files)
