"""Two laptops in one process: people of their own, and one bucket between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runbook.engine.events import Kind
from runbook.estate.memory.evidence import MemoryEvidence
from runbook.records.canonical import GENESIS
from runbook.records.chain import link
from runbook.records.remote_lock import RemoteLock, Who
from tests.records.story import DECLARED, T0, FakeClock

RUN = "drill-20270115T100000Z-7f3a"
OTHER_RUN = "drill-20270116T090000Z-00aa"
PREFIX = "runbook/"
ALICE = Who("alice-laptop", 101, "Alice Example", "place-a")
BOB = Who("bob-laptop", 202, "Bob Example", "place-b")


@dataclass
class Pair:
    """The bucket that both see, and their clock."""

    bucket: MemoryEvidence = field(default_factory=MemoryEvidence)
    clock: FakeClock = field(default_factory=FakeClock)

    def lock(self, who: Who, run_id: str = RUN, environment: str = "staging") -> RemoteLock:
        return RemoteLock(self.bucket, PREFIX, environment, run_id=run_id, who=who, now=self.clock.now)

    def segments(self, run_id: str = RUN) -> dict[str, bytes]:
        """The journal's pieces, by the name of each."""
        folder = f"{PREFIX}runs/{run_id}/journal/"
        return {key.removeprefix(folder): body for key, body in self.bucket.objects.items() if key.startswith(folder)}


class Told:
    """A chain of lines, as a journal's file holds them."""

    def __init__(self, run_id: str = RUN, environment: str = "staging") -> None:
        self.lines: list[bytes] = []
        self._head = GENESIS
        self.tell(Kind.DECLARED, **{**DECLARED, "schema": 1, "run_id": run_id, "environment": environment})

    def tell(self, kind: Kind = Kind.FINDING, **data: Any) -> bytes:
        made = link(
            seq=len(self.lines) + 1,
            at=T0,
            mono_ns=0,
            boot_id="boot-1",
            kind=kind,
            stage=None,
            step=None,
            data=data,
            prev=self._head,
        )
        self._head = made.hash
        self.lines.append(made.line)
        return made.line

    def copy(self) -> Told:
        """Another process that goes on from here."""
        other = Told.__new__(Told)
        other.lines, other._head = list(self.lines), self._head
        return other

    @property
    def whole(self) -> bytes:
        return b"".join(self.lines)


def told(count: int, **more: str) -> Told:
    """A journal of that many lines."""
    made = Told(**more)
    for number in range(1, count):
        made.tell(text=f"finding {number}")
    return made
