"""A run told as lines: a fold over its events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, TextIO

from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.procedure import Procedure
from runbook.plain.pace import Pace


class Lines:
    """Prints a run as lines; every state is a word.  `now` counts seconds: progress is not said without end."""

    def __init__(self, procedure: Procedure[Any], out: TextIO, *, now: Callable[[], float] = time.monotonic) -> None:
        self._procedure = procedure
        self._out = out
        self._prompt: Callable[[], str] = lambda: ""
        self._pace = Pace(now)
        self._sayings: dict[Kind, Callable[[Event], None]] = {
            Kind.DECLARED: self._declared,
            Kind.STARTED: self._stage,
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
        text, prompt = printable(text), self._prompt()
        with contextlib.suppress(OSError):  # a pipe or a terminal that was closed: the run and its record go on
            print(f"\n{text}\n{prompt}" if prompt else f"{text}\n", end="", file=self._out, flush=True)

    def beside(self, prompt: Callable[[], str]) -> None:
        """Tell these lines what is being asked while they are said, "" for nothing."""
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

    def _heartbeat(self, event: Event) -> None:
        if event.data.get("pause"):
            self.say(f"  PAUSE        {event.data['observed']}: every open layer is looked at again")
        elif not event.data["alive"]:
            self.say(f"  FELL         {self._title(event.stage)}: {event.data['observed']}")

    def _exception(self, event: Event) -> None:
        data = event.data
        if data.get("accepted"):
            who = f"{data['who']} and {data['second']}"
            self.say(f"  ACCEPTED     {data['what']} stays FAIL, accepted by {who}: {data['why']}")
        else:
            self.say(f"  EXCEPTION    {data['what']}: {data['why']} ({data['who']})")

    def _finding(self, event: Event) -> None:
        self.say(f"  FINDING      {event.data['text']}")

    def _cleanup(self, event: Event) -> None:
        """What was made may be deleted by it, what was changed put back: both are undone."""
        data = event.data
        undone = "undone" if data["gone"] else "kept" if data.get("kept") else "NOT UNDONE"
        self.say(f"  CLEANUP      {data['kind']} {data.get('name') or data['id']}: {undone}, {data['observed']}")

    def _resumed(self, _: Event) -> None:
        self.say("Resumed: the world is looked at first, nothing is done twice")

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
        adopted = " (found done)" if data["adopted"] else ""
        self.say(f"  {data['verdict']:<12} {event.step}{adopted}: {data['observed']}  [{data['ms']} ms]")
        if data["verdict"] in {"FAIL", "INCONCLUSIVE"}:
            for label, key in (("expected", "expected"), ("fix", "fix"), ("they said", "provider_text")):
                if data[key]:
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
        self.say(f"    …          {step}: {text}")

    def _title(self, stage: str | None) -> str:
        return self._procedure.stage(stage or "").title


def printable(text: str) -> str:
    """Adapters clean what providers say; a terminal obeys escapes, so nothing depends on every one of them having."""
    return "".join(each if each.isprintable() else " " if each.isspace() else _UNSEEN for each in text)


_UNSEEN = "\N{REPLACEMENT CHARACTER}"
