"""Where a real run's journal is written: its own place, or in a disaster, on the operator's word, a second one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from runbook.commands.places import JOURNAL, Home, Shelf
from runbook.engine.errors import RecordFailed
from runbook.engine.ports import Clock, Operator, TypeName, typed_exactly
from runbook.records.journal import Journal, Wired, read

GO_ON_ELSEWHERE: Final = "GO ON, RECORD ELSEWHERE"
STEP: Final = "identity.tool"  # the step whose business it is that the record can be written


class Journals:
    """Of one session.  `may_go_on`: whether a run whose place takes no record may go on at all (a recovery)."""

    def __init__(self, shelf: Shelf, home: Home, clock: Clock, may_go_on: bool) -> None:  # noqa: FBT001  # a fact
        self._shelf = shelf
        self._home = home
        self._clock = clock
        self._may_go_on = may_go_on
        self._second: Path | None = None

    async def created(self, run_id: str, wired: Wired, operator: Operator) -> Journal:
        """A new one; RecordFailed where it cannot be, and nobody says that the run goes on elsewhere."""
        try:
            return Journal.create(self._first(run_id), self._clock, **wired)
        except RecordFailed as failure:
            self._second = await self._elsewhere(run_id, failure, operator)
            return Journal.create(self._second, self._clock, **wired)

    def opened(self, run_id: str, wired: Wired) -> Journal:
        """Where it was written last: one that went on in a second place comes back as soon as its own takes it."""
        path, second = self._first(run_id), self._home.second(run_id) / JOURNAL
        if second.exists():
            try:
                Journal.bring_back(second, path)
            except RecordFailed:
                self._second = path = second
        return Journal.open(path, self._clock, run_id=run_id, **wired)

    async def rescued(self, run_id: str, wired: Wired, failure: RecordFailed, operator: Operator) -> Journal:
        """It goes on in the second place, anew where nothing was declared; where that fails too, all ends."""
        if self._second is not None:
            raise failure
        self._second, first = await self._elsewhere(run_id, failure, operator), self._first(run_id)
        if not first.exists() or not read(first):
            return Journal.create(self._second, self._clock, **wired)
        return Journal.rescued(first, self._second, self._clock, why=failure.sentence, **wired)

    def ended(self, run_id: str, show: Callable[[str], None]) -> Path:
        """The folder in which the ended run's evidence is to be written: its own, where that takes anything again."""
        first = self._first(run_id)
        if self._second is None:
            return first.parent
        try:
            Journal.bring_back(self._second, first)
        except RecordFailed as failure:
            show(f"{failure.sentence}: the evidence stays in {self._second.parent} until its own place takes it")
            return self._second.parent
        return first.parent

    def _first(self, run_id: str) -> Path:
        return self._shelf.folder(run_id) / JOURNAL

    async def _elsewhere(self, run_id: str, failure: RecordFailed, operator: Operator) -> Path:
        """The platform goes first, on a typed word; without it nothing goes on that is not recorded."""
        if not self._may_go_on:
            raise failure
        note = f"{failure.sentence}. {failure.fix} To restore now and keep the record on this machine, type it."
        typed = await operator.type_name(TypeName(STEP, GO_ON_ELSEWHERE, note))
        if not typed_exactly(GO_ON_ELSEWHERE, typed):
            raise failure
        return self._home.second(run_id) / JOURNAL
