"""Stage 1, Identity & Access: the operator is who they should be, everywhere that the later stages need them."""

from __future__ import annotations

from runbook.engine.procedure import Action, Attestation, Check, Lasting, Repeat, Stage
from runbook.engine.verdict import Observation
from steps.here import Here
from steps.identity import account, machine, people, tokens
from steps.identity import sign_in as aws
from steps.patience import LIMIT_S


async def still_signed_in(here: Here) -> Observation:
    """Heartbeat: the provider still knows us, and nobody has set this machine's clock wrong since it was judged."""
    seen, ahead = await here.estate.account.identity(), await here.estate.account.clock_offset()
    right = abs(ahead) <= here.policy.clock_limit_s
    wrong = f"; this machine's clock is {abs(ahead):,.0f} s {'ahead' if ahead > 0 else 'behind'}: set it"
    return Observation.that(
        seen.account == here.environment.aws.account_id and right,
        expected=f"account {here.environment.aws.account_id}, and a clock that agrees with its provider's",
        observed=f"account {seen.account}{'' if right else wrong}",
        source="sts:GetCallerIdentity, HTTP Date",
    )


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
            look=machine.tool_is_ready,
        ),
        Check(
            id="identity.clock",
            title="This machine's clock agrees with the provider's",
            why="Signed requests and one-time codes are refused by a wrong clock.",
            manual="curl -sI https://sts.amazonaws.com | grep -i ^date; date -u",
            look=machine.clock_agrees,
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
            needed_to_close=True,
        ),
        Check(
            id="identity.aws-account",
            title="Signed in to the right AWS account as the right person",
            why="Everything after this acts with this identity, on this account.",
            manual="aws sts get-caller-identity",
            look=account.account_is_ours,
            asks=True,
        ),
        Check(
            id="identity.aws-permissions",
            title="This identity may do what the later stages call",
            why="A right that is missing is cheaper to find now than in the middle of stage 3.",
            manual="aws iam simulate-principal-policy --policy-source-arn ROLE_ARN --action-names …",
            look=account.may_do_what_is_needed,
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
            look=tokens.northflank_lets_us_in,
            timeout=LIMIT_S,
        ),
        Check(
            id="identity.github",
            title="GitHub lets us in and shows the images",
            why="Stage 4 takes the latest verified image from it.",
            manual="gh auth status; gh api /user -i | grep -i x-oauth-scopes; "
            "gh api /orgs/ORGANISATION/packages/container/PACKAGE/versions",
            look=tokens.github_lets_us_in,
            timeout=LIMIT_S,
        ),
        Check(
            id="identity.cloudflare",
            title="Cloudflare lets us in",
            why="Stage 5 turns the protection and the routing on again.",
            manual="Cloudflare dashboard → the zone opens",
            look=tokens.cloudflare_lets_us_in,
            timeout=LIMIT_S,
        ),
        Action(
            id="identity.preserve",
            title="Keep the newest automated snapshot as a manual one",
            aim=people.PRESERVED,
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
            asks=people.PRINTED,
            spared=people.needs_somebody,
            judge=people.contacts_judged,
        ),
    ),
)
