"""A run told as lines: a fold over its events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final, TextIO

from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.procedure import Procedure
from runbook.plain.pace import Pace
from runbook.plain.spoken import spoken

SECOND_MS: Final = 1000


class Lines:
    """Prints a run as lines; every state is a word.  `now` counts seconds: progress is not said without end."""

    def __init__(self, procedure: Procedure[Any], out: TextIO, *, now: Callable[[], float] = time.monotonic) -> None:
        self._procedure = procedure
        self._out = out
        self._prompt: Callable[[], str] | None = None  # somebody is asked at the same terminal
        self._now = now
        self._said_at = now()
        self._pace = Pace(now)
        self._down: set[str | None] = set()  # layers that fell, and were not seen alive since
        self._sayings: dict[Kind, Callable[[Event], None]] = {
            Kind.DECLARED: self._declared,
            Kind.STARTED: self._stage,
            Kind.INTENT: self._intent,
            Kind.RESULT: self._result,
            Kind.CHECKPOINT: self._checkpoint,
            Kind.HEARTBEAT: self._heartbeat,
            Kind.EXCEPTION: self._exception,
            Kind.FINDING: self._finding,
            Kind.CLEANUP: self._cleanup,
            Kind.RESUMED: self._resumed,
            Kind.ENDED: self._ended,
        }

    def say(self, text: str = "") -> None:
        """One line; a question that is open meanwhile is put again below it."""
        text, prompt, self._said_at = printable(text), self._prompt() if self._prompt else "", self._now()
        with contextlib.suppress(OSError):  # a pipe or a terminal that was closed: the run and its record go on
            print(f"\n{text}\n{prompt}" if prompt else f"{text}\n", end="", file=self._out, flush=True)

    @property
    def silent_s(self) -> float:
        """Seconds since the last line."""
        return self._now() - self._said_at

    def beside(self, prompt: Callable[[], str]) -> None:
        """Tell these lines what is being asked while they are said, "" for nothing; its question tells a failure."""
        self._prompt = prompt

    def hear(self, said: Said) -> None:
        """A listener of the conductor."""
        if isinstance(said, Progress):
            self._progress(said)
            return
        if said.kind is Kind.RESULT:
            self._pace.over(said.step or "")
        elif said.kind is Kind.ASKED:  # how far it is stands above the question
            for step, text in self._pace.waiting():
                self._say_progress(step, text)
        say = self._sayings.get(said.kind)
        if say is not None:
            say(said)

    def _declared(self, event: Event) -> None:
        self.say(f"Run {event.data['run_id']} declared, T0 {event.at:%Y-%m-%dT%H:%M:%SZ}")

    def _intent(self, event: Event) -> None:
        self.say(f"  CALLING      {event.step}: {event.data['operation']} on {event.data['target']}")

    def _heartbeat(self, event: Event) -> None:
        if event.data.get("pause"):
            self.say(f"  PAUSE        {event.data['observed']}: every open layer is looked at again")
        elif not event.data["alive"]:
            self._down.add(event.stage)
            self.say(f"  FELL         {self._title(event.stage)}: {event.data['observed']}")
        elif event.stage in self._down:
            self._down.discard(event.stage)
            self.say(f"  ALIVE AGAIN  {self._title(event.stage)}: {event.data['observed']}")

    def _exception(self, event: Event) -> None:
        data = event.data
        if data.get("accepted"):
            who = f"{data['who']} and {data['second']}"
            self.say(f"  ACCEPTED     {data['what']} stays FAIL, accepted by {who}: {data['why']}")
        else:
            self.say(f"  EXCEPTION    {data['what']}: {data['why']} ({data['who']})")

    def _finding(self, event: Event) -> None:
        data = event.data
        known = {"": data.get("severity"), "owner ": data.get("owner"), "due ": data.get("due")}
        about = ", ".join(f"{label}{said}" for label, said in known.items() if said)
        self.say(f"  FINDING      {data['text']}{f' ({about})' if about else ''}")

    def _cleanup(self, event: Event) -> None:
        """What was made may be deleted by it, what was changed put back: both are undone."""
        data = event.data
        undone = "undone" if data["gone"] else "kept" if data.get("kept") else "NOT UNDONE"
        self.say(f"  CLEANUP      {data['kind']} {data.get('name') or data['id']}: {undone}, {data['observed']}")

    def _resumed(self, event: Event) -> None:
        gap = event.data.get("gap_s")
        after = f"{spoken(gap)} after it was interrupted" if isinstance(gap, int | float) else ""
        known = ", ".join(filter(None, (f"by {event.data['by']}" if event.data.get("by") else "", after)))
        self.say(f"Resumed: the world is looked at first, nothing is done twice{f' ({known})' if known else ''}")

    def _ended(self, event: Event) -> None:
        self.say(f"Ended: {event.data['outcome']}")

    def _stage(self, event: Event) -> None:
        if event.step is not None:
            return
        stage = self._procedure.stage(event.stage or "")
        numbered = f"Stage {stage.number} of {len(self._procedure.stages)}: " if stage in self._procedure.stages else ""
        self.say()
        self.say(f"{numbered}{stage.title} (policy {stage.clause})")

    def _result(self, event: Event) -> None:
        data = event.data
        adopted = " (found done)" if data.get("adopted") else ""
        took = f"{data['ms']} ms" if data["ms"] < SECOND_MS else spoken(data["ms"] / SECOND_MS)
        self.say(f"  {data['verdict']:<12} {event.step}{adopted}: {data['observed']}  [{took}]")
        if self._prompt is None and data["verdict"] in {"FAIL", "INCONCLUSIVE"}:
            for label, key in (("expected", "expected"), ("fix", "fix"), ("they said", "provider_text")):
                if data.get(key):
                    self.say(f"               {label}: {data[key]}")

    def _checkpoint(self, event: Event) -> None:
        data, title = event.data, self._title(event.stage)
        match data["decision"]:
            case "opened":
                self.say(f"  CHECKPOINT   {title}: opened by {data['by']}")
            case "refused":
                self.say(f"  CHECKPOINT   {title}: stays shut: {data['reason']}")
            case "back":
                self.say(f"  BACK         to {data['to']}: {data['reason']}")
            case _:
                self.say(f"  ABORTED      {data['reason']}")

    def _progress(self, progress: Progress) -> None:
        if text := self._pace.of(progress):
            self._say_progress(progress.step, text)

    def _say_progress(self, step: str, text: str) -> None:
        self.say(f"  SO FAR       {step}: {text}")

    def _title(self, stage: str | None) -> str:
        return self._procedure.stage(stage or "").title


def printable(text: str) -> str:
    """Adapters clean what providers say; a terminal obeys escapes, so nothing depends on every one of them having."""
    return "".join(each if each.isprintable() else " " if each.isspace() else _UNSEEN for each in text)


_UNSEEN = "\N{REPLACEMENT CHARACTER}"
