"""The firewall, put right before anything is routed.

Nothing here is undone by the closing: a protection that stands is never weakened by this tool, whoever put it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Change, Preview
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Phase
from steps.connectivity.firewall import Mending, as_it_will_be, exceptions, mendings, ruleset_name
from steps.connectivity.rules import CUSTOM, MANAGED, Firewall, Wanted, record_of
from steps.connectivity.unrouted import only_read, routes
from steps.facts import ZoneKnown
from steps.here import Here
from steps.many import listed
from steps.patience import patient

_SOURCE = "cloudflare: GET rulesets/phases/{phase}/entrypoint"


async def _firewall(here: Here) -> Firewall:
    zone, edge = here.desk.need(ZoneKnown), here.estate.edge
    return Firewall(managed=await edge.phase(zone.id, MANAGED), custom=await edge.phase(zone.id, CUSTOM))


def _wanted(here: Here) -> Wanted:
    settings = here.environment.connectivity
    names = tuple(hostname.name for hostname in settings.hostnames)
    paths = tuple(hostname.path for hostname in settings.hostnames)
    return Wanted(settings.managed_rulesets, settings.canary_path, names, paths)


def _wrong(here: Here, firewall: Firewall) -> tuple[Mending, ...]:
    return mendings(firewall, _wanted(here))


def _by_phase(wrong: Iterable[Mending]) -> dict[str, list[Mending]]:
    sorted_in: dict[str, list[Mending]] = {}
    for one in wrong:
        sorted_in.setdefault(one.phase, []).append(one)
    return sorted_in


# -- find ---------------------------------------------------------------------------------------------------------
@patient
async def waf_already_on(here: Here) -> Observation | None:
    """The managed rulesets act on every request and the canary path is blocked; or all this run may do is look."""
    firewall = await _firewall(here)
    wrong = _wrong(here, firewall)
    if not routes(here):
        name = here.desk.need(ZoneKnown).name
        findings = [Finding(f"{name}: {one.name}: {one.before}", "major") for one in wrong]
        findings += [replace(one, text=f"{name}: {one.text}") for one in exceptions(firewall, _wanted(here))]
        seen = _words(wrong) or _on(here, firewall)
        return only_read(findings, expected=_expected(here), observed=seen, source=_SOURCE)
    return None if wrong else _waf_on(here, firewall, "found so")


def _rulesets(here: Here) -> str:
    return ", ".join(ruleset_name(one) for one in here.environment.connectivity.managed_rulesets)


def _expected(here: Here) -> str:
    return f"{_rulesets(here)} on for every request; {here.environment.connectivity.canary_path} blocked"


def _on(here: Here, firewall: Firewall) -> str:
    """What it does, no more: with exceptions it is on, and not for all that comes."""
    if not (out := exceptions(firewall, _wanted(here))):
        return _expected(here)
    exempt = listed([finding.text for finding in out])
    return f"{_rulesets(here)} on, with exceptions ({exempt}); {here.environment.connectivity.canary_path} blocked"


def _waf_on(here: Here, firewall: Firewall, how: str) -> Observation:
    return Observation.passed(
        expected=_expected(here),
        observed=f"{_on(here, firewall)}: {how}",
        source=_SOURCE,
        findings=exceptions(firewall, _wanted(here)),
    )


# -- preview ------------------------------------------------------------------------------------------------------
@patient
async def show_waf(here: Here) -> Preview:
    """Which rules change, phase by phase and rule by rule."""
    firewall = await _firewall(here)
    return here.show(_preview(here, firewall, _wrong(here, firewall)))


def _preview(here: Here, firewall: Firewall, wrong: tuple[Mending, ...]) -> Preview:
    zone = here.desk.need(ZoneKnown)
    calls = [
        call for phase, some in _by_phase(wrong).items() for call in _calls(zone.id, phase, firewall.of(phase), some)
    ]
    return Preview(
        what="Put the web application firewall right, before any record is changed; it stays so after this run",
        target=zone.name,
        calls=tuple(calls),
        changes=tuple(Change(f"{one.phase}: {one.name}", one.before, one.after) for one in wrong),
    )


def _calls(zone: str, name: str, phase: Phase, wrong: list[Mending]) -> list[str]:
    """The dry run of the whole phase, then the least change that does it."""
    entrypoint = f"PUT zones/{zone}/rulesets/phases/{name}/entrypoint"
    if ids := _changeable(phase, wrong):
        changes = [f"PATCH zones/{zone}/rulesets/{phase.id}/rules/{rule} (the whole rule)" for rule in ids]
        return [f"{entrypoint}?dry_run=true", *changes]
    others = len(phase.rules) - sum(one.place is not None for one in wrong)
    how = f"it carries the phase's other rules along: {others}" if phase.id else "it makes the phase's entry point"
    return [f"{entrypoint}?dry_run=true", f"{entrypoint} ({how})"]


def _changeable(phase: Phase, wrong: list[Mending]) -> tuple[str, ...]:
    """The ids of the wrong rules, where each of them exists and can be changed on its own; else none."""
    ids = [phase.rules[one.place].id for one in wrong if one.place is not None]
    known = tuple(rule for rule in ids if rule is not None)
    return known if phase.id is not None and len(known) == len(wrong) else ()


# -- perform ------------------------------------------------------------------------------------------------------
@patient
async def put_waf_right(here: Here) -> Observation:
    """Phase by phase, validated by a dry run of all its rules; then read back."""
    firewall = await _firewall(here)
    wrong = _wrong(here, firewall)
    here.must_be_as_shown(_preview(here, firewall, wrong))
    for phase, some in _by_phase(wrong).items():
        await _mend(here, phase, firewall.of(phase), some)
    firewall = await _firewall(here)
    if left := _wrong(here, firewall):
        raise LayerFailed(
            f"the rules are not as they were set: {_words(left)}",
            fix="Set them by hand: Security → WAF; somebody or something else may be setting them back.",
            source="cloudflare: PUT, PATCH, then GET entrypoint",
        )
    return _waf_on(here, firewall, "put right and read back")


async def _mend(here: Here, name: str, phase: Phase, wrong: list[Mending]) -> None:
    """A PUT replaces all rules of a phase, so it carries the others along; one after the other: never side by side.

    The journal keeps the rules as they were.
    """
    zone, edge = here.desk.need(ZoneKnown).id, here.estate.edge
    rules, target = as_it_will_be(phase, wrong), f"{zone}/{name}"
    permit = await here.desk.intend("cloudflare:PutRules", target, dry_run=True)
    await edge.put_rules(permit, zone, name, rules, dry_run=True)
    ids = _changeable(phase, wrong)
    if not ids or phase.id is None:
        was = [record_of(rule) for rule in phase.rules]
        permit = await here.desk.intend("cloudflare:PutRules", target, rules=[one.name for one in wrong], was=was)
        await edge.put_rules(permit, zone, name, rules, dry_run=False)
        return
    for rule, one in zip(ids, wrong, strict=True):
        was = [record_of(phase.rules[one.place])] if one.place is not None else []
        target = f"{zone}/{phase.id}/{rule}"
        permit = await here.desk.intend("cloudflare:ChangeRule", target, rule=one.name, was=was)
        await edge.change_rule(permit, zone, phase.id, rule, one.rule)


def _words(wrong: Iterable[Mending]) -> str:
    return "; ".join(f"{one.name}: {one.before}" for one in wrong)


# -- for the doors, before and while they are open ----------------------------------------------------------------
async def protection_is_on(here: Here, *, so: str = "") -> None:
    """Looks again, now; LayerFailed where names would stand, or stand, there unprotected; `so` is what follows."""
    if wrong := _wrong(here, await _firewall(here)):
        raise LayerFailed(
            f"the firewall is not on any more{so}: {_words(wrong)}",
            fix="Go back to connectivity.waf, and find out who changes the rules.",
            source=_SOURCE,
        )
