"""What the front ends are handed: frozen views filled by commands, and a run as a Session.

Neither screens nor plain mode see an adapter, a record or the configuration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from runbook.engine.events import Said
from runbook.engine.forecast import Forecast
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
    history: HistoryView | None = None  # of the test log; None: nothing is configured, or it cannot be read

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

    @property
    def forecast(self) -> Forecast:
        """How long earlier runs of this estate took; without any, one of no runs."""
        ...

    @property
    def budgets(self) -> Mapping[str, float]:
        """The seconds that each stage may take, by its id; a stage without a budget is not in it."""
        ...

    def now(self) -> datetime: ...
    def note(self, text: str, *, severity: str = "minor") -> None:
        """A finding of the operator's own, recorded at once; WrongUse before T0 and after the end."""
        ...

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


@dataclass(frozen=True, slots=True)
class Objective:
    """RTO or RPO of a run, in seconds.  None: not measured; no target set.  `met`: YES, NO, NOT_SET or UNKNOWN."""

    actual_s: int | None
    target_s: int | None
    met: str


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One recorded run as it stands now, with what was signed and amended since.  `number`: its row's, from 1.

    `restored`: at the real providers, and it passed.  `quarterly`: PASSED or FAILED where it counts as the quarter's
    test, else "".  `damaged`: its row, or one that refers to it, is not as it was written.
    """

    number: int
    run_id: str
    mode: str
    providers: str
    scenario: str
    quarter: str
    operator: str
    witness: str  # "": nobody
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str
    rto: Objective
    rpo: Objective
    database_of: datetime | None  # when the backup of the database was made
    findings_open: int
    cleanup: str
    signoff: str  # PENDING, SIGNED, DECLINED, NOT_NEEDED
    signed_by: str
    signed_at: datetime | None
    signed_before_amendment: bool
    restored: bool
    quarterly: str
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class QuarterLine:
    """A quarter (UTC) and its test: PASSED, FAILED, NOT_TESTED, DUE or OVERDUE.  `sentence` goes on from the state.

    `run` decides it, if any does; `due_from` and `due_by` are the first and last day of the month for it.
    """

    name: str
    state: str
    sentence: str
    due_from: date
    due_by: date
    overdue: bool
    run: RecordedRun | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """RTO or RPO of the drills that passed, oldest first, each with its seconds; `sentence` says where it goes."""

    name: str
    points: tuple[tuple[RecordedRun, int], ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What a log tells.  Of training's log there is no answer and no quarter: it is no evidence of a test.

    `runs` in the log's order, all that can be read; everything else rests on undamaged rows alone.  `answer` is on
    "When did you last successfully restore from backup?" (DSPT 7.3.5).
    """

    training: bool
    verdict: str
    sound: bool
    begun: bool  # False: nothing was ever recorded here
    answer: str
    last_success: RecordedRun | None
    quarters: tuple[QuarterLine, ...]  # the last one's test is next, or overdue
    runs: tuple[RecordedRun, ...]
    trends: tuple[Trend, ...]

    @property
    def undamaged(self) -> tuple[RecordedRun, ...]:
        """Those whose rows are as they were written."""
        return tuple(run for run in self.runs if not run.damaged)

    @property
    def newest(self) -> RecordedRun | None:
        """The last of them, whatever came of it."""
        return next(reversed(self.undamaged), None)

    @property
    def findings_open(self) -> int:
        """Over all of them."""
        return sum(run.findings_open for run in self.undamaged)

    @property
    def due(self) -> QuarterLine | None:
        """The quarter whose test is next, or overdue; None of training's log."""
        return next(reversed(self.quarters), None)


class Source(Protocol):
    """Where the screens get what they show beside a run.

    Everything but `open` reads files or loads libraries, and may take a second: it is called in a thread.
    """

    def home(self) -> HomeView: ...
    def history(self, *, training: bool) -> HistoryView:
        """Of the test log, or of training's; RecordFailed where it cannot be read, WrongUse where nothing is
        configured."""
        ...

    def report(self, run_id: str) -> str:
        """The report of a recorded run, as Markdown; RunbookError names what is wrong with it."""
        ...

    def keep_theme(self, name: str) -> str:
        """Start with that theme from now on; answers a sentence: where it was written, or why it could not be."""
        ...

    def open(self, what: str | None) -> Session:
        """Starts a training run of that scenario, a drill or a recovery, or (None) resumes the newest unfinished run.

        `home` was called before.
        """
        ...


@dataclass(frozen=True, slots=True)
class Preferences:
    """How somebody likes the screens: the theme ("": the default), and by the id of a binding other keys for it.

    `trouble` says why what they like could not be read, and that the defaults are used instead.
    """

    theme: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
