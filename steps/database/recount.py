"""Counting the rows again while the checkpoint is opened: as many tables as there is time for, smallest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from runbook.estate.ports import ContentAsk, Database, TableContent, TableShape
from steps.here import Here
from steps.ticking import Ticker

WITHIN_S: Final = 4.0
"""Of the five seconds that opening a checkpoint may wait for it."""

_BATCHES: Final = 5
_FIRST: Final = (8 << 20, 200)  # bytes and tables of the first batch; each later one holds twice as much


async def recounted(
    here: Here, database: Database, shapes: Iterable[TableShape], began: int
) -> tuple[TableContent, ...]:
    """The row counts that could be had within `WITHIN_S` seconds of `began` (monotonic, in nanoseconds).

    A batch holds up to twice as much as the one before it; it is asked for if twice that one's time still fits.  The
    first is asked for however late it is: something is always counted, if anything is small enough.
    """
    clock, found, last = here.desk.clock, list[TableContent](), 0.0
    for batch in batches(shapes):
        asked = clock.monotonic_ns()
        if found and (asked - began) / 1e9 + 2 * last > WITHIN_S:
            break
        found += await _counted(here, database, batch)
        last = (clock.monotonic_ns() - asked) / 1e9
    return tuple(found)


def batches(shapes: Iterable[TableShape]) -> Iterator[tuple[TableShape, ...]]:
    """Smallest first, up to about 250 MiB in all; a table that is larger than the last batch is in none of them."""
    left = sorted(shapes, key=lambda shape: (shape.size, shape.name))
    for number in range(_BATCHES):
        room, most = (each << number for each in _FIRST)
        taken = 0
        while taken < min(len(left), most) and left[taken].size <= room:
            room -= left[taken].size
            taken += 1
        if taken:
            yield tuple(left[:taken])
        left = left[taken:]


async def _counted(here: Here, database: Database, batch: tuple[TableShape, ...]) -> tuple[TableContent, ...]:
    asks = tuple(ContentAsk(shape.name, hashed=False) for shape in batch)
    ticker = Ticker(here.desk, "counting", of=len(asks))
    connections = here.environment.database.content_connections
    return await ticker.beside(database.contents(asks, connections=connections, progress=ticker))
