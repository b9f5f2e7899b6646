"""No grace in tests that are not about it: they would only wait for it."""

from __future__ import annotations

import pytest

from screens.dialogs.ask import Ask
from screens.dialogs.share import ShareDialog
from screens.fatal import FatalScreen
from screens.report import ReportScreen


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Ask, FatalScreen, ReportScreen):
        monkeypatch.setattr(kind, "GRACE_S", 0.0)
    monkeypatch.setattr(ShareDialog, "SURE_AFTER_S", 0.01)
