"""Who we are at AWS and what we may do, how far our clock is off, and the state of a key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated
from runbook.estate.aws.permissions import Asked, denied
from runbook.estate.aws.sign_in import AwsSignIn
from runbook.estate.ports import CallerIdentity, SignInState
from runbook.safety.iam import Sample
from runbook.safety.outside_text import outside_text

_WHO = "sts:GetCallerIdentity"
_INSTANCES = "sso-admin:ListInstances"


class AwsAccount:
    """`CloudAccount` on STS, IAM and Identity Center; `now` is this machine's clock in seconds since the epoch."""

    def __init__(self, access: AwsAccess, sign_in: AwsSignIn, *, now: Callable[[], float] = time.time) -> None:
        self._access = access
        self._sign_in = sign_in
        self._now = now

    @property
    def loopback(self) -> bool:
        return self._access.loopback

    async def sign_in_state(self) -> SignInState:
        return await self._access.door(self._sign_in.state)

    async def sign_in(self, code: Secret | None = None) -> SignInState:
        return await self._access.door(self._sign_in.take, code)

    async def sign_in_without_code(self) -> SignInState:
        return await self._access.door(self._sign_in.take_without_code)

    async def denied(
        self, arn: str, actions: tuple[str, ...], samples: Mapping[str, Sample] | None = None
    ) -> tuple[str, ...]:
        asked = Asked(actions, samples or {}, await self.sign_in_state())
        return await self._access.door(denied, self._access, arn, asked)

    async def sso_instances(self) -> tuple[str, ...]:
        return await self._access.door(self._sso_instances)

    async def identity(self) -> CallerIdentity:
        return await self._access.door(self._identity)

    async def clock_offset(self) -> float:
        """Read from refusals too: a clock that is far off is exactly when AWS refuses the signature."""
        return await self._access.door(self._clock_offset)

    def _sso_instances(self) -> tuple[str, ...]:
        with asking(_INSTANCES):
            pages = self._access.client("sso-admin").get_paginator("list_instances").paginate()
            return tuple(outside_text(found["InstanceArn"]) for page in pages for found in page["Instances"])

    def _identity(self) -> CallerIdentity:
        with asking(_WHO):
            answer = self._access.client("sts").get_caller_identity()
        return CallerIdentity(account=outside_text(answer["Account"]), arn=outside_text(answer["Arn"]))

    def _clock_offset(self) -> float:
        client = self._signed_or_not()  # made before the clock is read: making it takes a moment
        before = self._now()
        headers = _headers_of(client)
        halfway = (before + self._now()) / 2
        # `Date` is cut to the second, so the true time lies half a second later on average.
        return halfway - (_date(headers) + 0.5)

    def _signed_or_not(self) -> Any:
        """The clock is judged before anybody is signed in too: codes and signatures fail on a wrong one."""
        try:
            return self._access.client("sts")
        except NoVerdict:  # no session, or nothing to make one of: that is another step's to say
            return self._access.unsigned_sts()


class AwsKeys:
    """`KeyService` on KMS."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access

    async def state(self, key: str) -> str | None:
        return await self._access.door(self._state, key)

    def _state(self, key: str) -> str | None:
        from botocore.exceptions import ClientError

        source = "kms:DescribeKey"
        with asking(source):
            try:
                metadata = self._access.client("kms").describe_key(KeyId=key)["KeyMetadata"]
            except ClientError as error:
                if code_of(error) == "NotFoundException":
                    return None
                raise translated(error, source) from None
        return outside_text(metadata.get("KeyState")) or None


def _headers_of(client: Any) -> Mapping[str, str]:
    from botocore.exceptions import ClientError

    with asking(_WHO):
        try:
            answer = client.get_caller_identity()
        except ClientError as error:
            answer = error.response
            if "date" not in answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}):
                raise
    headers: Mapping[str, str] = answer["ResponseMetadata"]["HTTPHeaders"]
    return headers


def _date(headers: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise NoVerdict(
            f"{_WHO}: the answer carries no readable Date, so this machine's clock cannot be judged",
            fix="Compare the clock with a time server by hand.",
            provider_text=outside_text(headers.get("date")),
            source=_WHO,
        ) from None
