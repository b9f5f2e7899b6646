"""Signing in to AWS in the three ways people have, and what of a second factor each of them shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from runbook.engine.errors import NoVerdict, SignedOut
from runbook.engine.ports import AskSecret, Attest, RunCommand
from runbook.engine.verdict import Finding, Observation, Verdict
from runbook.estate.ports import SignInState, WrongCode
from runbook.safety.iam import restoring_actions
from steps.facts import AwsSession, SignedInAs
from steps.here import Here, age, iso

AWS = "aws"
PROVEN, ATTESTED, ABSENT = "PROVEN", "ATTESTED", "NO"
LOGIN_ACT = "sso-login"
_SHOWN_BY: Final = {
    "mfa": "sts:AssumeRole or sts:GetSessionToken with SerialNumber and TokenCode",
    "sso": "IAM Identity Center's token file, and the operator's word",
    "ambient": "the AWS credential chain",
}
STATEMENT: Final = (
    "I signed in to IAM Identity Center with a second factor, just now or in the session that is used here "
    "(AWS has no API that shows it)"
)


# -- signing in ---------------------------------------------------------------------------------------------------
async def sign_in(here: Here) -> Observation:
    """A session for every later call: with a code, from Identity Center, or from what the environment gives."""
    state = await here.estate.account.sign_in_state()
    if state.way == "mfa":
        return _proven(await _with_a_code(here, state))
    if state.needs == "login":
        state = await _logged_in(here, state)
    state = await here.estate.account.sign_in()
    return await _sso(here, state) if state.way == "sso" else _ambient(state)


async def _with_a_code(here: Here, state: SignInState) -> SignInState:
    """A session that is still good is kept: codes are used once, and a person has to read each of them out."""
    if state.mfa == PROVEN and await _still_good(here):
        return state
    note = ""
    while True:
        answer = await here.desk.operator.secret(
            AskSecret(
                step=here.desk.step,
                prompt="The code that your MFA device shows now",
                labels=(state.device,),
                note=note,
                kind="code",
            )
        )
        if answer.secret is None:
            raise NoVerdict(
                "no code was entered: there is no session to restore with",
                fix="Have the MFA device at hand, then try again.",
                source="operator",
            )
        try:
            return await here.estate.account.sign_in(answer.secret)
        except WrongCode as refused:
            note = f"AWS did not accept that code: wait for the next one, each works once ({refused.text})"


async def _still_good(here: Here) -> bool:
    try:
        await here.estate.account.identity()
    except SignedOut:
        return False
    return True


async def _logged_in(here: Here, state: SignInState) -> SignInState:
    """Another tool signs in, with the terminal to itself; what it left is read afterwards."""
    status = await here.desk.operator.run_command(
        RunCommand(
            step=here.desk.step,
            what="Sign in to IAM Identity Center in a browser",
            argv=state.command,
            act=LOGIN_ACT,
        )
    )
    again = await here.estate.account.sign_in_state()
    if again.needs == "login":
        how = "it was not run, or is not installed" if status is None else f"it ended with status {status}"
        raise SignedOut(
            AWS,
            f"there is no valid sign-in to IAM Identity Center ({' '.join(state.command)}: {how})",
            fix="Run that command in another terminal, finish it in the browser, then try again.",
            source="the token file of the AWS CLI",
        )
    return again


def _session(state: SignInState, mfa: str) -> AwsSession:
    return AwsSession(state.way, state.source, mfa, iso(state.until) if state.until else "")


def _until(state: SignInState) -> str:
    return f", until {iso(state.until)}" if state.until else ""


def _proven(state: SignInState) -> Observation:
    return Observation.passed(
        expected="a session that STS gives for the MFA device and its code",
        observed=f"MFA proven: {state.source}{_until(state)}",
        source=_SHOWN_BY["mfa"],
        facts=(_session(state, PROVEN),),
    )


async def _sso(here: Here, state: SignInState) -> Observation:
    """AWS cannot tell whether an Identity Center session was made with a second factor: the operator can."""
    stated = await _stated_before(here) or await here.desk.operator.attest(Attest(here.desk.step, STATEMENT))
    if not stated:
        return Observation.inconclusive(
            expected=STATEMENT,
            observed=f"signed in ({state.source}{_until(state)}), and the second factor is not attested",
            source=_SHOWN_BY["sso"],
            fix="State it, sign in again with a second factor, or use the break-glass user with its MFA device.",
        )
    return Observation.attested(
        expected=STATEMENT,
        stated=f"MFA attested: {stated} ({state.source}{_until(state)})",
        by=here.desk.operator.name,
        facts=(_session(state, ATTESTED),),
    )


async def _stated_before(here: Here) -> str:
    """A resumed run does not ask for the same word twice; a new sign-in after one that ended does."""
    session = here.run.fact(AwsSession)
    last = here.run.result(here.desk.step)
    if session is None or last is None or session.mfa != ATTESTED or here.run.resumes == 0:
        return ""
    return last.observed.removeprefix("MFA attested: ") if await _still_good(here) else ""


def _ambient(state: SignInState) -> Observation:
    return Observation(
        Verdict.INCONCLUSIVE,
        expected="a sign-in with a second factor",
        observed=f"MFA absent: signed in by {state.source}, where nothing shows a second factor",
        source=_SHOWN_BY["ambient"],
        fix="Set [aws.sign_in] to way = mfa with the device's serial, or to sso; in need state who allowed it.",
        facts=(_session(state, ABSENT),),
    )


# -- who, and what it may do --------------------------------------------------------------------------------------
async def account_is_ours(here: Here) -> Observation:
    """The provider itself says which account this is and who we are in it."""
    expected, session = here.environment.aws, here.run.fact(AwsSession)
    seen = await here.estate.account.identity()
    known = any(fnmatchcase(seen.arn, pattern) for pattern in expected.identity_patterns)
    where = "this machine (loopback)" if here.estate.account.loopback else "AWS"
    return Observation.that(
        seen.account == expected.account_id and known,
        expected=f"account {expected.account_id}, signed in as {' or '.join(expected.identity_patterns)}",
        observed=f"account {seen.account}, {seen.arn}, answered by {where}",
        source="sts:GetCallerIdentity",
        fix="Sign in to the account of this environment with the restoration role.",
        facts=(SignedInAs(seen.account, seen.arn, session.mfa if session else ABSENT),),
    )


async def may_do_what_is_needed(here: Here) -> Observation:
    """Asked of IAM's simulator before the work begins: a missing right is found now, not in stage 3."""
    actions = restoring_actions()
    who = await here.estate.account.identity()
    try:
        denied = await here.estate.account.denied(who.arn, actions)
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


