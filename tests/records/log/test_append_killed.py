"""An append at whose every call the disk fails, or the process is killed: nothing is lost, nothing is there twice."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.log.verdicts import LogVerdict
from tests.records.disks import AtCall, LyingDisk
from tests.records.log.aftermath import Story, log_at, problem, record, stories
from tests.records.real_runs import drill


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return drill(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def told(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, ...]:
    return stories(tmp_path_factory.mktemp("stories"), document)


def _raising(number: int) -> Callable[[], None]:
    def strike() -> None:
        raise OSError(number, os.strerror(number))

    return strike


def _said(root: Path, document: dict[str, Any], disk: AtCall) -> str:
    try:
        return f"RECORDED {record(log_at(root, disk), document).row}"
    except RecordFailed as failure:
        return failure.sentence


@pytest.mark.parametrize("story", [0, 1, 2], ids=["first", "later", "torn"])
@pytest.mark.parametrize("how", ["EIO", "ENOSPC", "short"])
def test_a_disk_that_fails_at_any_call_loses_no_row_and_makes_none_twice(
    tmp_path: Path, document: dict[str, Any], told: tuple[Story, ...], story: int, how: str
) -> None:
    wrong = list[str]()
    for number in count(1):
        root = tmp_path / str(number)
        told[story].begin(root)
        disk = AtCall(number, _raising(getattr(errno, how, errno.EIO)), short=how == "short")
        said = _said(root, document, disk)
        found = problem(root, told[story], document, said)
        wrong += [f"call {number}: {found} ({said})"] if found else []
        if not disk.fired and number > 40:
            break
    assert wrong == []


def test_a_disk_that_keeps_something_else_is_found_out_before_anything_is_said(
    tmp_path: Path, document: dict[str, Any], told: tuple[Story, ...]
) -> None:
    told[1].begin(tmp_path)
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .* does not hold what was written to it"):
        record(log_at(tmp_path, LyingDisk()), document)
    assert log_at(tmp_path).verify().verdict is LogVerdict.ROW_ALTERED


KILLED_AT = (1, 3, 5, 6, 7, 9)  # opening, writing, syncing, reading back


@pytest.mark.parametrize("call", KILLED_AT)
def test_a_process_that_is_killed_in_the_append_loses_no_row_and_makes_none_twice(
    tmp_path: Path, document: dict[str, Any], told: tuple[Story, ...], call: int
) -> None:
    (tmp_path / "run.json").write_text(json.dumps(document))
    told[1].begin(tmp_path)
    program = [sys.executable, "-m", "tests.records.log.appender", str(tmp_path), str(tmp_path / "run.json"), str(call)]
    root = Path(__file__).parents[3]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, cwd=root, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    assert problem(tmp_path, told[1], document, done.stdout) is None
