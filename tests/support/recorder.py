"""A journal in memory, as strict as the one on disk: what cannot be written as JSON cannot be said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from runbook.engine.events import Event, Kind
from runbook.engine.ports import Clock


class Killed(BaseException):
    """The process is gone: no `except Exception` of ours may catch it."""


class MemoryRecorder:
    """`engine.ports.Recorder`; `events` are what a reader of the journal would get.

    `room` is how many events are taken before the process is killed; `late` says when: right after the last one is
    on disk, or only when the next one would be written, so that what lies between them was done but not recorded.
    """

    def __init__(
        self, clock: Clock, past: Iterable[Event] = (), *, room: int | None = None, late: bool = False
    ) -> None:
        self.events: list[Event] = list(past)
        self._clock = clock
        self._room = room
        self._late = late

    def append(self, kind: Kind, /, *, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Event:
        if self._full():
            raise Killed
        event = Event(
            seq=len(self.events) + 1,
            at=self._clock.now(),
            mono_ns=self._clock.monotonic_ns(),
            boot_id=self._clock.boot_id(),
            kind=kind,
            stage=stage,
            step=step,
            data=json.loads(json.dumps(data)),
        )
        self.events.append(event)
        if self._full() and not self._late:
            raise Killed
        return event

    def _full(self) -> bool:
        return self._room is not None and len(self.events) >= self._room

    def of(self, kind: Kind) -> list[Event]:
        """The events of one kind, in order."""
        return [event for event in self.events if event.kind is kind]

    def verdicts(self, step: str) -> list[str]:
        """The verdicts of a step, attempt by attempt."""
        return [event.data["verdict"] for event in self.of(Kind.RESULT) if event.step == step]
