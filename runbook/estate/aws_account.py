"""STS and KMS: who we are at AWS, how far our clock is off, and the state of a key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from runbook.engine.errors import NoVerdict
from runbook.estate.aws_client import AwsAccess
from runbook.estate.aws_errors import asking, code_of, translated
from runbook.estate.ports import CallerIdentity
from runbook.safety.outside_text import outside_text

_WHO = "sts:GetCallerIdentity"


class AwsAccount:
    """`CloudAccount` on STS; `now` is this machine's clock in seconds since the epoch."""

    def __init__(self, access: AwsAccess, *, now: Callable[[], float] = time.time) -> None:
        self._access = access
        self._now = now

    @property
    def loopback(self) -> bool:
        return self._access.loopback

    async def identity(self) -> CallerIdentity:
        return await self._access.door(self._identity)

    async def clock_offset(self) -> float:
        """Read from refusals too: a clock that is far off is exactly when AWS refuses the signature."""
        return await self._access.door(self._clock_offset)

    def _identity(self) -> CallerIdentity:
        with asking(_WHO):
            answer = self._access.client("sts").get_caller_identity()
        return CallerIdentity(account=outside_text(answer["Account"]), arn=outside_text(answer["Arn"]))

    def _clock_offset(self) -> float:
        client = self._access.client("sts")  # made before the clock is read: making it takes a moment
        before = self._now()
        headers = _headers_of(client)
        halfway = (before + self._now()) / 2
        # `Date` is cut to the second, so the true time lies half a second later on average.
        return halfway - (_date(headers) + 0.5)


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
