"""The connection parameters of libpq, every one that an environment variable could set given explicitly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runbook.engine.ports import Secret
from runbook.estate.ports import Endpoint

CONNECT_TIMEOUT_S: Final = 5

# `t::text` depends on these, so a row's text would hash differently under another person's settings.
TEXT_SETTINGS: Final = (
    "TimeZone=UTC",
    "DateStyle=ISO,MDY",
    "IntervalStyle=postgres",
    "extra_float_digits=1",
    "bytea_output=hex",
)
_NEVER_EMPTY: Final[Mapping[str, str]] = {  # these have no default that could be said, and "" means something else
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
    "require_auth": "scram-sha-256,md5,password",
}
_READ_ONLY: Final = "default_transaction_read_only=on"
_ALL_ROWS: Final = "row_security=off"  # a policy that would hide rows is an error instead

# libpq sends PGTZ and PGDATESTYLE beside `options`, and the server lets them win: set once more after connecting.
PIN_AGAIN: Final = "set timezone to 'UTC'; set datestyle to 'ISO, MDY'"
_TIMED_SINCE: Final = 170000  # from then on a server can end whole transactions, and every statement is one


def conninfo(
    endpoint: Endpoint,
    *,
    user: str,
    database: str,
    password: Secret,
    ca_file: Path | None,
    timeout_s: int,
    read_only: bool = True,
) -> str:
    """The whole connection string, the password in it; `timeout_s` is for each statement.

    Without a CA file only the public authorities are trusted, which are not those of RDS.
    """
    from psycopg.conninfo import make_conninfo

    explicit = {
        "host": endpoint.host,
        "hostaddr": endpoint.hostaddr or "",
        "port": str(endpoint.port),
        "user": user,
        "dbname": database,
        "password": password.reveal(),
        "passfile": os.devnull,
        "sslmode": "verify-full",
        "sslrootcert": str(ca_file) if ca_file else _public_authorities(),
        "sslcertmode": "disable",  # no client certificate from the home folder
        "gssencmode": "disable",
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        "keepalives_idle": "30",  # a dead peer is noticed although a long scan says nothing for hours
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "60000",
        "client_encoding": "utf8",
        "application_name": "runbook",
        "options": _options(timeout_s, read_only=read_only),
    }
    return make_conninfo(**_compiled_defaults() | explicit)


def pinned(server_version: int) -> str:
    """Statements for every new connection; only our own timeout, for each statement, ends what we ask."""
    return f"{PIN_AGAIN}; set transaction_timeout = 0" if server_version >= _TIMED_SINCE else PIN_AGAIN


def forget_service() -> None:
    """Drop `PGSERVICE` from this process: libpq fails on an unknown service, and no parameter says "none"."""
    os.environ.pop("PGSERVICE", None)


def _options(timeout_s: int, *, read_only: bool) -> str:
    safe = (_READ_ONLY, _ALL_ROWS) if read_only else (_ALL_ROWS,)
    settings = (f"statement_timeout={timeout_s * 1000}", *safe, *TEXT_SETTINGS)
    return " ".join(f"-c {setting}" for setting in settings)


def _compiled_defaults() -> dict[str, str]:
    """libpq's own default for each parameter whose environment variable is set."""
    from psycopg.pq import Conninfo

    set_outside = [o for o in Conninfo.get_defaults() if o.envvar and o.envvar.decode() in os.environ]
    defaults = {option.keyword.decode(): (option.compiled or b"").decode() for option in set_outside}
    defaults.pop("service", None)
    return defaults | {name: value for name, value in _NEVER_EMPTY.items() if name in defaults}


def _public_authorities() -> str:
    import certifi

    return certifi.where()
