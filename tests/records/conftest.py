from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.records.story import FakeClock, document_of, journal, tell_calm, tell_empty_table


@pytest.fixture
def calm(tmp_path: Path) -> dict[str, Any]:
    """run.json of a calm run."""
    clock = FakeClock()
    told = journal(tmp_path / "calm", clock)
    events = tell_calm(told, clock)
    told.close()
    return document_of(events)


@pytest.fixture
def empty_table(tmp_path: Path) -> dict[str, Any]:
    """run.json of a failed run."""
    clock = FakeClock()
    told = journal(tmp_path / "empty", clock)
    events = tell_empty_table(told, clock)
    told.close()
    return document_of(events)
