"""Starts the Textual app; Textual is loaded only here."""

from __future__ import annotations

from runbook.commands import plans
from runbook.commands.configured import Configured, all_runs
from runbook.commands.machine import SystemClock
from runbook.commands.places import Home
from runbook.commands.plans import Plan
from runbook.commands.real import unfinished
from runbook.commands.real.beginning import Intention
from runbook.commands.real.leftovers import found
from runbook.commands.real.session import RealSession
from runbook.commands.training_session import TrainingSession
from runbook.config.file import ENVIRONMENT_OF
from runbook.training import scenario
from runbook.views import DRILL, RECOVER, HomeView, ScenarioLine, Session

SEED = 1  # of a practice estate that is begun at home
UNCONFIGURED = "no platform is configured yet: training needs none"


def screens(
    home: Home,
    platform: Configured | None,
    *,
    begin: Session | None = None,
    resume: Session | None = None,
    notice: str = "",
) -> int:
    """Home, or right into the run that was asked for, new (`begin`) or again; answers the exit status."""

    def opener(name: str | None) -> Session:
        if straight := begin or resume:
            return straight
        if name is None:
            return _unfinished(home, platform)
        if platform is not None and name in {DRILL, RECOVER}:
            mode = "drill" if name == DRILL else "recovery"
            return RealSession(home, platform, Intention(mode, attended=True))
        return TrainingSession(home, Plan(plans.chosen(name), SEED, attended=True))

    from screens.app import show

    return show(lambda: view(home, platform, notice), opener, start="" if begin else None, resume=resume is not None)


def _unfinished(home: Home, platform: Configured | None) -> Session:
    if platform is not None and unfinished.newest_is_real(home, platform):
        return RealSession(home, platform, unfinished.intention(platform, None))
    return TrainingSession(home, plans.plan_of_newest(home))


def view(home: Home, platform: Configured | None, notice: str = "") -> HomeView:
    """What home shows."""
    deck = tuple(ScenarioLine(each.name, each.title, each.story.strip()) for each in scenario.deck())
    name, runs = platform.settings.platform.name if platform else "", all_runs(home, platform)
    notices = (*((notice,) if notice else ()), *_notices(platform))
    return HomeView(SystemClock().now(), name or UNCONFIGURED, runs, deck, notices, configured=name)


def _notices(platform: Configured | None) -> tuple[str, ...]:
    if platform is None:
        return ()
    left = [each for environment in sorted(set(ENVIRONMENT_OF.values())) for each in found(platform, environment)]
    return tuple(f"{each.words}: runbook resume offers to remove it" for each in left)
