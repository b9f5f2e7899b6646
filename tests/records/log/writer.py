"""A process of its own that records runs, one after the other, once it is told to.

python -m tests.records.log.writer FOLDER DOCUMENT NAME ROWS locked|unlocked
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.records.log import appending
from tests.records.log.aftermath import log_at, record


class _NoLock:
    """The mutant: it locks nothing."""

    def __init__(self, *_args: Any, **_more: Any) -> None: ...

    def acquire(self) -> None:
        """It was never asked for."""

    def release(self) -> None:
        """Nor given back."""


def main() -> int:
    """0: all were said to be recorded; 7: one was not."""
    folder, document, name, rows, how = sys.argv[1:]
    if how == "unlocked":
        setattr(appending, "FileLock", _NoLock)  # noqa: B010  # the type says that it cannot be
    told = json.loads(Path(document).read_bytes())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        for number in range(int(rows)):
            record(log_at(Path(folder)), told, f"drill-{name}-{number}")
    except RecordFailed as failure:
        sys.stdout.write(f"{failure.sentence}\n")
        return 7
    return 0


if __name__ == "__main__":
    sys.exit(main())
