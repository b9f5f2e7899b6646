"""`runbook` alone: the home screen, or without a terminal the status."""

from __future__ import annotations

import argparse

from runbook.commands.places import Home, home_of
from runbook.training import scenario
from runbook.views import HomeView, ScenarioLine


def run(arguments: argparse.Namespace) -> int:
    """Screens on a terminal, lines elsewhere."""
    from runbook.commands import fronts

    if fronts.on_terminal():
        return fronts.screens(home_of(arguments))
    from runbook.commands import status

    return status.show(home_of(arguments), as_json=False)


def view(home: Home) -> HomeView:
    """What home shows."""
    from runbook.commands.machine import SystemClock

    deck = tuple(ScenarioLine(each.name, each.title, each.story.strip()) for each in scenario.deck())
    return HomeView(SystemClock().now(), "no platform is configured yet: training needs none", home.runs(), deck)
