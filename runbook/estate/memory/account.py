"""The sign-in to the cloud account in memory: one MFA device, one session, and a clock that may be off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from runbook.engine.errors import NoVerdict, SignedOut
from runbook.engine.ports import Secret
from runbook.estate.memory import names
from runbook.estate.memory.world import World
from runbook.estate.ports import CallerIdentity, SignInState, WrongCode
from runbook.safety.iam import Sample

_LASTS = timedelta(hours=4)


class MemoryAccount:
    """`ports.CloudAccount`; `offset` is what `clock_offset` answers, `caller` the ARN, `way` how one signs in.

    `code` is what the MFA device shows, `logged_in` whether Identity Center knows us, `denies` what the role may not.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.offset = 0.0
        self.caller = names.ARN
        self.way = "mfa"
        self.code = "271828"
        self.logged_in = True
        self.lasts = _LASTS
        self.denies: tuple[str, ...] = ()
        self.may_simulate = True
        self._proven = False

    async def sign_in_state(self) -> SignInState:
        until = self._world.now() + self.lasts
        match self.way:
            case "mfa":
                if self._proven:
                    return SignInState("mfa", "sts:AssumeRole", "", "PROVEN", until, device=names.MFA_DEVICE)
                return SignInState("mfa", "long-term keys", "code", device=names.MFA_DEVICE)
            case "sso":
                command = ("aws", "sso", "login", "--profile", "clinic")
                state = SignInState("sso", "IAM Identity Center, profile clinic", until=until, command=command)
                return state if self.logged_in else replace(state, needs="login", until=None)
            case _:
                return SignInState("ambient", "environment variables")

    async def sign_in(self, code: Secret | None = None) -> SignInState:
        if self.way == "mfa":
            if code is None or code.reveal() != self.code:
                raise WrongCode("MultiFactorAuthentication failed with invalid MFA one time pass code.")
            self._proven = True
        if self.way == "sso" and not self.logged_in:
            raise SignedOut("aws", "there is no valid sign-in to IAM Identity Center", source="sso")
        self._world.signed_out = False
        return await self.sign_in_state()

    async def sign_in_without_code(self) -> SignInState:
        if self.way != "mfa":
            return await self.sign_in()
        self._proven, self._world.signed_out = False, False
        return await self.sign_in_state()

    async def denied(
        self, arn: str, actions: tuple[str, ...], samples: Mapping[str, Sample] | None = None
    ) -> tuple[str, ...]:
        del arn, samples
        await self._world.ask("aws")
        if not self.may_simulate:
            words = "not authorized to perform: iam:SimulatePrincipalPolicy"
            raise NoVerdict("AWS does not allow this session to simulate", provider_text=words, source="iam")
        return tuple(action for action in actions if action in self.denies)

    async def sso_instances(self) -> tuple[str, ...]:
        await self._world.ask("aws")
        return ("arn:aws:sso:::instance/ssoins-0123456789abcdef",)

    async def identity(self) -> CallerIdentity:
        await self._world.ask("aws")
        return CallerIdentity(names.ACCOUNT, self.caller)

    async def clock_offset(self) -> float:
        return self.offset

    @property
    def loopback(self) -> bool:
        return True
