"""All that a step sees.  No global, no screen, no file of its own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from runbook.config import Environment, Targets
from runbook.engine.desk import Desk
from runbook.engine.errors import NoVerdict, Outdated
from runbook.engine.objectives import incident
from runbook.engine.ports import ByHand, Preview, Secret
from runbook.engine.run import Run
from runbook.engine.verdict import Finding
from runbook.estate.ports import Estate, Login, ThrowAway
from runbook.policy import Policy, spared
from steps.facts import ClockOffset

T = TypeVar("T")
TakeOver: TypeAlias = Callable[[str, str], Awaitable[bool]]  # run id of the holder, a sentence → taken from it?


@dataclass(frozen=True, slots=True)
class HouseState:
    """What this machine offers: `environment` are variables that could redirect a client, shown when set."""

    writable: bool
    free_bytes: int
    credentials: str  # where secrets come from
    environment: tuple[str, ...]


class House(Protocol):
    """This machine: the run's private folder and what is known of the tool itself."""

    async def state(self) -> HouseState:
        """Probes by writing and deleting."""
        ...

    def place(self, name: str) -> Path:
        """A path in the run's private folder (0700)."""
        ...

    async def holds(self, name: str, sha256: str) -> bool:
        """Whether that file is there with that content."""
        ...

    async def discard(self, name: str) -> None:
        """Remove it; a missing one is no error."""
        ...

    async def names(self, folder: Path) -> tuple[str, ...]:
        """Of the files in a configured folder of this machine, sorted; NoVerdict where it cannot be read."""
        ...

    async def read(self, file: Path, limit: int) -> bytes:
        """A configured file whole; LayerFailed when it is larger than `limit` bytes, NoVerdict when unreadable."""
        ...

    async def claim(self, take_over: TakeOver) -> str:
        """Reserve the environment for this run against other machines; a sentence that says what holds now.

        May be called again: what this run holds already is only confirmed.  `take_over(RUN, SENTENCE)` is asked when
        another run holds it, with that run's id and what is known of it, and answers whether it is taken from it;
        Refused when it says no, NoVerdict when it cannot be found out who holds it.
        """
        ...