async def _probed(here: Here) -> str:
    """What a read of each kind answered, in words; none of them changes anything."""
    backup, instance = here.environment.vault.backup, here.environment.database.source_instance
    probes: dict[str, Callable[[], Awaitable[object]]] = {
        "s3:ListBucket": lambda: here.estate.objects.list(backup.bucket, backup.prefix),
        "rds:DescribeDBSnapshots": lambda: here.estate.databases.snapshots(instance),
        "kms:DescribeKey": lambda: here.estate.keys.state(backup.kms_key),
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


async def identity_center_holds(here: Here) -> Observation:
    """Identity Center answers, and the sign-in outlasts what is ahead; the end is read before the work begins."""
    state = await here.estate.account.sign_in_state()
    if state.way != "sso":
        who = "the break-glass user with its MFA device" if state.way == "mfa" else state.source
        return Observation.not_needed(f"signed in as {who}, not through Identity Center", source=_SHOWN_BY[state.way])
    instances = await here.estate.account.sso_instances()
    left = state.until - here.now() if state.until else None
    if left is not None and left < here.policy.session_floor:
        minutes = max(left, timedelta()) / timedelta(minutes=1)
        raise SignedOut(
            AWS,
            f"the sign-in ends in {minutes:.0f} min, before anything can be restored",
            fix="Sign in again now: it is asked for in place, nothing is lost.",
            source=_SHOWN_BY["sso"],
        )
    return Observation.that(
        bool(instances),
        expected="an Identity Center instance that answers, and a sign-in that outlasts the restore",
        observed=f"{len(instances)} instance{'s' * (len(instances) != 1)}{_until(state) or ', without a known end'}",
        source="sso-admin:ListInstances, the token file's expiresAt",
        fix="Look at IAM Identity Center in its home Region; meanwhile use the break-glass user.",
        findings=_short(here, left),
    )


def _short(here: Here, left: timedelta | None) -> tuple[Finding, ...]:
    if left is None or left >= here.policy.session_wanted:
        return ()
    wanted = age(here.now() - here.policy.session_wanted, here.now())
    return (Finding(f"the sign-in lasts {age(here.now() - left, here.now())} more, a restore may take {wanted}"),)
