"""A run in the evidence bucket: its journal whole again out of its pieces, and which run is unfinished there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.records.chain import read_chain
from runbook.records.mirror import Mirror
from runbook.records.remote_lock import Held, RemoteLock, Taken, TakenOver, Who
from runbook.records.remote_store import Layout, Store, first_line

__all__ = ["Held", "Mirror", "RemoteLock", "Store", "Taken", "TakenOver", "Who", "fetch", "newest_unfinished"]

_FIX = "Look at the bucket; the journal on the machine that ran it is what counts."


async def fetch(store: Store, prefix: str, run_id: str) -> bytes:
    """The run's journal, byte for byte as far as it was brought there, its chain verified; empty where there is none.

    RecordFailed names what is missing, is there twice, or was changed.
    """
    folder = Layout(prefix).segments(run_id)
    pieces = await _pieces(store, folder)
    _refuse_gaps(pieces, folder)
    content = b"".join(pieces[first] for first in sorted(pieces))
    if read_chain(content, Path(f"{run_id}.jsonl")).torn:
        raise RecordFailed(f"the last line of {run_id} in the evidence bucket is not whole", fix=_FIX, source=folder)
    return content


async def newest_unfinished(store: Store, prefix: str, environment: str) -> str | None:
    """The id of the run on that environment that began last and has no end; None when every one ended."""
    layout = Layout(prefix)
    pieces: dict[str, dict[int, str]] = {}
    for key in await store.list(layout.runs):
        run_id, folder, _ = (*key.removeprefix(layout.runs).split("/"), "", "")[:3]
        if folder == "journal" and (first := first_line(key)) is not None:
            pieces.setdefault(run_id, {})[first] = key
    for run_id in sorted(pieces, key=_began, reverse=True):
        ours, ended = await _standing(store, pieces[run_id], environment)
        if ours and not ended:
            return run_id
    return None


def _began(run_id: str) -> str:
    """`MODE-STARTZ-RANDOM` → what follows the mode."""
    return run_id.partition("-")[2]


async def _pieces(store: Store, folder: str) -> dict[int, bytes]:
    """By the number of their first line."""
    keys = {first: key for key in await store.list(folder) if (first := first_line(key)) is not None}
    found = await asyncio.gather(*(store.read(key) for key in keys.values()))
    return {first: body[0] for first, body in zip(keys, found, strict=True) if body is not None}


def _refuse_gaps(pieces: Mapping[int, bytes], folder: str) -> None:
    """Each piece begins where the one before it ended; what the lines themselves say is the chain's to judge."""
    following = 1
    for first in sorted(pieces):
        if first > following:
            missing = f"line {following}" if first == following + 1 else f"lines {following} to {first - 1}"
            raise RecordFailed(f"the journal in the evidence bucket lacks {missing}", fix=_FIX, source=folder)
        if first < following:
            raise RecordFailed(
                f"the journal in the evidence bucket holds line {first} twice: two processes wrote it",
                fix=_FIX,
                source=folder,
            )
        following = first + pieces[first].count(b"\n")


async def _standing(store: Store, pieces: Mapping[int, str], environment: str) -> tuple[bool, bool]:
    """Whether the run is of that environment, and whether its journal has its end: the two outer pieces say it."""
    outer = await asyncio.gather(store.read(pieces[min(pieces)]), store.read(pieces[max(pieces)]))
    first, last = (_lines(found[0] if found else b"") for found in outer)
    declared, end = (first or [{}])[0], (last or [{}])[-1]
    return declared.get("data", {}).get("environment") == environment, end.get("event") == Kind.ENDED


def _lines(body: bytes) -> list[dict[str, Any]]:
    """What they say, unverified: `fetch` verifies.  RecordFailed where they say nothing."""
    try:
        said = [json.loads(line) for line in body.splitlines()]
    except (ValueError, RecursionError) as error:
        raise RecordFailed("a journal in the evidence bucket cannot be read", fix=_FIX) from error
    return [line for line in said if isinstance(line, dict)]