@dataclass
class Held:
    """What lives in this process's memory only, and dies with it: secrets (`guard` is told each); what was shown."""

    guard: Callable[[Secret], None] = lambda _: None
    throw_away: ThrowAway | None = None
    owners: dict[str, Login] = field(default_factory=dict)  # a copy's master user, once this process set its password
    shown: dict[str, Preview] = field(default_factory=dict)  # by step: what the operator was last asked to agree to

    def keep(self, throw_away: ThrowAway) -> None:
        """Hold the fresh cluster's keys until the restore; the guard masks them in whatever is written."""
        for secret in (*throw_away.keys, throw_away.root_token):
            self.guard(secret)
        self.throw_away = throw_away

    def own(self, instance: str, login: Login) -> None:
        """Hold that copy's master password."""
        self.owners[instance] = login


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What an earlier run of this home recorded; newest first in `Here.history`."""

    run_id: str
    ended: datetime
    share_labels: tuple[str, ...]
    cluster_id: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)  # by table, as it verified them
    available_s: int | None = None  # from the restore call until the provider said available
    verified_s: int | None = None  # until the content was compared
    findings: tuple[Finding, ...] = ()  # those that were open at its end


@dataclass(frozen=True)
class Here:
    """One per attempt."""

    desk: Desk
    environment: Environment
    estate: Estate
    policy: Policy
    targets: Targets
    house: House
    credential: Callable[[str], Awaitable[Secret]]
    held: Held = field(default_factory=Held)
    history: tuple[EarlierRun, ...] = ()
    rehearsal_exception: str = ""  # who allowed a rehearsal without a sign-in that proves MFA; "": nobody did
    seen: dict[str, Any] = field(default_factory=dict)  # what `find` or `preview` read, for what follows it at once

    @property
    def run(self) -> Run:
        """The state of the run now."""
        return self.desk.run

    @property
    def mode(self) -> str:
        """training, drill, rehearsal or recovery."""
        return str(self.run.declared.get("mode", "training"))

    @property
    def recovering(self) -> bool:
        """Whether production itself is restored."""
        return self.mode == "recovery"

    @property
    def unattended(self) -> bool:
        """Whether nobody is present: a rehearsal."""
        return self.mode == "rehearsal"

    @property
    def poll_s(self) -> float:
        """Seconds between two looks at something slow: providers limit the rate, this machine does not."""
        return 0.5 if self.estate.account.loopback else 15.0

    def now(self) -> datetime:
        """Wall clock, UTC."""
        return self.desk.clock.now()

    def provider_now(self) -> datetime:
        """Now on the provider's clock: what its times are compared with, since this machine's may be a little off."""
        offset = self.run.fact(ClockOffset)
        return self.now() - timedelta(milliseconds=offset.ms if offset else 0)

    @property
    def incident_at(self) -> datetime | None:
        """When what is recovered from began, as it was declared; None: unknown, or not a recovery."""
        return incident(self.run)

    def kept_until(self) -> datetime:
        """When backups had to be fresh, on the provider's clock: now, in a recovery at the time of the incident."""
        return self.incident_at or self.provider_now()

    async def until(
        self,
        look: Callable[[], Awaitable[T | None]],
        *,
        limit_s: float | None,
        waiting_for: str,
        every_s: float | None = None,
    ) -> T:
        """Call `look` until it answers something true; NoVerdict after `limit_s` seconds, saying what was awaited.

        None: as long as it takes; `look` is to show how far it is, and to raise when it will not come to a good end.
        """
        began = self.now()
        while True:
            if seen := await look():
                return seen
            if limit_s is not None and self.now() - began >= timedelta(seconds=limit_s):
                raise NoVerdict(
                    f"waited {limit_s:.0f} s for {waiting_for}",
                    fix="Look at it in the provider's console; try again to go on waiting.",
                    source="the runbook's own polling",
                )
            await self.desk.clock.sleep(every_s or self.poll_s)

    def show(self, preview: Preview) -> Preview:
        """The same preview, remembered for `must_be_as_shown`."""
        self.held.shown[self.desk.step] = preview
        return preview

    def must_be_as_shown(self, now: Preview) -> None:
        """Outdated, before anything is done, where `now` is not what the operator agreed to."""
        if self.held.shown.get(self.desk.step, now) != now:
            raise Outdated(
                "changed since it was shown, so nothing was done: look at it again",
                fix="Try again: it is shown as it is now.",
                source="the provider, read again after it was agreed to",
            )

    async def by_hand(self, what: str, *how: str, act: str, undone: str) -> None:
        """Have done what no API can do (`act` as in `ByHand`); NoVerdict, which says `undone`, when it was not."""
        if not await self.desk.operator.by_hand(ByHand(step=self.desk.step, what=what, how=how, act=act)):
            raise NoVerdict(undone, fix="Do it, then try again.", source="operator")

    async def document(self, url: str) -> tuple[int, Mapping[str, Any]]:
        """Status and JSON object at `url`; a body that is no JSON object reads as {}."""
        answer = await self.estate.web.get(url)
        return answer.status, as_object(answer.body)


def as_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in `body`, or {} when it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def iso(at: datetime) -> str:
    """As facts and records write it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def exact(at: datetime) -> str:
    """To the microsecond, for facts that are compared with other moments."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The reverse of `iso`."""
    return datetime.fromisoformat(text)


def age(since: datetime, now: datetime) -> str:
    """An age as people say it: `1 h 10 min`, `3 d 2 h`."""
    seconds = int((now - since).total_seconds())
    if seconds < 0:
        return f"{-seconds} s in the future"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def age_kept(here: Here, since: datetime) -> str:
    """How old a backup is, as it is judged: `3 h 2 min old`, in a recovery `3 h 2 min old at the incident`."""
    until = here.kept_until()
    if here.incident_at is None:
        return f"{age(since, until)} old"
    return f"{age(since, until)} old at the incident" if since <= until else "of after the incident"


def hours(limit: timedelta) -> str:
    """A limit as the policy says it: `26 h`."""
    return f"{limit / timedelta(hours=1):g} h"


def range_of(kept: int | str) -> tuple[int, int]:
    """The fewest and the most rows that a spared count (`policy.spared`) can mean."""
    return (1, 9) if isinstance(kept, str) else (kept, kept)


def count(number: int) -> str:
    """A count of patient-related rows, as sentences say it."""
    kept = spared(number)
    return kept if isinstance(kept, str) else f"{kept:,}"
