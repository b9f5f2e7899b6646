"""Signing in to AWS in the three ways people have, and what of a second factor each of them shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from runbook.engine.errors import NoVerdict, SignedOut
from runbook.engine.ports import AskSecret, Attest, RunCommand
from runbook.engine.verdict import Finding, Observation, Verdict
from runbook.estate.ports import SignInState, WrongCode
from steps.facts import AwsSession
from steps.here import Here, age, iso

AWS = "aws"
NOBODY: Final = "no person present"
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
    if here.unattended:
        return await _with_nobody(here)
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


async def _with_nobody(here: Here) -> Observation:
    """A rehearsal has nobody to enter a code: that it goes on without was allowed by somebody, who is recorded."""
    if not here.rehearsal_exception:
        return Observation.inconclusive(
            expected="a sign-in that proves MFA, or who allowed a rehearsal to go without",
            observed=f"{NOBODY}: no code can be entered, and nobody allowed to go without",
            source="runbook.toml",
            fix="Run an attended drill, or say in [rehearsal] policy_exception who allowed it.",
        )
    state = await here.estate.account.sign_in_without_code()
    here.desk.excepted(why=f"signed in without a second factor: {NOBODY}", who=here.rehearsal_exception)
    said = f"{NOBODY}; allowed by {here.rehearsal_exception} ({state.source}{_until(state)})"
    return replace(Observation.not_needed(said, source="runbook.toml"), facts=(_session(state, ABSENT),))


def _ambient(state: SignInState) -> Observation:
    return Observation(
        Verdict.INCONCLUSIVE,
        expected="a sign-in with a second factor",
        observed=f"MFA absent: signed in by {state.source}, where nothing shows a second factor",
        source=_SHOWN_BY["ambient"],
        fix="Set [aws.sign_in] to way = mfa with the device's serial, or to sso; in need state who allowed it.",
        facts=(_session(state, ABSENT),),
    )


# -- how long it lasts ---------------------------------------------------------------------------------------------
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
