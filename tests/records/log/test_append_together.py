"""Eight processes that append at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.records.log.verdicts import LogVerdict
from tests.records.log.aftermath import log_at
from tests.records.real_runs import drill

WRITERS, ROWS = 8, 25


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(drill(tmp_path / "run")))
    return path


def _written(root: Path, document: Path, how: str) -> list[int]:
    """How each writer ended; all of them begin together."""
    program = [sys.executable, "-m", "tests.records.log.writer", str(root), str(document)]
    started = [
        subprocess.Popen(
            [*program, f"w{name}", str(ROWS), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for name in range(WRITERS)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in started:
        each.communicate(timeout=120)
    return [each.returncode for each in started]


def test_two_hundred_rows_of_eight_writers_are_one_valid_chain(tmp_path: Path, document: Path) -> None:
    assert _written(tmp_path, document, "locked") == [0] * WRITERS
    log = log_at(tmp_path)
    judged = log.verify()
    assert (judged.verdict, len(judged.rows)) == (LogVerdict.OK, WRITERS * ROWS)
    assert {row["run_id"] for row in judged.rows} == {f"drill-w{w}-{n}" for w in range(WRITERS) for n in range(ROWS)}
    for writer in range(WRITERS):
        own = [row["run_id"] for row in judged.rows if row["run_id"].startswith(f"drill-w{writer}-")]
        assert own == [f"drill-w{writer}-{number}" for number in range(ROWS)], "each in its own order"
    assert log.pending() == ()


def test_without_the_lock_they_lose_rows(tmp_path: Path, document: Path) -> None:
    _written(tmp_path, document, "unlocked")
    judged = log_at(tmp_path).verify()
    assert judged.verdict is not LogVerdict.OK or len(judged.rows) < WRITERS * ROWS
