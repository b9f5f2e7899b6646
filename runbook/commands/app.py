"""Starts the Textual app; Textual is loaded only here."""

from __future__ import annotations

from runbook.commands import plans
from runbook.commands.machine import SystemClock
from runbook.commands.places import Home
from runbook.commands.plans import Plan
from runbook.commands.training_session import TrainingSession
from runbook.training import scenario
from runbook.views import HomeView, ScenarioLine


def screens(home: Home, *, start: Plan | None = None, resume: Plan | None = None, seed: int = 1) -> int:
    """Home, or right into the run that was asked for; answers the exit status."""

    def opener(name: str | None) -> TrainingSession:
        if name is None:
            return TrainingSession(home, resume or plans.plan_of_newest(home))
        if start is not None and name == start.scenario.name:
            return TrainingSession(home, start)
        return TrainingSession(home, Plan(plans.chosen(name), seed, attended=True))

    from screens.app import show

    return show(lambda: view(home), opener, start=start.scenario.name if start else None, resume=resume is not None)


def view(home: Home) -> HomeView:
    """What home shows."""
    deck = tuple(ScenarioLine(each.name, each.title, each.story.strip()) for each in scenario.deck())
    return HomeView(SystemClock().now(), "no platform is configured yet: training needs none", home.runs(), deck)
