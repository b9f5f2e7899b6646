"""Takes the pictures: which face, at which moment of the recorded run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from textual.widgets import Input

from runbook.commands.training_session import BANNER
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Act, Decide, Operator
from runbook.engine.procedure import Procedure
from runbook.engine.run import apply
from runbook.engine.verdict import Verdict
from runbook.views import Ending
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.failure import FailureDialog
from screens.run.screen import RunScreen
from steps import PROCEDURE
from tests.pictures import recording
from tests.screens import painting
from tests.screens.fake import FakeSession
from tests.screens.gallery import Shot
from tests.screens.gallery_rooms import HISTORY, HOME

FOLDER = Path(__file__).parents[2] / ".github" / "pictures"
SIZE, MARGIN = (100, 30), 14


async def _nothing(_: FakeSession, __: Operator) -> None:
    await asyncio.Event().wait()


@dataclass
class Replayed(FakeSession):
    """The recorded run at a moment: everything was said, then the script goes on."""

    told: tuple[Event, ...] = ()
    procedure: Procedure[Any] = field(default=PROCEDURE)

    async def walk(self, operator: Operator | None) -> Ending:
        assert operator is not None
        for event in self.told:
            self.run, self.at = apply(self.run, event), event.at
            self._tell(event)
        await self.script(self, operator)
        return self.ending


def _replayed(told: Iterable[Event], script: Callable[[FakeSession, Operator], Any] = _nothing) -> Replayed:
    return Replayed(script, BANNER, told=tuple(told))


def _at_work() -> Replayed:
    """While the restored database is compared."""
    last = PROCEDURE.stage("database").steps[-1].id
    return _replayed(recording.before(lambda event: event.kind is Kind.RESULT and event.step == last))


def _at_checkpoint() -> Replayed:
    """Before the third checkpoint is opened."""

    async def script(session: FakeSession, operator: Operator) -> None:
        await operator.gate(session.gate_of("database"))

    def opened(event: Event) -> bool:
        return event.kind is Kind.CHECKPOINT and event.stage == "database"

    told = recording.before(opened)
    asked = max(at for at, event in enumerate(told) if event.kind is Kind.RESULT)
    return _replayed(told[: asked + 1], script)


def _at_failure() -> Replayed:
    """The application is healthy, on the wrong database."""

    async def script(session: FakeSession, operator: Operator) -> None:
        failed, step = session.run.attempts[-1], session.procedure.step(recording.FAILS_AT)
        said = Decide(
            step=step.id,
            title=step.title,
            verdict=Verdict.FAIL,
            expected=failed.expected,
            observed=failed.observed,
            source=failed.source,
            fix=failed.fix,
            provider_text=failed.provider_text,
            why=step.why,
            manual=step.manual,
            options=(Act.ABORT,),  # all that the conductor offers once going on would do harm
            back_to=(),
        )
        await operator.decide(said)

    return _replayed(recording.events(), script)


PICTURES: Mapping[str, Shot] = {
    "home": replace(HOME, name="home"),
    "run": Shot("run", RunScreen, straight=_at_work),
    "checkpoint": Shot("checkpoint", CheckpointDialog, straight=_at_checkpoint),
    "failure": Shot("failure", FailureDialog, straight=_at_failure),
    "history": replace(HISTORY, name="history"),
}


async def taken(name: str, stored: str | None = None) -> str:
    """The picture as it would be taken now; `stored` is waited for."""
    async with PICTURES[name].shown(SIZE) as shown:
        for entry in shown.app.screen.query(Input):
            entry.cursor_blink = False
        return await painting.settled(partial(painting.svg, shown.app, margin=MARGIN), stored, still_s=1.0)


def place(name: str) -> Path:
    """Where it is kept."""
    return FOLDER / f"{name}.svg"
