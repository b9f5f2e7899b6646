"""Addresses: https or on loopback, nothing hidden in them, and numbers where a name cannot be resolved."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from runbook.config.checks.pasted import NEVER
from runbook.config.checks.plain import Plain
from runbook.toml_file import Mistake

_BASES: Final = (
    "providers.aws.endpoint",
    "providers.northflank.api",
    "providers.github.api",
    "providers.github.registry",
    "providers.cloudflare.api",
)
_VAULTS: Final = ("production.vault.address", "staging.vault.address")
_PAGES: Final = (
    "*.vault.egress_probe",
    "*.application.services.*.health.url",
    "*.application.services.*.probe_url",
    "application.probes.*.production_url",
    "application.probes.*.staging_url",
    "*.connectivity.origins.*.url",
)
_NUMBERS: Final = (
    "*.database.hostaddr",
    "*.connectivity.authoritative.*.address",
    "*.connectivity.resolvers.*.address",
    "*.connectivity.origins.*.address",
)
_ENDPOINT: Final = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def split(url: str) -> SplitResult | None:
    """The parts of a URL, its port a number; None where it is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 and not re.search(r"[\s\x00-\x1f]", url) else None
    except ValueError:
        return None


def loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1 and `localhost`; any other name is not."""
    return host == "localhost" or (numeric(host) and ipaddress.ip_address(host).is_loopback)


def numeric(host: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def wrong_url(url: str) -> str:
    """What is wrong with the address of something that is asked, or ""."""
    parts = split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is no URL: https://HOST/…"
    if "@" in parts.netloc:
        return NEVER
    if parts.scheme == "http" and not loopback(parts.hostname):
        return "must be https: http is for loopback addresses only (the end of a tunnel)"
    return ""


def wrong_base(url: str) -> str:
    """The same for what paths are put after."""
    parts = split(url)
    if parts is not None and (parts.query or parts.fragment):
        return "must end without ? and #: paths are put after it"
    return wrong_url(url)


def wrong_vault(url: str) -> str:
    """The same for a vault: its own name and port, with TLS even through a tunnel."""
    parts = split(url)
    if wrong := wrong_base(url):
        return wrong
    if parts is not None and (parts.scheme != "https" or parts.path):
        return "must be https://HOST:PORT, without a path: TLS reaches to the vault itself, through a tunnel too"
    return ""


def wrong_number(host: str) -> str:
    """What is wrong with an address that must not be looked up, or ""."""
    return "" if numeric(host) else "must be an IP address, not a name"


def wrong_endpoint(endpoint: str) -> str:
    """What is wrong with HOST:PORT, or ""."""
    found = _ENDPOINT.fullmatch(endpoint)
    return "" if found and 0 < int(found.group(1)) < 65536 else "must be HOST:PORT"


def wrong_host(name: str) -> str:
    """What is wrong with a plain host name, or ""."""
    return "" if _NAME.fullmatch(name) else "must be a host name, without https:// and without a port"


_JUDGED: Final[tuple[tuple[tuple[str, ...], Callable[[str], str]], ...]] = (
    (_BASES, wrong_base),
    (_VAULTS, wrong_vault),
    (_PAGES, wrong_url),
    (_NUMBERS, wrong_number),
    (("production.vault.endpoints.*",), wrong_endpoint),
    (("production.database.host", "*.vault.database_host", "*.connectivity.zone"), wrong_host),
)


def _wrong(file: Plain) -> Iterator[Mistake]:
    for patterns, judge in _JUDGED:
        for loc, value in file.texts(*patterns):
            if what := judge(value):
                yield Mistake(loc, what)


CHECKS: Final = (_wrong,)
