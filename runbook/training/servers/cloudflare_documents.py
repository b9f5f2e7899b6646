"""Cloudflare's answers: the envelope, the refusals and the documents of the zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers.firewall import MANAGED_PHASE, RULESETS
from runbook.training.servers.web import Answered, as_json, json_object
from runbook.training.servers.zone import NAME_SERVERS, PROXIABLE, ZONE, Record, Ruleset, Zone

_MADE = "2026-01-05T05:20:00.12345Z"


def good(result: Any, *, messages: Sequence[Any] = (), info: dict[str, int] | None = None) -> Response:
    """A success in its envelope."""
    body = {"success": True, "errors": [], "messages": list(messages), "result": result}
    return as_json(body | ({"result_info": info} if info else {}))


def refusal(status: int, code: int, message: str, **more: Any) -> Response:
    """A refusal in its envelope; `more` goes into the error item."""
    errors = [{"code": code, "message": message, **more}]
    return as_json({"success": False, "errors": errors, "messages": [], "result": None}, status)


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object; what is none is refused at once."""
    body = json_object(request)
    if body is None:
        raise Answered(refusal(400, 6007, "Malformed JSON in request body"))
    return body


def no_route(path: str) -> Response:
    """What a wrong path or a wrong id gets."""
    return refusal(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def paged(request: Request, items: Sequence[Any], *, size: int, most: int) -> Response:
    """One page; the page after the last is empty, which is where the vendor's own client stops asking."""
    size = min(max(request.args.get("per_page", size, int), 5), most)
    page = max(request.args.get("page", 1, int), 1)
    part = list(items[(page - 1) * size : page * size])
    pages = max(1, -(-len(items) // size))
    info = {"page": page, "per_page": size, "total_pages": pages, "count": len(part), "total_count": len(items)}
    return good(part, info=info)


def token() -> Response:
    """The token's verification."""
    now = datetime.now(UTC)
    result = {
        "id": "ed17574386854bf78a67040be0a770b0",
        "status": "active",
        "not_before": (now - timedelta(days=200)).strftime("%Y-%m-%dT00:00:00Z"),
        "expires_on": (now + timedelta(days=165)).strftime("%Y-%m-%dT23:59:59Z"),
    }
    return good(result, messages=[{"code": 10000, "message": "This API Token is valid and active"}])


def zone(state: Zone) -> dict[str, Any]:
    """The zone's document."""
    return {
        "id": state.id,
        "name": ZONE,
        "status": state.status,
        "paused": state.paused,
        "type": "full",
        "development_mode": 10800 if state.settings["development_mode"] == "on" else 0,
        "name_servers": list(NAME_SERVERS),
        "original_name_servers": [],
        "original_registrar": None,
        "original_dnshost": None,
        "activated_on": _MADE,
        "created_on": _MADE,
        "modified_on": _MADE,
        "owner": {"id": state.account, "name": "Practice clinic", "type": "organization"},
        "account": {"id": state.account, "name": "Practice clinic"},
        "meta": {"step": 2, "custom_certificate_quota": 1, "page_rule_quota": 20, "phishing_detected": False},
        "plan": {"id": state.account, "name": "Pro Website", "legacy_id": "pro", "is_subscribed": True},
        "permissions": ["#zone:read", "#dns_records:edit", "#waf:edit"],
        "vanity_name_servers": [],
    }


def record(one: Record) -> dict[str, Any]:
    """A record's document; without a comment where it has none."""
    document = {
        "id": one.id,
        "name": one.name,
        "type": one.type,
        "content": one.content,
        "proxiable": one.type in PROXIABLE,
        "proxied": one.proxied,
        "ttl": one.ttl,
        "settings": {},
        "meta": {},
        "tags": [],
        "created_on": _MADE,
        "modified_on": one.modified,
    }
    return document | ({} if one.comment is None else {"comment": one.comment})


def ruleset(one: Ruleset, *, rules: bool = True) -> dict[str, Any]:
    """A ruleset's document; lists leave the rules out."""
    document = {
        "id": one.id,
        "name": "zone",
        "description": "",
        "kind": "zone",
        "version": str(one.version),
        "last_updated": one.updated,
        "phase": one.phase,
    }
    return document | ({"rules": one.rules} if rules else {})


def managed_ruleset(chosen: str, name: str) -> dict[str, Any]:
    """A managed ruleset as lists show it."""
    document = {"id": chosen, "name": name, "description": "", "kind": "managed", "version": "84"}
    return {**document, "last_updated": _MADE, "phase": MANAGED_PHASE}


def managed_rulesets() -> list[dict[str, Any]]:
    """All that can be deployed."""
    return [managed_ruleset(*one) for one in RULESETS.items()]


def setting(state: Zone, name: str) -> Response:
    """A setting's document, or the refusal of an unknown one."""
    if name not in state.settings:
        return refusal(400, 1006, f"Unrecognized zone setting name: {name}")
    result = {"id": name, "value": state.settings[name], "editable": True, "modified_on": _MADE}
    return good(result | ({"time_remaining": 0} if name == "development_mode" else {}))
