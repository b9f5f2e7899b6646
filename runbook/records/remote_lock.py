"""One run per environment on any number of laptops: a lock object that only conditional writes change.

It is never deleted: giving it back replaces it by the same words and `released`.  Taking it over from somebody is
`take_over`, with exactly the lock that was shown to the operator: of two who do it, one wins.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from runbook.engine.errors import NoVerdict, RecordFailed, Refused
from runbook.records.canonical import canonical, moment, second
from runbook.records.remote_store import Layout, Store
from runbook.safety.outside_text import outside_text

SCHEMA: Final = 1
TRIES: Final = 8  # every loss means that somebody else's write came first
_TEXTS: Final = ("run_id", "host", "operator", "place", "claim")


class TakenOver(RecordFailed):
    """Another process goes on with this run, or works on its environment: nothing can be rescued here, on any word."""


@dataclass(frozen=True, slots=True)
class Who:
    """A process that works on a run.  `place` tells one `<home>` from another: host names repeat."""

    host: str
    pid: int
    operator: str
    place: str


@dataclass(frozen=True, slots=True)
class Holder:
    """What the lock says.  `claim` is new with every taking, so that nobody mistakes another's for their own."""

    run_id: str
    host: str
    pid: int
    operator: str
    place: str
    since: datetime
    claim: str
    released: bool = False

    def sentence(self, now: datetime) -> str:
        """Who holds it, since when and how old that is."""
        age = timedelta(seconds=max(0, round((now - self.since).total_seconds())))
        return (
            f"run {self.run_id} of {self.operator} holds it, from {self.host} (process {self.pid}), "
            f"since {second(self.since)}, for {age}"
        )


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else has the lock; `etag` names what was read."""

    holder: Holder
    etag: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The lock is ours; `before` is who had it, unless they gave it back."""

    sentence: str
    before: Holder | None = None


class RemoteLock:
    """The lock of one environment, as one process sees it.  Raises what its `Store` raises, and RecordFailed."""

    def __init__(
        self, store: Store, prefix: str, environment: str, *, run_id: str, who: Who, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._key = Layout(prefix).lock(environment)
        self._environment = environment
        self._run_id = run_id
        self._who = who
        self._now = now
        self._mine: Holder | None = None

    async def take(self) -> Taken | Held:
        """Ours when it is free, given back, or held by this run from this very place, where no other process can be.

        May be called again: what is held already is only confirmed.
        """
        mine = self._mine or self._claimed()
        for _ in range(TRIES):
            found = await self._look()
            if found is None:
                await self._store.put_new(self._key, self._body(mine))
            elif found[0].claim == mine.claim:
                return self._keep(mine, "it is locked for this run")
            elif found[0].released or self._is_ours(found[0]):
                if await self._store.replace(self._key, self._body(mine), found[1]):
                    return self._keep(mine, *self._taken_again(found[0]))
            else:
                return Held(*found, found[0].sentence(self._now()))
        raise self._restless()

    async def take_over(self, seen: Held) -> Taken:
        """Take it from who was shown; Refused when it changed hands since."""
        mine = self._claimed()
        await self._store.replace(self._key, self._body(mine), seen.etag)
        found = await self._look()
        if found is not None and found[0].claim == mine.claim:
            return self._keep(mine, f"it was taken over: {seen.sentence}", seen.holder)
        now = found[0].sentence(self._now()) if found else "it is gone"
        raise Refused(
            f"the lock of {self._environment} changed hands while you decided: {now}",
            fix="Talk to each other, then decide anew.",
            source=self._key,
        )

    async def hold(self) -> None:
        """Make sure of it before a change; TakenOver when somebody else has it, for this process must not go on then.

        Free, or this run's from this very place, it is taken without a word: a resumed run claimed it long ago.
        """
        if self._mine is not None:
            await self._check(self._mine)
        elif isinstance(found := await self.take(), Held):
            raise taken_over(found.sentence, self._key)

    async def _check(self, mine: Holder) -> None:
        found = await self._look()
        if found is None:  # somebody removed it by hand, and nobody holds it
            await self._store.put_new(self._key, self._body(mine))
            found = await self._look()
        if found is None or found[0].claim != mine.claim:
            raise taken_over(found[0].sentence(self._now()) if found else "its lock is gone", self._key)

    async def release(self) -> bool:
        """Give it back, also what an earlier process of this run took from here; False when it was taken from us."""
        found, mine = await self._look(), self._mine
        if found is None or found[0].released or not self._is_held_by_us(found[0]):
            return mine is None
        self._mine = None
        await self._store.replace(self._key, self._body(replace(found[0], released=True)), found[1])
        return True

    # -- small parts --------------------------------------------------------------------------------------------------
    def _claimed(self) -> Holder:
        who = self._who
        return Holder(
            self._run_id, who.host, who.pid, who.operator, who.place, self._now(), claim=secrets.token_hex(16)
        )

    def _is_ours(self, holder: Holder) -> bool:
        return (holder.run_id, holder.host, holder.place) == (self._run_id, self._who.host, self._who.place)

    def _is_held_by_us(self, holder: Holder) -> bool:
        return self._is_ours(holder) if self._mine is None else holder.claim == self._mine.claim

    def _taken_again(self, before: Holder) -> tuple[str, Holder | None]:
        if before.released:
            return "it is locked for this run", None
        return f"it is locked for this run, again: process {before.pid} had it since {second(before.since)}", before

    def _keep(self, mine: Holder, sentence: str, before: Holder | None = None) -> Taken:
        self._mine = mine
        return Taken(sentence, before)

    async def _look(self) -> tuple[Holder, str] | None:
        found = await self._store.read(self._key)
        return None if found is None else (self._parsed(found[0]), found[1])

    def _parsed(self, body: bytes) -> Holder:
        try:
            said = json.loads(body)
            if said["schema"] != SCHEMA:
                raise RecordFailed(
                    f"the lock of {self._environment} is of version {outside_text(said['schema'])}, "
                    f"this tool reads version {SCHEMA}",
                    fix="Use the same version of this tool everywhere.",
                    source=self._key,
                )
            return _holder(said)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise RecordFailed(
                f"the lock of {self._environment} cannot be read",
                fix="Look at the object; if nobody works on that environment, remove it by hand.",
                source=self._key,
            ) from error

    def _body(self, holder: Holder) -> bytes:
        said = {**asdict(holder), "since": second(holder.since)}
        return canonical({"schema": SCHEMA, "environment": self._environment, **said}) + b"\n"

    def _restless(self) -> NoVerdict:
        return NoVerdict(
            f"the lock of {self._environment} changes all the time", fix="Look who else starts runs.", source=self._key
        )


def taken_over(by: str, source: str) -> TakenOver:
    """In the operator's words."""
    return TakenOver(
        f"this run was taken over elsewhere: {by}",
        fix="Do nothing more here; what this process had begun is in the record, and found from there.",
        source=source,
    )


def _holder(said: Any) -> Holder:
    texts = {name: outside_text(said[name]) for name in _TEXTS}
    return Holder(**texts, pid=int(said["pid"]), since=moment(said["since"]), released=said["released"] is True)
