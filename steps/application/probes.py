"""Ordinary requests that a restored application has to answer, as configured."""

from __future__ import annotations

from runbook.config.application import Probe
from runbook.engine.errors import LayerFailed
from runbook.engine.verdict import Observation
from steps.application.health import said
from steps.here import Here, as_object
from steps.many import listed, side_by_side
from steps.patience import patient


@patient
async def all_answer(here: Here) -> Observation:
    """Each with its status, its text and its fields; LayerFailed says which does not, and how."""
    probes = here.environment.application.probes
    if not probes:
        return Observation.not_needed("no [[application.probes]] are configured")

    async def look(probe: Probe) -> None:
        if wrong := await _wrong(here, probe):
            raise LayerFailed(wrong, fix="Look at the application's log.", source=f"GET {probe.url}")

    await side_by_side(here, probes, look, doing="asking for", named=lambda probe: probe.name)
    return Observation.passed(
        expected="every configured request is answered as it should be",
        observed=f"{len(probes)} of {len(probes)} answered: {listed([probe.name for probe in probes])}",
        source=f"GET {listed([probe.url for probe in probes])}",
    )


async def _wrong(here: Here, probe: Probe) -> str:
    """What is not as configured; what is there instead may be about a person, and is not repeated."""
    answer = await here.estate.web.get(probe.url)
    wrong = [f"HTTP {answer.status} instead of {probe.status}"] if answer.status != probe.status else []
    if probe.contains and probe.contains not in answer.body.decode("utf-8", "replace"):
        wrong.append(f"the answer does not contain “{probe.contains}”")
    document = as_object(answer.body)
    for path, value in probe.fields.items():
        seen = said(document, path)
        if seen != value:
            wrong.append(f"{path} is {'missing' if seen is None else f'not {value}'}")
    return ", ".join(wrong)
