"""What has to fit together: names that lead somewhere, pairs of which neither is of use alone, things to be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from runbook.config.application import NO_IMAGE
from runbook.config.base import once
from runbook.config.checks.plain import Plain, place
from runbook.config.environment import NO_SERVICE
from runbook.engine.people import is_nobody, same_person
from runbook.toml_file import Mistake

_SIDES: Final = ("production", "staging")
_QUARTERS: Final = 4
_SHAMIR: Final = "shamir"
_ONCE: Final = (("application.images", "package"), ("application.probes", "name"), ("database.assertions", "name"))


def _services(file: Plain) -> Iterator[Mistake]:
    """Images of services, and services of public names."""
    packages = {value for _, value in file.texts("application.images.*.package")}
    for loc, image in file.texts("*.application.services.*.image"):
        if image and image not in packages:
            yield Mistake(loc, NO_IMAGE)
    for side in _SIDES:
        known = {"", *(value for _, value in file.texts(f"{side}.application.services.*.name"))}
        for loc, service in file.texts(f"{side}.connectivity.hostnames.*.service"):
            if service not in known:
                yield Mistake(loc, NO_SERVICE)


def _zones(file: Plain) -> Iterator[Mistake]:
    for side in _SIDES:
        zone = file.text(f"{side}.connectivity.zone").removesuffix(".").lower()
        for loc, name in file.texts(f"{side}.connectivity.hostnames.*.name"):
            if zone and not f".{name.removesuffix('.').lower()}".endswith(f".{zone}"):
                yield Mistake(loc, f"is not in {side}.connectivity.zone")


def _keys(file: Plain) -> Iterator[Mistake]:
    """The canary and the ciphertexts are under keys that the vault is known to have."""
    known = {value for _, value in file.texts("production.vault.transit_keys.*")}
    for loc, key in file.texts("canary.transit_key", "production.database.ciphertexts.*.transit_key"):
        if key not in known:
            yield Mistake(loc, "is none of production.vault.transit_keys")
    for loc, sha256 in file.texts("canary.sha256"):
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            yield Mistake(loc, "must be a SHA-256: 64 characters of 0-9 and a-f")
    for loc, control in file.texts("canary.control_ciphertext"):
        if not re.fullmatch(r"vault:v\d+:.+", control):
            yield Mistake(loc, "must be a transit ciphertext: vault:v1:…")


def _outbound(file: Plain) -> Iterator[Mistake]:
    """A drill of an application that acts on others would act on them."""
    for side in _SIDES:
        for loc, application in file.tables(f"{side}.application"):
            outbound, reason = application.get("outbound", []), application.get("outbound_reason", "")
            if outbound == "none" and not str(reason).strip():
                yield Mistake((*loc, "outbound_reason"), 'is missing: outbound = "none" needs the reason')
            if side == "staging" and outbound == []:
                what = 'is missing: name the switches of mail, SMS, webhooks and jobs, or say "none" and the reason'
                yield Mistake((*loc, "outbound"), what)


def _egress(file: Plain) -> Iterator[Mistake]:
    """A restored vault acts on production within seconds: its way out is measured, or its rule named."""
    for side in _SIDES:
        probe, rule = (file.text(f"{side}.vault.{key}") for key in ("egress_probe", "egress_rule"))
        if probe and not file.has("production.vault.endpoints.*"):
            what = "is missing: egress_probe measures whether these can be reached"
            yield Mistake(place("production.vault.endpoints"), what)
        if file.has(f"{side}.vault") and not probe and not rule:
            what = "is missing: a URL beside the vault that measures its way out, or egress_rule with the rule's name"
            yield Mistake(place(f"{side}.vault.egress_probe"), what)


def _vault(file: Plain) -> Iterator[Mistake]:
    at = "production.vault"
    mount, connection = file.text(f"{at}.database_mount"), file.text(f"{at}.database_connection")
    if mount and not connection:
        yield Mistake(place(f"{at}.database_connection"), "is missing: database_mount needs it")
    if connection and not mount:
        yield Mistake(place(f"{at}.database_mount"), "is missing: database_connection needs it")
    custodians = [value for _, value in file.texts(f"{at}.custodians.*")]
    yield from once(place(f"{at}.custodians"), "label", custodians)
    if file.has(at) and not custodians and file.text(f"{at}.seal_type", _SHAMIR) == _SHAMIR:
        yield Mistake(place(f"{at}.custodians"), "is empty: somebody has to hold the shares of a Shamir seal")


def _people(file: Plain) -> Iterator[Mistake]:
    witness = file.text("people.witness")
    if not is_nobody(witness) and same_person(witness, file.text("people.operator")):
        yield Mistake(place("people.witness"), "is the operator: a witness is another person")
    signers = [str(each.get("name", "")).strip().casefold() for _, each in file.tables("people.signers.*")]
    yield from once(place("people.signers"), "name", signers)


def _policy(file: Plain) -> Iterator[Mistake]:
    policy: Any = file.data.get("policy")
    months = policy.get("quarter_months") if isinstance(policy, dict) else None
    if isinstance(months, list) and all(isinstance(month, int) and 1 <= month <= 12 for month in months):
        quarters = sorted((month - 1) // 3 for month in months)
        if quarters != list(range(_QUARTERS)):
            yield Mistake(place("policy.quarter_months"), "needs one month of each quarter")


def _probes(file: Plain) -> Iterator[Mistake]:
    for key, name in _ONCE:
        names = [str(table.get(name)) for _, table in file.tables(f"{key}.*")]
        yield from once(place(key), name, names)
    for loc, probe in file.tables("application.probes.*"):
        if not probe.get("production_url") and not probe.get("staging_url"):
            yield Mistake(loc, "needs a production_url, a staging_url, or both")


CHECKS: Final = (_services, _zones, _keys, _outbound, _egress, _vault, _people, _policy, _probes)
