"""`runbook …` that is killed (SIGKILL, by itself) around one call: `dying.py STEP OPERATION NTH before|after WORDS…`.

`before`: the NTH intent of that operation in that step is on disk, and the call has not been made.
`after`: the call was made and answered, and nothing that comes of it is on disk.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from runbook.cli import main
from runbook.engine.events import Kind
from runbook.records.journal import Journal


def die_at(step: str, operation: str, nth: int, moment: str) -> None:
    """Have it happen in this process."""
    append: Any = Journal.append
    seen = 0

    def appended(self: Journal, kind: Kind, **given: Any) -> Any:
        nonlocal seen
        if moment == "after" and seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        event = append(self, kind, **given)
        seen += kind is Kind.INTENT and (event.step, event.data["operation"]) == (step, operation)
        if moment == "before" and seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return event

    changed: Any = Journal
    changed.append = appended


if __name__ == "__main__":
    where, what, number, when, *words = sys.argv[1:]
    die_at(where, what, int(number), when)
    sys.exit(main(words))
