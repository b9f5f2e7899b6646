"""The pictures in the README are what the screens look like now, and tell nothing of the machine they were taken on."""

from __future__ import annotations

import getpass
import re
import socket
from pathlib import Path

import pytest

from tests.pictures import recording, taking


def test_the_recorded_run_is_of_the_procedure_as_it_is() -> None:
    assert not recording.differs(), f"stale: python -m tests.pictures --record ({recording.differs()})"


@pytest.mark.parametrize("name", taking.PICTURES)
async def test_it_is_what_the_screen_looks_like(name: str) -> None:
    stored = taking.place(name).read_text(encoding="utf-8")
    assert await taking.taken(name, stored) == stored, "stale: python -m tests.pictures"


@pytest.mark.parametrize("file", [recording.FILE, *map(taking.place, taking.PICTURES)], ids=lambda path: path.name)
def test_it_names_no_folder_no_user_and_no_machine(file: Path) -> None:
    said = file.read_text(encoding="utf-8")
    places = re.findall(r"(?<![\w.:/-])/(?:home|root|tmp|Users|var|work)/[^\s\"<]*", said)
    assert not places
    assert socket.gethostname() not in said
    assert not re.search(rf"\b{re.escape(getpass.getuser())}@", said)


def test_each_picture_is_small() -> None:
    assert all(taking.place(name).stat().st_size < 25_000 for name in taking.PICTURES)
