"""A run without public names of its own: the zone is production's, so it is read and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from runbook.engine.errors import LayerFailed
from runbook.engine.verdict import Finding, Observation, Verdict
from steps.here import Here

_READS: Final = {
    "connectivity.zone": "the zone",
    "connectivity.waf": "its firewall rules",
    "connectivity.settings": "its settings",
}
"""What each step reads of the zone."""


def routes(here: Here) -> bool:
    """Whether this run has public names; LayerFailed for a recovery without any, which could not end well."""
    if here.environment.connectivity.hostnames:
        return True
    if here.recovering:
        raise LayerFailed(
            "no hostnames are configured: a recovery without public names opens no door",
            fix="Add the public names as [[connectivity.hostnames]] in runbook.toml.",
            source="configuration",
        )
    return False


def not_exercised(here: Here, what: str) -> Observation:
    """`what` is what a run with names would have shown here."""
    return Observation.not_needed(f"no hostnames are configured; {_read(here)}; not exercised: {what}")


def _read(here: Here) -> str:
    """What this run did read, by its results: one that was attested read nothing."""
    results = {words: here.run.result(step) for step, words in _READS.items()}
    seen = [words for words, one in results.items() if one and one.verdict in {Verdict.PASS, Verdict.NOT_NEEDED}]
    return f"only read: {', '.join(seen)}; nothing was changed" if seen else "nothing of the zone was read or changed"


def only_read(
    wrong: Sequence[Finding], *, expected: str, observed: str, source: str, facts: tuple[Any, ...] = ()
) -> Observation:
    """What was read of a zone in which nothing is routed: a PASS where it is right; what is wrong is a finding."""
    read = f"{observed} (only read: no hostnames are configured)"
    if not wrong:
        return Observation.passed(expected=expected, observed=read, source=source, facts=facts)
    return replace(
        Observation.not_needed(f"not as it should be: {read}", source=source), findings=tuple(wrong), facts=facts
    )
