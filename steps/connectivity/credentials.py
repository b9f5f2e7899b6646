"""What somebody else may still hold after a compromise: stated before the doors open."""

from __future__ import annotations

import re
from typing import Final

from runbook.engine.verdict import Finding
from runbook.safety.outside_text import outside_text
from steps.here import Here

STATEMENT: Final = "Every key, token and password that is older than the incident was rotated"
EXCEPTED: Final = "'all', or after the word 'except' what was not: 'all except the GHCR pull token, the SMTP password'"
_EXCEPT: Final = re.compile(r"\bexcept(?:ed)?\b:?", re.IGNORECASE)
COMPROMISE: Final = "COMPROMISE"


def spared(here: Here) -> str:
    """Why this run does not have the step, or ""; a recovery whose incident was given no class has it."""
    if not here.recovering:
        return f"only a recovery from a compromise has credentials to distrust; this is {here.mode}"
    given = here.run.declared.get("class", "")
    return f"the incident was declared as {given}, not as {COMPROMISE}" if given not in {"", COMPROMISE} else ""


def judged(here: Here, stated: str) -> tuple[Finding, ...]:
    """Each credential that is named after 'except' is one that somebody else may hold."""
    del here
    _, *rest = _EXCEPT.split(stated, maxsplit=1)
    named = [outside_text(name, 100).strip(" .;") for part in rest for name in part.split(",")]
    return tuple(Finding(f"older than the incident and not rotated: {name}", "major") for name in named if name)
