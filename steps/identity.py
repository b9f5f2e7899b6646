"""Stage 1, Identity & Access: the operator is who they should be, everywhere that the later stages need them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from runbook.engine.procedure import Action, Attestation, Check, Lasting, Repeat, Stage
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import TokenIdentity
from steps import identity_people as people
from steps import sign_in as aws
from steps.facts import ClockOffset
from steps.here import Here, age, iso


async def tool_is_ready(here: Here) -> Observation:
    """The records can be written, there is room, and it is known where secrets come from."""
    state = await here.house.state()
    room = state.free_bytes >= here.policy.free_space_floor
    seen = f"records folder {'writable' if state.writable else 'NOT writable'}, {state.free_bytes >> 20:,} MiB free"
    shown = f"; set in the environment and not used: {', '.join(state.environment)}" if state.environment else ""
    behind = _behind_what_is_restored(here)
    circle = f"; {', '.join(behind)} only answers once stage 5 is done" if behind else ""
    return Observation.that(
        state.writable and room and not behind,
        expected=f"the records folder takes a file and has {here.policy.free_space_floor >> 20} MiB free; nothing that "
        "this tool needs lies behind a layer that it restores",
        observed=f"{seen}; secrets from {state.credentials}{shown}{circle}",
        source="write-and-delete probe; host names in the configuration",
        fix="Give it an address that does not lead through the platform's own public names."
        if behind
        else "Choose a folder that you can write to (--home), or free space on this disk.",
    )


def _behind_what_is_restored(here: Here) -> list[str]:
    """Hosts that this tool calls before stage 5 and that are public names of the platform: a circle."""
    settings, application = here.environment, here.environment.application
    public = {hostname.name.rstrip(".").lower() for hostname in settings.connectivity.hostnames}
    needed = (
        settings.aws.endpoint,
        settings.vault.address,
        application.platform,
        application.image.github,
        application.image.registry,
        settings.connectivity.cloudflare,
    )
    hosts = {(urlsplit(url).hostname or "").lower() for url in needed if url}
    return sorted(hosts & public)


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
            id="identity.aws-mfa",
            title="Signed in to AWS, with a second factor",
            why="Only the CTO may restore, with MFA; and a code that is entered now saves asking in the middle.",
            manual="aws sts assume-role --role-arn R --role-session-name N --serial-number S --token-code C; "
            "or aws sso login --profile P",
            look=aws.sign_in,
            lasting=Lasting.MOMENT,
            asks=True,
            signs_in=aws.AWS,
            regain=lambda _: True,
        ),
        Check(
            id="identity.aws-account",
            title="Signed in to the right AWS account as the right person",
            why="Everything after this acts with this identity, on this account.",
            manual="aws sts get-caller-identity",
            look=aws.account_is_ours,
        ),
        Check(
            id="identity.aws-permissions",
            title="This identity may do what the later stages call",
            why="A right that is missing is cheaper to find now than in the middle of stage 3.",
            manual="aws iam simulate-principal-policy --policy-source-arn ROLE_ARN --action-names …",
            look=aws.may_do_what_is_needed,
        ),
        Check(
            id="identity.sso",
            title="Identity Center answers, and the sign-in lasts",
            why="A sign-in that ends in the middle of a long restore ends it there.",
            manual="aws sso-admin list-instances; expiresAt in ~/.aws/sso/cache/*.json",
            look=aws.identity_center_holds,
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
        Action(
            id="identity.preserve",
            title="Keep the newest automated snapshot as a manual one",
            why="Whoever deletes a broken instance deletes its automated backups with it.",
            manual="aws rds copy-db-snapshot --source-db-snapshot-identifier S --target-db-snapshot-identifier NAME",
            find=people.preserved,
            preview=people.show_preserve,
            perform=people.preserve,
            repeat=Repeat.ONCE,
        ),
        Attestation(
            id="identity.fence",
            title="The old systems take no writes and no traffic",
            why="Two platforms that both take writes cannot be put together again.",
            manual="stop the old service, revoke its database and vault access, take its records out of DNS",
            statement=people.FENCE,
            spared=people.only_in_recovery,
        ),
        Attestation(
            id="identity.contacts",
            title="The people are there",
            why="Without enough custodians the vault stays shut, whatever else is restored.",
            manual="the printed contact list: call the custodians now, not in stage 2",
            statement=people.CONTACTS,
            judge=people.contacts_judged,
        ),
    ),
)
