"""After a failure and at a checkpoint: what is to be known, what can be done, what is not offered and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from runbook.engine.few import few
from runbook.engine.meaning import MEANS, becomes_void, meaning, not_offered, tries
from runbook.engine.ports import Act, Decide, Decision, Gate
from runbook.engine.procedure import Stage
from runbook.engine.run import Run
from runbook.plain.clocks import time_taken
from runbook.plain.helping import NO_MANUAL
from runbook.plain.lines import Lines
from runbook.plain.prompts import NOTHING, WITHDRAW, Looks, Prompts, Words
from runbook.plain.spoken import counted, spoken
from runbook.views import Session

QUOTED: Final = 500  # characters of what a provider said; the rest on demand
NAMED: Final = 6  # results that become void are named, the others counted
NO_FIX: Final = "no fix is known: see the way by hand"
EVERY_WORD: Final = "words"
_GIVEN: Final = {
    Act.ATTEST: "attest REASON",
    Act.CLOSE: "close [REASON]",
    Act.BACK: "back PLACE REASON",
    Act.ABORT: "abort REASON",
}


class Deciding:
    """Answers with a Decision that was offered.  Without a session nothing is said of the run around it."""

    def __init__(self, lines: Lines, prompts: Prompts, session: Session | None) -> None:
        self._lines = lines
        self._prompts = prompts
        self._session = session

    async def decide(self, ask: Decide) -> Decision:
        """A step did not pass: what now?"""
        self._lines.say()
        self._lines.say(f"  {ask.step} is {ask.verdict}: {ask.observed}")
        for line in self._failure(ask):
            self._lines.say(f"    {line}")
        looks: Looks = NOTHING
        if len(ask.provider_text) > QUOTED:
            looks = {EVERY_WORD: lambda: self._lines.say(f"    they said: {ask.provider_text}")}
        return await self._decision(f"  {ask.step}", ask, looks)

    async def gate(self, ask: Gate) -> Decision:
        """A checkpoint: open it?"""
        refusal = ask.refusal or (self._session.refusal(ask.stage) if self._session else None)
        self._lines.say()
        self._lines.say(f"  CHECKPOINT {ask.number} {ask.title}: {refusal or 'everything of this stage was shown'}")
        for line in self._evidence(ask):
            self._lines.say(f"    {line}")
        after = f"{ask.next_title} touches" if ask.next_title else "The closing touches"
        self._lines.say(f"  Next: {after} {ask.next_touches}.")
        if refusal and Act.SIGN_IN in ask.options:
            self._lines.say(f"    do this: sign-in, {MEANS[Act.SIGN_IN]}")
        if Act.CLOSE in ask.options:
            self._lines.say(f"    close, at any time: {ask.retreat}")
        return await self._decision("  Open it", ask)

    # -- what is said above the question ------------------------------------------------------------------------------
    def _failure(self, ask: Decide) -> Iterator[str]:
        session = self._session
        yield f"to be shown: {ask.title}"
        if session is not None:
            yield meaning(ask, session.run, session.procedure)
            if told := _how_often(session.run, ask.step, session.now()):
                yield told
        if Act.SIGN_IN in ask.options:
            yield f"do this: sign-in, {MEANS[Act.SIGN_IN]}"
        quoted = ask.provider_text[:QUOTED]
        more = f"… ({EVERY_WORD} = every word of it)" if len(ask.provider_text) > QUOTED else ""
        said = (("fix", ask.fix or NO_FIX), ("expected", ask.expected), ("why", ask.why))
        for label, text in (*said, ("by hand", ask.manual or NO_MANUAL), ("source", ask.source), ("they said", quoted)):
            if text:
                yield f"{label}: {text}{more if label == 'they said' else ''}"
        for word, means in _meanings(ask).items():
            yield f"{word}: {means}"
        if session is not None:
            for act, reason in not_offered(ask, session.run, session.procedure).items():
                yield f"{act}: {reason}"

    def _evidence(self, ask: Gate) -> Iterator[str]:
        if (session := self._session) is None:
            return
        stage: Stage[Any] = session.procedure.stage(ask.stage)
        for step in stage.steps:
            result = session.run.result(step.id)
            word = "ACCEPTED" if step.id in session.run.accepted else str(result.verdict) if result else "TO DO"
            yield f"{word:<12} {step.id}: {result.observed if result else step.title}"
        if (took := time_taken(session, stage)) is not None:
            people = session.run.human_s.get(stage.id, 0.0)
            yield f"This stage {took}{f'; {spoken(people)} of it waiting for people' if people >= 1 else ''}."
        for found in sorted(session.run.findings, key=lambda each: each.severity != "major"):
            yield f"Finding so far, {found.severity}: {found.text}"

    # -- the decision -------------------------------------------------------------------------------------------------
    async def _decision(self, prompt: str, ask: Decide | Gate, looks: Looks = NOTHING) -> Decision:
        words = _meanings(ask)
        while True:
            word, rest = await self._prompts.word(prompt, words, looks, more=_GIVEN)
            if (decision := await self._decided(Act(word), rest, ask)) is not None:
                return decision

    async def _decided(self, act: Act, rest: str, ask: Decide | Gate) -> Decision | None:
        """With its reason, and where to; None: they thought better of it."""
        if act is Act.BACK:
            return await self._back(rest, ask)
        if act not in {Act.ATTEST, Act.ABORT}:
            return Decision(act, rest if act is Act.CLOSE else "")
        self._say_consequence(act, ask)
        reason = await self._reason(act, rest)
        return None if reason is None else Decision(act, reason)

    async def _reason(self, act: Act, given: str) -> str | None:
        """Asked for below what comes of it; one that was given before that was said is agreed to there."""
        if not given:
            return await self._prompts.reason()
        words = {"yes": f"{act}, with that reason; both go into the record", "no": "not that: ask again what to do"}
        return given if await self._prompts.agreed("  Is it so, with that reason", words) else None

    def _say_consequence(self, act: Act, ask: Decide | Gate) -> None:
        """What is agreed to with the reason."""
        if act is Act.ATTEST and isinstance(ask, Decide):
            self._lines.say(f"    You state: {ask.expected}")
        elif act is Act.ABORT and self._session is not None:
            entries = [entry.name for entry in self._session.run.open_ledger]
            self._lines.say(f"    To clean up: {_named(entries)}. The run cannot be resumed.")

    async def _back(self, rest: str, ask: Decide | Gate) -> Decision | None:
        to, _, reason = rest.partition(" ")
        while to.partition(".")[0] not in ask.back_to:
            words = {place: self._title(place) for place in ask.back_to}
            words[WITHDRAW] = "not that: ask again what to do"
            to = await self._prompts.line(f"  Back to ({', '.join(ask.back_to)}): ", words)
            if to == WITHDRAW:
                return None
        if self._session is not None:
            void = becomes_void(self._session.run, self._session.procedure, to)
            self._lines.say(f"    Becomes void: {_named(void)}. What was restored and still fits is adopted.")
        given = await self._reason(Act.BACK, reason.strip())
        return None if given is None else Decision(Act.BACK, given, to)

    def _title(self, place: str) -> str:
        if self._session is None:
            return "back to there"
        procedure = self._session.procedure
        return procedure.step(place).title if "." in place else procedure.stage(place).title


def _meanings(ask: Decide | Gate) -> Words:
    """What each act that is offered does, with what is typed with it."""
    said = {Act.CLOSE: ask.retreat}
    return {
        str(act): ": ".join(filter(None, (_GIVEN.get(act, ""), said.get(act) or MEANS[act]))) for act in ask.options
    }


def _how_often(run: Run, step: str, now: datetime) -> str:
    failed = tries(run, step)
    if not failed:
        return ""
    return f"tried {counted(len(failed), 'time')}, not passed for {spoken((now - failed[0].at).total_seconds())}"


def _named(things: tuple[str, ...] | list[str]) -> str:
    return f"{len(things)}: {few(things, NAMED)}" if things else "nothing"
