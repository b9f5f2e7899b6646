"""boto3 clients that cannot be led astray: one for each service, made when first used, each behind the interlock.

Nothing of the machine's AWS set-up reaches them: no configuration file, no profile, no `AWS_ENDPOINT_URL*`, no proxy,
no CA bundle variable; endpoint and credentials are given, and the endpoint is asserted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, overload
from urllib.parse import urlsplit

from runbook.config import Aws
from runbook.engine.errors import Refused
from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.safety.interlock import Interlock, is_loopback

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

ServiceName = Literal["sts", "s3", "kms", "rds"]

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 60
# With pauses of up to 20 s between them.  STS is the heartbeat: it should say soon that AWS cannot be reached.
ATTEMPTS: Final[Mapping[ServiceName, int]] = {"sts": 3, "s3": 8, "kms": 8, "rds": 8}


class AwsAccess:
    """Clients for one account and one session; thread-safe, as the clients are.

    Endpoints are `config.endpoint` (practice estate, emulator) or AWS's regional ones.  S3 is addressed by path, so
    that every call goes to a host that the interlock can name.
    """

    def __init__(  # noqa: PLR0917 - the account, the three parts of a session, and what every adapter is given
        self,
        config: Aws,
        access_key: Secret,
        secret_key: Secret,
        session_token: Secret | None,
        interlock: Interlock,
        door: Door,
    ) -> None:
        self.settings = config
        self.interlock = interlock
        self.door = door
        self._credentials = (access_key, secret_key, session_token)
        self._clients: dict[str, Any] = {}
        self._session: boto3.Session | None = None
        self._lock = Lock()

    @property
    def loopback(self) -> bool:
        """True when the endpoint is on this machine, so not AWS's own."""
        return is_loopback(urlsplit(self.endpoint("sts")).hostname or "")

    def endpoint(self, service: ServiceName) -> str:
        """The address every call of that service goes to."""
        if self.settings.endpoint is not None:
            return self.settings.endpoint.rstrip("/")
        suffix = "amazonaws.com.cn" if self.settings.region.startswith("cn-") else "amazonaws.com"
        return f"https://{service}.{self.settings.region}.{suffix}"

    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["kms"]) -> KMSClient: ...
    @overload
    def client(self, service: Literal["rds"]) -> RDSClient: ...
    def client(self, service: ServiceName) -> Any:
        """The one client of that service; call it inside the door, making one takes a moment."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def _make(self, service: ServiceName) -> Any:
        endpoint = self.endpoint(service)
        if self._session is None:
            self._session = _isolated_session(self.settings.region, *self._credentials)
        client: Any = self._session.client(
            service, endpoint_url=endpoint, verify=_authorities(), config=_client_config(ATTEMPTS[service])
        )
        if client.meta.endpoint_url != endpoint:
            raise Refused(f"the {service} client would call {client.meta.endpoint_url}, not {endpoint}")
        client.meta.events.register_first("before-send", self._about_to_send)
        return client

    def _about_to_send(self, request: Any, event_name: str, **_: Any) -> None:
        """Asked for every attempt, retries and S3's own redirects too, with the address really called."""
        service, operation = event_name.split(".")[1:]
        self.interlock.check_named(f"{service}:{operation}", urlsplit(request.url).hostname or "")


def _authorities() -> str:
    """Mozilla's bundle by path: `REQUESTS_CA_BUNDLE` and `AWS_CA_BUNDLE` only apply where none is given."""
    import certifi

    return certifi.where()


def _client_config(attempts: int) -> Config:
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        proxies={},  # given and empty: the environment's are not looked for
        s3={"addressing_style": "path"},
        max_pool_connections=24,
        tcp_keepalive=True,
        user_agent_extra="runbook",
    )


def _isolated_session(region: str, access_key: Secret, secret_key: Secret, token: Secret | None) -> boto3.Session:
    """A session whose variables have no environment variable and no configuration file to be read from."""
    import boto3
    from botocore import session as core

    variables: dict[str, Any] = {
        name: (None, None, default, conversion)
        for name, (_file, _variable, default, conversion) in core.Session.SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        variables[file] = (None, None, os.devnull, None)
    return boto3.Session(
        aws_access_key_id=access_key.reveal(),
        aws_secret_access_key=secret_key.reveal(),
        aws_session_token=token.reveal() if token else None,
        region_name=region,
        botocore_session=core.Session(session_vars=variables),
    )
