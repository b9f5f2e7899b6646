"""Cloudflare's API v4.

Both the HTTP status and the envelope's `success` are judged.  Targets of permits: `<zone id>/<phase>` for a phase's
rules, `<zone id>/<ruleset id>/<rule id>` for one rule, `<zone id>/<record id>` for records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.engine.ports import Permit, Secret
from runbook.estate import cloudflare_answers as said
from runbook.estate.answers import listing, mapping, moment, number, optional, text
from runbook.estate.cloudflare_answers import CLOUDFLARE, NO_RULESET, NO_SUCH_USER_TOKEN
from runbook.estate.door import Door
from runbook.estate.http import Api, Wiring, bearer, segment
from runbook.estate.http_message import Answer
from runbook.estate.ports import DnsRecord, Phase, TokenIdentity, Zone, ZoneSettings
from runbook.safety.interlock import Interlock

_MOST_PAGES = 50
_PER_PAGE = 50  # zones take no more
_ONLY_IN_ANSWERS = {"version", "last_updated", "categories"}  # of a rule


class Cloudflare:
    """`ports.EdgeNetwork`.  `account_id` is needed only for a token that the account owns, not a user.

    `read_only`: every change is refused here, before anything is sent, a dry run too.
    """

    def __init__(
        self,
        base_url: str,
        token: Secret,
        account_id: str | None,
        interlock: Interlock,
        door: Door,
        *,
        read_only: bool,
        wiring: Wiring | None = None,
    ) -> None:
        self._api = Api(CLOUDFLARE, base_url, bearer(token), interlock, door, secrets=(token,), wiring=wiring)
        self._account = account_id
        self._interlock = interlock
        self._read_only = read_only

    async def token(self) -> TokenIdentity:
        """Asked as a user's token first, then as the account's own."""
        answer = await self._api.read("/user/tokens/verify", allow=(400, 401, 403))
        kind = "user"
        if self._account is not None and NO_SUCH_USER_TOKEN in said.codes(answer):
            path = f"/accounts/{segment(self._account)}/tokens/verify"
            answer, kind = await self._api.read(path, allow=(400, 401, 403)), "account"
        result = mapping(said.result(answer, self._api))
        return TokenIdentity(
            id=text(result.get("id")),
            kind=kind,
            expires=moment(result.get("expires_on")),
            active=result.get("status") == "active",
        )

    async def zone(self, name: str) -> Zone | None:
        """Of exactly that name; of several (another account may have begun to add it) the active one."""
        zones = [said.zone(item) for item in await self._pages("/zones", {"name": name})]
        named = sorted((zone for zone in zones if zone.name == name), key=lambda zone: zone.status != "active")
        for zone in named[:1]:
            self._interlock.learned.zone_is(zone.id, zone.name)
        return named[0] if named else None

    async def settings(self, zone: str) -> ZoneSettings:
        level = await self._read(f"/zones/{segment(zone)}/settings/security_level")
        development = await self._read(f"/zones/{segment(zone)}/settings/development_mode")
        return ZoneSettings(
            security_level=text(mapping(level).get("value")),
            development_mode=mapping(development).get("value") == "on",
        )

    async def phase(self, zone: str, phase: str) -> Phase:
        answer = await self._api.read(_phase_path(zone, phase), allow=(400, 404))
        if answer.status == 404 and NO_RULESET in said.codes(answer):
            return Phase(None, ())
        result = mapping(said.result(answer, self._api))
        rules = tuple(said.rule(mapping(item)) for item in listing(result.get("rules")))
        return Phase(optional(result.get("id")), rules)

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        """Target `<zone id>/<phase>`, the dry run's too.  Fields that only answers carry are left out of the rules."""
        await self._change(
            permit,
            "cloudflare:PutRules",
            f"{zone}/{phase}",
            "PUT",
            _phase_path(zone, phase),
            document={"rules": [_asked(rule) for rule in rules]},
            params={"dry_run": "true"} if dry_run else None,
        )

    async def change_rule(self, permit: Permit, zone: str, ruleset: str, rule_id: str, rule: Mapping[str, Any]) -> None:
        """Target `<zone id>/<ruleset id>/<rule id>`.  The whole rule: the provider drops what it leaves out."""
        await self._change(
            permit,
            "cloudflare:ChangeRule",
            f"{zone}/{ruleset}/{rule_id}",
            "PATCH",
            f"/zones/{segment(zone)}/rulesets/{segment(ruleset)}/rules/{segment(rule_id)}",
            document=_asked(rule),
        )

    async def records(self, zone: str, name: str) -> tuple[DnsRecord, ...]:
        found = await self._pages(f"/zones/{segment(zone)}/dns_records", {"name.exact": name})
        records = tuple(said.record(item) for item in found)
        for record in records:
            self._interlock.learned.record_is(record.id, record.name)
        return records

    async def set_record(self, permit: Permit, zone: str, record: DnsRecord) -> DnsRecord:
        """Target `<zone id>/<record id>`.  The provider wants type, name, content and ttl with every change; comment
        and tags are not sent, and so stay as they are."""
        document = {
            "type": record.type,
            "name": record.name,
            "content": record.content,
            "ttl": record.ttl,
            "proxied": record.proxied,
        }
        result = await self._change(
            permit,
            "cloudflare:SetRecord",
            f"{zone}/{record.id}",
            "PATCH",
            f"/zones/{segment(zone)}/dns_records/{segment(record.id)}",
            document=document,
        )
        return said.record(mapping(result))

    async def ranges(self) -> tuple[str, ...]:
        result = mapping(await self._read("/ips"))
        return tuple(text(cidr) for key in ("ipv4_cidrs", "ipv6_cidrs") for cidr in listing(result.get(key)))

    async def _read(self, path: str) -> Any:
        return said.result(await self._api.read(path, allow=(400, 404)), self._api)

    async def _pages(self, path: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Every item: until the last page, an empty one, or an answer that speaks of no pages."""
        found: list[Mapping[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            asked = {**params, "per_page": str(_PER_PAGE), "page": str(page)}
            answer = await self._api.read(path, params=asked, allow=(400, 404))
            items = [mapping(item) for item in listing(said.result(answer, self._api))]
            found += items
            if not items or page >= _total_pages(answer):
                break
        return found

    async def _change(
        self,
        permit: Permit,
        operation: str,
        target: str,
        method: str,
        path: str,
        *,
        document: Mapping[str, Any],
        params: Mapping[str, str] | None = None,
    ) -> Any:
        if self._read_only:
            self._interlock.refuse(
                f"no host names are configured for this environment, so its zone is only read: {operation} is refused",
                fix="Name the host names that may be changed in runbook.toml ([[connectivity.hostnames]]).",
            )
        zone_id = target.partition("/")[0]
        if self._interlock.asks_which_zone(zone_id):
            zone = said.zone(mapping(await self._read(f"/zones/{segment(zone_id)}")))
            self._interlock.learned.zone_is(zone.id, zone.name)
        answer = await self._api.change(permit, operation, target, method, path, document=document, params=params)
        return said.result(answer, self._api)


def _phase_path(zone: str, phase: str) -> str:
    return f"/zones/{segment(zone)}/rulesets/phases/{segment(phase)}/entrypoint"


def _asked(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as a request takes it."""
    return {key: value for key, value in rule.items() if key not in _ONLY_IN_ANSWERS}


def _total_pages(answer: Answer) -> int:
    """0 where it does not say."""
    return number(mapping(mapping(answer.document()).get("result_info")).get("total_pages"))
