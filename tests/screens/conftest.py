"""What tests of screens would only wait for: the grace in those that are not about it, and stylesheets that were read.

Each app reads the same stylesheets with the same colours, which is a tenth of what its test takes.
"""

from __future__ import annotations

from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.widgets import Input

from screens.app import RunbookApp
from screens.dialogs.ask import Ask
from screens.dialogs.doubt import SecondThought
from screens.reading.fatal import FatalScreen
from screens.reading.report import ReportScreen

_parse = Stylesheet._parse_rules
_parsed: dict[tuple[Any, ...], list[RuleSet]] = {}


def _parse_once(sheet: Stylesheet, *args: Any, **more: Any) -> list[RuleSet]:
    key = (args, *more.items(), *sheet._variables.items())
    if key not in _parsed:
        _parsed[key] = _parse(sheet, *args, **more)
    return _parsed[key]


@pytest.fixture(autouse=True)
def stylesheets_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parse_once)


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Ask, FatalScreen, ReportScreen):
        monkeypatch.setattr(kind, "GRACE_S", 0.0)
    monkeypatch.setattr(SecondThought, "AFTER_S", 0.01)


@pytest.fixture
def nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks, and nothing is said for a moment of where a theme was kept."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _: None)
    monkeypatch.setattr(RunbookApp, "_keep_theme", lambda *_: None)
