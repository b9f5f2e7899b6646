"""One attempt of one step: what is awaited, and how everything that can go wrong becomes an Observation."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any, assert_never

from runbook.engine.desk import Desk
from runbook.engine.errors import (
    HardStop,
    LayerFailed,
    NoVerdict,
    OperatorGone,
    Outdated,
    RecordFailed,
    Refused,
    RunbookError,
    SignedOut,
)
from runbook.engine.ports import Attest, Confirm, Form, Preview, TypeName, typed_exactly
from runbook.engine.procedure import Action, AnyStep, Attestation, Check, H, Question
from runbook.engine.verdict import Observation, Verdict

TYPING_TRIES = 3


async def observe(
    step: AnyStep[H], here: H, desk: Desk, *, typed_target: str | None, quietly: bool
) -> tuple[Observation, bool]:
    """The step's observation, and whether it was adopted (done by this run already) instead of done now.

    `typed_target` is the name that must be typed before an Action (production); `quietly` leaves the asking
    out: used only to obtain a secret again after a resume.
    """
    try:
        match step:
            case Check():
                return await _looked(step, here), False
            case Action():
                return await _act(step, here, desk, typed_target, quietly=quietly)
            case Question():
                return await step.ask(here), False
            case Attestation():
                return await _attest(step, here, desk), False
            case _:
                assert_never(step)
    except (RecordFailed, OperatorGone):
        raise
    except RunbookError as error:
        return _told(step, error), False
    except Exception as error:  # noqa: BLE001  # a defect of ours must not take the run down at 3 a.m.
        return _defect(step, error), False


async def _looked(step: Check[H], here: H) -> Observation:
    if step.asks:
        return await step.look(here)
    backstop = asyncio.timeout(step.timeout)
    try:
        async with backstop:
            return await step.look(here)
    except TimeoutError:
        if not backstop.expired():
            raise  # the look's own, which its adapter should have put into words
        return _timed_out(step)


async def _act(
    step: Action[H], here: H, desk: Desk, typed_target: str | None, *, quietly: bool
) -> tuple[Observation, bool]:
    found = None if quietly else await step.find(here)
    if found is not None:
        return found, found.verdict is Verdict.PASS  # a step that is not needed was not found done
    if step.asks and not quietly:
        preview = await step.preview(here)
        if why := await _not_agreed(step, desk, preview, typed_target):
            return _declined(preview, why), False
    return await step.perform(here), False


async def _not_agreed(step: Action[H], desk: Desk, preview: Preview, typed_target: str | None) -> str:
    """Why nothing is done; "" once it was agreed to, and the target's name typed where it must be."""
    if not await desk.operator.confirm(Confirm(step.id, step.title, preview)):
        return "the operator did not agree"
    return await _mistyped(step, desk, typed_target) if typed_target is not None else ""


async def _mistyped(step: Action[H], desk: Desk, target: str) -> str:
    note = ""
    for left in reversed(range(TYPING_TRIES)):
        typed = await desk.operator.type_name(TypeName(step.id, target, note))
        if typed_exactly(target, typed):
            return ""
        if not typed:
            return "the operator did not type the target's name"
        note = f"That was not it: every letter, its case and every space count. Tries left: {left}."
    return f"the target's name was not typed exactly in {TYPING_TRIES} tries"


async def _attest(step: Attestation[H], here: H, desk: Desk) -> Observation:
    if spared := step.spared(here):
        return Observation.not_needed(spared)
    if step.form is not None:
        return await _filled(step, step.form(here), here, desk)
    reason = await desk.operator.attest(Attest(step.id, step.statement, step.asks))
    if not reason:
        return _unattested(step)
    return Observation.attested(
        expected=step.statement, stated=reason, by=desk.operator.name, findings=step.judge(here, reason)
    )


async def _filled(step: Attestation[H], form: Form, here: H, desk: Desk) -> Observation:
    answers = await desk.operator.fill(form)
    stated, findings = step.filled(here, answers or {})
    if answers is None:
        return replace(_unattested(step), findings=findings)
    return Observation.attested(expected=step.statement, stated=stated, by=desk.operator.name, findings=findings)


def _unattested(step: Attestation[Any]) -> Observation:
    return Observation.inconclusive(
        expected=step.statement, observed="not attested", source="operator", fix="Attest it, or abort."
    )


def _declined(preview: Preview, why: str) -> Observation:
    said = Observation.inconclusive(
        expected=preview.what,
        observed=f"{why}: nothing was done",
        source="operator",
        fix="Try again and agree, go back, or abort.",
    )
    return replace(said, declined=True)


def _timed_out(step: Check[Any]) -> Observation:
    return Observation.inconclusive(
        expected=step.title,
        observed=f"no answer within {step.timeout:.0f} s",
        source="the conductor's backstop",
        fix="Look whether the provider is reachable from this machine, then try again.",
    )


def _told(step: AnyStep[Any], error: RunbookError) -> Observation:
    verdict, observed = Verdict.FAIL, error.sentence
    match error:
        case HardStop():
            observed = f"HARD STOP: {error.sentence}"
        case NoVerdict():
            verdict = Verdict.INCONCLUSIVE
        case Refused():
            observed = f"refused by a safety rule: {error.sentence}"
        case LayerFailed() | _:
            pass
    system = error.system if isinstance(error, SignedOut) else ""
    return Observation(
        verdict,
        step.expected,
        observed,
        error.source,
        error.fix,
        error.provider_text,
        declined=isinstance(error, Outdated),
        hard_stop=isinstance(error, HardStop),
        signed_out=system,
    )


def _defect(step: AnyStep[Any], error: Exception) -> Observation:
    """Type and place only: the text of an unexpected error may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames[-2:]]
    return Observation.inconclusive(
        expected=step.expected,
        observed=f"a defect in this tool, not in your platform: {type(error).__name__} at {' < '.join(places[::-1])}",
        source="runbook",
        fix="Try again; if it stays, use the manual way of this step and report the line above.",
    )


def as_data(observation: Observation) -> dict[str, Any]:
    """The observation as the journal's `result` carries it; facts by the name of their type."""
    data = asdict(replace(observation, facts=(), findings=()))
    data.pop("findings")
    data["verdict"] = str(observation.verdict)
    data["facts"] = {type(fact).__name__: asdict(fact) for fact in observation.facts}
    return data
