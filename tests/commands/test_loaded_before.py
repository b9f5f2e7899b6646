"""A run that somebody walks has its libraries before its clock starts, and its loop free meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from runbook.commands import plans, wiring
from runbook.commands.exits import ExitCode
from runbook.commands.places import Home
from runbook.commands.plans import Plan
from runbook.commands.training_session import TrainingSession
from tests.commands.memory_real import MemoryReal
from tests.commands.memory_training import MemoryTraining
from tests.support.operator import ScriptedOperator


class Withdrawn(Exception):
    """What comes after the loading is of no interest."""


class Loads:
    """Each time that the adapters were loaded: in which thread, and which journals there were by then."""

    def __init__(self, root: Path) -> None:
        self.seen: list[tuple[bool, list[Path]]] = []
        self._root = root

    def __call__(self) -> None:
        on_the_loop = threading.current_thread() is threading.main_thread()
        self.seen.append((on_the_loop, list(self._root.rglob("journal.jsonl"))))


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loads:
    found = Loads(tmp_path)
    monkeypatch.setattr(wiring, "load", found)
    return found


def test_a_training_run_with_an_operator_loads_before_t0_in_a_thread(training: MemoryTraining, loads: Loads) -> None:
    training.prepare = _withdraw
    session = TrainingSession(Home(training.home), Plan(plans.chosen("calm"), 1, attended=True))
    with pytest.raises(Withdrawn):
        asyncio.run(session.walk(ScriptedOperator()))
    assert loads.seen == [(False, [])]


def test_a_drill_with_an_operator_loads_before_t0_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: Loads
) -> None:
    for name in ("AWS_ENDPOINT_URL", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)
    real = MemoryReal(tmp_path, monkeypatch)
    with pytest.raises(Withdrawn):
        asyncio.run(real.session("drill").walk(real.operator({"gate identity": [_withdraw]})))
    assert loads.seen == [(False, [])]


def test_where_nobody_is_there_nothing_is_loaded_ahead(training: MemoryTraining, loads: Loads) -> None:
    assert training.runbook("train", "--unattended") == ExitCode.PASS
    assert loads.seen == []


def _withdraw(_: object) -> None:
    raise Withdrawn
