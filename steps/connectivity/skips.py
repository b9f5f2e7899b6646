"""Rules that let requests past the firewall: which of them take its effect away from the visitors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from runbook.estate.answers import listing, mapping
from runbook.estate.ports import Phase, Rule
from steps.connectivity.rules import CUSTOM, MANAGED, Firewall, Wanted, fits_all, last_place, parameters, plain, short

_QUOTED: Final = re.compile(r'"([^"]*)"')
_OR: Final = re.compile(r"\s+or\s+|\|\|")
_AND: Final = re.compile(r"\s+and\s+|&&")
_EVERYBODY: Final = re.compile(
    r"true|not false|!\s*false|ssl|.*(?:0\.0\.0\.0/0|::/0).*|[\w.]+ (?:ne|!=) \S+|(?:not |! ?)[\w.]+ (?:eq|==|in) .*"
)
"""What fits everybody, or everybody but a few: each shape is one alternative."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A `skip` rule that is on and in the way; `managed`: of the managed rulesets, not of the canary rule alone."""

    phase: str
    place: int
    rule: Rule
    managed: bool

    @property
    def words(self) -> str:
        """Whom it lets past."""
        return "every request" if fits_all(self.rule) else short(self.rule.expression)


def skips(firewall: Firewall, wanted: Wanted) -> tuple[Skip, ...]:
    """All that are in the way; one that leaves out another ruleset, or single rules, is not."""
    return (*_in_managed(firewall.managed, wanted), *_in_custom(firewall.custom, wanted))


def _in_managed(phase: Phase, wanted: Wanted) -> Iterator[Skip]:
    last = last_place(phase, wanted.executed_by)
    for place, rule in _enabled(phase):
        if place < last and (_rest_of_phase(rule) or _names_managed(rule, wanted)):
            yield Skip(MANAGED, place, rule, managed=True)


def _in_custom(phase: Phase, wanted: Wanted) -> Iterator[Skip]:
    """Wherever it stands: the managed phase comes after all of this one."""
    last = last_place(phase, lambda rule: plain(rule.expression) == plain(wanted.canary))
    for place, rule in _enabled(phase):
        managed = _names_managed(rule, wanted)
        if managed or (place < last and _rest_of_phase(rule)):
            yield Skip(CUSTOM, place, rule, managed=managed)


def _enabled(phase: Phase) -> list[tuple[int, Rule]]:
    return [(place, rule) for place, rule in enumerate(phase.rules) if rule.action == "skip" and rule.enabled]


def _rest_of_phase(rule: Rule) -> bool:
    said = parameters(rule)
    narrow = any(said.get(key) for key in ("rulesets", "rules", "phases", "products"))
    return said.get("ruleset") == "current" or not narrow


def _names_managed(rule: Rule, wanted: Wanted) -> bool:
    said = parameters(rule)
    named = listing(said.get("rulesets"))
    return MANAGED in listing(said.get("phases")) or any(one in named for one in wanted.rulesets)


def single_rules(phase: Phase, wanted: Wanted) -> int:
    """How many single rules of the managed rulesets are skipped in their phase: tuning, which is left alone."""
    last = last_place(phase, wanted.executed_by)
    skipped = [mapping(parameters(rule).get("rules")) for place, rule in _enabled(phase) if place < last]
    return sum(len(listing(each.get(ruleset))) for each in skipped for ruleset in wanted.rulesets)


# -- for whom -----------------------------------------------------------------------------------------------------
def for_visitors(expression: str, wanted: Wanted) -> bool:
    """Whether it fits everybody, or names what visitors ask for: a host name, a path of theirs, the canary's path.

    The language is not understood, only looked through, so a rule for one address at one of the names counts too: the
    operator sees it in the difference.
    """
    if any(all(_EVERYBODY.fullmatch(_bare(one)) for one in _AND.split(part)) for part in _OR.split(expression)):
        return True
    paths = {"", "/", wanted.canary_path, *wanted.paths}
    return any(text.rstrip("*") in paths or _names_host(text, wanted.hostnames) for text in _QUOTED.findall(expression))


def _bare(part: str) -> str:
    return " ".join(part.replace("(", " ").replace(")", " ").split())


def _names_host(text: str, hostnames: tuple[str, ...]) -> bool:
    """The name itself, within a URL too, or by its ending (`*.clinic.test`)."""
    lower = text.lower()
    ending = lower.lstrip("*") if lower.startswith(("*", ".")) else None
    return any(
        (ending is not None and name.endswith(ending)) or re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", lower)
        for name in hostnames
    )
