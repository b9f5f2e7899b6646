"""An operator's input: a pipe, and a terminal."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from tests.plain.typist import Typist


@pytest.fixture
async def pipe() -> AsyncIterator[Typist]:
    source, hand = os.pipe()
    typist = Typist(hand, source)
    yield typist
    typist.end()
    await typist.close()


@pytest.fixture
async def terminal() -> AsyncIterator[Typist]:
    hand, source = os.openpty()
    typist = Typist(hand, source)
    yield typist
    typist.type("\n")
    await typist.close()
