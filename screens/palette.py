"""The command palette: what can be done now on the screen below it, and the theme; nothing that a key could not do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen


def commands(app: App[Any], screen: Screen[Any]) -> Iterable[SystemCommand]:
    """One command for each visible, enabled key of that screen; then theme and leave."""
    offered: set[str] = set()
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if enabled and binding.show and node is screen and binding.action not in offered:
            offered.add(binding.action)
            act = partial(app.run_action, binding.action, default_namespace=screen)
            yield SystemCommand(binding.description, tooltip or f"key {app.get_key_display(binding)}", act)
    yield SystemCommand("Theme", "Light, dark or other colours", app.action_change_theme)
    if "quit" not in offered:
        yield SystemCommand("Leave runbook", "A run that is not over can be resumed", app.action_quit)
