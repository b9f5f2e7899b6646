"""The log's head in the evidence bucket, under Object Lock: nobody can say later that the log was another one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from runbook.config.sections import RecordsBucket
from runbook.engine.errors import RunbookError
from runbook.records.audit import anchors
from runbook.records.canonical import canonical, second
from runbook.records.mirror import LIMIT_S
from runbook.records.remote_store import Layout, Store

SCHEMA: Final = 1


async def lock_head(
    store: Store | None,
    place: RecordsBucket | None,
    details: Mapping[str, Any],
    now: datetime,
    *,
    limit_s: float = LIMIT_S,
) -> str:
    """Keep what the log's last row is now, an ending's `details`; a sentence of what came of it.

    "" where no head is to be locked (no bucket, no `retain_days`), or there is no row.  Raises nothing that a provider
    could cause: the run has ended, and its outcome stays as it is.
    """
    if store is None or place is None or place.retain_days is None or not details:
        return ""
    rows, head = int(details["row"]), str(details["head"])
    called = f"the head {anchors.short(rows, head)} of the test log"
    until = now + timedelta(days=place.retain_days)
    try:
        async with asyncio.timeout(limit_s):
            kept = await _kept(store, Layout(place.prefix).head(rows, head), _said(rows, head, now, details), until)
    except TimeoutError:
        return f"{called} is not locked in the evidence bucket: it did not answer in time"
    except RunbookError as failure:
        return f"{called} is not locked in the evidence bucket: {failure.sentence}. {failure.fix}".strip()
    if not kept:
        return f"{called} is in the evidence bucket with other content, which stays"
    return f"{called} is in the evidence bucket, locked until {until:%Y-%m-%d}"


def _said(rows: int, head: str, now: datetime, details: Mapping[str, Any]) -> dict[str, Any]:
    """As `runbook log verify --anchor` reads it; the log by its name, since its place is this machine's."""
    return {"schema": SCHEMA, "rows": rows, "head": head, "at": second(now), "log": Path(str(details["log"])).name}


async def _kept(store: Store, key: str, said: Mapping[str, Any], until: datetime) -> bool:
    """Whether it stands there; an answer may have been lost, so that what stands is our own."""
    if await store.put_new(key, canonical(said) + b"\n", until=until):
        return True
    found = await store.read(key)
    try:
        there = json.loads(found[0]) if found else {}
        return (there["rows"], there["head"]) == (said["rows"], said["head"])
    except (ValueError, KeyError, TypeError):
        return False
