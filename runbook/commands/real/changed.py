"""A runbook.toml that is no longer what the run was declared with: noticed, shown as a diff, and gone back for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runbook.config import load as loading
from runbook.config.load import Loaded
from runbook.engine.errors import WrongUse
from runbook.engine.events import Event
from runbook.engine.few import few
from runbook.engine.ports import Change

KEY = "configuration"
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed, key by key, and the first stage that reads any of it (None: no stage does)."""

    changes: tuple[Change, ...]
    stage: str | None

    @property
    def keys(self) -> str:
        """The changed keys in words."""
        return few([change.name for change in self.changes], _NAMED)


def baseline(past: Iterable[Event]) -> Mapping[str, str] | None:
    """The configuration that the run goes by: as declared, or as a later resume took it over."""
    said = [event.data[KEY] for event in past if KEY in event.data]
    return said[-1] if said else None


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> Difference | None:
    """None where every key says the same; one that an earlier version did not have is as good as not set."""
    keys = sorted(key for key in before.keys() | now.keys() if before.get(key, "") != now.get(key, ""))
    if not keys:
        return None
    changes = tuple(Change(key, before.get(key, "(absent)"), now.get(key, "(absent)")) for key in keys)
    return Difference(changes, loading.first_stage(keys))


def obstacle(loaded: Loaded) -> str | None:
    """Why no checkpoint opens while the file on disk is not the one that this process read; None while it is."""
    try:
        now = loading.load(loaded.path)
    except WrongUse as wrong:
        return (
            f"{loaded.path.name} was changed while this run goes on, and is wrong now: {wrong.sentence.splitlines()[0]}"
        )
    found = difference(loaded.flat(), now.flat())
    if found is None:
        return None
    return (
        f"{loaded.path.name} was changed while this run goes on ({found.keys}): leave the run and go on with "
        "`runbook resume`, which shows the difference and goes back to where it matters; or put the file back"
    )
