"""How home, the deck, reports, what stopped a run look: see `album`."""

from __future__ import annotations

from operator import attrgetter

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.screens.album import looks_as_it_did
from tests.screens.gallery import Shot
from tests.screens.gallery_rooms import ROOMS

pytestmark = pytest.mark.usefixtures("nothing_moves")


@pytest.mark.parametrize("shot", ROOMS, ids=attrgetter("name"))
async def test_it_looks_as_it_did(shot: Shot, snapshot: SnapshotAssertion) -> None:
    await looks_as_it_did(shot, snapshot)
