"""What of a recovery is the platform from then on, and so is handed over at the closing; a drill undoes everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from runbook.engine.run import LedgerEntry
from steps.here import Here


def serves(here: Here) -> bool:
    """The restored database, and what the application was told: what was lost is nothing to go back to."""
    return here.recovering


def vault_serves(here: Here) -> bool:
    """A target that was only initialised holds nothing, under keys that are gone with this process."""
    return here.recovering and here.run.satisfied("vault.restore")


def doors_stay_open(here: Here) -> bool:
    """Only where the last checkpoint was opened: a half-restored system does not stay on the Internet."""
    return here.recovering and "connectivity" in here.run.opened


KEEPS: Final[Mapping[str, Callable[[Here], bool]]] = MappingProxyType(
    {
        "vault.initialise": vault_serves,
        "vault.restore": vault_serves,
        "database.restore": serves,
        "application.quiet": serves,
        "application.config": serves,
        "connectivity.records": doors_stay_open,
    }
)
"""By the step that made it; every other entry of the ledger is undone."""


def handed_over(here: Here, entry: LedgerEntry) -> bool:
    """Whether the closing leaves that entry as it is."""
    keeps = KEEPS.get(entry.step)
    return keeps is not None and keeps(here)
