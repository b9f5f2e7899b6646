"""What a run says of the database that it restored: how long it took, what of it was compared, whose data it held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.policy import spared
from runbook.records.evidence.established import Established


def times(known: Established) -> dict[str, Any] | None:
    """Seconds from the restore call to available and to verified, and what was compared; None before it was available.

    `rows` by table is what the next run compares with, where no manifest was made.
    """
    if not known.has("InstanceReady"):
        return None
    rows: Mapping[str, Any] = known.get("ContentVerified", "rows", {})
    return {
        "available_s": known.get("InstanceReady", "after_s"),
        "verified_s": known.get("ContentVerified", "after_s"),
        "depth": known.get("ContentVerified", "depth"),
        "tables": known.get("ContentVerified", "tables"),
        "bytes": known.get("ContentVerified", "size"),
        "rows": {table: spared(count) for table, count in rows.items()},
    }


def patients(known: Established) -> dict[str, Any] | None:
    """The table that says of how many people the copy held data, and its rows; of the last copy, if there were more."""
    held = known.ever("PatientsHeld")
    return {"table": held[-1].get("table"), "rows": spared(held[-1].get("rows", 0))} if held else None


def patient_data_used(known: Established, mode: str) -> bool:
    """Training data are made up.  A copy in which nobody was counted is taken to hold somebody's."""
    if mode == "training":
        return False
    if held := known.ever("PatientsHeld"):
        return any(each.get("rows") != 0 for each in held)
    return bool(known.ever("InstanceRestored"))
