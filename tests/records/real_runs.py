"""Drills and recoveries, told over the small procedure of `story`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.engine.events import Event, Kind
from tests.records.story import DECLARED, PROCEDURE, FakeClock, Teller, document_of, journal, tell_calm

DIGEST = "sha256:" + "00" * 32
DRILL: dict[str, Any] = {
    **DECLARED,
    "run_id": "drill-20270115T100000Z-7f3a",
    "mode": "drill",
    "scenario": "the database's disk was lost",
    "attended": True,
    "environment": "staging",
    "platform": "Clinic",
    "operator": {"name": "Pat Example", "role": "CTO"},
    "witness": {"name": "Sam Example", "role": "auditor"},
    "region": "eu-west-2",
    "providers": "REAL",
    "dpia_ref": "DPIA-12",
    "evidence_refs": ["DSPT 7.2.1", "7.3.4"],
    "configuration": {"platform.name": "Clinic"},
    "configuration_sha256": "sha256:" + "12" * 32,
}
RECOVERY: dict[str, Any] = {
    **DRILL,
    "run_id": "recovery-20270115T100000Z-7f3a",
    "mode": "recovery",
    "environment": "production",
    "class": "LOSS",
    "incident_at": "2027-01-15T09:30:00Z",
}


def told(folder: Path, declared: Mapping[str, Any] = DRILL, **more: Any) -> tuple[Event, ...]:
    """A run in which all is well, its instance destroyed at the end."""
    clock = FakeClock()
    recorder = journal(folder, clock)
    events = tell_calm(recorder, clock, {**declared, **more})
    recorder.close()
    return events


def told_of_one_left(folder: Path, declared: Mapping[str, Any] = DRILL) -> tuple[Event, ...]:
    """All is well, but the provider refuses to delete the instance: a finding, and the cleanup FAILED."""
    clock = FakeClock()
    recorder = journal(folder, clock)
    teller = Teller(recorder, clock)
    teller.say(Kind.DECLARED, **declared)
    for stage in PROCEDURE.stages:
        if stage.id == "database":
            intend(teller)
        teller.stage(stage)
    teller.result("closeout.cleanup", "FAIL", "rt-7f3a is protected against deletion")
    teller.say(Kind.FINDING, stage="closeout", step="closeout.cleanup", text="not removed: rt-7f3a", severity="major")
    teller.end()
    recorder.close()
    return tuple(teller.events)


def intend(teller: Teller, kind: str = "rds:instance", made: str = "rt-7f3a", **detail: Any) -> None:
    """An intent that creates something, in the database's stage."""
    teller.say(
        Kind.INTENT,
        stage="database",
        step="database.restore",
        operation="rds:RestoreDBInstanceFromDBSnapshot",
        target=made,
        creates={"kind": kind, "id": made},
        detail=detail,
    )


def drill(folder: Path, **more: Any) -> dict[str, Any]:
    """run.json of a calm drill."""
    return document_of(told(folder, DRILL, **more))


def recovery(folder: Path, **more: Any) -> dict[str, Any]:
    """run.json of a calm recovery."""
    return document_of(told(folder, RECOVERY, **more))
