"""Runs up to the application's checkpoint, ended there: stage 5 takes no part, the closing does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runbook.engine.ports import Preview, Secret
from runbook.engine.run import Attempt, Run
from tests.support.operator import ScriptedOperator, abort
from tests.support.practice import Practice
from tests.support.recorder import MemoryRecorder

URL = "postgresql://clinic_app:s3cr3t-pass-word@old.example.test:5432/clinic?sslmode=verify-full"


async def through_stage_4(
    practice: Practice,
    script: Mapping[str, Sequence[Any]] | None = None,
    *,
    recorder: MemoryRecorder | None = None,
    operator: ScriptedOperator | None = None,
) -> Run:
    """From the declaration to the application's checkpoint, where the run is ended, and its closing."""
    ends = {"gate application": [abort("that was enough")], **(script or {})}
    return await practice.walk(operator or practice.operator(ends), recorder)


def up_to_stage_4(practice: Practice, script: Mapping[str, Sequence[Any]] | None = None) -> ScriptedOperator:
    """The operator of such a run, for a test that wants to read what was asked."""
    return practice.operator({"gate application": [abort("that was enough")], **(script or {})})


def attempt(run: Run, step: str) -> Attempt:
    """The last attempt of a step, which must have been reached."""
    last = run.last(step)
    assert last is not None, f"{step} was not reached: {run.aborted}"
    return last


def configure(practice: Practice, **application: Any) -> None:
    """Other settings of [application], validated as a file's would be."""
    settings = practice.environment.application
    given = {name: getattr(settings, name) for name in type(settings).model_fields} | application
    changed = type(settings)(**given)
    practice.environment = practice.environment.model_copy(update={"application": changed})


def preview(operator: ScriptedOperator, step: str) -> Preview:
    """What was shown before that Action was done, which must have been asked once."""
    (ask,) = operator.questions(f"confirm {step}")
    shown: Preview = ask.preview
    return shown


def group(practice: Practice, name: str) -> dict[str, str]:
    """A secret group as the platform has it."""
    return {name: secret.reveal() for name, secret in practice.world.platform.groups[name].items()}


def set_variable(practice: Practice, where: str, value: str | None) -> None:
    """GROUP/VARIABLE is that from now on; None: it is not there."""
    name, _, variable = where.partition("/")
    held = practice.world.platform.groups[name]
    held.pop(variable, None)
    if value is not None:
        held[variable] = Secret(value)


def just_before(happens: Callable[[], object], answer: Any = True) -> Callable[[Any], Any]:  # noqa: FBT002  # an answer
    """An operator's answer, given just after something happened."""

    def given(_: Any) -> Any:
        happens()
        return answer

    return given


def resumed(practice: Practice, recorder: MemoryRecorder, script: Mapping[str, Sequence[Any]] | None = None) -> Run:
    """A new process goes on with the journal of one that ended."""
    operator = up_to_stage_4(practice, script)
    return asyncio.run(practice.conductor(operator, practice.recorder(recorder.events)).resume(by="tester"))
