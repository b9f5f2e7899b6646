"""What a run made and what became of it: the ledger as run.json shows it, and how to remove what is still there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.engine.procedure import H, Procedure
from runbook.engine.run import LedgerEntry, Run
from runbook.engine.verdict import Finding, Verdict
from runbook.records.canonical import stamp

BY_HAND: Mapping[str, str] = {
    "rds:instance": (
        "aws rds delete-db-instance --db-instance-identifier {id} --skip-final-snapshot --delete-automated-backups "
        "(first, where it is protected: aws rds modify-db-instance --db-instance-identifier {id} "
        "--no-deletion-protection --apply-immediately)"
    ),
    "rds:snapshot": "aws rds delete-db-snapshot --db-snapshot-identifier {id}",
    "file:archive": "delete {id} from the run's private folder on the machine that made it",
    "vault:data": "stop the vault at {id}, empty its storage, start it again: it has to say that it is not initialised",
    "vault:token": "bao token revoke (vault token revoke), or wait: it ends by itself",
    "cloudflare:record": "set {name} ({id}) back to what it was: {was}",
    "northflank:secret-group": "put the secret group {name} back to what it was, then deploy again",
    "northflank:outbound-switches": "put the outbound switches in {name} back to what they were, then deploy again",
}
"""By kind of ledger entry; `{was}` is what the ledger noted of it before it was changed."""
_BEFORE = ("type", "content", "proxied", "ttl")
OTHERWISE = "remove {name} ({id}) by its provider's console"


def created(entry: LedgerEntry) -> dict[str, Any]:
    """One entry of the ledger, and its end: destroyed, kept on purpose (a recovery's result), or neither."""
    return {
        "kind": entry.kind,
        "id": entry.id,
        "step": entry.step,
        "created_at": stamp(entry.created),
        "destroyed_at": stamp(entry.destroyed) if entry.destroyed else None,
        "kept_at": stamp(entry.kept) if entry.kept else None,
    }


def cleanup(run: Run, procedure: Procedure[H]) -> dict[str, Any]:
    """DONE when all that had to go was seen to be gone, NOT_NEEDED when nothing had to: what is kept is not left."""
    owed = [entry for entry in run.ledger if entry.kept is None]
    if not owed:
        return {"state": "NOT_NEEDED", "at": None}
    gone = [entry.destroyed for entry in owed if entry.destroyed is not None]
    if len(gone) == len(owed):
        return {"state": "DONE", "at": stamp(max(gone))}
    closing = [run.last(step.id) for step in procedure.closing.steps if step.id.endswith(".cleanup")]
    failed = any(last is not None and last.verdict is Verdict.FAIL for last in closing)
    return {"state": "FAILED" if failed else "PENDING", "at": None}


def remaining(run: Run) -> list[dict[str, Any]]:
    """What is still there and should not be, newest first, each with the way to remove it by hand."""
    return [
        {
            "kind": entry.kind,
            "id": entry.id,
            "name": entry.name,
            "created_at": stamp(entry.created),
            **{name: entry.detail.get(name) for name in ("destroy_after", "hourly_cost")},
            "by_hand": _by_hand(entry),
        }
        for entry in run.open_ledger
    ]


def exceptions(run: Run) -> list[dict[str, Any]]:
    """What was excepted, why and by whom.  An acceptance that going back or a later success undid is `void`."""
    said = [dict(each) for each in run.exceptions]
    newest = {each["what"]: number for number, each in enumerate(said) if each.get("accepted")}
    for number, each in enumerate(said):
        if each.get("accepted"):
            last = run.result(each["what"])
            stands = each["what"] in run.accepted and last is not None and last.verdict is Verdict.FAIL
            each["void"] = not stands or newest[each["what"]] != number
    return said


def finding(said: Finding) -> dict[str, Any]:
    """A finding as it was found: nobody has done anything about it yet."""
    return {"text": said.text, "severity": said.severity, "owner": said.owner, "due": said.due, "status": "OPEN"}


def _by_hand(entry: LedgerEntry) -> str:
    was = ", ".join(f"{name} {value}" for name, value in entry.detail.items() if name in _BEFORE)
    way = BY_HAND.get(entry.kind, OTHERWISE)
    return way.format(id=entry.id, name=entry.name, was=was or "see the journal")
