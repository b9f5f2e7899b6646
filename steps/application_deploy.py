"""Stage 4's actions: which image is verified, where the application is pointed, and the deployment by digest."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Change, Preview, Secret
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from runbook.estate.ports import CheckRun, PackageVersion, Service
from steps.facts import Deployed, ImageChosen, InstanceReady
from steps.here import Here, iso, moment

GROUP = "northflank:secret-group"
GREEN = {"success", "neutral", "skipped"}
SLACK = timedelta(seconds=2)  # times are cut to seconds, here and there
ANCESTORS = 50  # commits of the protected branch that are walked back from its head


# -- the image ----------------------------------------------------------------------------------------------------
async def newest_is_verified(here: Here) -> Observation:
    """Newest tagged image whose bytes hash to what the registry says, from a signed, green commit of the branch."""
    settings = here.environment.application.image
    newest, tag = await _newest(here)
    proof = await here.estate.registry.image(settings.repository, newest.digest)
    faults = [] if proof else ["the registry does not have it"]
    revision = proof.revision if proof else None
    if proof and not proof.stated == proof.computed == newest.digest:
        faults.append(f"its bytes hash to {proof.computed[:19]}…, the registry says {proof.stated[:19]}…")
    faults += await _commit_faults(here, revision)
    if settings.level == "A":
        faults.append(
            "level A asks for a provenance attestation, which this version cannot verify: nothing is inferred"
        )
    moved = await here.estate.registry.image(settings.repository, tag)
    if moved is None or moved.stated != newest.digest:
        faults.append(f"the tag {tag} does not lead to this digest any more")
    reason = f" ({settings.level_reason})" if settings.level_reason else ""
    reference = f"{settings.reference_host}/{settings.repository}@{newest.digest}"
    return Observation.that(
        not faults,
        expected=f"level {settings.level}{reason}: digest recomputed, commit signed, on {settings.branch}, green",
        observed="; ".join(faults) or f"{tag} = {newest.digest[:19]}…, commit {(revision or '')[:10]}, signed, green",
        source="github: package versions, commit, branch, check-runs; registry: manifest bytes",
        fix="Find out why, and have the image built and signed again from the protected branch.",
        facts=(ImageChosen(reference, newest.digest, revision or "", tag, settings.level),),
    )


async def _newest(here: Here) -> tuple[PackageVersion, str]:
    settings = here.environment.application.image
    pattern = re.compile(settings.tag_pattern)
    for version in await here.estate.code.package_versions(settings.organisation, settings.package):
        for tag in version.tags:
            if pattern.search(tag):
                return version, tag
    raise LayerFailed(
        f"no image of {settings.package} has a tag like {settings.tag_pattern}",
        fix="Look at the package page, and at tag_pattern in the configuration.",
        source="github: GET /orgs/{org}/packages/container/{name}/versions",
    )


async def _commit_faults(here: Here, revision: str | None) -> list[str]:
    settings, code = here.environment.application.image, here.estate.code
    if revision is None:
        return ["it does not name the commit it was built from"]
    commit = await code.commit(settings.repository, revision)
    if commit is None:
        return [f"its commit {revision[:10]} is not in {settings.repository}"]
    faults = [] if commit.verified else [f"its commit is not signed ({commit.reason})"]
    if not await _on_protected_branch(here, revision):
        faults.append(f"its commit is not on the protected branch {settings.branch}")
    return faults + check_faults(await code.check_runs(settings.repository, revision), settings.required_checks)


async def _on_protected_branch(here: Here, revision: str) -> bool:
    settings, code = here.environment.application.image, here.estate.code
    branch = await code.branch(settings.repository, settings.branch)
    if branch is None or not branch.protected:
        return False
    sha = branch.head
    for _ in range(ANCESTORS):
        if sha == revision:
            return True
        commit = await code.commit(settings.repository, sha)
        if commit is None or not commit.parents:
            return False
        sha = commit.parents[0]
    return False


def check_faults(runs: tuple[CheckRun, ...], required: tuple[str, ...]) -> list[str]:
    """Why the check runs of a commit are not green; an unknown conclusion is not green."""
    if not runs:
        return ["its commit has no check runs"]
    faults = [f"check {run.name} is {run.conclusion or run.status}" for run in runs if run.conclusion not in GREEN]
    names = {run.name for run in runs}
    return faults + [f"required check {name} did not run" for name in required if name not in names]


# -- where the application points ---------------------------------------------------------------------------------
def pointed_at(url: str, *, host: str, port: int | None, hostaddr: str, application: str) -> str:
    """A database URL with user, password and options kept, and host, port, route and application_name replaced.

    What is empty is left out; options keep their places, so that pointing back gives the very same URL.
    """
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query)) | {"application_name": application, "hostaddr": hostaddr}
    kept = urlencode({name: value for name, value in query.items() if value}, quote_via=quote)
    place = f"{host}:{port}" if port else host
    return urlunsplit(parts._replace(netloc=f"{user}{at}{place}", query=kept))


def place_of(url: str) -> str:
    """Host, port and application name of a database URL: what may be shown and written down."""
    parts = urlsplit(url)
    name = dict(parse_qsl(parts.query)).get("application_name", "")
    return f"{parts.hostname}:{parts.port} as {name or 'nobody'}"


async def _wanted(here: Here) -> tuple[dict[str, Secret], dict[str, Secret]]:
    """The secret group as it is, and as it should be."""
    settings, ready = here.environment.application, here.desk.need(InstanceReady)
    group = dict(await here.estate.platform.secret_group(settings.project, settings.secret_group))
    url = group.get(settings.database_variable)
    if url is None:
        raise LayerFailed(
            f"{settings.secret_group} has no {settings.database_variable}",
            fix="Check the variable's name in the configuration.",
            source="northflank: GET secrets/{id}",
        )
    here.held.guard(url)
    aimed = pointed_at(
        url.reveal(),
        host=ready.host,
        port=ready.port,
        hostaddr=here.environment.database.hostaddr or "",
        application=here.run.id,
    )
    vault = Secret(here.environment.vault.address)
    return group, group | {settings.database_variable: Secret(aimed), settings.vault_variable: vault}


async def already_pointed(here: Here) -> Observation | None:
    """The group says it already."""
    before, wanted = await _wanted(here)
    return _pointed(here, "it says so already") if before == wanted else None


async def show_config(here: Here) -> Preview:
    """The differences, values masked where they are secret."""
    settings = here.environment.application
    before, wanted = await _wanted(here)
    return Preview(
        what="Point the application at the restored database and vault",
        target=f"{settings.project}/{settings.secret_group}",
        calls=(f"PATCH /v1/projects/{settings.project}/secrets/{settings.secret_group}",),
        changes=tuple(_masked(here, before, wanted)),
    )


def _masked(here: Here, before: dict[str, Secret], wanted: dict[str, Secret]) -> list[Change]:
    settings = here.environment.application
    changes = []
    for name in (settings.database_variable, settings.vault_variable):
        show = place_of if name == settings.database_variable else str
        old = show(before[name].reveal()) if name in before else ""
        changes.append(Change(name, old, show(wanted[name].reveal())))
    return changes


async def point(here: Here) -> Observation:
    """Change the group, then read it back: whether PATCH merges or replaces is not documented."""
    settings, platform = here.environment.application, here.estate.platform
    before, wanted = await _wanted(here)
    target = f"{settings.project}/{settings.secret_group}"
    permit = await here.desk.intend(
        "northflank:SetSecretGroup",
        target,
        creates=(GROUP, target),
        database=_location(before.get(settings.database_variable)),
        vault=before[settings.vault_variable].reveal() if settings.vault_variable in before else "",
    )
    await platform.set_secret_group(permit, settings.project, settings.secret_group, wanted)
    seen = await platform.secret_group(settings.project, settings.secret_group)
    if dict(seen) != wanted:
        lost = sorted(name for name in wanted if seen.get(name) != wanted[name])
        raise LayerFailed(
            f"the secret group does not hold what was set: {', '.join(lost)}",
            fix="Set these by hand in the Northflank console, then try again.",
            source="northflank: PATCH, then GET secrets/{id}",
        )
    return _pointed(here, "set and read back")


def _location(url: Secret | None) -> dict[str, str]:
    """The parts of a database URL that are no secret: enough to point it back."""
    if url is None:
        return {}
    parts = urlsplit(url.reveal())
    query = dict(parse_qsl(parts.query))
    return {
        "host": parts.hostname or "",
        "port": str(parts.port or ""),
        "hostaddr": query.get("hostaddr", ""),
        "application_name": query.get("application_name", ""),
    }


def _pointed(here: Here, how: str) -> Observation:
    ready = here.desk.need(InstanceReady)
    return Observation.passed(
        expected="the application's configuration names the restored database and vault",
        observed=f"database {ready.host}:{ready.port} as {here.run.id}, vault {here.environment.vault.address}: {how}",
        source="northflank: GET secrets/{id}",
    )


async def point_back(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: the locations that were there before; user, password and everything else were never changed."""
    settings, platform = here.environment.application, here.estate.platform
    group = dict(await platform.secret_group(settings.project, settings.secret_group))
    was = entry.detail.get("database") or {}
    url = group.get(settings.database_variable)
    if url is not None and was:
        group[settings.database_variable] = Secret(
            pointed_at(
                url.reveal(),
                host=was["host"],
                port=int(was["port"]) if was["port"] else None,
                hostaddr=was["hostaddr"],
                application=was["application_name"],
            )
        )
    group[settings.vault_variable] = Secret(str(entry.detail.get("vault", "")))
    permit = await here.desk.intend("northflank:SetSecretGroup", entry.id)
    await platform.set_secret_group(permit, settings.project, settings.secret_group, group)
    seen = dict(await platform.secret_group(settings.project, settings.secret_group))
    return Observation.that(
        seen == group,
        expected="the group as it was before",
        observed="locations put back" if seen == group else "the group does not hold what was put back",
        source="northflank: PATCH, then GET secrets/{id}",
    )


