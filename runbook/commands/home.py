"""`runbook` alone: the home screen, or without a terminal the status."""

from __future__ import annotations

import argparse

from runbook.commands import fronts, status
from runbook.commands.configured import configured_if_any
from runbook.commands.places import home_of


def run(arguments: argparse.Namespace) -> int:
    """Screens on a terminal, lines elsewhere."""
    found = configured_if_any(arguments)
    if not fronts.on_terminal():
        return status.show(home_of(arguments), found, as_json=False)
    from runbook.commands.app import screens

    return screens(home_of(arguments), found.platform, notice=found.trouble)
