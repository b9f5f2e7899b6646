"""The journal's lines on their way into the bucket, in pieces that are written once and never again.

The journal on this disk is what counts: a bucket that cannot be reached before a change is said once, and what is
missing there follows as soon as it answers.  A piece that is there already with other content means that another
process goes on with this run; nothing may be done here any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Final

from runbook.engine.errors import RunbookError
from runbook.records.remote_lock import TakenOver, taken_over
from runbook.records.remote_store import Layout, Store, first_line
from runbook.safety.outside_text import outside_text

PIECE: Final = 1 << 20  # bytes from which on a piece takes no further line
LIMIT_S: Final = 10.0


class Mirror:
    """One run's journal in the bucket; used in the event loop only.

    Nothing is sent before `begin` or the first `settle`: a run says its first lines before it is signed in.  `behind`
    is told a sentence when lines could not be brought there before a change, once until they were.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        run_id: str,
        *,
        behind: Callable[[str], None] = lambda _: None,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._store = store
        self._layout = Layout(prefix)
        self._run_id = run_id
        self._behind = behind
        self._limit_s = limit_s
        self._waiting: list[tuple[int, bytes]] = []
        self._aligned = False  # whether the bucket was asked what it has already
        self._begun = False
        self._trouble = ""  # why the last attempt failed
        self._late = False
        self._lost: TakenOver | None = None
        self._sender: asyncio.Task[None] | None = None

    @property
    def late(self) -> bool:
        """Whether the bucket lacks lines, and that was said."""
        return self._late

    @property
    def missing(self) -> str:
        """Why the bucket does not hold every line said so far, or ""."""
        lines = "1 line" if len(self._waiting) == 1 else f"{len(self._waiting)} lines"
        why = self._trouble or "no answer in time"
        return f"the evidence bucket lacks {lines} of the journal: {why}" if self._waiting else ""

    @property
    def lost(self) -> str:
        """Who goes on with this run instead of us, or ""."""
        return self._lost.sentence if self._lost else ""

    def resumes(self, past: bytes) -> None:
        """The journal as it was opened, before the first new line: what the bucket lacks of it is brought there too."""
        self._waiting = list(enumerate(past.splitlines(keepends=True), start=1))

    def begin(self) -> None:
        """From now on lines are sent as they come."""
        self._begun = True
        self._send()

    def line(self, raw: bytes, seq: int) -> None:
        """A line that is on disk now; TakenOver once it is known that another process goes on with the run."""
        self._waiting.append((seq, raw))
        self._refuse_when_lost()
        self._send()

    async def settle(self) -> None:
        """Wait until all lines are there, for some seconds; not at all while it is known that they cannot be.

        TakenOver when another process goes on with this run.
        """
        self._refuse_when_lost()
        self.begin()
        if self._sender is not None and not self._late:
            done, _ = await asyncio.wait({self._sender}, timeout=self._limit_s)
            for sender in done:
                sender.result()  # a defect of ours is not kept to itself
            self._say_late(self._trouble if done else f"no answer within {self._limit_s:.0f} s")
        self._refuse_when_lost()

    async def close(self) -> None:
        """Try once more to bring everything there, if any of it ever was to be, then let go."""
        self._send()
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=self._limit_s)
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
            self._sender = None

    # -- sending ------------------------------------------------------------------------------------------------------
    def _send(self) -> None:
        """One at a time: a new attempt begins with the next line or settling, never by itself."""
        free = self._sender is None or self._sender.done()
        if self._begun and self._waiting and self._lost is None and free:
            self._sender = asyncio.get_running_loop().create_task(self._sending(), name="mirror of the journal")

    async def _sending(self) -> None:
        try:
            if not self._aligned:
                await self._align()
            while self._waiting:
                await self._put_piece()
        except TakenOver as failure:
            self._lost = failure
        except RunbookError as error:
            self._trouble = error.sentence
        else:
            self._trouble, self._late = "", False

    async def _put_piece(self) -> None:
        first, body = self._piece()
        key = self._layout.segment(self._run_id, first)
        if not await self._store.put_new(key, body):
            found = await self._store.read(key)
            if found is None:
                return  # gone again: try anew
            body = found[0]
            self._compare(key, body, first)
        self._drop(first + body.count(b"\n"))

    def _piece(self) -> tuple[int, bytes]:
        first, size = self._waiting[0][0], 0
        lines: list[bytes] = []
        for _, raw in self._waiting:
            if lines and size + len(raw) > PIECE:
                break
            lines.append(raw)
            size += len(raw)
        return first, b"".join(lines)

    async def _align(self) -> None:
        """Leave out what an earlier process brought there: its last piece vouches for all before it, by the chain.

        A piece that begins behind our last line is another process's, and says who that is.
        """
        keys = {first: key for key in await self._keys() if (first := first_line(key)) is not None}
        last = self._waiting[-1][0]
        within, behind = [first for first in keys if first <= last], [first for first in keys if first > last]
        for first in (*within[-1:], *behind[:1]):
            found = await self._store.read(keys[first])
            there = found[0] if found else b""
            self._compare(keys[first], there, first)
            self._drop(first + there.count(b"\n"))
        self._aligned = True

    async def _keys(self) -> tuple[str, ...]:
        return await self._store.list(self._layout.segments(self._run_id))

    def _compare(self, key: str, there: bytes, first: int) -> None:
        """TakenOver unless what is there are lines of ours, from line `first` on."""
        ours = b"".join(raw for seq, raw in self._waiting if seq >= first)
        if not there.endswith(b"\n") or not ours.startswith(there):
            raise taken_over(_by(there), key)

    def _drop(self, until: int) -> None:
        """Lines before that number are there."""
        self._waiting = [(seq, raw) for seq, raw in self._waiting if seq >= until]

    def _say_late(self, trouble: str) -> None:
        if trouble and not self._late:
            self._late = True
            self._behind(f"the journal is not mirrored in the evidence bucket for now: {trouble}")

    def _refuse_when_lost(self) -> None:
        if self._lost is not None:
            raise TakenOver(self._lost.sentence, fix=self._lost.fix, source=self._lost.source)


def _by(there: bytes) -> str:
    """Who the foreign lines say goes on with the run."""
    for line in there.splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            said = json.loads(line)
            if said["event"] == "resumed":
                return f"resumed by {outside_text(said['data']['by'])} at {outside_text(said['at'])}"
    return "its journal in the evidence bucket holds lines that this process did not write"
