"""How the practice cloud is disposed today: what the fault deck changes in the AWS server, and its refusals."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field, fields, replace
from http import HTTPStatus
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

from runbook.training.servers.aws_names import VAULT_KEY
from runbook.training.servers.aws_replies import Reply

SCOPE = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
_OBJECT = re.compile(r"/[^/]+/.+")


@dataclass(frozen=True, slots=True)
class Mood:
    """The state of the practice cloud; its defaults are good weather.  Times in seconds."""

    clock_offset: float = 0.0
    restore_seconds: float = 2.0
    restore_ends_as: str = "available"
    delete_seconds: float = 0.4
    reset_seconds: float = 0.4
    protect_restored: bool = False
    kms_denied: bool = False
    vault_kms_denied: bool = False
    expired_keys: tuple[str, ...] = ()
    denied_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denial:
    """An error in AWS's words."""

    status: HTTPStatus
    code: str
    message: str

    def reply(self, service: str) -> Reply:
        """As an answer of that service."""
        return Reply(self.status, *self.written(service))

    def written(self, service: str) -> tuple[str, bytes]:
        """Content type and body, in the protocol of that service."""
        code, message = escape(self.code), escape(self.message)
        if service in {"kms", "sso"}:
            document = {"__type": self.code, "message": self.message}
            return "application/x-amz-json-1.1", json.dumps(document).encode()
        if service == "s3":
            return "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        return "text/xml", (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
        ).encode()


_EXPIRED = Denial(HTTPStatus.BAD_REQUEST, "ExpiredToken", "The security token included in the request is expired")
_VAULT_DENIED = Denial(
    HTTPStatus.BAD_REQUEST,
    "AccessDeniedException",
    "User: arn:aws:iam::111122223333:user/vault is not authorized to perform: kms:Decrypt on this resource because no "
    "identity-based policy allows the kms:Decrypt action",
)
_THROTTLED = Denial(HTTPStatus.BAD_REQUEST, "Throttling", "Rate exceeded")
_UNAVAILABLE = Denial(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "Service is unable to handle request.")


@dataclass
class Weather:
    """The mood, changed from one thread and read from many, and the calls that are still to be refused."""

    now: Mood = field(default_factory=Mood)
    _rough_calls: int = 0
    _lock: Lock = field(default_factory=Lock)

    def change(self, **changes: Any) -> None:
        """Change parts of the mood; `rough_calls` is how many of the next RDS calls are throttled or fail."""
        with self._lock:
            self._rough_calls = int(changes.pop("rough_calls", self._rough_calls))
            unknown = changes.keys() - {known.name for known in fields(Mood)}
            if unknown:
                raise ValueError(f"the weather has no {', '.join(sorted(unknown))}")
            self.now = replace(self.now, **changes)

    def clock(self) -> float:
        """Seconds since the epoch by the provider's clock."""
        return time.time() + self.now.clock_offset

    def denial(self, environ: dict[str, Any]) -> tuple[Denial, str] | None:
        """Why this request is refused and the service asked, or None."""
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        key, service = scope.groups() if scope else ("", "")
        if key in self.now.expired_keys:
            return _EXPIRED, service
        if key == VAULT_KEY and self.now.vault_kms_denied and environ.get("HTTP_X_AMZ_TARGET", "").endswith(".Decrypt"):
            return _VAULT_DENIED, service
        if service == "s3" and self.now.kms_denied and _reads_object(environ):
            return _no_decrypt(), service
        if service == "rds" and (rough := self._next_rough_call()):
            return (_THROTTLED if rough % 2 else _UNAVAILABLE), service
        return None

    def _next_rough_call(self) -> int:
        with self._lock:
            left = self._rough_calls
            self._rough_calls = max(0, left - 1)
            return left


def _reads_object(environ: dict[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] == "GET" and _OBJECT.fullmatch(environ.get("PATH_INFO", "")) is not None


def _no_decrypt() -> Denial:
    return Denial(
        HTTPStatus.FORBIDDEN,
        "AccessDenied",
        "User is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no "
        "identity-based policy allows the kms:Decrypt action",
    )
