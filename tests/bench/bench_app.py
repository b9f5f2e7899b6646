"""The app that `tests.bench.latency` presses keys in: the run screen, idle or over a real training run.

`python -m tests.bench.bench_app idle|busy HOME`.  Where the list of steps stands is written to HOME/where.json.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from textual.css.query import NoMatches

import screens
from runbook.commands import plans
from runbook.commands.places import Home
from runbook.commands.plans import Plan
from runbook.commands.session import Tools
from runbook.commands.training_session import TrainingSession
from runbook.engine.conductor import Conductor
from runbook.engine.ports import Operator
from runbook.records.journal import Journal
from runbook.views import Preferences, Session
from screens.app import RunbookApp
from screens.run.steps import StepList
from steps.here import Here
from tests.screens.fake import FakeSession, FakeSource

LOOK_S = 0.25
WHERE = "where.json"


class Unasked(TrainingSession):
    """An attended training run in which the practice operator answers, so that no dialogue covers the run screen."""

    async def _conduct(
        self, folder: Path, journal: Journal, tools: Tools, operator: Operator | None
    ) -> Conductor[Here]:
        del operator  # whoever is there is not asked
        return await super()._conduct(folder, journal, tools, None)


async def _nothing_goes_on(session: FakeSession, _: Operator) -> None:
    session.stage_done("identity")
    await asyncio.Event().wait()


class BenchApp(RunbookApp):
    """Ours, and it says where the list of steps stands."""

    CSS_PATH = [Path(screens.__file__).parent / str(name) for name in RunbookApp.CSS_PATH]  # noqa: RUF012 - Textual's

    def __init__(self, session: Session, where: Path) -> None:
        super().__init__(FakeSource(), Preferences(), straight=session)
        self._where = where
        self._told = ""

    def on_mount(self) -> None:
        """Look where it stands now and then: it may move when another stage begins."""
        super().on_mount()
        self.set_interval(LOOK_S, self._tell_where)

    def _tell_where(self) -> None:
        try:
            region = self.screen.query_one(StepList).region
        except NoMatches:
            return
        if (told := json.dumps(list(region))) != self._told:
            self._told = told
            self._where.write_text(told, encoding="utf-8")


def main(kind: str, home: Path) -> int:
    """Until it is left or killed."""
    plan = Plan(plans.chosen("calm"), 1, attended=True)
    session: Session = Unasked(Home(home), plan) if kind == "busy" else FakeSession(_nothing_goes_on)
    app = BenchApp(session, home / WHERE)
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
