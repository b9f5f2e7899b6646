"""The health documents of the application's services, judged by named fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runbook.config.application import Health, Service
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.safety.outside_text import outside_text
from steps.application.chosen import ChosenImage, image_for
from steps.here import Here
from steps.many import side_by_side

_SHOWN = 40  # characters of what a field says


def judged(here: Here) -> list[Service]:
    """The services that have a health document."""
    return [service for service in here.environment.application.services if service.health]


def unjudged(here: Here) -> list[str]:
    """The names of those that have none: the platform alone says how they are."""
    return [service.name for service in here.environment.application.services if not service.health]


async def all_healthy(here: Here, *, doing: str) -> None:
    """Every service's document is as configured and names our image; LayerFailed says of which it is not, and how."""

    async def look(service: Service) -> None:
        assert service.health is not None
        if wrong := await _wrong(here, service.health, image_for(here, service.name)):
            raise LayerFailed(
                wrong,
                fix="Look at the service's log; go back to application.deploy if another image answers.",
                source=f"GET {service.health.url}",
            )

    await side_by_side(here, judged(here), look, doing=doing, named=lambda service: service.name)


async def _wrong(here: Here, health: Health, image: ChosenImage) -> str:
    status, document = await here.document(health.url)
    if not document:
        return f"HTTP {status} with an error page, no health document" if status == 200 else _silent(status)
    wrong = wrong_fields(document, {**health.fields, **_identity(health, image)})
    return ", ".join([*([f"HTTP {status}"] if status != 200 else []), *wrong])


def _silent(status: int) -> str:
    return f"HTTP {status}, no health document"


def _identity(health: Health, image: ChosenImage) -> dict[str, str]:
    """By which fields the running image names itself, and as what."""
    named = {health.digest: image.digest, health.commit: image.commit}
    known = {field: value for field, value in named.items() if field and value}
    if not known:
        raise NoVerdict(
            f"the document names its image by {health.commit} only, and this run does not know the image's commit",
            fix="Let the health document carry the digest, and set [application.services.health] digest.",
            source=f"GET {health.url}",
        )
    return known


def wrong_fields(document: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    """What is not as wanted, as `status is degraded`; a path is a name, or names with dots between."""
    seen = {path: said(document, path) for path in wanted}
    return [f"{path} is {_short(seen[path])}" for path, value in wanted.items() if seen[path] != value]


def said(document: Mapping[str, Any], path: str) -> str | None:
    """The field's value as text, None where it is missing."""
    if path in document:
        return _text(document[path])
    value: Any = document
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _short(value: str | None) -> str:
    return "missing" if value is None else outside_text(value, _SHOWN) or "empty"
