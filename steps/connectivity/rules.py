"""The firewall's rules as they are: both phases, what is asked of them, and how a single rule reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runbook.estate.answers import mapping
from runbook.estate.ports import Phase, Rule
from runbook.safety.outside_text import outside_text

MANAGED: Final = "http_request_firewall_managed"
CUSTOM: Final = "http_request_firewall_custom"
EVERY: Final = "true"  # the expression that fits every request
_SHOWN: Final = 80  # characters of an expression in a sentence


@dataclass(frozen=True, slots=True)
class Firewall:
    """Both phases as they are; the custom one is looked at first by the edge."""

    managed: Phase
    custom: Phase

    def of(self, phase: str) -> Phase:
        """The phase of that name."""
        return self.managed if phase == MANAGED else self.custom


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must act, and for whom: `hostnames` and `paths` are what visitors ask for."""

    rulesets: tuple[str, ...]
    canary_path: str
    hostnames: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def canary(self) -> str:
        """The expression of the rule that blocks the canary path."""
        return f'(http.request.uri.path eq "{self.canary_path}")'

    def executed_by(self, rule: Rule) -> bool:
        """Whether the rule runs one of the managed rulesets."""
        return rule.action == "execute" and rule.ruleset in self.rulesets


def parameters(rule: Rule) -> Mapping[str, Any]:
    """The action's."""
    return mapping(rule.raw.get("action_parameters"))


def last_place(phase: Phase, ours: Callable[[Rule], bool]) -> int:
    """Where the last of these rules stands; what stands behind it is in no rule's way."""
    return max((place for place, rule in enumerate(phase.rules) if ours(rule)), default=0)


def plain(expression: str) -> str:
    """Without outer parentheses and doubled spaces."""
    text = " ".join(expression.split())
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    return text


def fits_all(rule: Rule) -> bool:
    """Whether it is plainly for every request."""
    return plain(rule.expression) == EVERY


def short(expression: str) -> str:
    """Cleaned, and cut for a sentence."""
    return outside_text(expression, _SHOWN)


def title(rule: Rule) -> str:
    """Its description, cleaned."""
    return outside_text(rule.raw.get("description"), 60) or "without a name"


def record_of(rule: Rule) -> str:
    """The rule in a line, for the journal."""
    return f"{title(rule)}: {outside_text(rule.action, 30)} {'on' if rule.enabled else 'OFF'}, {short(rule.expression)}"
