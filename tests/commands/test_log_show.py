"""`runbook log show`: the log as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands.exits import ExitCode
from runbook.records.log.testlog import line
from tests.commands.recorded import TRAINING, Recorded
from tests.records.log.filed import Filed, filed
from tests.records.log.twelve import HEADER, chained

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Filed:
    return filed(tmp_path_factory.mktemp("filed"), tmp_path_factory.mktemp("told"))


@pytest.fixture
def log(original: Filed) -> Iterator[Filed]:
    yield original
    original.write()


def shown(capsys: Said, log: Filed | Path, *arguments: str) -> tuple[int, str, str]:
    path = log if isinstance(log, Path) else log.path
    code = cli.main(["log", "show", *arguments, "--file", str(path)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_every_run_is_told_newest_last_with_who_saw_it_and_who_signed(log: Filed, capsys: Said) -> None:
    code, out, err = shown(capsys, log)
    assert (code, err) == (0, "")
    head, *runs = out.split("\n\n")
    assert head.splitlines() == [
        str(log.path),
        f"OK (its evidence was not looked at), rows: 12, head 12:{log.rows[-1]['row_hash'][7:23]}",
    ]
    assert len(runs) == 7
    assert runs[0].splitlines() == [
        "2027-01-15 DRILL     PASS             drill-20270110T100000Z-7f3a",
        "    row 1; the database's disk was lost; took 39 s; verified by Sam Example;",
        "    signed off by Robin Board on 2027-01-20",
    ]
    assert "not signed off" in " ".join(runs[1].split())
    assert "PASS_WITH_ISSUES" in runs[2]
    assert "open findings: 1" in runs[2]
    assert max(map(len, out.splitlines()[2:])) <= 80


def test_one_run_is_told_with_all_its_fields_and_what_followed(log: Filed, capsys: Said) -> None:
    run = log.rows[6]["run_id"]
    code, out, _ = shown(capsys, log, run)
    lines = out.splitlines()
    assert code == 0
    assert "row 7, as it was written" in lines
    assert "witness_name            Sam Example" in lines
    assert not any(each.startswith(("row_hash", "refers_to", "signed_at")) for each in lines[: lines.index("", 4)])
    at = lines.index(f"row 8, AMENDMENT {run}.amendment-1")
    assert lines[at + 1] == 'summary                 The witness\'s role was "auditor"; nothing else.'
    signed = lines[lines.index(f"row 9, SIGNOFF {run}.signoff-1") :]
    assert signed[1:4] == [
        "signoff                 SIGNED",
        "signoff_name            Robin Board",
        "signed_at               2027-01-20T09:00:00Z",
    ]
    assert f"evidence: {log.evidence(7)}" in lines
    assert max(len(each) for each in lines[2:] if not each.startswith("evidence: ")) <= 80


def test_json_has_each_run_as_it_stands_now_and_as_it_was_written(log: Filed, capsys: Said) -> None:
    _, out, _ = shown(capsys, log, "--json")
    said: dict[str, Any] = json.loads(out)
    assert (said["schema"], said["log"], said["verdict"], said["rows"]) == (1, "test", "OK", 12)
    assert [run["row"] for run in said["runs"]] == [1, 3, 4, 7, 10, 11, 12]
    third = said["runs"][2]
    assert (third["run"]["cleanup"], third["now"]["cleanup"]) == ("FAILED", "DONE")
    assert [row["row"] for row in third["further"]] == [5, 6]
    _, out, _ = shown(capsys, log, log.rows[0]["run_id"], "--json")
    assert [run["row"] for run in json.loads(out)["runs"]] == [1]


def test_a_damaged_log_is_told_as_far_as_it_can_be_read_and_said_to_be_damaged(log: Filed, capsys: Said) -> None:
    log.alter(3, outcome="FAIL")
    code, out, _ = shown(capsys, log)
    assert code == ExitCode.NOT_RECORDED
    assert "DAMAGED: ROW_ALTERED" in out
    assert "row 3; THIS ROW IS DAMAGED (ROW_ALTERED)" in out
    assert "contradicts itself: FAIL although nothing in the row stands against PASS" in out.replace("\n    ", " ")
    log.path.write_bytes(b"nothing\n")
    code, out, _ = shown(capsys, log)
    assert (code, "No run is recorded." in out, "DAMAGED: HEADER" in out) == (ExitCode.NOT_RECORDED, True, True)


def test_a_line_that_cannot_be_read_shifts_no_rows_number(log: Filed, capsys: Said) -> None:
    log.write({1: b"nothing\r\n"})
    _, out, _ = shown(capsys, log, "--json")
    assert [run["row"] for run in json.loads(out)["runs"]] == [3, 4, 7, 10, 11, 12]


def test_a_sign_off_that_an_amendment_followed_is_said_to_be_older(log: Filed, capsys: Said, tmp_path: Path) -> None:
    signed = {name: log.rows[1][name] for name in ("signoff", "signoff_name", "signed_at")}
    own = {"run_id": f"{log.rows[0]['run_id']}.amendment-1", "refers_to": log.rows[0]["run_id"]}
    amended = {**log.rows[0], **signed, **own, "record_type": "AMENDMENT", "dpia_ref": "DPIA-13"}
    path = tmp_path / "later.csv"
    path.write_bytes(HEADER + b"".join(map(line, chained([*log.rows[:2], amended]))))
    code, out, _ = shown(capsys, path)
    assert (code, "signed off by Robin Board on 2027-01-20, before it was amended" in out.replace("\n    ", " ")) == (
        0,
        True,
    )


def test_a_run_that_is_not_there_is_wrong_use(log: Filed, capsys: Said) -> None:
    code, out, err = shown(capsys, log, "drill-20270101T000000Z-0000")
    assert (code, out) == (ExitCode.WRONG_USE, "")
    assert "has no row in restoration-test-log.csv" in err


def test_training_is_said_to_be_no_evidence_and_its_folder_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    recorded = Recorded(tmp_path, monkeypatch)
    folder = recorded.training()
    code, out, _ = shown(capsys, recorded.home.root / "training" / "training-log.csv", TRAINING)
    assert code == 0
    assert "This is a training log: it is no evidence of a restoration test." in out
    assert f"evidence: {folder}" in out.splitlines()
    assert "no sign-off needed" in out


def test_text_from_a_file_does_nothing_on_a_terminal(log: Filed, capsys: Said, tmp_path: Path) -> None:
    evil = "\x1b]52;c;AAAA\x07\x1b[2J\u202e\u200bx"
    path = tmp_path / "evil.csv"
    path.write_bytes(HEADER + line({**dict.fromkeys(log.rows[0], evil), "record_type": "RUN"}))
    for arguments in ((), (evil,), ("--json",)):
        out = shown(capsys, path, *arguments)[1]
        assert out
        assert out.replace("\n", "").isprintable()
