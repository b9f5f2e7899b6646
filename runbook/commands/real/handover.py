"""One run between machines: its lock, its journal and its evidence in the bucket, as a session uses them."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, RecordFailed, Refused, RunbookError
from runbook.engine.events import Kind
from runbook.engine.ports import Clock
from runbook.records.chain import read_chain
from runbook.records.disk import PRIVATE, Disk, make_folder, read_whole, recording, replace_file
from runbook.records.mirror import LIMIT_S, Mirror
from runbook.records.remote import fetch
from runbook.records.remote_lock import Held, RemoteLock, TakenOver, Who
from runbook.records.remote_store import Layout, Store
from runbook.safety.outside_text import outside_text

_SILENT: Final = "the evidence bucket did not answer in time"
TakeOver = Callable[[str, str], Awaitable[bool]]


class Handover:
    """What this process says of its run to other machines, and hears from them; used in the event loop.

    `behind` is told, once, that the bucket cannot be reached: the run goes on.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        run_id: str,
        *,
        environment: str,
        who: Who,
        clock: Clock,
        behind: Callable[[str], None] = lambda _: None,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._store = store
        self._layout = Layout(prefix)
        self._run_id = run_id
        self._limit_s = limit_s
        self._lock = RemoteLock(store, prefix, environment, run_id=run_id, who=who, now=clock.now)
        self._mirror = Mirror(store, prefix, run_id, behind=behind, limit_s=limit_s)
        self._unasked = False  # the lock could not be looked at, and that was said
        self._behind = behind

    async def claim(self, take_over: TakeOver) -> str:
        """Reserve the environment; a sentence.  `take_over` is asked (run id, who and since when) when another has it.

        This very run on another machine counts as another: that machine may still be at work.  A run that has its end
        in the bucket only died before it gave the environment back, and nobody is asked about it.  Refused when
        `take_over` says no or somebody else was faster; NoVerdict when the bucket cannot be asked.
        """
        found = await self._lock.take()
        if isinstance(found, Held):
            over = await self._is_over(found.holder.run_id)
            if not over and not await take_over(found.holder.run_id, found.sentence):
                raise Refused(f"the environment is not free: {found.sentence}", fix="Wait until it is given back.")
            found = await self._lock.take_over(found)
        self._mirror.begin()
        return found.sentence

    async def _is_over(self, run_id: str) -> bool:
        """Whether the run that holds the lock has an end in the bucket: its process died before it gave it back."""
        if run_id == self._run_id:
            return False
        try:
            content = await fetch(self._store, self._layout.prefix, run_id)
        except RecordFailed:
            return False
        events = read_chain(content, Path(run_id)).events if content else ()
        return bool(events) and events[-1].kind is Kind.ENDED

    async def take_up(self, journal: Path, take_over: TakeOver) -> None:
        """Before a journal is opened to go on with it: claim the environment, then `bring`.

        Where the bucket cannot be asked, a journal that is on this machine is gone on with, and that is said.
        """
        try:
            await self.claim(take_over)
            await self.bring(journal)
        except (NoVerdict, LayerFailed) as error:
            here = await asyncio.to_thread(_whole_lines, journal)
            if not here:
                raise
            self._behind(f"whether another machine goes on with this run is not known: {error.sentence}")
            self.resumes(here)

    async def bring(self, journal: Path) -> None:
        """Make this machine's journal of the run the newer of its own and the bucket's, to be opened and gone on with.

        After `claim`: until then the other machine may write more.  RecordFailed when neither continues the other.
        """
        there = await fetch(self._store, self._layout.prefix, self._run_id)
        self.resumes(await asyncio.to_thread(_brought, journal, there))

    def resumes(self, past: bytes) -> None:
        """The journal as it was opened, whole lines: before the first new one."""
        self._mirror.resumes(past)

    def line(self, raw: bytes, seq: int) -> None:
        """A listener of the journal."""
        self._mirror.line(raw, seq)

    async def settle(self) -> None:
        """Before a change: all lines are in the bucket, and the lock is still ours.  TakenOver otherwise.

        A bucket that cannot be reached does not stop the run.
        """
        await self._mirror.settle()
        if self._mirror.late:
            return
        try:
            async with asyncio.timeout(self._limit_s):
                await self._lock.hold()
            self._unasked = False
        except TimeoutError:
            self._say_unasked(_SILENT)
        except TakenOver:
            raise
        except RunbookError as error:
            self._say_unasked(error.sentence)

    async def keep(self, files: Mapping[str, bytes]) -> str:
        """Put the run's evidence beside its journal, each file once; a sentence of what could not be, or ""."""
        wrong = [sentence for name in files if (sentence := await self._kept(name, files[name]))]
        return "; ".join(wrong)

    async def release(self) -> str:
        """Bring the last lines there and give the lock back, after the run's end; a sentence of what failed, or ""."""
        self._mirror.begin()
        await self._mirror.close()
        return self._mirror.lost or "; ".join(filter(None, (self._mirror.missing, await self._given_back())))

    async def leave(self) -> None:
        """Let go without giving back: an unfinished run still holds its environment."""
        await self._mirror.close()

    async def _given_back(self) -> str:
        try:
            async with asyncio.timeout(self._limit_s):
                given = await self._lock.release()
        except TimeoutError:
            return f"the lock could not be given back: {_SILENT}"
        except RunbookError as error:
            return f"the lock could not be given back: {error.sentence}"
        return "" if given else "the lock was not this run's any more"

    async def _kept(self, name: str, body: bytes) -> str:
        key = self._layout.evidence(self._run_id, name)
        try:
            if await self._store.put_new(key, body):
                return ""
            found = await self._store.read(key)
        except RunbookError as error:
            return f"{name} is not in the evidence bucket: {error.sentence}"
        there = found is not None and found[0] == body
        return "" if there else f"{name} is in the evidence bucket with other content, which stays"

    def _say_unasked(self, sentence: str) -> None:
        if not self._unasked:
            self._unasked = True
            self._behind(f"whether another machine took this run over is not known for now: {sentence}")


def this_place(home: Path, operator: str) -> Who:
    """This process, for the lock.  The home has a random name of its own: host names repeat."""
    name = home / "place"
    if not name.exists():
        make_folder(home)
        replace_file(name, secrets.token_hex(8).encode() + b"\n", mode=PRIVATE)
    with recording(name, "read"):
        place = outside_text(name.read_bytes()).strip()
    return Who(platform.node() or "this machine", os.getpid(), operator, place)


def _brought(journal: Path, there: bytes) -> bytes:
    """The whole lines that stand in the file now."""
    here = _whole_lines(journal)
    if here.startswith(there) and here:
        return here
    if not there:
        raise RecordFailed(
            "neither this machine nor the evidence bucket holds a journal of that run",
            fix="Check the id (runbook status), the bucket and the prefix in runbook.toml.",
            source=str(journal),
        )
    if not there.startswith(here):
        raise RecordFailed(
            f"{journal.name} and the evidence bucket tell this run differently: two processes went on with it",
            fix="Keep both as they are, clean up by hand from what they say was made, and start a new run.",
            source=str(journal),
        )
    make_folder(journal.parent)
    replace_file(journal, there, mode=PRIVATE)
    return there


def _whole_lines(journal: Path) -> bytes:
    """A torn last line was never said, and goes when the journal is opened."""
    here = read_whole(journal, Disk()) if journal.exists() else b""
    return here[: here.rfind(b"\n") + 1]
