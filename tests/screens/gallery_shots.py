"""All of the gallery."""

from __future__ import annotations

from tests.screens.gallery import Shot
from tests.screens.gallery_dialogs import DIALOGS
from tests.screens.gallery_rooms import ROOMS
from tests.screens.gallery_runs import RUNS

SHOTS: tuple[Shot, ...] = (*ROOMS, *RUNS, *DIALOGS)
