"""Cloudflare's API v4.

Both the HTTP status and the envelope's `success` are judged.  Targets of permits: `<zone id>/<phase>` for rules,
`<zone id>/<record id>` for records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Permit, Secret
from runbook.estate.answers import listing, mapping, moment, number, optional, text
from runbook.estate.door import Door
from runbook.estate.http import Api, Wiring, bearer, segment
from runbook.estate.http_errors import Provider, said
from runbook.estate.http_message import Answer
from runbook.estate.ports import DnsRecord, Rule, TokenIdentity, Zone
from runbook.safety.interlock import Interlock

CLOUDFLARE = Provider(
    "cloudflare",
    "Cloudflare",
    sign_in="Make a new API token (Zone Read, DNS Write, Zone WAF Write).",
)
_NO_SUCH_USER_TOKEN = 1000  # also said of a good token that an account owns
_NO_RULESET = 10003  # the phase was never configured
_SIGN_IN = {6003, 9106, 9109, 10000}  # sign-in refused, whatever the HTTP status (seen as 400, 401 and 403)
_MOST_PAGES = 50
_READ_ONLY = {"version", "last_updated", "categories"}  # of a rule: in its answers, not in its requests


class Cloudflare:
    """`ports.EdgeNetwork`.  `account_id` is needed only for a token that the account owns, not a user."""

    def __init__(
        self,
        base_url: str,
        token: Secret,
        account_id: str | None,
        interlock: Interlock,
        door: Door,
        *,
        wiring: Wiring | None = None,
    ) -> None:
        self._api = Api(CLOUDFLARE, base_url, bearer(token), interlock, door, secrets=(token,), wiring=wiring)
        self._account = account_id

    async def token(self) -> TokenIdentity:
        """Asked as a user's token first, then as the account's own."""
        answer = await self._api.read("/user/tokens/verify", allow=(400, 401, 403))
        kind = "user"
        if self._account is not None and _NO_SUCH_USER_TOKEN in _codes(answer):
            path = f"/accounts/{segment(self._account)}/tokens/verify"
            answer, kind = await self._api.read(path, allow=(400, 401, 403)), "account"
        result = mapping(_result(answer, self._api))
        return TokenIdentity(
            id=text(result.get("id")),
            kind=kind,
            expires=moment(result.get("expires_on")),
            active=result.get("status") == "active",
        )

    async def zone(self, name: str) -> Zone | None:
        result = await self._read("/zones", {"name": name})
        zones = [_zone(mapping(item)) for item in listing(result)]
        return next((zone for zone in zones if zone.name == name), None)

    async def rules(self, zone: str, phase: str) -> tuple[Rule, ...]:
        answer = await self._api.read(_phase_path(zone, phase), allow=(400, 404))
        if answer.status == 404 and _NO_RULESET in _codes(answer):
            return ()
        return tuple(_rule(mapping(item)) for item in listing(mapping(_result(answer, self._api)).get("rules")))

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        """Target `<zone id>/<phase>`, the dry run's too.  Fields that only answers carry are left out of the rules."""
        wanted = [{key: value for key, value in rule.items() if key not in _READ_ONLY} for rule in rules]
        answer = await self._api.change(
            permit,
            "cloudflare:PutRules",
            f"{zone}/{phase}",
            "PUT",
            _phase_path(zone, phase),
            document={"rules": wanted},
            params={"dry_run": "true"} if dry_run else None,
        )
        _result(answer, self._api)

    async def records(self, zone: str, name: str) -> tuple[DnsRecord, ...]:
        found: list[DnsRecord] = []
        for page in range(1, _MOST_PAGES + 1):
            params = {"name.exact": name, "per_page": "100", "page": str(page)}
            answer = await self._api.read(f"/zones/{segment(zone)}/dns_records", params=params)
            found += [_record(mapping(item)) for item in listing(_result(answer, self._api))]
            info = mapping(mapping(answer.document()).get("result_info"))
            if page >= number(info.get("total_pages")):
                break
        return tuple(found)

    async def set_record(self, permit: Permit, zone: str, record: DnsRecord) -> DnsRecord:
        """Target `<zone id>/<record id>`.  The provider wants type, name, content and ttl with every change."""
        document = {
            "type": record.type,
            "name": record.name,
            "content": record.content,
            "ttl": record.ttl,
            "proxied": record.proxied,
        }
        answer = await self._api.change(
            permit,
            "cloudflare:SetRecord",
            f"{zone}/{record.id}",
            "PATCH",
            f"/zones/{segment(zone)}/dns_records/{segment(record.id)}",
            document=document,
        )
        return _record(mapping(_result(answer, self._api)))

    async def ranges(self) -> tuple[str, ...]:
        result = mapping(await self._read("/ips"))
        return tuple(text(cidr) for key in ("ipv4_cidrs", "ipv6_cidrs") for cidr in listing(result.get(key)))

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return _result(await self._api.read(path, params=params, allow=(400, 404)), self._api)


