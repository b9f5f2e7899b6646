"""Waiting for what a real server does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(look: Callable[[], Any], fits: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    """What `look` answers as soon as it fits; an AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not fits(found := look()):
        assert time.monotonic() < deadline, f"still {found!r}"
        time.sleep(0.05)
    return found
