"""Stage 1, Identity & Access: the operator is who they should be, everywhere that the later stages need them."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase

from runbook.engine.procedure import Check, Stage
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import TokenIdentity
from steps.facts import ClockOffset, SignedInAs
from steps.here import Here, age, iso


async def tool_is_ready(here: Here) -> Observation:
    """The records can be written, there is room, and it is known where secrets come from."""
    state = await here.house.state()
    room = state.free_bytes >= here.policy.free_space_floor
    seen = f"records folder {'writable' if state.writable else 'NOT writable'}, {state.free_bytes >> 20:,} MiB free"
    shown = f"; set in the environment and not used: {', '.join(state.environment)}" if state.environment else ""
    return Observation.that(
        state.writable and room,
        expected=f"the records folder takes a file and has {here.policy.free_space_floor >> 20} MiB free",
        observed=f"{seen}; secrets from {state.credentials}{shown}",
        source="write-and-delete probe",
        fix="Choose a folder that you can write to (--home), or free space on this disk.",
    )


async def clock_agrees(here: Here) -> Observation:
    """SigV4 signatures and one-time codes fail on a wrong clock, and every age in the record would be wrong."""
    offset = await here.estate.account.clock_offset()
    good, limit = here.policy.clock_good_s, here.policy.clock_limit_s
    off = Finding(f"this machine's clock is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}")
    return Observation.that(
        abs(offset) <= limit,
        expected=f"within {good:.0f} s of the provider's clock",
        observed=f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} the provider",
        source="sts:GetCallerIdentity, HTTP Date",
        fix="Set this machine's clock (turn on network time), then try again.",
        findings=() if abs(offset) <= good else (off,),
        facts=(ClockOffset(round(offset * 1000)),),
    )


async def account_is_ours(here: Here) -> Observation:
    """The provider itself says which account this is and who we are in it."""
    expected = here.environment.aws
    seen = await here.estate.account.identity()
    known = any(fnmatchcase(seen.arn, pattern) for pattern in expected.identity_patterns)
    where = "this machine (loopback)" if here.estate.account.loopback else "AWS"
    return Observation.that(
        seen.account == expected.account_id and known,
        expected=f"account {expected.account_id}, signed in as {' or '.join(expected.identity_patterns)}",
        observed=f"account {seen.account}, {seen.arn}, answered by {where}",
        source="sts:GetCallerIdentity",
        fix="Sign in to the account of this environment with the restoration role.",
        facts=(SignedInAs(seen.account, seen.arn),),
    )


async def northflank_lets_us_in(here: Here) -> Observation:
    """The platform's token is valid and sees the project."""
    project = here.environment.application.project
    token = await here.estate.platform.token()
    visible = await here.estate.platform.project_visible(project)
    return Observation.that(
        visible and not _expired(here, token),
        expected=f"a valid token that sees the project {project}",
        observed=f"token {token.id}, {_lifetime(here, token)}, project {'visible' if visible else 'NOT visible'}",
        source="northflank: GET /v1/auth, GET /v1/projects/{id}",
        fix="Make a new API token with read access to the project, services, secrets and deployments.",
        findings=_expiring(here, token, "Northflank"),
    )


async def github_lets_us_in(here: Here) -> Observation:
    """The code host's token is valid, may read packages, and sees the repository."""
    repository = here.environment.application.image.repository
    token = await here.estate.code.token()
    visible = await here.estate.code.repository_visible(repository)
    packages = not token.scopes or "read:packages" in token.scopes or "write:packages" in token.scopes
    scopes = ", ".join(token.scopes) or "not told (fine-grained token)"
    return Observation.that(
        visible and packages,
        expected=f"a token with read:packages that sees {repository}",
        observed=f"{token.id}, scopes {scopes}, repository {'visible' if visible else 'NOT visible'}",
        source="github: GET /user (X-OAuth-Scopes), GET /repos/{owner}/{repo}",
        fix="Packages need a classic token with read:packages; fine-grained tokens do not work for them.",
    )


async def cloudflare_lets_us_in(here: Here) -> Observation:
    """The edge's token is active and sees the zone."""
    name = here.environment.connectivity.zone
    token = await here.estate.edge.token()
    zone = await here.estate.edge.zone(name)
    return Observation.that(
        token.active and zone is not None,
        expected=f"an active token that sees the zone {name}",
        observed=f"token {'active' if token.active else 'NOT active'}, zone {'visible' if zone else 'NOT visible'}",
        source="cloudflare: GET /user/tokens/verify, GET /zones",
        fix="Make a token with Zone Read, DNS Write, Zone Settings Write and Zone WAF Write for this zone.",
        findings=_expiring(here, token, "Cloudflare"),
    )


async def still_signed_in(here: Here) -> Observation:
    """Heartbeat: the provider still knows us."""
    seen = await here.estate.account.identity()
    return Observation.that(
        seen.account == here.environment.aws.account_id,
        expected=f"account {here.environment.aws.account_id}",
        observed=f"account {seen.account}",
        source="sts:GetCallerIdentity",
    )


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


IDENTITY: Stage[Here] = Stage(
    number=1,
    id="identity",
    title="Identity & Access",
    clause="3.1",
    touches="nothing: it only asks each provider who you are",
    heartbeat=still_signed_in,
    steps=(
        Check(
            id="identity.tool",
            title="This tool can work and keep its record",
            why="A restoration whose record cannot be written proves nothing afterwards.",
            manual="df -h . && touch probe && rm probe, in the folder that holds the records",
            look=tool_is_ready,
        ),
        Check(
            id="identity.clock",
            title="This machine's clock agrees with the provider's",
            why="Signed requests and one-time codes are refused by a wrong clock.",
            manual="curl -sI https://sts.amazonaws.com | grep -i ^date; date -u",
            look=clock_agrees,
        ),
        Check(
            id="identity.aws-account",
            title="Signed in to the right AWS account as the right person",
            why="Everything after this acts with this identity, on this account.",
            manual="aws sts get-caller-identity",
            look=account_is_ours,
        ),
        Check(
            id="identity.northflank",
            title="Northflank lets us in",
            why="Stage 4 deploys through it.",
            manual="Northflank console → the project opens",
            look=northflank_lets_us_in,
        ),
        Check(
            id="identity.github",
            title="GitHub lets us in and shows the images",
            why="Stage 4 takes the latest verified image from it.",
            manual="gh auth status; gh api /user -i | grep -i x-oauth-scopes",
            look=github_lets_us_in,
        ),
        Check(
            id="identity.cloudflare",
            title="Cloudflare lets us in",
            why="Stage 5 turns the protection and the routing on again.",
            manual="Cloudflare dashboard → the zone opens",
            look=cloudflare_lets_us_in,
        ),
    ),
)
