"""What a run's journal says of its doors: which records it changed, and whether it was safe to do so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Line = Mapping[str, Any]
RULES = frozenset({"cloudflare:PutRules", "cloudflare:ChangeRule"})
RECORD = "cloudflare:SetRecord"


def opened(lines: Iterable[Line]) -> list[Line]:
    """Every announced change of a record that opens a door; one that gives a former value back makes nothing new."""
    return [line for line in lines if _is_intent(line, {RECORD}) and line["data"]["creates"]]


def former(lines: Iterable[Line]) -> dict[str, str]:
    """By name: what its record said before this run changed it, as the steps say it."""
    details = [line["data"]["detail"] for line in opened(lines)]
    return {
        each["name"]: f"{each['type']} {each['content']}, {'proxied' if each['proxied'] else 'NOT proxied'}"
        for each in details
    }


def opened_too_early(lines: Iterable[Line]) -> list[str]:
    """Why a record that was changed should not have been: no firewall seen, or a layer that had fallen."""
    wrong: list[str] = []
    protected, fallen = False, set[str]()
    for line in lines:
        protected = _protected(line, before=protected)
        if line["event"] == "heartbeat":
            (fallen.discard if line["data"]["alive"] else fallen.add)(line["stage"])
        elif opened([line]):
            wrong += [] if protected else [f"line {line['seq']}: before the firewall was seen"]
            wrong += [f"line {line['seq']}: while {stage} is down" for stage in sorted(fallen - {"connectivity"})]
    return wrong


def _protected(line: Line, *, before: bool) -> bool:
    """Whether the firewall has been seen on, and nothing was changed about it since."""
    if line["event"] == "result" and line["step"] == "connectivity.waf":
        return bool(line["data"]["verdict"] == "PASS")
    voided = line["event"] == "checkpoint" and "connectivity.waf" in line["data"].get("void", ())
    return before and not voided and not _is_intent(line, RULES)


def _is_intent(line: Line, operations: Iterable[str]) -> bool:
    return bool(line["event"] == "intent" and line["data"]["operation"] in operations)
