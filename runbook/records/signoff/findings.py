"""A run's findings as they stand now: as the run left them, and what amendments say of them since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk, read_whole
from runbook.records.log.testlog import Row

AMENDMENT: Final = "amendment.json"
OPEN: Final = "OPEN"
CLOSED: Final = "CLOSED"
_SAID: Final = ("text", "severity", "owner", "due", "status")


@dataclass(frozen=True, slots=True)
class Finding:
    """`number` is the report's, from 1; `owner` and `due` (YYYY-MM-DD) may be ""; `status` is OPEN or CLOSED.

    What a later removal found itself is numbered behind the report's.
    """

    number: int
    text: str
    severity: str
    owner: str
    due: str
    status: str

    @property
    def said(self) -> dict[str, str]:
        """As run.json has it."""
        return {name: getattr(self, name) for name in _SAID}

    @property
    def owned(self) -> str:
        """Who sees to it, until when; "" where nobody does."""
        return f"{self.owner or 'nobody'}, due {self.due or 'at no date'}" if self.owner or self.due else ""


def standing(document: Mapping[str, Any], beside: Path, amendments: Iterable[Row]) -> tuple[Finding, ...]:
    """Those of run.json, after these rows, whose folders lie in `beside`; RecordFailed where one cannot be read."""
    found = {number: _finding(number, each) for number, each in enumerate(document["findings"], start=1)}
    for row in amendments:
        found |= _since(found, beside / row["run_id"])
    return tuple(found.values())


def _finding(number: int, said: Mapping[str, Any]) -> Finding:
    texts = (str(said.get(name) or "") for name in _SAID)
    return Finding(number, *texts)


def _since(found: Mapping[int, Finding], folder: Path) -> dict[int, Finding]:
    """What a person's amendment says of them, or a removal of this tool, which writes down how all of them stand."""
    name, read = (AMENDMENT, _by_person) if (folder / AMENDMENT).exists() else ("run.json", _by_removal)
    path = folder / name
    try:
        return {each.number: each for each in read(found, json.loads(read_whole(path, Disk()))["findings"])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordFailed(f"{name} of {folder.name} is damaged: {error}", source=str(path)) from error


def _by_person(found: Mapping[int, Finding], said: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    for each in said:
        now, status = found.get(int(each["number"])), each["status"]
        if now is not None:
            owner, due = (str(each[name]["is"]) if name in each else "" for name in ("owner", "due"))
            status = CLOSED if status == CLOSED else now.status
            yield replace(now, owner=owner or now.owner, due=due or now.due, status=status)


def _by_removal(found: Mapping[int, Finding], said: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """It may close some and add some.  What it says else it had from the run, and may not know of people."""
    for number, each in enumerate(said, start=1):
        now = found.get(number) or _finding(number, each)
        yield replace(now, status=CLOSED) if each["status"] == CLOSED else now
