"""Stage 4 by the ports alone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from runbook.engine.ports import Secret
from runbook.estate.ports import Deployment, Instance, PackageVersion
from tests.contract.world import World


def newest_release(world: World) -> PackageVersion:
    image = world.environment.application.image
    versions = world.ask(world.estate.code.package_versions(image.organisation, image.package))
    return next(one for one in versions if any(re.fullmatch(image.tag_pattern, tag) for tag in one.tags))


def point(world: World, copy: Instance) -> None:
    """The secret group at the copy and the target vault, under this run's name."""
    settings, platform = world.environment.application, world.estate.platform
    group = dict(world.ask(platform.secret_group(settings.project, settings.secret_group)))
    url = urlsplit(group[settings.database_variable].reveal())
    user = url.netloc.rpartition("@")[0]
    query = re.sub(r"application_name=[^&]*", f"application_name={world.run}", url.query)
    aimed = urlunsplit(url._replace(netloc=f"{user}@{copy.host}:{copy.port}", query=query))
    group |= {
        settings.database_variable: Secret(aimed),
        settings.vault_variable: Secret(world.environment.vault.address),
    }
    target = f"{settings.project}/{settings.secret_group}"
    permit = world.permit("northflank:SetSecretGroup", target)
    world.ask(platform.set_secret_group(permit, settings.project, settings.secret_group, group))


def deploy(world: World, copy: Instance) -> Deployment:
    """By digest, and waited for."""
    settings, platform = world.environment.application, world.estate.platform
    point(world, copy)
    before = world.ask(platform.service(settings.project, settings.service))
    assert before is not None
    digest = newest_release(world).digest
    reference = f"{settings.image.reference_host}/{settings.image.repository}@{digest}"
    permit = world.permit("northflank:Deploy", f"{settings.project}/{settings.service}")
    world.ask(
        platform.deploy(
            permit,
            settings.project,
            settings.service,
            image=reference,
            instances=before.instances,
            credentials=before.credentials,
        )
    )
    world.until(
        lambda: platform.service(settings.project, settings.service),
        lambda now: now is not None and now.status == "COMPLETED" and now.transition != before.transition,
    )
    newest = world.until(
        lambda: platform.deployments(settings.project, settings.service), lambda found: bool(found) and found[0].active
    )
    return newest[0]
