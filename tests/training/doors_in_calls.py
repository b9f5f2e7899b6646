"""What a recorded run asked of its providers, and whether a door was opened before the firewall was seen on."""

from __future__ import annotations

import re

from runbook.training.servers.firewall import MANAGED_PHASE
from tests.support.recording import Book, Exchange

_CALLS = {
    "secret group": r"/v1/projects/[^/]+/secrets/[^/]+",
    "service": r"/v1/projects/[^/]+/services/deployment/[^/]+",
    "blob": r"/v2/.+/blobs/sha256:[0-9a-f]{64}",
    "record": r"/zones/[^/]+/dns_records/[^/]+",
    "entrypoint": r"/zones/[^/]+/rulesets/phases/[^/]+/entrypoint",
    "rules": r"/zones/[^/]+/rulesets/[^/]+/rules",
    "rule": r"/zones/[^/]+/rulesets/[^/]+/rules/[^/]+",
}
_OF_RULES = {"entrypoint", "rules", "rule"}


def kinds(one: Exchange) -> set[str]:
    """What a test calls this exchange: by its call, and by its provider where it was refused."""
    if one.status >= 400:
        return {f"{one.status} {one.provider}"}
    query = "?dry_run=true" if _is_dry(one) else ""
    return {f"{one.method} {name}{query}" for name in _called(one)}


def unprotected(book: Book) -> list[Exchange]:
    """Records that were changed, or tried, while the last reading of the managed rules did not show one that is on;
    a reading is worth nothing once any rule was changed since."""
    seen, found = False, []
    for one in book.of("cloudflare"):
        changes = one.method != "GET" and not _is_dry(one)
        if one.method == "GET" and _called(one) == {"entrypoint"} and MANAGED_PHASE in one.path:
            seen = _shown_on(one, before=seen)
        elif changes and _called(one) & _OF_RULES:
            seen = False
        elif changes and _called(one) == {"record"} and not seen:
            found.append(one)
    return found


def _called(one: Exchange) -> set[str]:
    return {name for name, path in _CALLS.items() if re.fullmatch(path, one.path)}


def _is_dry(one: Exchange) -> bool:
    return one.query == "dry_run=true"


def _shown_on(one: Exchange, *, before: bool) -> bool:
    """Whether this answer shows a managed rule that is on; 404: there are none; another refusal shows nothing."""
    if one.status == 200:
        return any(rule["action"] == "execute" and rule["enabled"] for rule in one.document["result"]["rules"])
    return before and one.status != 404
