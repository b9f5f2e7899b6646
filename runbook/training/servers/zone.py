"""The practice zone at the edge network: one state that its API changes and its edge and name servers obey."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runbook.training.servers import firewall
from runbook.training.servers.firewall import CUSTOM_PHASE, MANAGED_PHASE, MANAGED_RULESET, Visit

ZONE = "clinic.test"
HOSTNAME = "app.clinic.test"
API_HOSTNAME = "api.clinic.test"
HOSTNAMES = (HOSTNAME, API_HOSTNAME)
STATUS_PAGE = "status.clinic.test"
ORIGIN = "p01--web--clinic-staging.code.practice.test"
OLD_ORIGIN = "p01--web--clinic-old.code.practice.test"
EDGE_ADDRESS = "127.0.0.1"
ORIGIN_ADDRESSES = {ORIGIN: "192.0.2.80", OLD_ORIGIN: "192.0.2.81"}  # documentation addresses: nothing listens there
NAME_SERVERS = ("ada.ns.practice.test", "bob.ns.practice.test")
RANGES = ("127.0.0.0/8",)

CANARY_PATH = "/__waf-canary"
SECURITY_LEVELS = ("off", "essentially_off", "low", "medium", "high", "under_attack")
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})


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


def rule(given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A rule as the provider stores it: with id, ref, version and time; `before` is the one that it replaces."""
    chosen = str((before or given).get("id") or new_id())
    version = int(before["version"]) + 1 if before is not None else 1
    known = {"id": chosen, "ref": given.get("ref", chosen), "version": str(version), "last_updated": stamp()}
    return {"enabled": True, **given, **known}


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


def _records() -> list[Record]:
    """Before the restore: both names point to what was lost, and visitors reach it unprotected."""
    lost = [Record(name, "CNAME", OLD_ORIGIN, proxied=False, comment="Northflank origin") for name in HOSTNAMES]
    others = [
        Record(STATUS_PAGE, "A", "192.0.2.90", proxied=False, ttl=3600, comment="status page, hosted elsewhere"),
        Record(ZONE, "TXT", '"v=spf1 -all"', proxied=False, ttl=3600),
    ]
    return lost + others


def _unprotected(phase: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is left of a phase's rules: the managed ones are off, of the others the canary's is gone."""
    if phase == MANAGED_PHASE:
        return [{**one, "enabled": False} for one in rules]
    return [one for one in rules if one["expression"] != CANARY_RULE["expression"]]


class Zone:
    """State and judgement; every access goes through `locked()` or a method that locks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.id = new_id()
        self.account = new_id()
        self.status = "active"
        self.paused = False
        self.settings: dict[str, str] = {"security_level": "medium", "development_mode": "off"}
        self.records = _records()
        self.rulesets = {
            MANAGED_PHASE: Ruleset(MANAGED_PHASE, [rule(MANAGED_RULE)], version=3),
            CUSTOM_PHASE: Ruleset(CUSTOM_PHASE, [rule(CANARY_RULE)], version=2),
        }
        self._stale_answers: dict[str, int] = {}

    @contextmanager
    def locked(self) -> Iterator[Zone]:
        """The state, to read or change it as one step."""
        with self._lock:
            yield self

    # -- what edge and name servers ask -------------------------------------------------------------------------
    def record(self, name: str) -> Record | None:
        """The record by which a name leads somewhere."""
        with self._lock:
            return next((one for one in self.records if one.name == name and one.type in PROXIABLE), None)

    def serves(self, name: str) -> str | None:
        """The origin that visitors of `name` are taken to through the edge; None when they do not pass it."""
        with self._lock:
            found = self.record(name)
            through = found is not None and found.proxied and self.status == "active" and not self.paused
            return found.content if found is not None and through else None

    def blocks(self, visit: Visit) -> bool:
        """Whether the firewall keeps a visit from the origin."""
        with self._lock:
            return firewall.blocks({phase: one.rules for phase, one in self.rulesets.items()}, visit)

    def challenges(self) -> bool:
        """Whether every visitor meets an interstitial page first."""
        with self._lock:
            return self.settings["security_level"] == "under_attack"

    def answer(self, name: str, *, public: bool) -> tuple[Record | None, bool]:
        """The record and whether the edge's address is given for it; a public resolver may still be stale."""
        with self._lock:
            left = self._stale_answers.get(name, 0)
            if public and left > 0:
                self._stale_answers[name] = left - 1
                return Record(name, "CNAME", OLD_ORIGIN, proxied=False), False
            return self.record(name), self.serves(name) is not None

    # -- faults -------------------------------------------------------------------------------------------------
    def drop_protection(self, *, managed: bool = True, canary: bool = True, never_configured: bool = False) -> None:
        """Somebody switched the managed rules off and deleted the canary rule while hunting a bug.

        `never_configured`: those phases never had a rule, and have no entry point (10003).
        """
        with self._lock:
            for phase in [*[MANAGED_PHASE] * managed, *[CUSTOM_PHASE] * canary]:
                if never_configured:
                    self.rulesets.pop(phase, None)
                elif phase in self.rulesets:
                    self.rulesets[phase].replace(_unprotected(phase, self.rulesets[phase].rules))

    def go_stale(self, answers: int = 3) -> None:
        """The records name the old origin; public resolvers say so that many times more of each, whatever is set."""
        with self._lock:
            for one in self.records:
                if one.name in HOSTNAMES:
                    one.content, one.proxied = OLD_ORIGIN, False
            self._stale_answers = dict.fromkeys(HOSTNAMES, answers)

    def pause(self) -> None:
        """Names resolve to their origins, nothing is protected."""
        with self._lock:
            self.paused = True

    def set_security_level(self, level: str) -> None:
        """ValueError names the levels that there are."""
        if level not in SECURITY_LEVELS:
            raise ValueError(f"no security level {level!r}; known: {', '.join(SECURITY_LEVELS)}")
        with self._lock:
            self.settings["security_level"] = level
