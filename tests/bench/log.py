"""What verifying a long log costs, against hashing and parsing the same bytes: `python -m tests.bench.log [ROWS]`.

Both are done in turn in one process (A B A B …), so that a machine whose speed drifts does not tilt the ratio.  Memory
is measured in a process of its own, above what that had before it opened the file.
"""

from __future__ import annotations

import csv
import hashlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runbook.records.log.judging import judge
from runbook.records.log.row import row_of
from runbook.records.log.testlog import COLUMNS, FIRST, Domain, Row, line, sealed
from runbook.records.log.verdicts import LogVerdict

PAIRS = 5
ROWS = 100_000
SIGNED_EVERY = (0, 2)  # no run is signed off; every second row is a sign-off
ACCOUNT = "arn:aws:sts::012345678901:assumed-role"
FULL = {
    "operator_identity": f"{ACCOUNT}/AWSReservedSSO_RestorationDrill_0123456789abcdef/pat.example@clinic.example",
    "scenario": "the cluster's storage was lost; production's newest backups are restored into staging",
    "db_backup_id": "arn:aws:rds:eu-west-2:012345678901:snapshot:rds:clinic-production-2027-01-15-03-07",
    "vault_backup_id": "s3://clinic-vault-backups/snapshots/2027/01/15/vault.snap?versionId=3sL4kqtJlcpXroDTDmJrmSpXd3",
    "share_labels": "Ada Example (chair);Grace Example (CTO);Edsger Example (safe at the notary's)",
    "app_image": ";".join(f"ghcr.io/clinic/{name}@sha256:{'ef' * 32}" for name in ("api", "worker", "web")),
    "app_commit": ";".join(f"git:{'cd' * 20}" for _ in range(3)),
    "image_level": "A;A;B",
    "summary": "All five layers were restored and the three criteria shown. " * 4,
    "policy_ref": f"Backup and restoration policy v2.0 sha256:{'ab' * 32}",
}


def rows(count: int, signed_every: int) -> Iterator[Row]:
    """Rows of real size, chained."""
    from tests.records.real_runs import drill  # the process that measures memory needs none of it

    with tempfile.TemporaryDirectory() as folder:
        run = row_of(drill(Path(folder) / "drill"), evidence_path="evidence/x", evidence_digest=FIRST)
    head = FIRST
    for number in range(count):
        further = bool(signed_every) and number % signed_every == signed_every - 1
        run_id = f"drill-20270115T100000Z-{number - further:08x}"
        said = {**run, **FULL, "run_id": run_id}
        if further:
            said |= {"run_id": f"{run_id}.signoff-1", "record_type": "SIGNOFF", "refers_to": run_id}
            said |= {"signoff": "SIGNED", "signoff_name": "Robin Board", "signed_at": "2027-01-20T09:00:00Z"}
        row = sealed(said, head, Domain.TEST)
        head = row["row_hash"]
        yield row


def write(path: Path, count: int, signed_every: int) -> None:
    """A log of so many rows."""
    with path.open("wb") as file:
        file.write(line(COLUMNS))
        for row in rows(count, signed_every):
            file.write(line(row))


def baseline(path: Path) -> None:
    """Hash the bytes, and parse them: what nobody who verifies a log of hashed rows can do without."""
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    with path.open(encoding="utf-8", newline="") as text:
        for _ in csv.reader(text):
            pass


def verify(path: Path) -> None:
    """Judge it; it has to be whole, or nothing was measured."""
    with path.open("rb") as file:
        judged = judge(file, Domain.TEST)
    assert judged.verdict is LogVerdict.OK, judged.problems[:3]


def seconds(work: Callable[[Path], None], path: Path) -> float:
    """Wall seconds of one go."""
    began = time.perf_counter()
    work(path)
    return time.perf_counter() - began


def peak_mib() -> float:
    """The most memory that this process ever had.  Linux counts its parent's into the system call's answer."""
    status = Path("/proc/self/status")
    if status.exists():
        (said,) = (each for each in status.read_text(encoding="ascii").splitlines() if each.startswith("VmHWM:"))
        return int(said.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024)


def memory_of(path: Path) -> float:
    """MiB that verifying takes, above a process that has loaded the same modules."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.log", "memory", str(path)], check=True, capture_output=True, text=True
    )
    return float(ran.stdout)


def main(arguments: list[str]) -> None:
    """One line a kind of log."""
    if arguments[:1] == ["memory"]:
        before = peak_mib()
        verify(Path(arguments[1]))
        print(peak_mib() - before)
        return
    count = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "restoration-test-log.csv"
        for signed_every in SIGNED_EVERY:
            write(path, count, signed_every)
            pairs = [(seconds(verify, path), seconds(baseline, path)) for _ in range(PAIRS)]
            ratio = statistics.median(own / base for own, base in pairs)
            own = statistics.median(own for own, _ in pairs)
            size = path.stat().st_size
            what = (
                f"{count:,} rows of {size / count:,.0f} bytes, {'half' if signed_every else 'none'} of them sign-offs"
            )
            print(f"{what}: {ratio:.2f} × hash and parse ({own:.2f} s), {memory_of(path):.1f} MiB more memory")


if __name__ == "__main__":
    main(sys.argv[1:])
