"""Training in memory, on a home of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.memory_training import MemoryTraining


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryTraining:
    return MemoryTraining(tmp_path / "home", monkeypatch)
