"""The two halves of the practice estate as the supervisor sees them, and the one that puts them together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.training.faults import FaultKind
from runbook.training.halves import Data, Half
from runbook.training.process import Child
from runbook.training.variant import Variant


class Layers:
    """Both halves as one; `kinds` says which half knows which fault."""

    def __init__(
        self, data: Data, outer: Half, data_faults: Mapping[str, FaultKind], outer_faults: Mapping[str, FaultKind]
    ) -> None:
        self.data = data
        self._outer = outer
        self._outer_kinds = frozenset(outer_faults)
        self.kinds = {**data_faults, **outer_faults}

    def start(self) -> None:
        """The data first: the outer layers are told where it is."""
        self.data.start()
        self._outer.start()

    def stop(self) -> None:
        """The application first, so that no log is full of lost connections; the data even when that failed."""
        try:
            self._outer.stop()
        finally:
            self.data.stop()

    def children(self) -> list[Child]:
        """Every live process of the estate, but the supervisor."""
        return [*self.data.children(), *self._outer.children()]

    def environment(self) -> dict[str, Any]:
        """A whole `runbook.config.Environment`, as plain values."""
        return {"name": "practice", **self.data.environment(), **self._outer.environment()}

    def credentials(self) -> dict[str, str]:
        """Every credential that the run and the application sign in with."""
        return {**self.data.credentials(), **self._outer.credentials()}

    def fault(self, kind: str, with_: dict[str, Any]) -> None:
        """Make it go wrong; ValueError names what is known."""
        if kind not in self.kinds:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(self.kinds))}")
        half: Half = self._outer if kind in self._outer_kinds else self.data
        half.fault(kind, with_)


def practice(root: Path, control_url: str, *, seed: int, variant: Variant) -> Layers:
    """The real practice estate, not started; loads the server libraries."""
    from datetime import UTC, datetime

    from runbook.training.certificates import Authority
    from runbook.training.datalayers import DataLayers
    from runbook.training.faults import DATA_FAULTS, OUTER_FAULTS
    from runbook.training.outerlayers import OuterLayers

    now = datetime.now(UTC)
    authority = Authority(root / "authority")
    data = DataLayers(root, authority, seed=seed, now=now, control_url=control_url, variant=variant)
    outer = OuterLayers(root, authority, data, now=now, seed=seed, public_names=variant.public_names)
    return Layers(data, outer, DATA_FAULTS, OUTER_FAULTS)
