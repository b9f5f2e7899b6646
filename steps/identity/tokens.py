"""Stage 1's tokens: the platform, the code host and the edge know us, and their allowances are not spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from runbook.config.application import Image
from runbook.engine.errors import LayerFailed
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import TokenIdentity
from runbook.safety.outside_text import outside_text
from steps.here import Here, age, iso
from steps.many import listed, side_by_side
from steps.patience import patient

_READS_PACKAGES: Final = frozenset({"read:packages", "write:packages"})  # either of them


@patient
async def northflank_lets_us_in(here: Here) -> Observation:
    """The platform's token is valid and sees the project."""
    project = here.environment.application.project
    token = await here.estate.platform.token()
    visible = await here.estate.platform.project_visible(project)
    return Observation.that(
        visible and not _expired(here, token),
        expected=f"a valid token that sees the project {project}",
        observed=f"token {token.id}, {_lifetime(here, token)}, project {_seen(visible)}{_allowed(here, 'northflank')}",
        source="northflank: GET /v1/auth, GET /v1/projects/{id}",
        fix="Make a new API token with read access to the project, services, secrets and deployments.",
        findings=_expiring(here, token, "Northflank"),
    )


@patient
async def github_lets_us_in(here: Here) -> Observation:
    """The code host's token is valid, reads the package of every image, and sees the repository of each.

    That it reads packages is proven by reading them: what kinds of tokens can is not told by their kind alone.
    """
    images = here.environment.application.images
    repositories = tuple(dict.fromkeys(image.repository for image in images))
    token = await here.estate.code.token()
    hidden = [each for each in repositories if not await here.estate.code.repository_visible(each)]
    unread = await _unread(here, images)
    seen = f"NOT visible: {listed(hidden)}" if hidden else f"{listed(repositories)} visible"
    return Observation.that(
        not hidden and not unread and _scoped(token) and not _expired(here, token),
        expected=f"a valid token that reads the packages {_packages(images)} and sees {listed(repositories)}",
        observed=f"{token.id}, {_kind(token)}, {_lifetime(here, token)}, {seen}, "
        f"{_read(images, unread)}{_allowed(here, 'github')}",
        source="github: GET /user (X-OAuth-Scopes), GET /repos/{owner}/{repo}, GET package versions",
        fix="Packages need a classic token with read:packages; fine-grained tokens do not work for them.",
        findings=_expiring(here, token, "GitHub"),
    )


@patient
async def cloudflare_lets_us_in(here: Here) -> Observation:
    """The edge's token is active and sees the zone."""
    name = here.environment.connectivity.zone
    token = await here.estate.edge.token()
    zone = await here.estate.edge.zone(name)
    state = f"{token.kind} token {'active' if token.active else 'NOT active'}"
    return Observation.that(
        token.active and zone is not None,
        expected=f"an active token that sees the zone {name}",
        observed=f"{state}, zone {_seen(zone is not None)}{_allowed(here, 'cloudflare')}",
        source="cloudflare: GET /user/tokens/verify or /accounts/{id}/tokens/verify, GET /zones",
        fix="Make a token with Zone Read, DNS Write, Zone Settings Read and Zone WAF Write for this zone.",
        findings=_expiring(here, token, "Cloudflare"),
    )


# -- packages -----------------------------------------------------------------------------------------------------
async def _unread(here: Here, images: Sequence[Image]) -> list[str]:
    """Of which images the package does not show to this token, each with the reason."""

    async def look(image: Image) -> str:
        try:
            await here.estate.code.package_versions(image.organisation, image.package)
        except LayerFailed as refused:
            return f"{image.path} ({outside_text(refused.provider_text or refused.sentence, 100)})"
        return ""

    said = await side_by_side(here, images, look, doing="reading packages", named=lambda image: image.path)
    return [each for each in said if each]


def _scoped(token: TokenIdentity) -> bool:
    """A classic token says what it may; of others nothing is told, and only the reading shows it."""
    return token.kind != "classic" or bool(_READS_PACKAGES & set(token.scopes))


def _kind(token: TokenIdentity) -> str:
    if token.kind != "classic":
        return f"{token.kind} token, which lists no scopes"
    lacks = "" if _scoped(token) else ", WITHOUT read:packages"
    return f"classic token, scopes {', '.join(token.scopes) or 'none'}{lacks}"


def _packages(images: Sequence[Image]) -> str:
    return listed([image.path for image in images])


def _read(images: Sequence[Image], unread: list[str]) -> str:
    return f"package NOT readable: {listed(unread)}" if unread else f"package versions of {_packages(images)} read"


# -- words --------------------------------------------------------------------------------------------------------
def _seen(visible: bool) -> str:  # noqa: FBT001  # the one thing that is told
    return "visible" if visible else "NOT visible"


def _allowed(here: Here, provider: str) -> str:
    """What is left of the provider's allowance, where it says so: later stages need some."""
    allowance = here.estate.rates.of(provider)
    return f", {allowance.words}" if allowance and allowance.words else ""


def _expired(here: Here, token: TokenIdentity) -> bool:
    return token.expires is not None and token.expires <= here.now()


def _lifetime(here: Here, token: TokenIdentity) -> str:
    if token.expires is None:
        return "without an end date"
    if _expired(here, token):
        return f"EXPIRED {age(token.expires, here.now())} ago"
    return f"valid until {iso(token.expires)}"


def _expiring(here: Here, token: TokenIdentity, provider: str) -> tuple[Finding, ...]:
    if token.expires is None or token.expires > here.now() + timedelta(days=14):
        return ()
    return (Finding(f"the {provider} token ends {iso(token.expires)}: renew it before the next drill"),)
