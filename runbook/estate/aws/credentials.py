"""Credentials in hand, and a closed session that works with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runbook.config import Aws
from runbook.engine.ports import Secret
from runbook.estate.aws.isolation import Heard, working_session
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:
    from botocore.session import Session


@dataclass(frozen=True, slots=True)
class Held:
    """What a way of signing in gave: botocore credentials (which may renew themselves), whence, and until when."""

    credentials: Any = field(repr=False)
    source: str
    until: datetime | None = None
    with_code: bool = False  # STS gave it for the code of an MFA device


@dataclass(frozen=True, slots=True)
class WithKeys:
    """Keys that do not renew themselves."""

    access_key: Secret
    secret_key: Secret
    token: Secret | None = None

    def made(self) -> Any:
        """As botocore wants them."""
        from botocore.credentials import Credentials

        token = self.token.reveal() if self.token else None
        return Credentials(self.access_key.reveal(), self.secret_key.reveal(), token, method="explicit")


@dataclass(frozen=True, slots=True)
class _Given:
    """A provider chain that knows these credentials and no others."""

    credentials: Any = field(repr=False)

    def load_credentials(self) -> Any:
        return self.credentials


def with_credentials(
    credentials: Any,
    settings: Aws,
    interlock: Interlock,
    *,
    heard: Heard | None = None,
    only: frozenset[str] | None = None,
) -> Session:
    """A closed session that signs with them, whoever loaded them."""
    session = working_session(settings, interlock, heard=heard, only=only)
    session.register_component("credential_provider", _Given(credentials))
    return session
