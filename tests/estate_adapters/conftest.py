"""Fixtures for the adapters' tests."""

from collections.abc import Iterator

import pytest

from runbook.estate.door import Door


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(4)
    yield door
    door.close()
