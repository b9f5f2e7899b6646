"""What the front ends are handed: frozen views filled by commands, and a run as a Session.

Neither screens nor plain mode see an adapter, a record or the configuration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from runbook.engine.events import Said
from runbook.engine.ports import Operator
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run


@dataclass(frozen=True, slots=True)
class Banner:
    """What no screen of a run lacks: the mode as a word, and the exact target."""

    mode: str  # TRAINING, DRILL, RECOVERY, REHEARSAL
    target: str
    note: str = ""  # what must be seen however narrow the terminal is, such as that no real provider answers

    @property
    def line(self) -> str:
        """All of it, where there is room."""
        return f"{self.mode}: {self.target}{f' ({self.note})' if self.note else ''}"


@dataclass(frozen=True, slots=True)
class ScenarioLine:
    """One scenario of the deck, as a list shows it."""

    name: str
    title: str
    story: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """One earlier run, as home and history show it; `outcome` "" = unfinished."""

    run_id: str
    mode: str
    scenario: str
    started_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class HomeView:
    """What home shows.  `runs` newest first; the first without an outcome can be resumed."""

    now: datetime
    platform: str
    runs: tuple[RunLine, ...]
    scenarios: tuple[ScenarioLine, ...]
    notices: tuple[str, ...] = ()
    configured: str = ""  # the platform's name; "": there is no runbook.toml, and only training can be begun

    @property
    def unfinished(self) -> RunLine | None:
        """The newest unfinished run, or None."""
        return next((run for run in self.runs if not run.outcome), None)


@dataclass(frozen=True, slots=True)
class Phone:
    """Practice custodians that can be called (training only): labels, and who answers with a share."""

    labels: tuple[str, ...]
    call: Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the computed outcome, the process's exit code, where the record is, and the report's text."""

    outcome: str
    exit_code: int
    folder: str
    report: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Session(Protocol):
    """One run as a front end sees it: it subscribes, hands in its Operator, and awaits the ending."""

    @property
    def banner(self) -> Banner: ...
    @property
    def procedure(self) -> Procedure[Any]: ...
    @property
    def run(self) -> Run:
        """The state now; a new immutable value after each event."""
        ...

    @property
    def phone(self) -> Phone | None: ...
    @property
    def targets(self) -> Mapping[str, int | None]:
        """`rto_s` and `rpo_s`, None where no target is set."""
        ...

    def now(self) -> datetime: ...
    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        """Call `listener` on the event loop with everything said from now on; answers how to stop that."""
        ...

    def refusal(self, stage: str) -> str | None:
        """Why that stage's checkpoint stays shut, or None: greys the key, is shown, is printed."""
        ...

    async def walk(self, operator: Operator | None) -> Ending:
        """Walk the procedure to its end; None: nobody is there to ask.

        Raises RunbookError; cancelling leaves a run that can be resumed.
        """
        ...


DRILL, RECOVER = "drill", "recover"
"""What home asks an Opener for, beside a scenario's name."""

Opener = Callable[[str | None], Session]
"""Starts a training run of that scenario, a drill or a recovery, or (None) resumes the newest unfinished run."""
