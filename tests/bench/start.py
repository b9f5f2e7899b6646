"""How long starting takes, as ratios against a baseline measured in the same run: `python -m tests.bench.start`.

Pairs are run in turn (A B A B …), so that a machine whose speed drifts does not tilt the ratio.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

PAIRS = 11
LIMIT = 4.0  # times the baseline
BASELINE = [sys.executable, "-c", "pass"]
LIMITED = {
    "runbook --version": [sys.executable, "-m", "runbook", "--version"],
    "runbook --help": [sys.executable, "-m", "runbook", "--help"],
}
STARTS = {
    **LIMITED,
    "runbook status": [sys.executable, "-m", "runbook", "status"],
    "runbook train --list": [sys.executable, "-m", "runbook", "train", "--list"],
}


def seconds(command: list[str], *more: str) -> float:
    """Wall seconds of one process, which must end well."""
    began = time.perf_counter()
    subprocess.run([*command, *more], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def ratio(command: list[str], *more: str) -> tuple[float, float]:
    """Median ratio to the baseline, and the command's own median in seconds."""
    seconds(command, *more)  # warm-up: .pyc files and the page cache
    pairs = [(seconds(command, *more), seconds(BASELINE)) for _ in range(PAIRS)]
    return statistics.median(own / base for own, base in pairs), statistics.median(own for own, _ in pairs)


def main() -> int:
    """One line a command; then one calm unattended run.  1 where a command is over its limit."""
    over = []
    with tempfile.TemporaryDirectory() as home:
        for name, command in STARTS.items():
            times, own = ratio(command, "--home", home) if "--version" not in command else ratio(command)
            judged = ("PASS" if times <= LIMIT else f"OVER THE LIMIT of {LIMIT} ×") if name in LIMITED else ""
            over += [name] if judged.startswith("OVER") else []
            print(f"{name:<22} {times:5.1f} × python -c pass   ({own * 1000:.0f} ms)  {judged}".rstrip())
        took = seconds([sys.executable, "-m", "runbook", "train", "--unattended", "--home", home])
        print(f"{'calm, unattended':<22} {took:5.1f} s   (estate, five stages, cleanup, record)")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
