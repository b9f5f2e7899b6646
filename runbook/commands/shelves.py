"""`views.Source` over this machine's files: what the screens show beside a run, and the runs that they begin."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from runbook.commands import plans, preferences
from runbook.commands.configured import Configured, Found, all_runs
from runbook.commands.machine import SystemClock
from runbook.commands.places import REAL, Home
from runbook.commands.plans import Plan
from runbook.config.file import ENVIRONMENT_OF
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.policy import Policy
from runbook.records.audit.evidence_rows import NAMES
from runbook.records.disk import Disk, read_whole
from runbook.records.history import reading
from runbook.records.log.testlog import Domain
from runbook.training import scenario
from runbook.views import DRILL, RECOVER, HistoryView, HomeView, ScenarioLine, Session

REPORT = "report.md"
SEED = 1  # of a practice estate that is begun at home
UNCONFIGURED = "no platform is configured yet: training needs none"


class Shelves:
    """What is beside a run loads what it needs when it is asked, which is in a thread."""

    def __init__(self, home: Home, found: Found) -> None:
        self._home = home
        self._platform = found.platform
        self._trouble = found.trouble

    def home(self) -> HomeView:
        """A log that cannot be read is a notice: nothing keeps anybody from looking, training or resuming."""
        platform, now = self._platform, SystemClock().now()
        notices = [self._trouble] if self._trouble else []
        history = None
        try:
            history = self._tests(platform, now) if platform else None
        except RecordFailed as failure:
            notices.append(failure.sentence)
        name = platform.settings.platform.name if platform else ""
        return HomeView(
            now,
            name or UNCONFIGURED,
            all_runs(self._home, platform),
            tuple(ScenarioLine(each.name, each.title, each.story.strip()) for each in scenario.deck()),
            (*notices, *_left(platform)),
            configured=name,
            history=history,
        )

    def history(self, *, training: bool) -> HistoryView:
        """The log's, read anew."""
        now = SystemClock().now()
        if training:
            return _view(self._home.training / NAMES[Domain.TRAINING], now, Policy())
        if self._platform is None:
            sentence = self._trouble or "no platform is configured, so there is no test log"
            raise WrongUse(sentence, fix="runbook config check" if self._trouble else "runbook config init")
        return self._tests(self._platform, now)

    def _tests(self, platform: Configured, now: datetime) -> HistoryView:
        return _view(platform.compliance / NAMES[Domain.TEST], now, platform.settings.policy())

    def report(self, run_id: str) -> str:
        """The sealed report, as it is."""
        shelf = self._home.shelf
        if run_id.partition("-")[0] in REAL:
            if self._platform is None:
                raise WrongUse(f"{run_id} is no training run, and no platform is configured", fix="runbook config init")
            shelf = self._platform.shelf
        path = shelf.folder(run_id) / REPORT
        if not path.exists():
            raise WrongUse(f"there is no report of {run_id} on this machine", fix="runbook status lists the runs.")
        return read_whole(path, Disk()).decode("utf-8", "replace")

    def keep_theme(self, name: str) -> str:
        """Into this home's preferences."""
        return preferences.keep_theme(self._home, name)

    def open(self, what: str | None) -> Session:
        """A training run of that scenario, a drill, a recovery, or (None) the newest unfinished run again."""
        from runbook.commands.training_session import TrainingSession

        home, platform = self._home, self._platform
        if what is None:
            return _unfinished(home, platform)
        if platform is not None and what in {DRILL, RECOVER}:
            from runbook.commands.real.beginning import Intention
            from runbook.commands.real.session import RealSession

            mode = "drill" if what == DRILL else "recovery"
            return RealSession(home, platform, Intention(mode, attended=True))
        return TrainingSession(home, Plan(plans.chosen(what), SEED, attended=True))


def _view(path: Path, now: datetime, policy: Policy) -> HistoryView:
    return reading.view(reading.read(path), now, policy.quarter_months)


def _unfinished(home: Home, platform: Configured | None) -> Session:
    from runbook.commands.real import unfinished
    from runbook.commands.real.session import RealSession
    from runbook.commands.training_session import TrainingSession

    if platform is not None and unfinished.newest_is_real(home, platform):
        return RealSession(home, platform, unfinished.intention(platform, None))
    return TrainingSession(home, plans.plan_of_newest(home))


def _left(platform: Configured | None) -> tuple[str, ...]:
    """What earlier runs left at a provider."""
    from runbook.commands.real.leftovers import found

    if platform is None:
        return ()
    left = [each for environment in sorted(set(ENVIRONMENT_OF.values())) for each in found(platform, environment)]
    return tuple(f"{each.words}: runbook resume offers to remove it" for each in left)
