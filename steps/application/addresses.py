"""Addresses in a secret group: what of one is no secret, and the same one led elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, unquote

from runbook.safety.outside_text import outside_text

_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z0-9+.-]+)://(?:(?P<login>[^/?]*)@)?(?P<at>[^/?@]*)(?P<path>[^?]*)(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_AT: Final = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d{1,5})?")
_HOSTADDR: Final = re.compile(r"[0-9A-Fa-f.:]*")
_WEB: Final = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")
_ROUTE: Final = {"host", "port"}  # options by which libpq would go elsewhere than the address says
_PASSWORDS: Final = {"password", "sslpassword"}
_PORT: Final = 5432  # where the address names none


class Unusable(Exception):
    """Why an address cannot be used, in words that follow its name; never a part of its value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database URL leads (`at` is HOST[:PORT] as written) and under which name; "" where it does not say."""

    at: str
    hostaddr: str = ""
    application_name: str = ""

    @property
    def host(self) -> str:
        """In small letters, without a port and without brackets."""
        return self._parts[0].strip("[]").rstrip(".").lower()

    @property
    def port(self) -> int:
        """As it says, or PostgreSQL's own."""
        return int(self._parts[1] or _PORT)

    @property
    def _parts(self) -> tuple[str, str]:
        host, colon, port = self.at.rpartition(":")
        return (host, port) if colon and not port.endswith("]") else (self.at, "")

    @property
    def words(self) -> str:
        """What may be shown and written down."""
        return f"{self.at} as {self.application_name or 'nobody'}"


def place_of(url: str) -> Place:
    """The parts that are no secret, enough to lead it back; Unusable for what is no plain postgres:// URL."""
    parts = _parts(url)
    options = dict(map(_option, parts.options))
    place = Place(parts.at, options.get("hostaddr", ""), options.get("application_name", ""))
    if not _HOSTADDR.fullmatch(place.hostaddr):
        raise Unusable("has a hostaddr that is no address")
    if outside_text(place.application_name, 63) != place.application_name:
        raise Unusable("has an application_name that cannot be written down")
    return place


def led_to(url: str, place: Place) -> str:
    """The same URL with everything but the parts of `place` kept to the letter; what is "" in it is left out.

    Led back to its own `place_of` it is the same to the letter, as long as its hostaddr and application_name were
    not empty and escaped as `quote` does it, and its query was not an empty one; in any case it leads the same way.
    """
    parts = _parts(url)
    query = _with(parts.options, {"hostaddr": place.hostaddr, "application_name": place.application_name})
    return f"{parts.scheme}://{parts.login}{place.at}{parts.path}{'?' if query else ''}{query}"


def passwords(url: str) -> set[str]:
    """Every password in it, as it is written and as it is meant; of one that cannot be used, none is known."""
    parts = _parts(url)
    login = parts.login.removesuffix("@").partition(":")[2]
    written = [login, *(option.partition("=")[2] for option in parts.options if _option(option)[0] in _PASSWORDS)]
    return {form for each in written for form in (each, unquote(each)) if form}


def web_address(value: str) -> str:
    """The address as it is, "" too; Unusable unless it is http(s) without user, query and fragment."""
    if value and not _WEB.fullmatch(value):
        raise Unusable("is no plain http(s) address")
    return value


def on_this_machine(address: str) -> bool:
    """Whether that IP address is a loopback one; what is no address is not."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


# -- its parts ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, repr=False)
class _Parts:
    """As they are written; `login` with its "@", or ""."""

    scheme: str
    login: str
    at: str
    path: str
    options: tuple[str, ...]


def _parts(url: str) -> _Parts:
    found = _URL.fullmatch(url)
    if found is None or found["scheme"].lower().partition("+")[0] not in {"postgres", "postgresql"}:
        raise Unusable("is no postgres:// URL")
    login, query = found["login"], found["query"] or ""
    _readable(found["path"] + query, url)
    parts = _Parts(
        found["scheme"],
        "" if login is None else f"{login}@",
        found["at"],
        found["path"],
        tuple(query.split("&")) if query else (),
    )
    _leads_by_its_address(parts)
    return parts


def _readable(behind: str, url: str) -> None:
    """No unescaped character may cut user and password short: the host would be a part of a secret."""
    if "@" in behind or "#" in url:
        raise Unusable("is no URL that can be read: a / ? # or @ in a password has to be written %2F, %3F, %23, %40")
    if not url.isprintable():
        raise Unusable("has a line break or another control character in it")


def _leads_by_its_address(parts: _Parts) -> None:
    """It says where it leads in one place, once."""
    if not _AT.fullmatch(parts.at):
        raise Unusable("does not name one host: postgres://user:password@HOST:PORT/database is needed")
    names = Counter(_option(each)[0] for each in parts.options)
    if _ROUTE & names.keys():
        raise Unusable("names its host or port in an option: write it into the address, //HOST:PORT/")
    for name in ("hostaddr", "application_name"):
        if names[name] > 1:
            raise Unusable(f"names {name} more than once")


def _option(option: str) -> tuple[str, str]:
    name, _, value = option.partition("=")
    return unquote(name), unquote(value)


def _with(options: tuple[str, ...], changes: Mapping[str, str]) -> str:
    """The options as they stand, those of `changes` replaced where they stand, left out, or added at the end."""
    left, kept = dict(changes), []
    for option in options:
        name, value = _option(option)
        if name not in changes:
            kept.append(option)
        elif wanted := left.pop(name):
            kept.append(option if value == wanted else f"{name}={quote(wanted, safe='')}")
    return "&".join([*kept, *(f"{name}={quote(value, safe='')}" for name, value in left.items() if value)])
