"""Environment variables that lead clients elsewhere, and what this process may leave behind when it dies.

Our own clients are told everything explicitly and obey none of these variables.  They are shown all the same, since
other tools of the same shell (`aws`, `bao`, `psql`) do obey them; what would lead those to another endpoint, or past
TLS, keeps a real run from starting.  A variable's value is never shown: it may be a token.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final


def set_variables(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Names of set variables that could redirect a client, sorted."""
    shown = (*_SHOWN, *(pattern for rule in _REFUSED for pattern in rule.names))
    return tuple(sorted(name for name in environ if _matches(name, shown)))


def refusals(mode: str, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Why a run of that mode must not start in this environment, a clause for each variable; the fix is to unset it.

    Training answers (): its clients are given loopback endpoints, and it gives no command of another tool to run.
    """
    if mode == "training":
        return ()
    return tuple(
        f"{name} {rule.does} (this tool ignores it, other tools in this shell do not)"
        for name in sorted(environ)
        for rule in _REFUSED
        if _matches(name, rule.names) and rule.applies(environ[name].strip())
    )


def harden() -> tuple[str, ...]:
    """Call it first in the process, once: no core dump of it or of a child, and no file with the keys of TLS sessions.

    Answers the names of variables that were dropped.  Those of Textual are dropped by the only room that knows
    Textual, when it is imported (`screens/__init__.py`).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return tuple(name for name in _WRITES_SECRETS if os.environ.pop(name, None) is not None)


# -- which variables ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Rule:
    """Variables that keep a real run from starting when they are set to something that `applies`."""

    names: tuple[str, ...]
    applies: Callable[[str], bool]
    does: str


def _said(value: str) -> bool:
    return value != ""


def _plain_http(value: str) -> bool:
    return value.lower().startswith("http:")


def _on(value: str) -> bool:
    return value.lower() not in {"", "0", "f", "false"}


def _less_than_verified(value: str) -> bool:
    return value.lower() not in {"", "verify-full"}


_REFUSED: Final = (
    _Rule(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_*"), _said, "sends calls to AWS to another endpoint"),
    _Rule(("CLOUDFLARE_BASE_URL",), _said, "sends calls to Cloudflare to another endpoint"),
    _Rule(
        ("VAULT_ADDR", "BAO_ADDR", "VAULT_AGENT_ADDR", "BAO_AGENT_ADDR"),
        _plain_http,
        "is plain http: a share or a token sent there can be read on the way",
    ),
    _Rule(("VAULT_SKIP_VERIFY", "BAO_SKIP_VERIFY"), _on, "turns off the verification of the vault's certificate"),
    _Rule(("PGSSLMODE",), _less_than_verified, "asks for less than a verified certificate of the database"),
)

_SHOWN: Final = (
    "AWS_CA_BUNDLE",
    "AWS_USE_*_ENDPOINT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_*",
    "*_PROXY",
    "*_proxy",
    "PGHOST*",
    "PGPORT",
    "PGSSL*",
    "PGSERVICE*",
    "PGOPTIONS",
    "PGREQUIRE*",
    "PGGSS*",
    "VAULT_*",
    "BAO_*",
    "CLOUDFLARE_EMAIL",
)

_WRITES_SECRETS: Final = ("SSLKEYLOGFILE",)  # botocore, urllib3 and `ssl.create_default_context` obey it


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
