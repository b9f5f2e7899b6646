"""botocore sessions that cannot be led astray, each behind the interlock.

Nothing of the machine's AWS set-up reaches the sessions that do the work: no configuration file, no profile, no
description of a service, no `AWS_ENDPOINT_URL*`, no proxy, no CA bundle variable.  A session that only loads
credentials may read what its way of signing in needs (`Reads`); its own clients (the portal of IAM Identity Center,
STS) stay just as closed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runbook.config import Aws
from runbook.engine.errors import Refused
from runbook.estate.aws import descriptions, sent
from runbook.estate.aws.repeated import Repeated
from runbook.safety.bounds import place
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 60
ATTEMPTS: Final = 3

IDENTITY: Final = "sts:GetCallerIdentity"

Heard = Callable[[str, str], None]
"""Told of every refusal that a session's clients hear: operation (`s3:GetObject`) and AWS's code."""

_FILES: Final = ("config_file", "credentials_file")
_CHAIN: Final = (
    "profile",
    "metadata_service_timeout",
    "metadata_service_num_attempts",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "imds_use_ipv6",
)


@dataclass(frozen=True, slots=True)
class Reads:
    """What of the machine may count when credentials are loaded.

    `config_file` stands for the operator's two files (~/.aws/config and credentials, wherever AWS_CONFIG_FILE and
    AWS_SHARED_CREDENTIALS_FILE say they are).  `chain`: AWS_PROFILE and the metadata service's variables count too.
    """

    profile: str | None = None
    config_file: Path | None = None
    chain: bool = False


def working_session(
    settings: Aws, interlock: Interlock, *, heard: Heard | None = None, only: frozenset[str] | None = None
) -> Session:
    """A session for the work itself; it has no credentials yet.  `only`: the operations that it may call at all."""
    variables = _closed()
    for file in _FILES:
        variables[file] = (None, None, os.devnull, None)
    return _session(variables, settings, _Hooks(interlock, heard, only))


def loading_session(settings: Aws, interlock: Interlock, reads: Reads, *, heard: Heard | None = None) -> Session:
    """A session that botocore's providers load credentials with, and call for them where they have to."""
    variables = _closed()
    if reads.config_file is None:
        variables |= _botocores_own(*_FILES)
    else:
        variables["config_file"] = (None, None, str(reads.config_file), None)
        variables["credentials_file"] = (None, None, os.devnull, None)
    if reads.chain and reads.config_file is None:
        variables |= _botocores_own(*_CHAIN)
    session = _session(variables, settings, _Hooks(interlock, heard, None), reads.profile)
    session.set_default_client_config(client_config(ATTEMPTS))
    return session


def client_config(attempts: int) -> Config:
    """How our clients call: time limits, attempts, no proxy; S3 by path, so that the interlock can name the host."""
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


def _botocores_own(*names: str) -> dict[str, Any]:
    from botocore.session import Session

    return {name: Session.SESSION_VARIABLES[name] for name in names}


def _closed() -> dict[str, Any]:
    """Every variable of a session without its environment variable and without its place in the configuration file."""
    from botocore.session import Session

    variables: dict[str, Any] = {
        name: (None, None, default, conversion)
        for name, (_file, _variable, default, conversion) in Session.SESSION_VARIABLES.items()
    }
    return variables | {"ignore_configured_endpoint_urls": (None, None, True, None)}


def _session(variables: Mapping[str, Any], settings: Aws, hooks: _Hooks, profile: str | None = None) -> Session:
    """The hooks hang on the session, so that every client has them: ours, and those that botocore makes for itself."""
    import certifi
    from botocore.session import Session

    class Isolated(Session):
        """Every client has Mozilla's bundle and, in the practice estate, the practice endpoint."""

        def create_client(self, *args: Any, **given: Any) -> Any:
            given["verify"] = given.get("verify") or certifi.where()
            if settings.endpoint is not None:
                given["endpoint_url"] = settings.endpoint.rstrip("/")
            return super().create_client(*args, **given)

    session = Isolated(session_vars=dict(variables), profile=profile)
    session.register_component("data_loader", descriptions.shared())
    session.set_config_variable("region", settings.region)
    emitter = session.get_component("event_emitter")
    emitter.register_first("before-send", hooks.about_to_send)
    emitter.register("after-call", hooks.answered)
    repeated = Repeated()
    emitter.register("before-send", repeated.about_to_send)
    emitter.register("before-parse", repeated.answered)
    return session


class _Hooks:
    """One session's: what its clients send is judged, and what AWS says of it is remembered."""

    def __init__(self, interlock: Interlock, heard: Heard | None, only: frozenset[str] | None) -> None:
        self._interlock = interlock
        self._heard = heard
        self._only = only
        self._account = ""  # as STS said when it was asked with this session

    def about_to_send(self, request: Any, event_name: str, **_: Any) -> None:
        """Asked for every attempt, retries and S3's own redirects too, with the address and the body really sent."""
        operation = _operation(event_name)
        if self._only is not None and operation not in self._only:
            raise Refused(f"{operation} may not be called with this session: it is for signing in or reading only")
        host, port = place(request.url)
        given = sent.parameters(operation, request)
        secured = request.url.startswith("https:")
        self._interlock.check_named(operation, host, port=port, given=given, account=self._account, secured=secured)

    def answered(self, parsed: Mapping[str, Any], event_name: str, **_: Any) -> None:
        operation = _operation(event_name)
        if code := parsed.get("Error", {}).get("Code"):
            if self._heard is not None:
                self._heard(operation, str(code))
            return
        if operation == IDENTITY:
            self._account = str(parsed.get("Account", ""))
        sent.learn(self._interlock.learned, operation, parsed)


def _operation(event_name: str) -> str:
    """`before-send.s3.GetObject` → `s3:GetObject`."""
    _event, service, operation = event_name.split(".")
    return f"{service}:{operation}"
