"""Whether everything below still holds: the four heartbeats and the three criteria, asked again now."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.procedure import Look
from runbook.engine.verdict import Observation, Verdict
from steps.application import boots, database_is_ours, decrypts, same_digest_answers
from steps.database.stage import answers
from steps.here import Here
from steps.identity import still_signed_in
from steps.vault.proofs import is_healthy

LAYERS: tuple[tuple[str, Look[Here]], ...] = (
    ("Identity & Access", still_signed_in),
    ("Encryption Vault", is_healthy),
    ("Core Database", answers),
    ("Application Tier", same_digest_answers),
    ("criterion 1", boots),
    ("criterion 2", database_is_ours),
    ("criterion 3", decrypts),
)


async def everything_holds(here: Here) -> Observation:
    """All four heartbeats and the three criteria, now: no half-restored clinical system goes on the Internet.

    LayerFailed or NoVerdict, with the layer's name in front, when one does not hold.
    """
    for number, (name, look) in enumerate(LAYERS, start=1):
        here.desk.progress(number, len(LAYERS), name)
        await _holds(here, name, look)
    return Observation.passed(
        expected="four heartbeats and three criteria, now",
        observed="all four layers answer and all three criteria were shown again",
        source="the same checks as before, run again",
    )


async def _holds(here: Here, name: str, look: Look[Here]) -> None:
    says = f"{name} does not hold any more"
    try:
        seen = await look(here)
    except (LayerFailed, NoVerdict) as trouble:
        raise type(trouble)(
            f"{says}: {trouble.sentence}",
            fix=trouble.fix,
            provider_text=trouble.provider_text,
            source=trouble.source,
        ) from trouble
    if not seen.verdict.satisfies:
        kind = LayerFailed if seen.verdict is Verdict.FAIL else NoVerdict
        raise kind(
            f"{says}: {seen.observed}",
            fix=seen.fix or f"Go back to {name} with that reason.",
            provider_text=seen.provider_text,
            source=seen.source,
        )
