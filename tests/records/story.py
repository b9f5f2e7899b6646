"""A small procedure, a clock that only moves when told, and a run told event by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runbook.engine.events import Event, Kind
from runbook.engine.outcome import outcome
from runbook.engine.ports import Recorder
from runbook.engine.procedure import Check, Procedure, Stage
from runbook.engine.run import replay
from runbook.engine.verdict import Observation
from runbook.records.evidence import run_json
from runbook.records.journal import Journal

T0 = datetime(2027, 1, 15, 10, 0, 0, tzinfo=UTC)
RUN_ID = "training-20270115T100000Z-7f3a"


@dataclass
class FakeClock:
    at: datetime = T0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def monotonic_ns(self) -> int:
        return int((self.at - T0).total_seconds() * 1e9)

    def boot_id(self) -> str:
        return "boot-1"

    def asleep_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


async def _look(_here: object) -> Observation:
    raise AssertionError("never looked at here")


def check(step_id: str, title: str, *, criterion: str = "", control: str = "") -> Check[object]:
    return Check(id=step_id, title=title, why="why", manual="by hand", look=_look, criterion=criterion, control=control)


def _stage(number: int, title: str, *steps: Check[object]) -> Stage[object]:
    return Stage(number=number, id=steps[0].stage, title=title, clause="3", touches="nothing", steps=steps)


PROCEDURE: Procedure[object] = Procedure(
    stages=(
        _stage(1, "Identity & Access", check("identity.aws-account", "We are who we should be")),
        _stage(
            2,
            "Encryption Vault",
            check("vault.backup", "The newest backup is fresh"),
            check("vault.sealed-control", "Sealed, it decrypts nothing", control="sealed"),
            check("vault.damaged-control", "Damaged, it decrypts nothing", control="damaged"),
        ),
        _stage(3, "Core Database", check("database.restore", "Restore the snapshot")),
        _stage(
            4,
            "Application Tier",
            check("application.boots", "The application boots", criterion="boots"),
            check("application.database", "It uses the restored database", criterion="connects"),
            check("application.decrypt", "It decrypts the canary", criterion="decrypts"),
        ),
        _stage(5, "Connectivity", check("connectivity.https", "The world sees it")),
    ),
    closing=_stage(6, "Closing", check("closeout.cleanup", "All that was made is gone")),
)

DECLARED: dict[str, Any] = {
    "run_id": RUN_ID,
    "mode": "training",
    "scenario": "calm",
    "attended": False,
    "environment": "practice",
    "operator": {"name": "Pat Example", "role": "CTO"},
    "witness": None,
    "tool_version": "0.1.0",
    "policy": {"ref": "v2.0", "sha256": "sha256:" + "ab" * 32},
    "targets": {"rto_s": None, "rpo_s": None},
    "providers": "LOOPBACK",
}

FACTS: dict[str, dict[str, dict[str, Any]]] = {
    "identity.aws-account": {
        "SignedInAs": {"account": "012345678901", "arn": "arn:aws:iam::012345678901:user/practice"},
        "ClockOffset": {"ms": 0},
    },
    "vault.backup": {
        "VaultBackupChosen": {
            "bucket": "practice-vault-backups",
            "key": "vault/2027-01-15.snap",
            "version": "v1",
            "created_at": "2027-01-15T08:00:00Z",
            "size": 4096,
        },
        "ArchiveKept": {"path": "/x/archive.snap", "sha256": "cd" * 32, "size": 4096},
        "ArchiveInspected": {"kind": "raft", "seal": "shamir", "shares": 5, "threshold": 3},
    },
    "vault.damaged-control": {"SharesUsed": {"labels": ["Ada", "Grace", "Edsger"]}},
    "database.restore": {
        "SnapshotChosen": {"id": "rds:clinic-2027-01-15", "created_at": "2027-01-15T09:15:00Z"},
        "InstanceRestored": {"id": "rt-7f3a", "snapshot": "rds:clinic-2027-01-15", "asked_at": "2027-01-15T10:00:16Z"},
        "InstanceReady": {"id": "rt-7f3a", "host": "rt-7f3a.rds.test", "port": 5432, "after_s": 754},
        "ContentVerified": {
            "depth": "full",
            "tables": 3,
            "size": 1_288_490_189,
            "seconds": 41,
            "after_s": 801,
            "rows": {"public.patients": 3000, "public.settings": 4, "public.outbox": 0},
        },
        "DataUntil": {"at": "2027-01-15T09:00:00Z"},
        "PatientsHeld": {"table": "public.patients", "rows": 3000},
    },
    "application.boots": {
        "ImagesChosen": {
            "images": [
                {
                    "package": "app",
                    "ref": "ghcr.io/clinic/app",
                    "digest": "sha256:" + "ef" * 32,
                    "commit": "12" * 20,
                    "level": "B",
                    "tag": "v1.4.2",
                }
            ]
        },
        "Deployed": {
            "at": {"web": "2027-01-15T10:00:25.123456Z", "worker": "2027-01-15T10:00:26Z"},
            "digests": {"web": "sha256:" + "ef" * 32, "worker": "sha256:" + "ef" * 32},
        },
    },
}


@dataclass
class Teller:
    """Tells a run to a Recorder, a second passing before each event."""

    recorder: Recorder
    clock: FakeClock
    events: list[Event] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)

    def say(self, kind: Kind, /, *, stage: str | None = None, step: str | None = None, **data: Any) -> Event:
        event = self.recorder.append(kind, stage=stage, step=step, data=data)
        self.events.append(event)
        self.clock.pass_by(1)
        return event

    def result(self, step_id: str, verdict: str = "PASS", observed: str = "as expected") -> None:
        stage = step_id.partition(".")[0]
        self.tries[step_id] = self.tries.get(step_id, 0) + 1
        self.say(
            Kind.RESULT,
            stage=stage,
            step=step_id,
            kind="check",
            attempt=self.tries[step_id],
            verdict=verdict,
            expected="what the policy says",
            observed=observed,
            source="practice:Look",
            ms=41,
            facts=FACTS.get(step_id, {}) if verdict == "PASS" else {},
        )

    def stage(self, stage: Stage[object], **verdicts: str) -> None:
        self.say(Kind.STARTED, stage=stage.id)
        for step in stage.steps:
            self.result(step.id, verdicts.get(step.id, "PASS"))
        self.say(Kind.ASKED, stage=stage.id, question="checkpoint", text=f"open the checkpoint of {stage.title}?")
        self.clock.pass_by(3)
        self.say(Kind.ANSWERED, stage=stage.id, answer="open", by="Pat Example", reason="")
        self.say(Kind.CHECKPOINT, stage=stage.id, decision="opened", by="Pat Example")

    def end(self) -> None:
        self.say(Kind.ENDED, outcome=str(outcome(replay(self.events), PROCEDURE)))


def tell_calm(recorder: Recorder, clock: FakeClock, declared: Mapping[str, Any] = DECLARED) -> tuple[Event, ...]:
    """A whole run in which all is well: one instance created and destroyed."""
    teller = Teller(recorder, clock)
    teller.say(Kind.DECLARED, **declared)
    for stage in PROCEDURE.stages:
        if stage.id == "database":
            creates = {"kind": "rds:instance", "id": "rt-7f3a", "detail": {}}
            teller.say(
                Kind.INTENT,
                stage="database",
                step="database.restore",
                operation="rds:RestoreDBInstanceFromDBSnapshot",
                target="rt-7f3a",
                creates=creates,
            )
        teller.stage(stage)
    teller.say(Kind.CLEANUP, stage="closeout", step="closeout.cleanup", kind="rds:instance", id="rt-7f3a", gone=True)
    teller.result("closeout.cleanup")
    teller.end()
    return tuple(teller.events)


def tell_empty_table(recorder: Recorder, clock: FakeClock) -> tuple[Event, ...]:
    """A run that fails in the database and is aborted there, its copy left behind."""
    teller = Teller(recorder, clock)
    teller.say(Kind.DECLARED, **DECLARED)
    identity, vault, database, *_ = PROCEDURE.stages
    teller.stage(identity)
    teller.stage(vault)
    teller.say(Kind.STARTED, stage=database.id)
    creates = {"kind": "rds:instance", "id": "rt-7f3a", "detail": {}}
    teller.say(
        Kind.INTENT, stage="database", step="database.restore", operation="rds:X", target="rt-7f3a", creates=creates
    )
    teller.result("database.restore", "FAIL", "public.appointments: 0 rows | 9000 expected <script>")
    teller.say(Kind.CHECKPOINT, stage="database", decision="aborted", reason="the backup is no good", by="Pat Example")
    teller.end()
    return tuple(teller.events)


def journal(folder: Path, clock: FakeClock | None = None) -> Journal:
    return Journal.create(folder / "journal.jsonl", clock or FakeClock())


def document_of(events: tuple[Event, ...], **extra: Any) -> dict[str, Any]:
    return run_json.document(
        replay(events), events, PROCEDURE, {"calls": {"read": 9, "mutating": 1, "refused": 0}, **extra}
    )