# -- deploy -------------------------------------------------------------------------------------------------------
async def already_deployed(here: Here) -> Observation | None:
    """Our own earlier call is what runs: announced by this run, and active since."""
    image = here.desk.need(ImageChosen)
    asked = _asked_at(here)
    if asked is None:
        return None
    settings = here.environment.application
    for deployment in await here.estate.platform.deployments(settings.project, settings.service):
        if deployment.digest == image.digest and deployment.created >= moment(asked) - SLACK:
            return _deployed(Deployed(image.digest, asked), "our earlier call is there, adopted")
    return None


def _asked_at(here: Here) -> str | None:
    """When this run announced its deployment call, if it did: in this attempt's intent or an earlier result."""
    intents = [intent.at for intent in here.run.intents if intent.step == "application.deploy"]
    former = here.run.former_fact(Deployed)
    if intents:
        return iso(intents[0] - (here.now() - here.provider_now()))
    return former.at if former and here.run.satisfied("application.config") and not _config_is_newer(here) else None


def _config_is_newer(here: Here) -> bool:
    """Whether the configuration was changed after the last deployment: then the old processes do not have it."""
    config, deploy = here.run.result("application.config"), here.run.last("application.deploy")
    return bool(config and deploy and not config.adopted and config.at > deploy.at)


