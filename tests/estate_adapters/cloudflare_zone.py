"""One zone at Cloudflare as its API tells it, and the adapter that asks."""

from __future__ import annotations

from typing import Any

import httpx

from runbook.engine.ports import Secret
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.ports import DnsRecord
from tests.estate_adapters.provider import Provider, answer, interlock, sent
from tests.training import openapi

BASE = "/client/v4"
ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
PHASE = "http_request_firewall_managed"
ENTRY = f"{BASE}/zones/{ZONE}/rulesets/phases/{PHASE}/entrypoint"
RECORDS = f"{BASE}/zones/{ZONE}/dns_records"
RECORD = DnsRecord(
    "372e67954025e0ba6aaa6d586b9e0b59", "app.example.com", "CNAME", "origin.code.run", proxied=True, ttl=1
)

RULESET = "2f2feab2026849078ba485f918791bdc"
STORED: dict[str, Any] = {
    "id": "3a03d665bac047339bb530ecb439a90d",
    "ref": "3a03d665bac047339bb530ecb439a90d",
    "version": "1",
    "last_updated": "2026-11-20T18:08:14Z",
    "categories": ["managed"],
    "action": "execute",
    "action_parameters": {"id": "efb7b8c949ac4650a09736fc376e9aee"},
    "expression": "true",
    "description": "the managed rules",
    "enabled": False,
}
ITEM = {"id": "a", "name": "app.example.com", "type": "A", "content": "192.0.2.1", "proxied": True, "ttl": 1}


def conforms_but_for_read_only_fields(request: httpx.Request) -> None:
    """The contract demands fields in requests that it calls read-only: the request is judged with those added."""
    document = sent(request)
    version = {"version": "1", "last_updated": "2026-11-20T18:08:14Z"}
    record = {
        "id": RECORD.id,
        "proxiable": True,
        "created_on": "2026-01-01T00:00:00Z",
        "modified_on": "2026-01-01T00:00:00Z",
    }
    if "rules" in document:
        document = {"id": RULESET, **version, "rules": [{**version, **rule} for rule in document["rules"]]}
    document = {**(record if "content" in document else version), **document}
    path, query = request.url.path.removeprefix(BASE), request.url.query.decode()
    openapi.judge_request("cloudflare", request.method, path, query, document)


def good(result, **info) -> httpx.Response:
    return answer({"success": True, "errors": [], "messages": [], "result": result, "result_info": info})


def bad(status: int, code: int, message: str, **more) -> httpx.Response:
    errors = [{"code": code, "message": message, **more}]
    return answer({"success": False, "errors": errors, "messages": [], "result": None}, status)


def edge(provider: Provider, door, account: str | None = None, *, read_only: bool = False) -> Cloudflare:
    return Cloudflare(
        f"http://127.0.0.1{BASE}",
        Secret("cf"),
        account,
        interlock(),
        door,
        read_only=read_only,
        wiring=provider.wiring,
    )
