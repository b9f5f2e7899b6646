"""The three criteria, shown through the application itself; and its heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runbook.engine.errors import LayerFailed
from runbook.engine.verdict import Finding, Observation
from steps.application import canary, connections, own_variables
from steps.application.health import all_healthy, judged, unjudged
from steps.facts import InstanceReady
from steps.here import Here
from steps.many import listed, told
from steps.patience import patient

_MANY: Final = 3
_BESIDE: Final = (
    "criterion 3 was shown beside the application, not through it: no service has a probe_url, an address that "
    "answers HMAC-SHA-256(nonce, sample record)"
)


# -- criterion 1 --------------------------------------------------------------------------------------------------
@patient
async def boots(here: Here) -> Observation:
    """The health documents, judged by named fields; a 200 with an error page is no health."""
    await all_healthy(here, doing="asking for its health")
    return _healthy(here)


def _healthy(here: Here) -> Observation:
    names, others = [service.name for service in judged(here)], unjudged(here)
    return Observation.passed(
        expected="HTTP 200, every configured field as it should be, and the image is ours",
        observed=f"{len(names)} of {len(names)} as expected: {listed(names)}"
        + (f"; by the platform's word alone, without a health document: {listed(others)}" if others else ""),
        source=f"GET {listed([service.health.url for service in judged(here) if service.health])}",
    )


# -- criterion 2 --------------------------------------------------------------------------------------------------
@patient
async def connects(here: Here) -> Observation:
    """Every consumer's own connections, seen from inside the *restored* instance, made after our deployment.

    HardStop when one is connected to production under this run's name, or has production's address of its own; that is
    looked at before anything else can fail, and again where a connection may only just have appeared there.
    """
    elsewhere = await connections.none_on_production(here)
    await own_variables.lead_to_the_restored_layers(here)
    ill = await _ill(here)
    found = await connections.seen(here)
    missing = [name for name, count in found.items() if not count]
    if missing:
        await connections.none_on_production(here)
    return Observation.that(
        not missing and not ill,
        expected=f"connections of {listed(list(found))} on {here.desk.need(InstanceReady).id}, made after the "
        "deployment, and a healthy application",
        observed=_lacking(here, missing, found, ill)
        if missing
        else f"{_there(here, found)}; {elsewhere}; {ill or _well(here)}",
        source="pg_stat_activity on the restored instance and on production, and the health documents",
        fix="Stop the application now. Then find what overrides the secret group, and go back to application.config."
        if missing
        else "Look at the application's log.",
        findings=connections.indistinct(here),
    )


def _lacking(here: Here, missing: list[str], found: Mapping[str, int], ill: str) -> str:
    ready = here.desk.need(InstanceReady)
    what = told([f"NO connection of {name} on {ready.id}" for name in missing], of=len(found))
    return f"{what}; {ill}" if ill else f"{what}, though {_well(here)}: it is connected to another database, or to none"


def _there(here: Here, found: Mapping[str, int]) -> str:
    whose = listed(list(found)) if len(found) < _MANY else f"all {len(found)} consumers"
    count = sum(found.values())
    seen = "1 connection" if count == 1 else f"{count} connections"
    return f"{seen} on {here.desk.need(InstanceReady).id}, of {whose}"


async def _ill(here: Here) -> str:
    """What the health documents say is wrong, or ""."""
    try:
        await all_healthy(here, doing="asking for its health")
    except LayerFailed as trouble:
        return trouble.sentence
    return ""


def _well(here: Here) -> str:
    """What all health documents say."""
    fields = [service.health.fields for service in judged(here) if service.health]
    alike = {", ".join(f"{name} {value}" for name, value in each.items()) for each in fields}
    what = f" ({alike.pop()})" if len(alike) == 1 else ""
    whose = "its health document is" if len(fields) == 1 else f"all {len(fields)} health documents are"
    return f"{whose} as expected{what}"


# -- criterion 3 --------------------------------------------------------------------------------------------------
async def canary_decrypts(here: Here) -> Observation:
    """Our own leg: the canary's ciphertext from the restored database, opened by the restored vault."""
    await canary.plaintext(here)
    return Observation.passed(
        expected="the canary opens to the configured text",
        observed="the canary still decrypts to the configured text",
        source="restored database, then vault: POST transit/decrypt",
    )


@patient
async def decrypts(here: Here) -> Observation:
    """Both legs: our own, and through every service that answers a probe; where none does, that is a finding."""
    known = await canary.plaintext(here)
    asked = canary.asked(here)
    await canary.through_the_application(here, known)
    names = listed([service.name for service in asked])
    through = f"through {names}: its HMAC over our nonce is right" if asked else "shown beside the application only"
    return Observation.passed(
        expected="the canary decrypts to the configured text, here and inside the application",
        observed=f"own leg: SHA-256 equal; {through}",
        source=f"restored database, restored vault{''.join(f', POST {one.probe_url}' for one in asked[:1])}",
        findings=() if asked else (Finding(_BESIDE),),
    )


# -- heartbeat ----------------------------------------------------------------------------------------------------
async def same_digest_answers(here: Here) -> Observation:
    """Heartbeat: every health document, with our image.  The platform is not asked: its allowance is hourly."""
    await all_healthy(here, doing="")
    return _healthy(here)
