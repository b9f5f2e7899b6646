"""`runbook` alone: the home screen, or without a terminal the status."""

from __future__ import annotations

import argparse
import gc
from typing import TYPE_CHECKING

from runbook.commands.tty import on_terminal

if TYPE_CHECKING:  # the first frame waits for none of these
    from runbook.views import Source


def run(arguments: argparse.Namespace) -> int:
    """Screens on a terminal, lines elsewhere."""
    if on_terminal():
        return _screens(arguments)
    from runbook.commands import status
    from runbook.commands.configured import configured_if_any
    from runbook.commands.places import home_of

    return status.show(home_of(arguments), configured_if_any(arguments), as_json=False)


def _screens(arguments: argparse.Namespace) -> int:
    """No garbage is collected until the first frame stands: what is loaded for it stays."""
    gc.disable()
    from runbook.commands import preferences
    from runbook.commands.app import Later
    from runbook.commands.places import home_of
    from screens.app import show

    def shelves() -> Source:
        gc.freeze()
        gc.enable()
        from runbook.commands.configured import configured_if_any
        from runbook.commands.shelves import Shelves

        return Shelves(home_of(arguments), configured_if_any(arguments))

    try:
        return show(Later(shelves), preferences.read_or_default(home_of(arguments)))
    finally:
        gc.enable()
