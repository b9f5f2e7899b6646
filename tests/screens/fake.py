"""A scripted Session: the real Run fold over events it makes up, and questions asked from a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook.engine.errors import WrongUse
from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.forecast import Forecast
from runbook.engine.ports import Act, Gate, Operator
from runbook.engine.procedure import Check, Procedure, Stage
from runbook.engine.run import Run, apply
from runbook.engine.verdict import Observation, Verdict
from runbook.views import Banner, Ending, HistoryView, HomeView, Phone, RunLine, ScenarioLine

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SHARE = "kY7=S"
STAGES = (
    ("identity", "Identity & Access", "3.1", "nothing: signs in and reads", ("tool", "clock", "aws-account")),
    ("vault", "Encryption Vault", "3.2", "the staging vault", ("backup", "restore", "unseal", "health")),
    ("database", "Core Database", "3.3", "a new database instance", ("snapshots", "restore", "content")),
    ("application", "Application Tier", "3.4", "the staging service", ("image", "deploy", "decrypt")),
    ("connectivity", "Connectivity", "3.5", "DNS and WAF", ("zone", "waf", "https")),
)

BANNER = Banner("TRAINING", "practice estate on 127.0.0.1, scenario calm")
ENDING = Ending("PASS", 0, "/home/x/training/run-1", "# Report\n\nAll five stages **PASS**.")

Script = Callable[["FakeSession", Operator], Awaitable[None]]


async def _never_looked(_: object) -> Observation:
    raise AssertionError("screens do not run checks")


def _step(stage: str, name: str) -> Check[Any]:
    return Check(
        id=f"{stage}.{name}",
        title=f"The {name} of the {stage} holds",
        why=f"without {name} nothing after it can be trusted",
        manual=f"look at {name} in the provider's console",
        look=_never_looked,
    )


def _stage(number: int, about: tuple[str, str, str, str, tuple[str, ...]]) -> Stage[Any]:
    stage, title, clause, touches, steps = about
    return Stage(
        number=number,
        id=stage,
        title=title,
        clause=clause,
        touches=touches,
        steps=tuple(_step(stage, name) for name in steps),
    )


def a_procedure() -> Procedure[Any]:
    return Procedure(
        stages=tuple(_stage(n, about) for n, about in enumerate(STAGES, start=1)),
        closing=_stage(6, ("closeout", "Closing", "5", "what this run created", ("criteria", "cleanup"))),
    )


@dataclass
class FakeSession:
    """`script` is what the walk does; `shut` what `refusal` answers, for every stage."""

    script: Script
    banner: Banner = BANNER
    phone: Phone | None = None
    targets: Mapping[str, int | None] = field(default_factory=lambda: {"rto_s": None, "rpo_s": None})
    ending: Ending = ENDING
    procedure: Procedure[Any] = field(default_factory=a_procedure)
    run: Run = field(default_factory=Run)
    shut: str | None = None
    answers: list[Any] = field(default_factory=list)
    forecast: Forecast = field(default_factory=Forecast)
    budgets: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = NOW
        self._listeners: list[Callable[[Said], None]] = []

    def now(self) -> datetime:
        return self.at

    def note(self, text: str, *, severity: str = "minor") -> None:
        self.say(Kind.FINDING, None, None, text=text, severity=severity)

    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refusal(self, stage: str) -> str | None:
        return self.shut

    async def walk(self, operator: Operator | None) -> Ending:
        assert operator is not None
        self.say(Kind.DECLARED, run_id="training-20261123T030000Z-0001", mode="training")
        await self.script(self, operator)
        self.say(Kind.ENDED, outcome=self.ending.outcome)
        return self.ending

    # -- what a script says ---------------------------------------------------------------------------------------
    def say(self, kind: Kind, stage: str | None = None, step: str | None = None, /, **data: Any) -> None:
        self.at += timedelta(seconds=1)
        event = Event(self.run.last_seq + 1, self.at, 0, "boot", kind, stage, step, data)
        self.run = apply(self.run, event)
        self._tell(event)

    def progress(self, step: str, done: int, total: int, text: str) -> None:
        self._tell(Progress(step, done, total, text))

    def _tell(self, said: Said) -> None:
        for listener in tuple(self._listeners):
            listener(said)

    def result(
        self, step: str, verdict: Verdict = Verdict.PASS, observed: str = "as it should be", **more: Any
    ) -> None:
        stage = step.partition(".")[0]
        self.say(Kind.STARTED, stage, step, attempt=1)
        self.say(
            Kind.RESULT,
            stage,
            step,
            attempt=1,
            kind="check",
            verdict=str(verdict),
            expected=f"{step} as configured",
            observed=observed,
            source="the provider's API",
            ms=12,
            **more,
        )

    def stage_done(self, stage: str) -> None:
        """Every step of that stage passes."""
        self.say(Kind.STARTED, stage)
        for step in self.procedure.stage(stage).steps:
            self.result(step.id)

    def gate_of(self, stage: str) -> Gate:
        here = self.procedure.stage(stage)
        after = self.procedure.after(here)
        return Gate(
            stage=stage,
            number=here.number,
            title=here.title,
            refusal=self.refusal(stage),
            next_title=after.title if after else None,
            next_touches=after.touches if after else "",
            options=(Act.OPEN, Act.RETRY, Act.BACK, Act.ABORT),
            back_to=tuple(s.id for s in (*self.procedure.before(here), here)),
        )

    def opened(self, stage: str) -> None:
        self.say(Kind.CHECKPOINT, stage, decision="opened", by="operator")
        self.say(Kind.HEARTBEAT, stage, alive=True, observed="answers", source="heartbeat")

    async def ask(self, question: Awaitable[Any], stage: str = "vault") -> Any:
        """Ask, with the events around it, and keep the answer."""
        self.say(Kind.ASKED, stage, question="?", text="")
        answer = await question
        self.say(Kind.ANSWERED, stage, answer="given", by="operator")
        self.answers.append(answer)
        return answer


def a_home(*runs: RunLine) -> HomeView:
    deck = (
        ScenarioLine("calm", "Nothing goes wrong", "A quarterly drill\non a quiet day."),
        ScenarioLine("wrong-share", "One share is not the right one", "A custodian mixed up two envelopes."),
    )
    return HomeView(NOW, "Sampleclinic", runs, deck)


def an_unfinished_run() -> RunLine:
    return RunLine("training-1", "training", "calm", NOW - timedelta(hours=2), "")


@dataclass
class FakeSource:
    """`views.Source` from what a test has; `opened` is what `open` was asked for."""

    view: Callable[[], HomeView] = a_home
    session: Callable[[str | None], Any] | None = None
    tests: HistoryView | None = None
    training: HistoryView | None = None
    reports: Mapping[str, str] = field(default_factory=dict)
    opened: list[str | None] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def home(self) -> HomeView:
        return self.view()

    def history(self, *, training: bool) -> HistoryView:
        view = self.training if training else self.tests
        if view is None:
            raise WrongUse("no platform is configured yet", fix="runbook config init")
        return view

    def report(self, run_id: str) -> str:
        if run_id not in self.reports:
            raise WrongUse(f"there is no report of {run_id} on this machine")
        return self.reports[run_id]

    def keep_theme(self, name: str) -> str:
        self.kept.append(name)
        return "kept"

    def open(self, what: str | None) -> Any:
        assert self.session is not None
        self.opened.append(what)
        return self.session(what)
