"""A process of its own that records a run, and says what came of it.

python -m tests.records.log.appender FOLDER DOCUMENT [CALL]

With a number it kills itself at that call of its disk.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from pathlib import Path

from runbook.engine.errors import RecordFailed
from tests.records.disks import AtCall
from tests.records.log.aftermath import log_at, record


def main() -> int:
    """0: said to be recorded; 7: said not to be; anything else: it came to no word."""
    folder, document, *call = sys.argv[1:]
    disk = AtCall(int(call[0]), lambda: os.kill(os.getpid(), signal.SIGKILL)) if call else None
    try:
        recorded = record(log_at(Path(folder), disk), json.loads(Path(document).read_bytes()))
    except RecordFailed as failure:
        sys.stdout.write(f"{failure.sentence}\n")
        return 7
    sys.stdout.write(f"RECORDED {recorded.row}\n")
    return 0


if __name__ == "__main__":
    secrets.token_hex = lambda nbytes=None: "0a" * (nbytes or 4)  # a name that strace can be told beforehand
    sys.exit(main())
