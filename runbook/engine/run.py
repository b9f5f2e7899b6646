"""The state of a run as a fold over its events: `replay(events) == state`, and there is no other saved state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from runbook.engine.events import Event, Kind
from runbook.engine.timekeeping import Times
from runbook.engine.verdict import Finding, Verdict

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished attempt of a step; `void` once the run went back behind it."""

    step: str
    stage: str
    kind: str
    number: int
    verdict: Verdict
    expected: str
    observed: str
    source: str
    at: datetime
    ms: int
    fix: str = ""
    provider_text: str = ""
    reason: str = ""
    adopted: bool = False
    declined: bool = False
    hard_stop: bool = False
    signed_out: str = ""
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    void: bool = False
    seq: int = 0  # of its event: what came after it, whatever the clocks say


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that was announced; `at` is when, before it was made, and `detail` what was said with it."""

    step: str
    operation: str
    target: str
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Something this run created or changed, written down before it was; `destroyed` when it was seen to be gone."""

    kind: str
    id: str
    step: str
    created: datetime
    detail: Mapping[str, Any]
    destroyed: datetime | None = None
    kept: datetime | None = None  # when it was handed over: nothing undoes it any more

    @property
    def name(self) -> str:
        """What people call it: an id may be a number that only the provider knows."""
        return str(self.detail.get("name") or self.id)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The last heartbeat of a layer; a layer that could not be asked is not alive, and has not failed either."""

    alive: bool
    failed: bool
    observed: str
    at: datetime
    signed_out: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the run did not go on: `suspended`, `stopped`; or a clock that was `stepped` (back: below 0)."""

    kind: str
    seconds: int
    observed: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that is known of a run.  Built by `apply`, never by hand."""

    id: str = ""
    declared: Mapping[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    begun: Mapping[str, datetime] = field(default_factory=dict)  # attempts under way, by step
    intents: tuple[Intent, ...] = ()  # without a result yet
    announced: tuple[Intent, ...] = ()  # all of them, in order: what became of each is for `find` to see
    opened: tuple[str, ...] = ()  # stages whose checkpoint was opened, in order
    entered: Mapping[str, datetime] = field(default_factory=dict)  # stage → first begun
    refusals: tuple[str, ...] = ()
    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    last_fall: int = 0  # the event in which a heartbeat last failed; one that could not be asked has not
    pauses: tuple[Pause, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    findings: tuple[Finding, ...] = ()
    exceptions: tuple[Mapping[str, Any], ...] = ()
    accepted: tuple[str, ...] = ()  # steps whose failure counts as accepted
    questions: tuple[tuple[str | None, datetime], ...] = ()  # asked, not yet answered: (stage, since)
    times: Times = field(default_factory=Times)  # up to the last event
    resumes: int = 0
    stopped: str = ""  # the step that found that to go on would do harm; nothing takes it back
    aborted: str | None = None
    outcome: str | None = None
    last_at: datetime | None = None
    last_stage: str | None = None  # the one that was begun last: heartbeats and sign-ins are of others too
    last_seq: int = 0

    def result(self, step: str) -> Attempt | None:
        """The attempt that counts: the last one, unless the run went back behind it."""
        last = self.last(step)
        return last if last and not last.void else None

    def last(self, step: str) -> Attempt | None:
        """The last attempt of a step, void or not."""
        return next((attempt for attempt in reversed(self.attempts) if attempt.step == step), None)

    def satisfied(self, step: str) -> bool:
        """True when a checkpoint may open over this step."""
        result = self.result(step)
        return result is not None and (result.verdict.satisfies or step in self.accepted)

    def failed_before(self, step: str) -> bool:
        """Whether an attempt that still counts was a FAIL: a pulled cable afterwards makes it no less one."""
        return any(a.step == step and a.verdict is Verdict.FAIL and not a.void for a in self.attempts)

    def fact(self, kind: type[F]) -> F | None:
        """The newest valid fact of that type which a step established, or None."""
        return self._fact(kind, with_void=False)

    def former_fact(self, kind: type[F]) -> F | None:
        """The same, also from results that became void: what `find` looks for when the run went back."""
        return self._fact(kind, with_void=True)

    def _fact(self, kind: type[F], *, with_void: bool) -> F | None:
        for attempt in reversed(self.attempts):
            if kind.__name__ in attempt.facts and (with_void or not attempt.void):
                return kind(**_tuples(attempt.facts[kind.__name__]))
        return None

    @property
    def human_s(self) -> Mapping[str, float]:
        """Stage → seconds for which people were waited for in it."""
        return {stage: self.times.shares_of(stage).people for stage in self.entered}

    @property
    def open_ledger(self) -> tuple[LedgerEntry, ...]:
        """What still has to be undone, newest first."""
        return tuple(entry for entry in reversed(self.ledger) if entry.destroyed is None and entry.kept is None)


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no tuples: lists of a fact's fields become tuples again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def replay(events: Iterable[Event]) -> Run:
    """The state after these events."""
    run = Run()
    for event in events:
        run = apply(run, event)
    return run


def apply(run: Run, event: Event) -> Run:
    """The state after one more event."""
    times = run.times.after(event, asked=bool(run.questions))
    return replace(_FOLDS[event.kind](run, event), times=times, last_at=event.at, last_seq=event.seq)


def _declared(run: Run, event: Event) -> Run:
    return replace(run, id=str(event.data["run_id"]), declared=dict(event.data), started_at=event.at)


def _started(run: Run, event: Event) -> Run:
    if event.step is not None:
        return replace(run, begun={**run.begun, event.step: event.at})
    assert event.stage is not None
    return replace(run, entered={event.stage: event.at, **run.entered}, last_stage=event.stage)


def _intent(run: Run, event: Event) -> Run:
    assert event.step is not None
    intent = Intent(event.step, event.data["operation"], event.data["target"], event.at, event.data.get("detail", {}))
    run = replace(run, intents=(*run.intents, intent), announced=(*run.announced, intent))
    creates = event.data.get("creates")
    if not creates or any((e.kind, e.id) == (creates["kind"], creates["id"]) and not e.destroyed for e in run.ledger):
        return run
    entry = LedgerEntry(creates["kind"], creates["id"], event.step, event.at, event.data.get("detail", {}))
    return replace(run, ledger=(*run.ledger, entry))


def _result(run: Run, event: Event) -> Run:
    assert event.step is not None
    assert event.stage is not None
    data = event.data
    attempt = Attempt(
        step=event.step,
        stage=event.stage,
        kind=data["kind"],
        number=data["attempt"],
        verdict=Verdict(data["verdict"]),
        expected=data["expected"],
        observed=data["observed"],
        source=data["source"],
        at=event.at,
        ms=data["ms"],
        fix=data.get("fix", ""),
        provider_text=data.get("provider_text", ""),
        reason=data.get("reason", ""),
        adopted=data.get("adopted", False),
        declined=data.get("declined", False),
        hard_stop=data.get("hard_stop", False),
        signed_out=data.get("signed_out", ""),
        facts=data.get("facts", {}),
        seq=event.seq,
    )
    return replace(
        run,
        attempts=(*run.attempts, attempt),
        begun={step: at for step, at in run.begun.items() if step != event.step},
        intents=tuple(intent for intent in run.intents if intent.step != event.step),
        stopped=run.stopped or (event.step if attempt.hard_stop else ""),
    )


def _asked(run: Run, event: Event) -> Run:
    return replace(run, questions=(*run.questions, (event.stage, event.at)))


def _answered(run: Run, _: Event) -> Run:
    return replace(run, questions=run.questions[:-1])


def _checkpoint(run: Run, event: Event) -> Run:
    decision, reason = event.data["decision"], event.data.get("reason", "")
    if decision == "refused":
        return replace(run, refusals=(*run.refusals, reason))
    if decision == "aborted":
        return replace(run, aborted=reason or "no reason given")
    assert event.stage is not None
    if decision == "back":
        return _back(run, event.data["void"], event.data["stages"])
    return run if event.stage in run.opened else replace(run, opened=(*run.opened, event.stage))


def _back(run: Run, void: Iterable[str], stages: Iterable[str]) -> Run:
    gone, shut = frozenset(void), frozenset(stages)
    return replace(
        run,
        attempts=tuple(replace(a, void=True) if a.step in gone else a for a in run.attempts),
        accepted=tuple(step for step in run.accepted if step not in gone),
        opened=tuple(stage for stage in run.opened if stage not in shut),
        pulses={stage: pulse for stage, pulse in run.pulses.items() if stage not in shut},
    )


def _heartbeat(run: Run, event: Event) -> Run:
    data = event.data
    if event.stage is None:  # the run's own, after a pause: of no layer
        pause = Pause(data["pause"], data["seconds"], data["observed"], event.at)
        return replace(run, pauses=(*run.pauses, pause))
    failed, signed_out = data.get("verdict") == Verdict.FAIL, data.get("signed_out", "")
    pulse = Pulse(data["alive"], failed, data["observed"], event.at, signed_out)
    fall = event.seq if pulse.failed else run.last_fall
    return replace(run, pulses={**run.pulses, event.stage: pulse}, last_fall=fall)


def _exception(run: Run, event: Event) -> Run:
    accepted = (*run.accepted, event.step) if event.step and event.data.get("accepted") else run.accepted
    return replace(run, exceptions=(*run.exceptions, dict(event.data)), accepted=accepted)


def _finding(run: Run, event: Event) -> Run:
    """A later one of the same text is the same finding: it may name the owner and the date that it has by then."""
    new = Finding(**event.data)
    old = next((known for known in run.findings if known.text == new.text), None)
    if old is None:
        return replace(run, findings=(*run.findings, new))
    now = replace(new, owner=new.owner or old.owner, due=new.due or old.due)
    return replace(run, findings=tuple(now if known is old else known for known in run.findings))


def _resumed(run: Run, _: Event) -> Run:
    return replace(run, resumes=run.resumes + 1, begun={}, questions=())


def _cleanup(run: Run, event: Event) -> Run:
    gone, kept = event.data["gone"], event.data.get("kept", False)
    if not (gone or kept):
        return run
    key = (event.data["kind"], event.data["id"])
    return replace(
        run,
        ledger=tuple(
            replace(entry, destroyed=event.at if gone else None, kept=event.at if kept else None)
            if (entry.kind, entry.id) == key and not entry.destroyed
            else entry
            for entry in run.ledger
        ),
    )


def _ended(run: Run, event: Event) -> Run:
    return replace(run, outcome=str(event.data["outcome"]))


_FOLDS = {
    Kind.DECLARED: _declared,
    Kind.STARTED: _started,
    Kind.INTENT: _intent,
    Kind.RESULT: _result,
    Kind.ASKED: _asked,
    Kind.ANSWERED: _answered,
    Kind.CHECKPOINT: _checkpoint,
    Kind.HEARTBEAT: _heartbeat,
    Kind.EXCEPTION: _exception,
    Kind.FINDING: _finding,
    Kind.RESUMED: _resumed,
    Kind.CLEANUP: _cleanup,
    Kind.ENDED: _ended,
}
