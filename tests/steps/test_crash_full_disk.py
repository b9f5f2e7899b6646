"""The disk fills up at any record of a drill: nothing more is done to the world, and once there is room it goes on."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk
from runbook.records.journal import Journal
from tests.support.crashing import Crashing, calm, same_in_the_end

pytestmark = pytest.mark.scenarios  # a whole run for each of its records


class Nearly(Disk):
    """Takes `room` writes and is full; nothing here hangs on what survives a power cut."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= 1
        return super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        pass


def test_a_full_disk_stops_a_drill_before_its_next_call_and_it_goes_on_once_there_is_room(tmp_path: Path) -> None:
    undisturbed = calm(tmp_path / "calm")
    for room in range(1, len(undisturbed.disk.events)):
        practice = Crashing(tmp_path / f"{room}")
        path = tmp_path / f"{room}.record" / "journal.jsonl"
        journal = Journal.create(path, practice.clock, disk=Nearly(room))
        conductor = practice.conductor(recorder=practice.onto(journal))
        with pytest.raises(RecordFailed, match="No space left on device") as refused:
            asyncio.run(conductor.declare(practice.declared))
        journal.close()
        assert "Look at free space" in refused.value.fix
        assert practice.world.calls == [call for call, announced in undisturbed.called_at if announced <= room]

        again = Journal.open(path, practice.clock, disk=Nearly(10_000))
        practice.disk.events[:] = again.past
        practice.dies()
        asyncio.run(practice.conductor(recorder=practice.onto(again)).resume(by="tester"))
        again.close()
        same_in_the_end(practice, undisturbed)
