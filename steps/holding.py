"""Whether everything below still holds: the four heartbeats and the three criteria, asked again now."""

from __future__ import annotations

from typing import Final

from runbook.engine.errors import HardStop, LayerFailed, NoVerdict, RunbookError, SignedOut
from runbook.engine.procedure import Look
from runbook.engine.together import together
from runbook.engine.verdict import Observation, Verdict
from steps.application.criteria import boots, connects, decrypts, same_digest_answers
from steps.database.stage import answers
from steps.here import Here
from steps.identity.stage import still_signed_in
from steps.patience import patient
from steps.vault.proofs import is_healthy

Named = tuple[str, Look[Here]]
HEARTBEATS: Final[tuple[Named, ...]] = (
    ("Identity & Access", still_signed_in),
    ("Encryption Vault", is_healthy),
    ("Core Database", answers),
    ("Application Tier", same_digest_answers),
)
CRITERIA: Final[tuple[Named, ...]] = (
    ("criterion 1", boots),
    ("criterion 2", connects),
    ("criterion 3", decrypts),
)


@patient
async def everything_holds(here: Here) -> Observation:
    """All four heartbeats and the three criteria, now: no half-restored clinical system goes on the Internet.

    LayerFailed or NoVerdict, with the layer's name in front, when one does not hold.
    """
    looks = (*HEARTBEATS, *CRITERIA)
    for number, (name, look) in enumerate(looks, start=1):
        here.desk.progress(number, len(looks), name)
        await _holds(here, name, look)
    return Observation.passed(
        expected="four heartbeats and three criteria, now",
        observed="all four layers answer and all three criteria were shown again",
        source="the same checks as before, run again",
    )


@patient
async def layers_answer(here: Here) -> None:
    """The four heartbeats alone, side by side; raises as `everything_holds` does."""
    await together(_holds(here, name, look) for name, look in HEARTBEATS)


async def _holds(here: Here, name: str, look: Look[Here]) -> None:
    says = f"{name} does not hold any more"
    try:
        seen = await look(here)
    except (LayerFailed, NoVerdict) as trouble:
        raise _about(says, trouble) from trouble
    if not seen.verdict.satisfies:
        kind = LayerFailed if seen.verdict is Verdict.FAIL else NoVerdict
        raise kind(
            f"{says}: {seen.observed}",
            fix=seen.fix or f"Go back to {name} with that reason.",
            provider_text=seen.provider_text,
            source=seen.source,
        )


def _about(says: str, trouble: LayerFailed | NoVerdict) -> RunbookError:
    """The same error, with the layer in front; adapters have subtler kinds, of which these four matter here."""
    sentence, fix, words, source = f"{says}: {trouble.sentence}", trouble.fix, trouble.provider_text, trouble.source
    if isinstance(trouble, SignedOut):
        return SignedOut(trouble.system, sentence, fix=fix, provider_text=words, source=source)
    kind = next(kind for kind in (HardStop, LayerFailed, NoVerdict) if isinstance(trouble, kind))
    return kind(sentence, fix=fix, provider_text=words, source=source)
