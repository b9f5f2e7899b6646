"""What a run's own screen shows: the words in a widget's place, and runs that came to where it shows them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast
from screens.app import RunbookApp
from screens.run.screen import RunScreen
from tests.screens.driving import SIZES, running, shown, until, until_on, words
from tests.screens.fake import FakeSession
from tests.screens.gallery import Said, a_run

STAGES = {"identity": 120.0, "vault": 480.0, "database": 1500.0, "application": 420.0, "connectivity": 180.0}
EARLIER = Forecast(steps={"database.content": 420.0}, stages=STAGES, runs=3)
TARGETS = {"rto_s": 3600, "rpo_s": 86400}
SMALL = ((80, 24), (60, 20))
ALL = (*SIZES, (60, 20))


def at(app: RunbookApp, widget: type[Any], name: str = "") -> str:
    """The words in a widget's place; no pointer and no scrollbar."""
    place = app.screen.query_one(name or widget.__name__, widget).region
    lines = shown(app).split("\n")[place.y : place.bottom]
    said = " ".join(line[place.x : place.right] for line in lines)
    return " ".join(re.sub("[▁-▏]", " ", said).split())


def later(session: FakeSession, seconds: float) -> None:
    session.at += timedelta(seconds=seconds)


def done(session: FakeSession, *stages: str) -> None:
    for stage in stages:
        session.stage_done(stage)
        session.opened(stage)


def comparing(session: FakeSession) -> None:
    done(session, "identity", "vault")
    session.say(Kind.STARTED, "database")
    session.say(Kind.STARTED, "database", "database.content", attempt=1)


async def sees(before: Said, *wanted: str, size: tuple[int, int] = (80, 24), where: Any = None, **more: Any) -> None:
    """A run to which that happened shows these words, in that widget or anywhere."""
    async with running(a_run(before, **more), size) as (app, pilot):
        await until_on(pilot, RunScreen)
        for text in wanted:
            await until(pilot, lambda text=text: text in (at(app, where) if where else words(app)))  # type: ignore[misc]  # a default that mypy cannot type
        app._leave(130)
