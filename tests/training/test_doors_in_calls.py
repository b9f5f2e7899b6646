"""The check of the order of calls finds a door that was opened too early: one that finds none would prove nothing."""

from __future__ import annotations

import json

import pytest

from runbook.training.servers.firewall import CUSTOM_PHASE, MANAGED_PHASE
from tests.support.recording import Book, Exchange
from tests.training.doors_in_calls import unprotected

ENTRYPOINT = "/zones/z/rulesets/phases/{}/entrypoint"


def call(
    method: str, path: str, *, status: int = 200, query: str = "", rules: list[dict[str, object]] | None = None
) -> Exchange:
    body = json.dumps({"result": {"rules": rules or []}}).encode()
    return Exchange("cloudflare", method, path, query, b"", status, "application/json", body)


def read(*, enabled: bool, action: str = "execute") -> Exchange:
    return call("GET", ENTRYPOINT.format(MANAGED_PHASE), rules=[{"action": action, "enabled": enabled}])


ON, OFF = read(enabled=True), read(enabled=False)
DOOR = call("PATCH", "/zones/z/dns_records/r")
TRIED = call("PATCH", "/zones/z/dns_records/r", status=429)
NEVER = call("GET", ENTRYPOINT.format(MANAGED_PHASE), status=404)
BUSY = call("GET", ENTRYPOINT.format(MANAGED_PHASE), status=429)
DRY = call("PUT", ENTRYPOINT.format(MANAGED_PHASE), query="dry_run=true")
CHANGES = {
    "put": call("PUT", ENTRYPOINT.format(MANAGED_PHASE)),
    "put of the custom rules": call("PUT", ENTRYPOINT.format(CUSTOM_PHASE)),
    "patch": call("PATCH", "/zones/z/rulesets/s/rules/r"),
    "post": call("POST", "/zones/z/rulesets/s/rules"),
    "delete": call("DELETE", "/zones/z/rulesets/s/rules/r"),
}


@pytest.mark.parametrize("calls", [[ON, DOOR, DOOR], [OFF, ON, DOOR], [ON, DRY, DOOR], [ON, BUSY, DOOR], [OFF]])
def test_a_door_behind_rules_that_were_seen_on_is_in_order(calls: list[Exchange]) -> None:
    assert unprotected(Book(calls)) == []


@pytest.mark.parametrize(
    "calls", [[DOOR], [OFF, DOOR], [ON, OFF, DOOR], [ON, NEVER, DOOR], [read(enabled=True, action="block"), DOOR]]
)
def test_the_last_reading_counts(calls: list[Exchange]) -> None:
    assert unprotected(Book(calls)) == [DOOR]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_reading_is_forgotten_when_a_rule_changes(change: Exchange) -> None:
    assert unprotected(Book([ON, change, DOOR])) == [DOOR]
    assert unprotected(Book([ON, change, ON, DOOR])) == []


def test_a_door_that_was_only_tried_counts_too() -> None:
    assert unprotected(Book([TRIED])) == [TRIED]
