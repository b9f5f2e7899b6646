"""How thoroughly the content is compared: the operator's choice, with what there is to read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Choose, Option
from runbook.estate.ports import TableShape
from steps.facts import ContentDepth
from steps.here import Here

FULL: Final = "full"
QUICK: Final = "quick"
_MIB: Final = 1 << 20


def quick_limit(here: Here) -> int:
    """In bytes: a quick pass only counts the rows of larger tables."""
    return here.environment.database.quick_limit_mib * _MIB


async def choose_depth(here: Here, shapes: tuple[TableShape, ...]) -> ContentDepth:
    """The operator's choice; full where a quick pass would read as much; NoVerdict when quick has no reason."""
    limit = quick_limit(here)
    small = [shape for shape in shapes if shape.size <= limit]
    if len(small) == len(shapes):
        return ContentDepth(FULL)
    every = f"every row of {len(shapes):,} tables"
    some = f"{len(small):,} tables; {len(shapes) - len(small):,} larger only counted"
    choice = await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title="How thoroughly is the content compared?",
            columns=("depth", "what is compared", "to read", "forecast"),
            options=(
                Option(FULL, (FULL, every, _size(shapes), _forecast(here))),
                Option(QUICK, (QUICK, some, _size(small), "no forecast yet")),
            ),
            default=FULL,
        )
    )
    reason = choice.reason.strip()
    if choice.key == QUICK and not reason:
        raise NoVerdict(
            "a quick pass needs a reason", fix="Try again: take the full one, or say why.", source="operator"
        )
    return ContentDepth(choice.key, reason)


def _size(shapes: Collection[TableShape]) -> str:
    return f"{sum(shape.size for shape in shapes) / _MIB:,.1f} MiB"


def _forecast(here: Here) -> str:
    for run in here.history:
        if run.verified_s is not None:
            return f"{max(1, round(run.verified_s / 60))} min from the restore call in {run.run_id}"
    return "no forecast yet"
