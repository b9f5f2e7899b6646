"""Credentials in hand, and a closed session that works with them."""

from __future__ import annotations

from collections.abc import Callable
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


class _Guarded:
    """Credentials as they are, whose keys are told to the guard before they sign: some renew themselves."""

    def __init__(self, credentials: Any, guard: Callable[[Secret], None]) -> None:
        self._credentials = credentials
        self._guard = guard

    def get_frozen_credentials(self) -> Any:
        frozen = self._credentials.get_frozen_credentials()
        for key in (frozen.access_key, frozen.secret_key, frozen.token):
            self._guard(Secret(key or ""))
        return frozen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._credentials, name)


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
    session.register_component("credential_provider", _Given(_Guarded(credentials, interlock.guard)))
    return session
