"""A walk on lines with everything around it: a session that is made up, and somebody who types."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Any

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast
from runbook.plain import Keyboard, Lines, PlainOperator
from tests.screens.fake import FakeSession, Script

STAGES = ("identity", "vault", "database", "application", "connectivity")
FORECAST = Forecast({"vault.backup": 4.0, "vault.restore": 725.0}, dict.fromkeys(STAGES, 600.0), 3)


class Typed(StringIO):
    """What is typed, shown as a terminal would, so that a transcript can be read."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as in typeshed's TextIOBase
        line = super().readline(-1 if size is None else size)
        sys.stdout.write(f"<{line.rstrip()}>" if line else "<the input ends>")
        return line


def a_session(script: Script, **more: Any) -> FakeSession:
    """With a target, budgets and a forecast."""
    given = {"targets": {"rto_s": 14_400, "rpo_s": None}, "forecast": FORECAST, "budgets": {"vault": 600.0}, **more}
    return FakeSession(script, **given)


async def walk(session: FakeSession, *typed: str) -> None:
    """The whole script; every line that is asked for is one of these."""
    lines = Lines(session.procedure, sys.stdout, now=lambda: session.now().timestamp())
    session.subscribe(lines.hear)
    keyboard = Keyboard(Typed("".join(f"{line}\n" for line in typed)))
    await session.walk(PlainOperator(lines, keyboard, lambda: session.phone, session=session))


def result(session: FakeSession, step: str, verdict: str, **more: Any) -> None:
    """A result as the conductor says it, with all that it carries."""
    stage = step.partition(".")[0]
    number = 1 + sum(each.step == step for each in session.run.attempts)
    session.say(Kind.STARTED, stage, step, attempt=number)
    told = {"expected": "as configured", "observed": "as it should be", "source": "the API", "ms": 12, **more}
    session.say(Kind.RESULT, stage, step, attempt=number, kind="check", verdict=verdict, **told)
