"""AWS clients for one account: one for each service, made when first used, of the session that is signed in now.

Endpoint and credentials are given and asserted; what a session may read and whom it asks first: `isolation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, overload
from urllib.parse import urlsplit

from runbook.config import Aws
from runbook.engine.errors import Refused
from runbook.estate.aws import places
from runbook.estate.aws.errors import asking
from runbook.estate.aws.isolation import client_config, working_session
from runbook.estate.door import Door
from runbook.safety.bounds import is_loopback
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

ServiceName = Literal["sts", "s3", "kms", "rds", "ec2", "iam", "sso-admin"]

# With pauses of up to 20 s between them.  STS is the heartbeat: it should say soon that AWS cannot be reached.
ATTEMPTS: Final[Mapping[ServiceName, int]] = {"sts": 3, "s3": 8, "kms": 8, "rds": 8, "ec2": 8, "iam": 8, "sso-admin": 3}


@dataclass(frozen=True, slots=True)
class Signed:
    """A session that is signed in; another `number` is another session, and its clients are other clients."""

    number: int
    session: Session = field(repr=False)


class SignedInNow(Protocol):
    """Whoever knows the session that calls are made with at this moment: `sign_in.AwsSignIn`."""

    def current(self, service: ServiceName) -> Signed:
        """Blocking, from any thread; SignedOut where there is no session, NoVerdict where none can be loaded."""
        ...

    @property
    def home_region(self) -> str:
        """The Region that IAM Identity Center lives in."""
        ...


class AwsAccess:
    """Clients for one account; thread-safe, as the clients are.

    Endpoints are `config.endpoint` (practice estate, emulator) or AWS's own, for the Region.
    """

    def __init__(self, config: Aws, signed_in: SignedInNow, interlock: Interlock, door: Door) -> None:
        self.settings = config
        self.interlock = interlock
        self.door = door
        self._signed_in = signed_in
        self._number = -1
        self._clients: dict[str, Any] = {}
        self._lock = Lock()
        self._named: set[int] = set()  # sessions that STS was asked about
        self._naming = Lock()

    @property
    def loopback(self) -> bool:
        """True when the endpoint is on this machine, so not AWS's own."""
        return is_loopback(urlsplit(self.endpoint("sts")).hostname or "")

    def endpoint(self, service: ServiceName) -> str:
        """The address every call of that service goes to."""
        if self.settings.endpoint is not None:
            return self.settings.endpoint.rstrip("/")
        return places.endpoint(service, self.region(service))

    def region(self, service: ServiceName) -> str:
        """Where that service is: IAM Identity Center answers in its own Region only."""
        return self._signed_in.home_region if service == "sso-admin" else self.settings.region

    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["kms"]) -> KMSClient: ...
    @overload
    def client(self, service: Literal["rds"]) -> RDSClient: ...
    @overload
    def client(self, service: Literal["ec2", "iam", "sso-admin"]) -> Any: ...
    def client(self, service: ServiceName) -> Any:
        """The one client of that service in the present session; call it inside the door, making one takes a moment.

        SignedOut where there is no session.
        """
        signed = self._signed_in.current(service)
        if service == "rds" and self.interlock.asks_who_signs:
            self._name(signed)
        with self._lock:
            if signed.number < self._number:  # replaced while we waited
                signed = self._signed_in.current(service)
            if signed.number != self._number:
                self._number, self._clients = signed.number, {}
            if service not in self._clients:
                self._clients[service] = self._make(service, signed.session)
            return self._clients[service]

    def _name(self, signed: Signed) -> None:
        """Before anything can be changed STS says whose session this is: the interlock's hooks hear it."""
        with self._naming:
            if signed.number not in self._named:
                with asking("sts:GetCallerIdentity"):
                    self._make("sts", signed.session).get_caller_identity()
                self._named.add(signed.number)

    def unsigned_sts(self) -> Any:
        """STS without anybody's signature: it refuses the call, and its refusal carries the provider's time."""
        from botocore import UNSIGNED
        from botocore.config import Config

        session = working_session(self.settings, self.interlock, only=frozenset({"sts:GetCallerIdentity"}))
        session.set_default_client_config(Config(signature_version=UNSIGNED))
        region = places.signing_region("sts", self.region("sts"))
        return make_client(session, "sts", region, self.endpoint("sts"), ATTEMPTS["sts"])

    def _make(self, service: ServiceName, session: Session) -> Any:
        region = places.signing_region(service, self.region(service))
        return make_client(session, service, region, self.endpoint(service), ATTEMPTS[service])


def make_client(session: Session, service: str, region: str, endpoint: str, attempts: int) -> Any:
    """A client of an isolated session, whose endpoint is the one asked for; else Refused."""
    client: Any = session.create_client(
        service, region_name=region, endpoint_url=endpoint, config=client_config(attempts)
    )
    if client.meta.endpoint_url != endpoint:
        raise Refused(f"the {service} client would call {client.meta.endpoint_url}, not {endpoint}")
    return client
