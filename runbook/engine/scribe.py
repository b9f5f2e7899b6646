"""The single writer of run state: an event is recorded, then folded, then told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.ports import Recorder
from runbook.engine.run import Run, apply, replay


class Scribe:
    """Holds the run's state; only the conductor and what it lends out call `say`."""

    def __init__(self, recorder: Recorder, past: Iterable[Event] = ()) -> None:
        self._recorder = recorder
        self._run = replay(past)
        self._listeners: list[Callable[[Said], None]] = []

    @property
    def run(self) -> Run:
        """The state after everything said so far."""
        return self._run

    def say(self, kind: Kind, /, *, stage: str | None = None, step: str | None = None, **data: Any) -> Event:
        """Record, fold, tell.  Raises RecordFailed before anything is folded."""
        event = self._recorder.append(kind, stage=stage, step=step, data=data)
        self._run = apply(self._run, event)
        self._tell(event)
        return event

    def show(self, progress: Progress) -> None:
        """Told, not recorded."""
        self._tell(progress)

    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        """Tell `listener` everything from now on; answers how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, said: Said) -> None:
        for listener in tuple(self._listeners):
            listener(said)