def _phase_path(zone: str, phase: str) -> str:
    return f"/zones/{segment(zone)}/rulesets/phases/{segment(phase)}/entrypoint"


def _codes(answer: Answer) -> tuple[int, ...]:
    """The error codes in the envelope, and those behind them in `error_chain`."""
    if not 200 <= answer.status < 500 or not answer.body:
        return ()
    errors = [mapping(item) for item in listing(mapping(answer.document()).get("errors"))]
    chained = [mapping(item) for error in errors for item in listing(error.get("error_chain"))]
    return tuple(number(error.get("code")) for error in (*errors, *chained))


def _result(answer: Answer, api: Api) -> Any:
    """What the envelope holds; raises when the status or `success` says no."""
    error = api.refusal(answer)
    if error is None and mapping(answer.document()).get("success") is True:
        return mapping(answer.document()).get("result")
    words = api.words(said(answer.body))
    codes = _codes(answer)
    if _NO_SUCH_USER_TOKEN in codes:
        fix = "A token that the account owns is checked under the account: configure account_id, or make a new token."
        raise NoVerdict("Cloudflare knows no such user token", fix=fix, provider_text=words, source=answer.source)
    if _SIGN_IN.intersection(codes):
        refused = f"Cloudflare did not accept our sign-in for this (code {codes[0]})"
        raise NoVerdict(refused, fix=CLOUDFLARE.sign_in, provider_text=words, source=answer.source)
    raise error or LayerFailed(
        "Cloudflare answered 200 and said in the answer that it did not succeed",
        fix="Read Cloudflare's own words below.",
        provider_text=words,
        source=answer.source,
    )


def _zone(item: Mapping[str, Any]) -> Zone:
    """`development_mode` is seconds: to go when positive, since it ended when negative, 0 when never on."""
    return Zone(
        id=text(item.get("id")),
        name=text(item.get("name")),
        status=text(item.get("status")),
        paused=item.get("paused") is True,
        name_servers=tuple(text(server) for server in listing(item.get("name_servers"))),
        development_mode=number(item.get("development_mode")) > 0,
    )


def _rule(item: Mapping[str, Any]) -> Rule:
    """`enabled` is true unless said otherwise, as the provider documents it; `raw` is not cleaned: it is sent back."""
    parameters = mapping(item.get("action_parameters"))
    action = text(item.get("action"))
    return Rule(
        id=optional(item.get("id")),
        action=action,
        expression=text(item.get("expression"), 4096),
        enabled=item.get("enabled", True) is True,
        ruleset=optional(parameters.get("id")) if action == "execute" else None,
        raw=dict(item),
    )


def _record(item: Mapping[str, Any]) -> DnsRecord:
    return DnsRecord(
        id=text(item.get("id")),
        name=text(item.get("name")),
        type=text(item.get("type")),
        content=text(item.get("content")),
        proxied=item.get("proxied") is True,
        ttl=number(item.get("ttl")),
    )
