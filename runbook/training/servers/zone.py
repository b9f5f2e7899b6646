"""The practice zone at the edge network: one state that its API changes and its edge and name servers obey."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ZONE = "clinic.test"
HOSTNAME = "app.clinic.test"
ORIGIN = "p01--web--clinic-staging.code.practice.test"
OLD_ORIGIN = "p01--web--clinic-old.code.practice.test"
EDGE_ADDRESS = "127.0.0.1"
ORIGIN_ADDRESSES = {ORIGIN: "192.0.2.80", OLD_ORIGIN: "192.0.2.81"}  # documentation addresses: never connected to
NAME_SERVERS = ("ada.ns.practice.test", "bob.ns.practice.test")
RANGES = ("127.0.0.0/8",)

MANAGED_PHASE = "http_request_firewall_managed"
CUSTOM_PHASE = "http_request_firewall_custom"
MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"
CANARY_PATH = "/__waf-canary"
_PATH_IS = re.compile(r'\(*\s*http\.request\.uri\.path eq "([^"]+)"\s*\)*')


def new_id() -> str:
    """An id as the provider makes them: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def stamp() -> str:
    """Now, in the provider's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Record:
    """One DNS record; only `content`, `proxied`, `ttl` and `comment` change."""

    name: str
    type: str
    content: str
    proxied: bool
    ttl: int = 1
    comment: str | None = None
    id: str = field(default_factory=new_id)
    modified: str = field(default_factory=stamp)


@dataclass
class Ruleset:
    """The entry point of one phase; every change makes a new version."""

    phase: str
    rules: list[dict[str, Any]]
    version: int = 1
    id: str = field(default_factory=new_id)
    updated: str = field(default_factory=stamp)

    def replace(self, rules: list[dict[str, Any]]) -> None:
        """Put these rules in place of all there were."""
        self.rules = rules
        self.version += 1
        self.updated = stamp()


def rule(given: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as the provider stores it: with id, ref, version and time."""
    chosen = str(given.get("id") or new_id())
    return {"enabled": True, **given, "id": chosen, "ref": given.get("ref", chosen), "version": "1",
            "last_updated": stamp()}  # fmt: skip


MANAGED_RULE: Mapping[str, Any] = {
    "action": "execute",
    "action_parameters": {"id": MANAGED_RULESET, "version": "latest"},
    "expression": "true",
    "description": "Deploy Cloudflare Managed Ruleset",
    "enabled": True,
}
CANARY_RULE: Mapping[str, Any] = {
    "action": "block",
    "expression": f'(http.request.uri.path eq "{CANARY_PATH}")',
    "description": "Canary: shows that the rules engine is in the path",
    "enabled": True,
}


class Zone:
    """State and judgement; every access goes through `locked()` or a method that locks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.id = new_id()
        self.account = new_id()
        self.status = "active"
        self.paused = False
        self.settings: dict[str, Any] = {"security_level": "medium", "development_mode": "off"}
        # before the restore: the name points to what was lost, and visitors reach it unprotected
        self.records = [Record(HOSTNAME, "CNAME", OLD_ORIGIN, proxied=False, comment="Northflank origin")]
        self.rulesets = {
            MANAGED_PHASE: Ruleset(MANAGED_PHASE, [rule(MANAGED_RULE)], version=3),
            CUSTOM_PHASE: Ruleset(CUSTOM_PHASE, [rule(CANARY_RULE)], version=2),
        }
        self._stale_answers = 0

    @contextmanager
    def locked(self) -> Iterator[Zone]:
        """The state, to read or change it as one step."""
        with self._lock:
            yield self

    # -- what edge and name servers ask -------------------------------------------------------------------------
    def record(self, name: str) -> Record | None:
        """The record of that name."""
        with self._lock:
            return next((one for one in self.records if one.name == name), None)

    def serves(self, name: str) -> str | None:
        """The origin that visitors of `name` are taken to through the edge; None when they do not pass it."""
        with self._lock:
            found = self.record(name)
            through = found is not None and found.proxied and self.status == "active" and not self.paused
            return found.content if found is not None and through else None

    def blocks(self, path: str, everything: str) -> bool:
        """Whether a rule blocks a request; `everything` is its target, headers and body in one text."""
        with self._lock:
            custom = self.rulesets.get(CUSTOM_PHASE)
            managed = self.rulesets.get(MANAGED_PHASE)
            by_own = any(_matches(one, path) for one in (custom.rules if custom else ()))
            by_managed = any(_is_managed(one) for one in (managed.rules if managed else ()))
        return by_own or (by_managed and ("${jndi:" in everything or "<script>" in everything))

    def answer(self, name: str, *, public: bool) -> tuple[Record | None, bool]:
        """The record and whether the edge's address is given for it; a public resolver may still be stale."""
        with self._lock:
            if public and self._stale_answers > 0 and name == HOSTNAME:
                self._stale_answers -= 1
                return Record(name, "CNAME", OLD_ORIGIN, proxied=False), False
            return self.record(name), self.serves(name) is not None

    # -- faults -------------------------------------------------------------------------------------------------
    def drop_protection(self, *, managed: bool, canary: bool) -> None:
        """Somebody switched the managed rules off and deleted the canary rule while hunting a bug."""
        with self._lock:
            if managed and MANAGED_PHASE in self.rulesets:
                ruleset = self.rulesets[MANAGED_PHASE]
                ruleset.replace([{**one, "enabled": False} for one in ruleset.rules])
            if canary and CUSTOM_PHASE in self.rulesets:
                ruleset = self.rulesets[CUSTOM_PHASE]
                ruleset.replace([one for one in ruleset.rules if not _matches(one, CANARY_PATH)])

    def go_stale(self, answers: int = 3) -> None:
        """The record names the old origin; public resolvers say so for that many answers more, whatever is set."""
        with self._lock:
            self.records[0].content, self.records[0].proxied = OLD_ORIGIN, False
            self._stale_answers = answers


def _matches(one: Mapping[str, Any], path: str) -> bool:
    """Only the expression `http.request.uri.path eq "…"` is understood; any other matches nothing here."""
    found = _PATH_IS.fullmatch(str(one.get("expression", "")))
    return bool(one.get("enabled", True)) and one.get("action") == "block" and bool(found) and found[1] == path  # type: ignore[index]


def _is_managed(one: Mapping[str, Any]) -> bool:
    parameters = one.get("action_parameters") or {}
    return bool(one.get("enabled", True)) and one.get("action") == "execute" and parameters.get("id") == MANAGED_RULESET
