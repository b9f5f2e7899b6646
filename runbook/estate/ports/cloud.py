"""The cloud account, its objects and its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from runbook.engine.ports import Secret
from runbook.safety.iam import Sample

Progress = Callable[[int, int], None]
"""Called with (done, total) bytes; may be called from any thread; total 0 = unknown."""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class SignInState:
    """How we are signed in: `way` as configured, `source` as the credential chain names it, `until` its end if known.

    `needs` says what is missing: `code` (of the MFA device `device`), `login` (`command` does it), or nothing.
    `mfa` is PROVEN when STS gave the session for serial and code; else NO: no AWS API shows it.
    """

    way: str
    source: str
    needs: Literal["", "code", "login"] = ""
    mfa: Literal["PROVEN", "NO"] = "NO"
    until: datetime | None = None
    device: str = ""
    command: tuple[str, ...] = ()


class WrongCode(Exception):
    """Raised by `CloudAccount.sign_in`: STS did not accept the one-time code; `text` as it said, cleaned."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class CloudAccount(Protocol):
    """STS, and the sign-in that every AWS client uses."""

    async def sign_in_state(self) -> SignInState:
        """What is known without asking AWS; NoVerdict, with the fix, where no credentials can be loaded at all."""
        ...

    async def sign_in(self, code: Secret | None = None) -> SignInState:
        """Take a session: with a code (`mfa`), or by loading what is there now (`sso`, `ambient`).

        WrongCode when STS refuses the code.  The session replaces the one before it, in every client.
        """
        ...

    async def sign_in_without_code(self) -> SignInState:
        """The same, by what proves no second factor: for a run that nobody attends, and somebody allowed so."""
        ...

    async def denied(
        self, arn: str, actions: tuple[str, ...], samples: Mapping[str, Sample] | None = None
    ) -> tuple[str, ...]:
        """Which of the actions `arn` may not do, by iam:SimulatePrincipalPolicy; NoVerdict when that may not be asked.

        `arn` may be an assumed role's: the role itself is what is simulated.  `samples` are what each action would be
        done to; an action without one is asked about for any resource, which only a policy without limits allows.
        """
        ...

    async def sso_instances(self) -> tuple[str, ...]:
        """ARNs of the Identity Center instances that answer (sso-admin:ListInstances)."""
        ...

    async def identity(self) -> CallerIdentity: ...
    async def clock_offset(self) -> float:
        """Seconds by which this machine is ahead of the provider's HTTP `Date` (negative: behind)."""
        ...

    @property
    def loopback(self) -> bool:
        """True when any provider endpoint is on this machine: the run is not a test of the real one."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    bucket: str
    key: str
    size: int
    modified: datetime
    version: str | None = None
    encryption: str | None = None  # "aws:kms", "AES256", None = unknown
    kms_key: str | None = None
    sha256: str | None = None  # from the object's metadata `sha256`, full-file, lower-case hex


@dataclass(frozen=True, slots=True)
class BucketPosture:
    public_access_blocked: bool | None  # None = could not be read
    versioned: bool
    object_lock: bool


@dataclass(frozen=True, slots=True)
class Download:
    path: Path
    size: int
    sha256: str


class ObjectStore(Protocol):
    """S3."""

    async def list(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        """Every object under the prefix, over all pages, oldest first by LastModified; only listing fields filled."""
        ...

    async def head(self, bucket: str, key: str) -> StoredObject: ...
    async def posture(self, bucket: str) -> BucketPosture: ...
    async def download(self, stored: StoredObject, to: Path, progress: Progress) -> Download:
        """Stream that version into `to` (mode 0600, bounded memory), hashing on the way."""
        ...

    async def read(self, bucket: str, key: str, limit: int = 8 << 20) -> bytes:
        """A small object whole; larger than `limit` is refused (LayerFailed)."""
        ...


class KeyService(Protocol):
    """KMS."""

    async def state(self, key: str) -> str | None:
        """`Enabled`, `Disabled`, `PendingDeletion` … or None when there is no such key."""
        ...
