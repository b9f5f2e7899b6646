"""Textual's driver, on a terminal that may be closed while the app runs."""

from __future__ import annotations

import contextlib
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class ClosableDriver(LinuxDriver):
    """What can be shown to nobody any more is dropped.

    Textual's own writer ends at the first error, and whoever paints next waits for it without end: the process would
    outlive its terminal, and hold the run.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._file: Any = _Forgiving(self._file)


class _Forgiving:
    """A file whose writes do not fail."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """All of it, or nothing that anybody would see."""
        with contextlib.suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """As far as there is anybody to flush to."""
        with contextlib.suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
