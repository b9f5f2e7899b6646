"""Who AWS says we are, that the environment is ours to work on, and what we may do there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Final

from runbook.config import Aws
from runbook.engine.errors import NoVerdict, SignedOut
from runbook.engine.ports import Confirm, Preview, TypeName, typed_exactly
from runbook.engine.verdict import Observation
from runbook.estate.ports import CallerIdentity, CloudAccount
from runbook.safety import iam_policy
from runbook.safety.iam import restoring_actions
from steps import orphans
from steps.facts import AwsSession, SignedInAs
from steps.here import Here, TakeOver
from steps.identity.sign_in import ABSENT

_OBJECTS: Final = ("s3:", "kms:Decrypt")


# -- who ----------------------------------------------------------------------------------------------------------
async def account_is_ours(here: Here) -> Observation:
    """The provider itself says which account this is and who we are in it; so does the one that backups are read in.

    Once that is so, the environment is reserved for this run (Refused where another one holds it and keeps it), and
    what other machines' runs left there is offered for removal.
    """
    session, where = here.run.fact(AwsSession), "this machine (loopback)" if here.estate.account.loopback else "AWS"
    seen, words, ours = await _known_as(here.environment.aws, here.estate.account)
    accounts, expected = [words], [_wanted(here.environment.aws)]
    if here.estate.source is not None and here.environment.source_aws is not None:
        _, words, theirs = await _known_as(here.environment.source_aws, here.estate.source.account)
        ours = ours and theirs
        accounts.append(f"backups are read, and only read, in {words}")
        expected.append(f"backups in {_wanted(here.environment.source_aws)}")
    claimed = f"; {await here.house.claim(_take_over(here))}" if ours else ""
    left = await orphans.offered(here) if ours else ()
    return Observation.that(
        ours,
        expected="; ".join(expected),
        observed=f"{'; '.join(accounts)}, answered by {where}{claimed}",
        source="sts:GetCallerIdentity",
        fix="Sign in to the account of this environment with the restoration role.",
        findings=left,
        facts=(SignedInAs(seen.account, seen.arn, session.mfa if session else ABSENT),),
    )


def _wanted(settings: Aws) -> str:
    return f"account {settings.account_id}, signed in as {' or '.join(settings.identity_patterns)}"


async def _known_as(settings: Aws, account: CloudAccount) -> tuple[CallerIdentity, str, bool]:
    """Who AWS says we are there, in words too, and whether that is whom the configuration allows."""
    seen = await account.identity()
    known = any(fnmatchcase(seen.arn, pattern) for pattern in settings.identity_patterns)
    return seen, f"account {seen.account}, {seen.arn}", seen.account == settings.account_id and known


def _take_over(here: Here) -> TakeOver:
    """Asked only where another run holds the environment: what is known of it is shown, and its id typed exactly."""

    async def take_over(run_id: str, sentence: str) -> bool:
        operator, step = here.desk.operator, here.desk.step
        shown = Preview(what=f"{sentence} Take the environment over from it", target=run_id)
        without = "this run ends: two must not restore the same environment"
        asked = Confirm(step, "Another run holds this environment", shown, optional=True, without=without)
        if not await operator.confirm(asked):
            return False
        return typed_exactly(run_id, await operator.type_name(TypeName(step, run_id)))

    return take_over


# -- what it may do -----------------------------------------------------------------------------------------------
async def may_do_what_is_needed(here: Here) -> Observation:
    """Asked of IAM's simulator before the work begins: a missing right is found now, not in stage 3."""
    actions = restoring_actions(_role(here))
    try:
        denied = await _denied(here, actions)
    except SignedOut:
        raise
    except NoVerdict as trouble:
        raise NoVerdict(
            f"{trouble.sentence}; read-only calls instead: {await _probed(here)}",
            fix=trouble.fix,
            provider_text=trouble.provider_text,
            source=trouble.source,
        ) from trouble
    return Observation.that(
        not denied,
        expected=f"all of the {len(actions)} actions that the later stages call",
        observed=f"NOT allowed: {', '.join(denied)}" if denied else f"all {len(actions)} allowed",
        source="iam:SimulatePrincipalPolicy",
        fix="Add them to the role's policy; a permission boundary or a service control policy may forbid them too.",
    )


def _role(here: Here) -> str:
    """Whose policy `runbook iam` prints for this: deleting a database is none of a recovery's operations."""
    return "recovery" if here.recovering else "drill"


async def _denied(here: Here, actions: tuple[str, ...]) -> list[str]:
    """Each action is asked for in the account that it is called in: with two, objects are read in production's."""
    accounts = (
        [here.estate.account] if here.estate.source is None else [here.estate.account, here.estate.backups.account]
    )
    samples = iam_policy.samples(_role(here), iam_policy.place_of(here.environment))
    denied: list[str] = []
    for account in accounts:
        reading = account is accounts[-1]
        wanted = tuple(a for a in actions if len(accounts) == 1 or a.startswith(_OBJECTS) == reading)
        denied += await account.denied((await account.identity()).arn, wanted, samples)
    return denied


async def _probed(here: Here) -> str:
    """What a read of each kind answered, in words; none of them changes anything."""
    backup, instance = here.environment.vault.backup, here.environment.database.source_instance
    probes: dict[str, Callable[[], Awaitable[object]]] = {
        "s3:ListBucket": lambda: here.estate.backups.objects.list(backup.bucket, backup.prefix),
        "rds:DescribeDBSnapshots": lambda: here.estate.databases.snapshots(instance),
        "kms:DescribeKey": lambda: here.estate.backups.keys.state(backup.kms_key),
    }
    said = []
    for action, probe in probes.items():
        try:
            await probe()
        except NoVerdict as trouble:
            said.append(f"{action} NOT answered ({trouble.sentence})")
        else:
            said.append(f"{action} answered")
    return ", ".join(said)
