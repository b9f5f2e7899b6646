"""The in-memory estate's own archive, spoilt in every way."""

from __future__ import annotations

import pytest

from runbook.estate.memory.archive import raft_archive
from tests.support.tampering import Tampering


class TestTheInMemoryArchive(Tampering):
    @pytest.fixture
    def whole(self) -> bytes:
        return raft_archive(1000, "a cluster", bytes(32))
