"""run.json: everything about a run, folded from its journal.

The keys are a contract with whoever reads the evidence; more may be added.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runbook.engine.events import Event, Kind
from runbook.engine.outcome import controls, criteria
from runbook.engine.procedure import AnyStep, H, Procedure
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict
from runbook.records.canonical import GENESIS, plain, stamp
from runbook.records.evidence import aftermath, course, established, figures, restored
from runbook.records.evidence.established import Established
from runbook.records.evidence.summary import summary

SCHEMA = 1

_PARTIES = ("operator", "witness", "platform", "region")
_TERMS = (
    "mode",
    "scenario",
    "attended",
    "environment",
    "tool_version",
    "policy",
    "class",
    "incident_at",
    "point_in_time",
)
_PAPERS = ("dpia_ref", "configuration", "configuration_sha256")
_DECLARED = (*_TERMS, *_PARTIES, *_PAPERS)


def document(
    run: Run, events: tuple[Event, ...], procedure: Procedure[H], extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The run as run.json holds it: the same journal and `extra` give the same document.

    `extra` is what no event says: `previous_head`, and `calls` ({read, mutating, refused}) of the last process; its
    other keys are taken over.
    """
    extra = extra or {}
    known = Established(run)
    targets, images = run.declared.get("targets") or {}, established.images(known)
    body: dict[str, Any] = {
        **_declared(run),
        "started_at": _stamp(run.started_at),
        "ended_at": next((stamp(event.at) for event in reversed(events) if event.kind is Kind.ENDED), None),
        "outcome": run.outcome,
        "aborted": run.aborted,
        "resumes": run.resumes,
        "signed_in_as": established.signed_in_as(known),
        "mfa": known.get("SignedInAs", "mfa", "NO"),
        "clock_offset_ms": known.get("ClockOffset", "ms"),
        "stages": figures.stages(run, procedure),
        "steps": _steps(run, procedure),
        "checks": _checks(run, procedure),
        "criteria": criteria(run, procedure),
        "negative_controls": controls(run, procedure),
        "rto": figures.rto(run, procedure, targets.get("rto_s")),
        "rpo": figures.rpo(run, known, targets.get("rpo_s")),
        "backups": _backups(run, known),
        "restore": restored.times(known),
        "patient_data": restored.patients(known),
        "patient_data_used": restored.patient_data_used(known, str(run.declared.get("mode"))),
        "image": next(iter(images), None),
        "images": images,
        "deployed": established.deployed(known),
        "exceptions": aftermath.exceptions(run),
        "findings": [aftermath.finding(finding) for finding in run.findings],
        "created": [aftermath.created(entry) for entry in run.ledger],
        "cleanup": aftermath.cleanup(run, procedure),
        "remaining": aftermath.remaining(run),
        "refusals": list(run.refusals),
        "pauses": course.pauses(run),
        "handovers": course.handovers(events),
        "answers": course.answers(events),
        "announced": course.announced(events),
        "previous_head": "sha256:" + GENESIS,
        **extra,
        "calls": course.calls(events, extra.get("calls")),
    }
    whole: dict[str, Any] = plain({"schema": SCHEMA, **body})
    return {**whole, "summary": summary(whole)}


def _declared(run: Run) -> dict[str, Any]:
    """Whoever does not say where its providers are has not been to the real ones."""
    said = run.declared
    given = {"providers": said.get("providers", "LOOPBACK"), "evidence_refs": said.get("evidence_refs") or ()}
    return {"run_id": run.id, **{name: said.get(name) for name in _DECLARED}, **given}


# -- steps --------------------------------------------------------------------------------------------------------
def _steps(run: Run, procedure: Procedure[H]) -> list[dict[str, Any]]:
    by_id = {step.id: step for step in procedure.steps()}
    return [_attempt(attempt, by_id.get(attempt.step)) for attempt in run.attempts]


def _attempt(attempt: Attempt, step: AnyStep[H] | None) -> dict[str, Any]:
    said = {
        "id": attempt.step,
        "stage": attempt.stage,
        "title": step.title if step else attempt.step,
        "kind": attempt.kind,
        "verdict": str(attempt.verdict),
        "attempt": attempt.number,
        "expected": attempt.expected,
        "observed": attempt.observed,
        "source": attempt.source,
        "at": stamp(attempt.at),
        "ms": attempt.ms,
        "reason": attempt.reason or None,
        "fix": attempt.fix or None,
        "provider_text": attempt.provider_text or None,
        "adopted": attempt.adopted,
        "void": attempt.void,
    }
    proves = {name: getattr(step, name, "") for name in ("criterion", "control")}
    return said | {name: value for name, value in proves.items() if value}


def _checks(run: Run, procedure: Procedure[H]) -> dict[str, int]:
    """How many of the procedure's checks passed; those that this mode or estate does not have do not count."""
    last = [run.result(step.id) for step in procedure.steps() if step.kind == "check"]
    needed = [result for result in last if result is None or result.verdict is not Verdict.NOT_NEEDED]
    return {
        "passed": sum(result is not None and result.verdict is Verdict.PASS for result in needed),
        "total": len(needed),
    }


# -- what was restored --------------------------------------------------------------------------------------------
def _backups(run: Run, known: Established) -> dict[str, Any]:
    backups = {"vault": established.vault_backup(known), "database": established.database_backup(known)}
    since = figures.since(run)
    for backup in backups.values():
        if backup is not None:
            backup["age_s"] = figures.age_s(backup["created_at"], run, known)
            backup["age_at"] = since
    return backups


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None