async def show_deploy(here: Here) -> Preview:
    """By digest, with the instances that are configured now."""
    image, service = here.desk.need(ImageChosen), await _service(here)
    settings = here.environment.application
    call = _deploy_call(service, image)
    return Preview(
        what=f"Deploy {image.tag} by digest, {service.instances} instances as before",
        target=f"{settings.project}/{settings.service}",
        calls=(call,),
        changes=(Change("image", service.image or "none", image.ref),),
    )


def _deploy_call(service: Service, image: ImageChosen) -> str:
    if service.image == image.ref:
        return "POST restart: this digest is configured already, a PATCH would change nothing"
    return f"PATCH deployment: instances {service.instances}, imagePath {image.ref}"


async def deploy(here: Here) -> Observation:
    """One call; a no-op PATCH may not roll, so a digest that is configured already is restarted."""
    settings, image, service = here.environment.application, here.desk.need(ImageChosen), await _service(here)
    target = f"{settings.project}/{settings.service}"
    asked = iso(here.provider_now())
    platform = here.estate.platform
    if service.image == image.ref:
        permit = await here.desk.intend("northflank:Restart", target)
        await platform.restart(permit, settings.project, settings.service)
    else:
        permit = await here.desk.intend("northflank:Deploy", target, digest=image.digest)
        await platform.deploy(
            permit,
            settings.project,
            settings.service,
            image=image.ref,
            instances=max(service.instances, 1),
            credentials=service.credentials,
        )
    return _deployed(Deployed(image.digest, asked), "accepted")


async def _service(here: Here) -> Service:
    settings = here.environment.application
    service = await here.estate.platform.service(settings.project, settings.service)
    if service is None:
        raise LayerFailed(
            f"there is no service {settings.service} in {settings.project}",
            fix="Create the service first, or correct the configuration.",
            source="northflank: GET service",
        )
    return service


def _deployed(fact: Deployed, how: str) -> Observation:
    return Observation.passed(
        expected="one deployment of the verified digest",
        observed=f"{fact.digest[:19]}…: {how}",
        source="northflank: PATCH deployment",
        facts=(fact,),
    )


async def has_rolled_out(here: Here) -> Observation:
    """The transition is after our call, the active deployment's digest is ours, and all instances run."""
    await here.until(lambda: _rolled(here), limit_s=900, waiting_for="the deployment to roll out")
    settings, image = here.environment.application, here.desk.need(ImageChosen)
    running = await here.estate.platform.running_containers(settings.project, settings.service)
    return Observation.passed(
        expected=f"{image.digest[:19]}… active, all instances running",
        observed=f"{image.digest[:19]}… active, {running} instances running",
        source="northflank: GET service, deployments, containers",
    )


async def _rolled(here: Here) -> bool:
    """Right after PATCH the status may still be the *previous* COMPLETED, so the transition's time counts too."""
    settings, deployed = here.environment.application, here.desk.need(Deployed)
    since = moment(deployed.at) - SLACK
    service = await _service(here)
    if service.status == "FAILED" and service.transition and service.transition >= since:
        raise LayerFailed(
            "the platform says that the deployment failed",
            fix="Look at the deployment's log in the Northflank console.",
            source="northflank: GET service",
        )
    deployments = await here.estate.platform.deployments(settings.project, settings.service)
    running = await here.estate.platform.running_containers(settings.project, settings.service)
    ours = bool(deployments) and deployments[0].active and deployments[0].digest == deployed.digest
    new = service.transition is not None and service.transition >= since
    here.desk.progress(
        running, service.instances, f"{service.status.lower()}, {running} of {service.instances} running"
    )
    return service.status == "COMPLETED" and new and ours and running >= service.instances
