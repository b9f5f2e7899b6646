"""The practice estate as the operators of training know it, over the world in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from runbook.engine.ports import Secret
from runbook.estate.memory import MemoryEstate
from runbook.training.client import PracticeEstate


class MemoryPracticeEstate:
    """The calls of `training.client.PracticeEstate` that operators make; `faults` are those that happened."""

    def __init__(self, world: MemoryEstate) -> None:
        self._world = world
        self.faults: list[tuple[str, Mapping[str, Any]]] = []

    def share(self, label: str, *, bad: bool = False) -> Secret:
        return self._world.bad_share() if bad else self._world.custodians()[label]

    def hands(self, act: str) -> None:
        self._world.hands(act)

    def fault(self, kind: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.faults.append((kind, parameters or {}))
        {"vault-sealed": self._world.seal, "database-stopped": self._world.stop_database}[kind]()

    def as_client(self) -> PracticeEstate:
        """As the type that the operators ask for."""
        return cast("PracticeEstate", self)
