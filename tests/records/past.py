"""Logs of several years, made from one told drill: each run is that drill at another time, with other columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from runbook.records.canonical import canonical, second
from runbook.records.evidence import sealing
from runbook.records.log.row import row_of
from runbook.records.log.testlog import FIRST, Domain, Row, line, sealed
from tests.records.log.twelve import HEADER
from tests.records.real_runs import drill

TARGETS = {"rto_target_s": "14400", "rto_met": "YES", "rpo_target_s": "86400", "rpo_met": "YES"}


@cache
def _told() -> Row:
    with TemporaryDirectory() as folder:
        return row_of(drill(Path(folder)), evidence_path="evidence/x", evidence_digest="sha256:" + "0a" * 32)


def run(at: str, mode: str = "DRILL", outcome: str = "PASS", **columns: str) -> Row:
    """The row of a run that was started then (`2027-01-15T10:00:00Z`) and took an hour."""
    started = datetime.fromisoformat(at)
    name = f"{mode.lower()}-{started:%Y%m%dT%H%M%SZ}-7f3a"
    own = {
        "run_id": name,
        "mode": mode,
        "outcome": outcome,
        "started_at": at,
        "ended_at": second(started + timedelta(hours=1)),
        "quarter": f"{started.year}-Q{(started.month + 2) // 3}",
        "db_backup_created_at": second(started - timedelta(minutes=45)),
        "evidence_path": f"evidence/{name}",
    }
    return {**_told(), **own, **columns}


def signed(of: Row, at: str = "2027-02-01T09:00:00Z") -> Row:
    """Its sign-off."""
    own = {"run_id": f"{of['run_id']}.signoff-1", "record_type": "SIGNOFF", "refers_to": of["run_id"]}
    said = {"signoff": "SIGNED", "signoff_name": "Robin Board", "signed_at": at}
    return {**of, **own, **said, "evidence_path": f"evidence/{own['run_id']}"}


def written(folder: Path, rows: Iterable[Row], domain: Domain = Domain.TEST) -> Path:
    """The log with its head beside it, and no evidence."""
    return _written(folder, rows, domain, evidence=False)


def filed(folder: Path, rows: Iterable[Row]) -> Path:
    """The log, its head, and the sealed evidence of each row."""
    return _written(folder, rows, Domain.TEST, evidence=True)


def _written(folder: Path, rows: Iterable[Row], domain: Domain, *, evidence: bool) -> Path:
    path = folder / ("training-log.csv" if domain is Domain.TRAINING else "restoration-test-log.csv")
    folder.mkdir(parents=True, exist_ok=True)
    chain = list[Row]()
    for row in rows:
        digest = _evidence(folder / row["evidence_path"]) if evidence else row["evidence_digest"]
        head = chain[-1]["row_hash"] if chain else FIRST
        chain.append(sealed({**row, "evidence_digest": digest}, head, domain))
    path.write_bytes(HEADER + b"".join(map(line, chain)))
    if chain:
        said = {"rows": len(chain), "head": chain[-1]["row_hash"], "at": chain[-1]["ended_at"]}
        path.with_suffix(".head").write_bytes(canonical(said) + b"\n")
    return path


def _evidence(folder: Path) -> str:
    folder.mkdir(parents=True)
    for name in ("report.html", "report.md", "run.json", "journal.jsonl"):
        (folder / name).write_text(f"{name} of {folder.name}\n", encoding="utf-8")
    return sealing.seal(folder)


def altered(path: Path, old: bytes, new: bytes) -> None:
    """The first place where that stands, changed by hand."""
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
