"""One look at many things (services, names, images): side by side, and told so that thirty fit on a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from runbook.engine.errors import HardStop, LayerFailed, NoVerdict, RunbookError, SignedOut
from runbook.engine.few import few
from runbook.engine.together import together
from steps.here import Here

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE: Final = 8  # providers limit the rate, and the door has a width
SHOWN: Final = 4  # of many that are wrong, how many are named


async def side_by_side(
    here: Here, items: Sequence[T], look: Callable[[T], Awaitable[R]], *, doing: str, named: Callable[[T], str] = str
) -> list[R]:
    """`look` at each, in the order of `items`, with progress (none where `doing` is "").

    All are looked at, also when one raises.  Then: the hard stop or the lost sign-in if there was one; LayerFailed if
    any did, else NoVerdict, of which the sentence names what went wrong where; a sole item's own error as it is.
    """
    free = asyncio.Semaphore(AT_ONCE)
    seen: dict[int, R] = {}
    failed: dict[int, LayerFailed | NoVerdict] = {}

    async def one(place: int, item: T) -> None:
        try:
            async with free:
                seen[place] = await look(item)
        except (LayerFailed, NoVerdict) as trouble:
            failed[place] = trouble
        if len(items) > 1 and doing:
            done = len(seen) + len(failed)
            here.desk.progress(done, len(items), f"{doing}: {named(item)}, {done} of {len(items)}")

    await together(one(place, item) for place, item in enumerate(items))
    if failed:
        raise _summed([named(item) for item in items], failed)
    return [seen[place] for place in range(len(items))]


def _summed(names: Sequence[str], failed: dict[int, LayerFailed | NoVerdict]) -> RunbookError:
    """One error for all of them."""
    worst = sorted(failed.items(), key=lambda each: (_weight(each[1]), each[0]))
    first = worst[0][1]
    if len(names) == 1 or isinstance(first, HardStop | SignedOut):
        return first
    kind = LayerFailed if isinstance(first, LayerFailed) else NoVerdict
    words = [f"{names[place]}: {trouble.sentence}" for place, trouble in worst]
    return kind(told(words, of=len(names)), fix=first.fix, provider_text=first.provider_text, source=first.source)


def _weight(trouble: RunbookError) -> int:
    order = (HardStop, SignedOut, LayerFailed)
    return next((place for place, kind in enumerate(order) if isinstance(trouble, kind)), len(order))


def told(wrong: Sequence[str], *, of: int) -> str:
    """`a: …; b: …`, and of how many, once there is more than one; those that do not fit are counted."""
    shown = few(wrong, SHOWN, between="; ")
    return shown if of == 1 else f"{len(wrong)} of {of}: {shown}"


def listed(names: Sequence[str]) -> str:
    """`a, b, c and 27 more`."""
    return few(names, SHOWN)
