"""What must not be left half done, and whoever is interrupted while it is done."""

from __future__ import annotations

import asyncio

import pytest

from runbook.commands.session import uninterrupted
from runbook.engine.errors import RecordFailed


async def _told(interruptions: int, *, fails: bool = False) -> tuple[bool, BaseException | None]:
    """Whether the work was done, and what came out of it, however often it was cancelled meanwhile."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), False

    async def work() -> str:
        nonlocal done
        begun.set()
        await go_on.wait()
        if fails:
            raise RecordFailed("NOT RECORDED")
        done = True
        return "written"

    waiting = asyncio.create_task(uninterrupted(work()))
    await begun.wait()
    for _ in range(interruptions):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    go_on.set()
    (came,) = await asyncio.gather(waiting, return_exceptions=True)
    return done, came if isinstance(came, BaseException) else None


@pytest.mark.parametrize("interruptions", [0, 1, 2, 5])
async def test_it_is_done_however_often_it_is_interrupted(interruptions: int) -> None:
    done, came = await _told(interruptions)
    assert done
    assert isinstance(came, asyncio.CancelledError) is (interruptions > 0)


@pytest.mark.parametrize("interruptions", [0, 1, 2])
async def test_its_failure_is_told_also_to_whoever_interrupted(interruptions: int) -> None:
    _, came = await _told(interruptions, fails=True)
    assert isinstance(came, RecordFailed)
