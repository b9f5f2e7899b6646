"""A process of its own that holds a lock until its standard input ends.

python -m tests.records.holder HOME ENVIRONMENT RUN
"""

from __future__ import annotations

import sys
from pathlib import Path

from runbook.engine.errors import Refused
from runbook.records.run_lock import local_lock


def main() -> int:
    home, environment, run_id = sys.argv[1:]
    try:
        with local_lock(Path(home), environment, run_id) as note:
            _say(f"held: {note}")
            sys.stdin.read()
    except Refused as refused:
        _say(f"refused: {refused.sentence}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
