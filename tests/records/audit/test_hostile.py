"""Logs, heads and evidence that somebody made to be taken for whole, or to make the check stumble."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook import cli
from runbook.commands.exits import ExitCode
from runbook.records.evidence import sealing
from runbook.records.log.testlog import COLUMNS, Domain, line, sealed
from runbook.records.log.verifying import verify
from tests.records.log.filed import Filed, filed
from tests.records.log.twelve import HEADER

pytestmark = pytest.mark.scenarios  # as slow, all together, as a whole run

Said = pytest.CaptureFixture[str]


@pytest.fixture
def log(tmp_path: Path) -> Filed:
    return filed(tmp_path / "compliance", tmp_path / "told")


def _verdict(log: Filed, capsys: Said) -> str:
    code = cli.main(["log", "verify", str(log.path), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert code == (ExitCode.PASS if said["verdict"] in {"OK", "RE-ENCODED"} else ExitCode.NOT_RECORDED)
    return str(said["verdict"])


def test_a_row_without_a_hash_that_no_hash_can_be_taken_of_is_altered(log: Filed, capsys: Said) -> None:
    log.head.unlink()
    row = {**log.rows[-1], "rto_actual_s": "1", "summary": "X", "row_hash": ""}
    raw = line(row).replace(b'"X"', b'"\xff"')
    log.write({12: raw})
    assert _verdict(log, capsys) == "ROW_ALTERED"
    assert not verify(log.path.read_bytes(), Domain.TEST).sound, "nothing is appended behind it"


@pytest.mark.parametrize("head", ['""', '"sha256:"', '"sha256:12"', "null", "12"])
def test_a_head_without_a_whole_hash_is_none(log: Filed, capsys: Said, head: str) -> None:
    log.head.write_text(f'{{"rows": 5, "head": {head}, "at": "2027-02-01T10:00:00Z"}}', encoding="utf-8")
    log.write(order=(1, 2, 3, 4, 5))
    assert _verdict(log, capsys) == "TRUNCATED", "whether rows were cut off cannot be said"


@pytest.mark.parametrize("rows", ["1e999", "-3", "true", '"12"', "12.0"])
def test_a_head_of_no_count_of_rows_is_none(log: Filed, capsys: Said, rows: str) -> None:
    head = f'{{"rows": {rows}, "head": "{log.rows[-1]["row_hash"]}", "at": "2027-02-01T10:00:00Z"}}'
    log.head.write_text(head, encoding="utf-8")
    assert _verdict(log, capsys) == "TRUNCATED"
    assert cli.main(["log", "verify", str(log.path), "--anchor", str(log.head)]) in {ExitCode.WRONG_USE, 7}


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:00", "2999"])
@pytest.mark.parametrize("command", ["log verify", "log show", "history"])
def test_times_that_no_calendar_can_be_moved_from_are_damage(log: Filed, command: str, time: str) -> None:
    log.alter(4, ended_at=time, started_at=time)
    file = [str(log.path)] if command == "log verify" else ["--file", str(log.path)]
    assert cli.main([*command.split(), *file]) == ExitCode.NOT_RECORDED


@pytest.mark.parametrize("column", ["rto_actual_s", "checks_total", "s1_s"])
def test_numbers_that_python_refuses_to_read_are_damage(log: Filed, column: str) -> None:
    log.alter(4, **{column: "9" * 5000})
    assert cli.main(["log", "show", "--file", str(log.path)]) == ExitCode.NOT_RECORDED
    assert cli.main(["history", "--file", str(log.path)]) == ExitCode.NOT_RECORDED


def test_evidence_of_a_removed_row_may_say_anything(log: Filed, capsys: Said) -> None:
    document = log.evidence(3) / "run.json"
    document.write_text(json.dumps({**json.loads(document.read_bytes()), "run_id": None}), encoding="utf-8")
    sealing.seal(log.evidence(3))
    log.write(order=(1, 2, *range(4, 13)))
    assert _verdict(log, capsys) == "ROW_MISSING"


def test_a_whole_chain_in_which_the_operator_signs_is_no_sign_off(log: Filed, capsys: Said) -> None:
    forged, head = [], log.rows[0]["row_hash"]
    for row in log.rows[1:]:
        name = row["operator_name"] if row["record_type"] == "SIGNOFF" else row["signoff_name"]
        forged.append(sealed({**row, "signoff_name": name}, head, Domain.TEST))
        head = forged[-1]["row_hash"]
    log.path.write_bytes(HEADER + b"".join(line(row) for row in (log.rows[0], *forged)))
    log.head.unlink()
    assert cli.main(["log", "verify", str(log.path), "--log-only"]) == ExitCode.NOT_RECORDED
    assert "a sign-off is somebody else's" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("year", ["2999", "1066"])
def test_a_pack_of_a_damaged_log_is_made_whatever_its_years(log: Filed, tmp_path: Path, year: str) -> None:
    log.alter(4, ended_at=f"{year}-01-01T00:00:00Z")
    options = ["--file", str(log.path), "--pack", "2027", "-o", str(tmp_path / "pack.zip")]
    assert cli.main(["history", *options]) == ExitCode.NOT_RECORDED
    assert (tmp_path / "pack.zip").exists()


def test_a_pack_holds_nothing_that_a_changed_seal_lists(log: Filed, tmp_path: Path) -> None:
    from zipfile import ZipFile

    (log.evidence(1) / "private.txt").write_text("not for anybody", encoding="utf-8")
    sealing.seal(log.evidence(1))
    options = ["--file", str(log.path), "--pack", "2027", "-o", str(tmp_path / "pack.zip")]
    assert cli.main(["history", *options]) == ExitCode.NOT_RECORDED
    with ZipFile(tmp_path / "pack.zip") as pack:
        assert not [name for name in pack.namelist() if name.endswith("private.txt")]


_LONG: Callable[[str], str] = lambda column: column * 100_000  # noqa: E731  # a name for a value


@pytest.mark.parametrize("column", COLUMNS)
def test_a_field_of_any_length_in_any_column_is_damage_and_nothing_else(log: Filed, column: str) -> None:
    log.alter(2, **{column: _LONG("x")})
    assert cli.main(["log", "show", "--file", str(log.path)]) == ExitCode.NOT_RECORDED
