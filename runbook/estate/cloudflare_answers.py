"""What Cloudflare's answers mean: the envelope's verdict, and the values of zones, rules and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.answers import listing, mapping, number, optional, text
from runbook.estate.http import Api
from runbook.estate.http_errors import Provider, said
from runbook.estate.http_message import Answer
from runbook.estate.ports import DnsRecord, Rule, Zone

CLOUDFLARE = Provider(
    "cloudflare",
    "Cloudflare",
    sign_in="Make a new API token (Zone Read, DNS Write, Zone Settings Read, Zone WAF Write).",
)
NO_SUCH_USER_TOKEN = 1000  # also said of a good token that an account owns
NO_RULESET = 10003  # the phase was never configured
_SIGN_IN = {6003, 9106, 9109, 10000}  # sign-in refused, whatever the HTTP status (seen as 400, 401 and 403)


def codes(answer: Answer) -> tuple[int, ...]:
    """The error codes in the envelope, and those behind them in `error_chain`."""
    if not 200 <= answer.status < 500 or not answer.body:
        return ()
    errors = [mapping(item) for item in listing(mapping(answer.document()).get("errors"))]
    chained = [mapping(item) for error in errors for item in listing(error.get("error_chain"))]
    return tuple(number(error.get("code")) for error in (*errors, *chained))


def result(answer: Answer, api: Api) -> Any:
    """What the envelope holds; raises when the status or `success` says no."""
    error = api.refusal(answer)
    if error is None and mapping(answer.document()).get("success") is True:
        return mapping(answer.document()).get("result")
    words = api.words(said(answer.body))
    found = codes(answer)
    if NO_SUCH_USER_TOKEN in found:
        fix = "A token that the account owns is checked under the account: configure account_id, or make a new token."
        raise NoVerdict("Cloudflare knows no such user token", fix=fix, provider_text=words, source=answer.source)
    if _SIGN_IN.intersection(found):
        refused = f"Cloudflare did not accept our sign-in for this (code {found[0]})"
        raise NoVerdict(refused, fix=CLOUDFLARE.sign_in, provider_text=words, source=answer.source)
    raise error or LayerFailed(
        "Cloudflare answered 200 and said in the answer that it did not succeed",
        fix="Read Cloudflare's own words below.",
        provider_text=words,
        source=answer.source,
    )


def zone(item: Mapping[str, Any]) -> Zone:
    """`development_mode` is seconds: to go when positive, since it ended when negative, 0 when never on."""
    return Zone(
        id=text(item.get("id")),
        name=text(item.get("name")),
        status=text(item.get("status")),
        paused=item.get("paused") is True,
        name_servers=tuple(text(server).lower() for server in listing(item.get("name_servers"))),
        development_mode=number(item.get("development_mode")) > 0,
    )


def rule(item: Mapping[str, Any]) -> Rule:
    """`enabled` is true unless said otherwise, as the provider documents it; overrides that weaken it are in `raw`,
    which is not cleaned: it is sent back."""
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


def record(item: Mapping[str, Any]) -> DnsRecord:
    """Not proxied unless it says so."""
    return DnsRecord(
        id=text(item.get("id")),
        name=text(item.get("name")),
        type=text(item.get("type")),
        content=text(item.get("content")),
        proxied=item.get("proxied") is True,
        ttl=number(item.get("ttl")),
    )
