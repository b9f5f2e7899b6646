"""Compares the faces of the gallery with how they looked when somebody last looked at them: as text and as a picture,
at the two sizes that count, in colour and without.

After a change that is meant: `python -m pytest -n 0 tests/screens --snapshot-update`, and read the texts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from screens.looks.themes import MONOCHROME
from tests.screens import painting
from tests.screens.gallery import Shot, Shown

TEXT_STILL_S = 0.8


class Text(SingleFileSnapshotExtension):
    """A screen as text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Picture(Text):
    """A screen as an SVG."""

    file_extension = "svg"


class Album:
    """Compares an app with what is stored.  What is stored is waited for: a slow machine only takes longer."""

    def __init__(self, snapshot: SnapshotAssertion, shown: Shown) -> None:
        self._snapshot = snapshot
        self._shown = shown

    async def looks_as_stored(self, name: str, kind: type[Text], look: Callable[[Any], str]) -> str:
        """Fails where it does not come to look so."""
        still_s = TEXT_STILL_S if kind is Text else painting.STILL_S  # the text comes first, of a screen that changed
        seen = await painting.settled(lambda: look(self._shown.app), self._stored(name, kind), still_s)
        assert seen == self._snapshot(name=name, extension_class=kind)
        return seen

    def _stored(self, name: str, kind: type[Text]) -> str | None:
        place = kind.get_location(test_location=self._snapshot.test_location, index=name)
        update = self._snapshot.update_snapshots or not Path(place).exists()
        return None if update else Path(place).read_text(encoding="utf-8")


async def looks_as_it_did(shot: Shot, snapshot: SnapshotAssertion) -> None:
    """Fails where a face has changed, or tells something by colour alone.

    In one app, and one theme after the other: putting one on takes longer than all the rest.
    """
    async with shot.shown(shot.sizes[0]) as shown:
        album = Album(snapshot, shown)
        said: dict[tuple[int, int], str] = {}
        for size in shot.sizes:
            await shown.pilot.resize_terminal(*size)
            said[size] = await album.looks_as_stored(_named(size), Text, painting.text)
            await album.looks_as_stored(_named(size), Picture, painting.svg)
        shown.app.theme = MONOCHROME
        for size in reversed(shot.sizes):
            await shown.pilot.resize_terminal(*size)
            await album.looks_as_stored(f"{_named(size)}-monochrome", Picture, painting.svg)
            assert painting.text(shown.app) == said[size], "something is told by colour alone"


def _named(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))
