"""Whose time it was: every second of a run since T0, counted once, by the stage it was in and by who was waited for.

A stage has the time from its beginning until its checkpoint opens, it is decided to end the run, or another stage
begins: what is taken back on the way out is still its own, and a stage that is gone back to counts on.

While a question is open people are waited for.  From a crash to the resume nobody was there, nor while the machine was
suspended or the process stopped: that comes before an open question, as nobody could have answered it.

Times are this machine's wall clock's, as the recovery time is: set ahead, it makes the time longer; set back, it takes
away no more than what passed since the event before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from runbook.engine.events import Event, Kind

SUSPENDED, STEPPED, STOPPED = "suspended", "stepped", "stopped"
LOST = frozenset({SUSPENDED, STOPPED})
"""The pauses in which time passed; of a clock that was stepped nobody knows."""


class Whose(Enum):
    """Who was waited for."""

    MACHINES = auto()
    PEOPLE = auto()
    NOBODY = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """A time in one stage (None: between two), all of it somebody's."""

    stage: str | None
    whose: Whose
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Shares:
    """Seconds in which people were waited for, nobody was there, and the machines worked."""

    people: float
    nobody: float
    machines: float

    @property
    def whole(self) -> float:
        """All of them, to the microsecond of the clock."""
        return round(self.people + self.nobody + self.machines, 6)


@dataclass(frozen=True, slots=True)
class Times:
    """The spans of a run, in order and without a gap; `stage` is the one that it is in now."""

    spans: tuple[Span, ...] = ()
    stage: str | None = None

    def until(self, at: datetime, whose: Whose) -> Times:
        """With the time until then, which is somebody's."""
        if not self.spans:
            return replace(self, spans=(Span(self.stage, whose, at, at),))
        *earlier, last = self.spans
        if (last.stage, last.whose) == (self.stage, whose) and last.end <= at:
            return replace(self, spans=(*earlier, replace(last, end=at)))
        return replace(self, spans=(*self.spans, Span(self.stage, whose, min(last.end, at), at)))

    def after(self, event: Event, *, asked: bool) -> Times:
        """With the time until that event; `asked`: a question was open before it."""
        whose = Whose.PEOPLE if asked else Whose.MACHINES
        times = self.until(event.at, Whose.NOBODY if event.kind is Kind.RESUMED else whose)
        if event.kind is Kind.STARTED and event.step is None:
            return replace(times, stage=event.stage).until(event.at, whose)
        if event.kind is Kind.CHECKPOINT and event.data["decision"] in {"opened", "aborted"}:
            return replace(times, stage=None)
        if event.kind is Kind.HEARTBEAT and event.data.get("pause") in LOST:
            return replace(times, spans=_lost(times.spans, timedelta(seconds=event.data["seconds"])))
        return times

    def shares(self) -> Shares:
        """Of the whole run."""
        return _shares(self.spans)

    def shares_of(self, stage: str | None) -> Shares:
        """Of that stage."""
        return _shares(span for span in self.spans if span.stage == stage)

    def left(self, stage: str) -> datetime | None:
        """When the run was last in that stage; None: never."""
        return next((span.end for span in reversed(self.spans) if span.stage == stage), None)

    def there_since(self, then: datetime) -> float:
        """Seconds since then in which somebody was there: people or machines."""
        since = _shares(replace(span, start=max(span.start, then)) for span in self.spans if span.end > then)
        return since.people + since.machines


def _lost(spans: Sequence[Span], seconds: timedelta) -> tuple[Span, ...]:
    """The newest of these seconds were nobody's; what was so already is not taken twice.

    A pause is noticed within a second of its end, so that what else was said meanwhile cannot be far behind it.
    """
    kept: list[Span] = []
    for span in reversed(spans):
        took = timedelta() if span.whose is Whose.NOBODY else min(seconds, span.length)
        seconds -= took
        cut = span.end - took
        parts = (replace(span, end=cut), replace(span, whose=Whose.NOBODY, start=cut)) if took else (span,)
        kept += [part for part in reversed(parts) if part.length or part is span]
    return tuple(reversed(kept))


def _shares(spans: Iterable[Span]) -> Shares:
    spent = dict.fromkeys(Whose, timedelta())
    for span in spans:
        spent[span.whose] += span.length
    people, nobody, machines = (spent[who].total_seconds() for who in (Whose.PEOPLE, Whose.NOBODY, Whose.MACHINES))
    return Shares(people, nobody, machines)
