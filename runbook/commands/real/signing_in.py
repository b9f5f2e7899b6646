"""Signing in before a run is known: what another machine began lies in a bucket that only its account can read."""

from __future__ import annotations

from runbook.engine.errors import WrongUse
from runbook.engine.ports import AskSecret, Operator, RunCommand
from runbook.estate.ports import Estate, WrongCode

STEP = "identity.aws-mfa"


async def signed_in(estate: Estate, operator: Operator) -> None:
    """A session as stage 1 would take it; it finds it and keeps it.  WrongUse where the operator gives up."""
    state = await estate.account.sign_in_state()
    if state.way == "mfa":
        await _with_code(estate, operator, state.device)
        return
    if state.needs == "login":
        what = "Sign in to IAM Identity Center in a browser"
        await operator.run_command(RunCommand(step=STEP, what=what, argv=state.command, act="sso-login"))
    await estate.account.sign_in()


async def _with_code(estate: Estate, operator: Operator, device: str) -> None:
    note = ""
    while True:
        prompt = "The code that your MFA device shows now"
        ask = AskSecret(step=STEP, prompt=prompt, labels=(device,), note=note, kind="code")
        answer = await operator.secret(ask)
        if answer.secret is None:
            raise WrongUse("no code was entered: the run cannot be fetched", fix="Have the MFA device at hand.")
        try:
            await estate.account.sign_in(answer.secret)
        except WrongCode as refused:
            note = f"AWS did not accept that code: wait for the next one ({refused.text})"
        else:
            return
