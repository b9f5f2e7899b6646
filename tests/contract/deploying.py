"""Stage 4 by the ports alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from runbook import config
from runbook.engine.ports import Secret
from runbook.estate.ports import Deployment, Instance, PackageVersion, Service
from tests.contract.world import World


def newest_release(world: World) -> PackageVersion:
    """Of the first package."""
    image = world.environment.application.images[0]
    versions = world.ask(world.estate.code.package_versions(image.organisation, image.package))
    return next(one for one in versions if any(re.fullmatch(image.tag_pattern, tag) for tag in one.tags))


def known_as(world: World, consumer: config.Consumer) -> str:
    """The name under which what it tells is connected to the database."""
    return f"{world.run}/{consumer.name}" if consumer.name else world.run


def point(world: World, copy: Instance) -> None:
    """Each secret group at the copy and the target vault, under this run's name, with everything outbound off."""
    for consumer in world.environment.application.consumers:
        _point(world, consumer, copy)


def _point(world: World, consumer: config.Consumer, copy: Instance) -> None:
    settings, platform = world.environment.application, world.estate.platform
    assert consumer.database_variable
    assert consumer.vault_variable
    group = dict(world.ask(platform.secret_group(settings.project, consumer.secret_group)))
    url = urlsplit(group[consumer.database_variable].reveal())
    user = url.netloc.rpartition("@")[0]
    query = re.sub(r"application_name=[^&]*", f"application_name={known_as(world, consumer)}", url.query)
    aimed = urlunsplit(url._replace(netloc=f"{user}@{copy.host}:{copy.port}", query=query))
    assert settings.outbound != "none"
    switched = {one.variable: Secret(one.off) for one in settings.outbound if one.secret_group == consumer.secret_group}
    group |= {
        consumer.database_variable: Secret(aimed),
        consumer.vault_variable: Secret(world.environment.vault.address),
        **switched,
    }
    permit = world.permit("northflank:SetSecretGroup", f"{settings.project}/{consumer.secret_group}")
    world.ask(platform.set_secret_group(permit, settings.project, consumer.secret_group, group))


def deploy(world: World, copy: Instance) -> Mapping[str, Deployment]:
    """By digest, every service at once, and waited for; the active deployment of each."""
    settings, platform = world.environment.application, world.estate.platform
    point(world, copy)
    before = {service.name: service_of(world, service.name) for service in settings.services}
    digest = newest_release(world).digest
    for service in settings.services:
        reference = f"{settings.reference_host}/{settings.image_of(service).path}@{digest}"
        permit = world.permit("northflank:Deploy", f"{settings.project}/{service.name}")
        was = before[service.name]
        call = platform.deploy(
            permit,
            settings.project,
            service.name,
            image=reference,
            instances=was.instances or 1,
            credentials=was.credentials,
        )
        world.ask(call)
    world.until(
        lambda: platform.statuses(settings.project),
        lambda now: all(
            now[name].status == "COMPLETED" and now[name].transition != was.transition for name, was in before.items()
        ),
    )
    return {service.name: _active(world, service.name) for service in settings.services}


def service_of(world: World, name: str) -> Service:
    found = world.ask(world.estate.platform.service(world.environment.application.project, name))
    assert found is not None
    return found


def _active(world: World, name: str) -> Deployment:
    project, platform = world.environment.application.project, world.estate.platform
    newest = world.until(lambda: platform.deployments(project, name), lambda found: bool(found) and found[0].active)
    return newest[0]
