"""How often a step's progress is said: at once where it is rare, every two seconds where it comes all the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from runbook.engine.events import Progress

EVERY_S: Final = 2.0
AT_ONCE: Final = 3
"""Lines that a step may say in a row: what people do (a share here, one there) is not held back."""


@dataclass(frozen=True, slots=True)
class _Step:
    """`left` lines may be said at once as of `at` (seconds); `held` is the newest that was not said, "" for none."""

    said: str
    held: str
    left: float
    at: float


class Pace:
    """Tells what of a step's progress is to be said.  `now` counts seconds; may be called from any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._steps: dict[str, _Step] = {}
        self._lock = Lock()

    def of(self, progress: Progress) -> str:
        """Its text, where it is to be said now; "" where it was said already, or has to wait.

        What counts nothing (done and total 0) is a statement, and never waits.
        """
        with self._lock:
            now = self._now()
            known = self._steps.get(progress.step) or _Step("", "", AT_ONCE, now)
            if progress.text == known.said:
                self._steps[progress.step] = replace(known, held="")
                return ""
            left = min(known.left + (now - known.at) / EVERY_S, AT_ONCE)
            if left < 1 and (progress.done or progress.total):
                self._steps[progress.step] = replace(known, held=progress.text, left=left, at=now)
                return ""
            self._steps[progress.step] = _Step(progress.text, "", max(left - 1, 0), now)
            return progress.text

    def waiting(self) -> list[tuple[str, str]]:
        """Step and text of what still waits; it waits no longer."""
        with self._lock:
            held = [(step, known.held) for step, known in self._steps.items() if known.held]
            for step, text in held:
                self._steps[step] = replace(self._steps[step], said=text, held="")
            return held

    def over(self, step: str) -> None:
        """The step said its result: what waited is old."""
        with self._lock:
            self._steps.pop(step, None)
