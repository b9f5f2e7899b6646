"""The gallery has every screen and dialogue."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

from textual.screen import Screen

import screens
from screens.dialogs.ask import Ask
from screens.dialogs.calling import Calling
from screens.dialogs.copying import Copying
from screens.dialogs.deciding import Deciding
from screens.frame import Frame
from screens.reading.screen import ReadingScreen
from tests.screens.gallery_shots import SHOTS

GROUNDS = {Frame, Ask, Calling, Copying, Deciding, ReadingScreen}  # what screens are made on; never shown themselves


def _screens() -> set[type[Screen[Any]]]:
    """Every screen that is defined in `screens`."""
    found = pkgutil.walk_packages(screens.__path__, "screens.")
    modules = [importlib.import_module(module.name) for module in found]
    return {
        each
        for module in modules
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Screen) and each.__module__ == module.__name__
    }


def test_no_screen_is_missing() -> None:
    missing = _screens() - GROUNDS - {shot.top for shot in SHOTS}
    assert not missing, f"give the gallery a face of {sorted(each.__name__ for each in missing)}"


def test_no_face_is_there_twice() -> None:
    names = [shot.name for shot in SHOTS]
    assert len(set(names)) == len(names)
