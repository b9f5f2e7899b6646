"""`runbook history` and `runbook status` over recorded runs: lines, JSON, the pack, exit statuses."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands import history, status
from runbook.commands.exits import ExitCode
from runbook.records.log.testlog import Domain, Row
from tests.records import past
from tests.records.past import run, signed
from tests.support import runbook_toml
from tests.support.clock import FakeClock

Said = pytest.CaptureFixture[str]
JANUARY = run("2027-01-15T10:00:00Z")


class Machine:
    """A configured platform and a home, some time in February 2027."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.home, self.compliance = root, root / "home", root / "compliance"
        (root / "runbook.toml").write_text(runbook_toml.GOOD, encoding="utf-8")
        self.clock = FakeClock(datetime.fromisoformat("2027-02-10T12:00:00Z"))
        for module in (history, status):
            monkeypatch.setattr(module, "SystemClock", lambda: self.clock)
        monkeypatch.setenv("COLUMNS", "80")

    def recorded(self, *rows: Row) -> Path:
        return past.filed(self.compliance, rows)

    def runbook(self, *words: str) -> int:
        return cli.main([*words, "--home", str(self.home), "--config", str(self.root / "runbook.toml")])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def document(capsys: Said) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


# -- history ------------------------------------------------------------------------------------------------------
def test_the_first_line_answers_when_a_restore_last_succeeded(machine: Machine, capsys: Said) -> None:
    machine.recorded(JANUARY, signed(JANUARY))
    assert machine.runbook("history") == ExitCode.PASS
    out = capsys.readouterr().out
    assert out.startswith("Last successful restore from backup: 15 January 2027\n  (drill-20270115T100000Z-7f3a,")
    assert "2027-Q1  PASSED      on 15 January (drill-20270115T100000Z-7f3a)" in out
    assert "2027-01-15  DRILL      PASS              row 1" in out
    assert max(map(len, out.splitlines())) <= 80


def test_where_nothing_was_recorded_it_says_never_and_what_to_do(machine: Machine, capsys: Said) -> None:
    assert machine.runbook("history") == ExitCode.PASS
    out = capsys.readouterr().out
    assert "never" in out
    assert "runbook drill" in out
    assert "OVERDUE" in out
    assert machine.runbook("history", "--json") == ExitCode.PASS
    assert document(capsys)["begun"] is False


def test_json_has_every_run_the_quarters_and_the_trends(machine: Machine, capsys: Said) -> None:
    machine.recorded(JANUARY, signed(JANUARY), run("2027-02-01T10:00:00Z", "REHEARSAL", outcome="INCONCLUSIVE"))
    assert machine.runbook("history", "--json") == ExitCode.PASS
    said = document(capsys)
    assert (said["schema"], said["log"], said["verdict"]) == (1, "test", "OK")
    assert said["last_success"]["run_id"] == JANUARY["run_id"]
    assert [(each["quarter"], each["state"], each["overdue"]) for each in said["quarters"]] == [
        ("2027-Q1", "PASSED", False),
        ("2027-Q2", "DUE", False),
    ]
    first, second = said["runs"]
    assert (first["number"], first["signoff"], first["signed_by"], first["rto_actual_s"]) == (
        *(1, "SIGNED", "Robin Board", 39),
    )
    assert (first["rto_target_s"], first["rto_met"], first["started_at"]) == (None, "NOT_SET", "2027-01-15T10:00:00Z")
    assert (second["number"], second["mode"], second["quarterly"]) == (3, "REHEARSAL", None)
    assert said["trends"]["rto_s"] == [[JANUARY["run_id"], 39]]


def test_the_configured_months_are_those_in_which_tests_are_due(machine: Machine, capsys: Said) -> None:
    file = machine.root / "runbook.toml"
    months = 'version = "3"\nquarter_months = [3, 6, 9, 12]'
    file.write_text(runbook_toml.GOOD.replace('version = "3"', months), encoding="utf-8")
    machine.runbook("history")
    assert "2027-Q1  DUE         in March, in 19 days" in capsys.readouterr().out


def test_a_damaged_log_is_said_first_and_exits_with_7(machine: Machine, capsys: Said) -> None:
    log = machine.recorded(JANUARY)
    past.altered(log, b'"PASS"', b'"FAIL"')
    for words in (["history"], ["history", "--json"]):
        assert machine.runbook(*words) == ExitCode.NOT_RECORDED
    assert capsys.readouterr().out.startswith("THE LOG IS DAMAGED (ROW_ALTERED)")


def test_a_named_file_needs_no_configuration(tmp_path: Path, capsys: Said) -> None:
    log = past.written(tmp_path, [JANUARY])
    assert cli.main(["history", "--file", str(log), "--home", str(tmp_path)]) == ExitCode.PASS
    assert "15 January 2027" in capsys.readouterr().out


def test_training_is_told_apart(machine: Machine, capsys: Said) -> None:
    practice = run("2027-01-15T10:00:00Z", "TRAINING", providers="LOOPBACK")
    past.written(machine.home / "training", [practice], Domain.TRAINING)
    assert machine.runbook("history", "--training") == ExitCode.PASS
    out = capsys.readouterr().out
    assert out.startswith("These are training runs: practice, and no evidence of a restoration test.")
    assert "Last successful restore" not in out
    machine.runbook("history", "--training", "--json")
    said = document(capsys)
    assert (said["log"], said["answer"], said["last_success"], said["quarters"]) == ("training", None, None, [])


# -- the pack -----------------------------------------------------------------------------------------------------
def test_a_year_is_packed_under_its_name(machine: Machine, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.recorded(JANUARY)
    monkeypatch.chdir(machine.root)
    assert machine.runbook("history", "--pack", "2027") == ExitCode.PASS
    target = machine.root / "restoration-evidence-2027.zip"
    with zipfile.ZipFile(target) as archive:
        assert f"restoration-evidence-2027/evidence/{JANUARY['run_id']}/run.json" in archive.namelist()
    assert "OK; 1 run of 2027" in capsys.readouterr().out
    assert machine.runbook("history", "--pack", "2027") == ExitCode.WRONG_USE
    assert "is there already" in capsys.readouterr().err
    (machine.root / "out").mkdir()
    assert machine.runbook("history", "--pack", "2027", "-o", "out") == ExitCode.PASS
    assert (machine.root / "out" / target.name).is_file()


def test_a_damaged_record_is_packed_and_exits_with_7(machine: Machine, capsys: Said) -> None:
    log = machine.recorded(JANUARY)
    (log.parent / JANUARY["evidence_path"] / "run.json").unlink()
    target = machine.root / "pack.zip"
    assert machine.runbook("history", "--pack", "2027", "-o", str(target)) == ExitCode.NOT_RECORDED
    assert "- EVIDENCE_MISSING: " in capsys.readouterr().out
    assert target.is_file()


@pytest.mark.parametrize(
    "words", [["-o", "x.zip"], ["--training", "--file", "x.csv"], ["--training", "--pack", "2027"]], ids=" ".join
)
def test_what_does_not_go_together_is_wrong_use(machine: Machine, capsys: Said, words: list[str]) -> None:
    past.written(machine.home / "training", [run("2027-01-15T10:00:00Z", "TRAINING")], Domain.TRAINING)
    assert machine.runbook("history", *words) == ExitCode.WRONG_USE
    assert "fix:" in capsys.readouterr().err


# -- status -------------------------------------------------------------------------------------------------------
def test_status_says_how_the_platform_stands(machine: Machine, capsys: Said) -> None:
    machine.recorded(JANUARY)
    assert machine.runbook("status") == ExitCode.PASS
    out = capsys.readouterr().out
    assert out.startswith("Last successful restore from backup: 15 January 2027")
    assert "2027-Q2: DUE in April, in 50 days" in out
    assert "Newest record: DRILL PASS, 26 days ago; open findings: 0; not signed off: 1" in out
    machine.runbook("status", "--json")
    said = document(capsys)["restoration"]
    assert (said["overdue"], said["findings_open"], said["not_signed_off"]) == (False, 0, [JANUARY["run_id"]])
    assert said["newest_age_s"] == 26 * 86400 + 3600
    assert said["quarter"]["quarter"] == "2027-Q2"


def test_status_is_1_while_the_test_is_overdue_and_7_where_the_log_is_damaged(machine: Machine, capsys: Said) -> None:
    assert machine.runbook("status") == ExitCode.FAIL
    assert "2027-Q1: OVERDUE since 31 January, by 10 days" in capsys.readouterr().out
    log = machine.recorded(JANUARY)
    past.altered(log, b'"PASS"', b'"FAIL"')
    assert machine.runbook("status") == ExitCode.NOT_RECORDED
    assert "THE LOG IS DAMAGED (ROW_ALTERED)" in capsys.readouterr().out
    log.unlink()
    log.symlink_to(machine.root / "elsewhere")
    assert machine.runbook("status") == ExitCode.NOT_RECORDED
    said = capsys.readouterr()
    assert "is a symbolic link" in said.err
    assert "2027-01-15 10:00Z  drill" in said.out


def test_status_without_a_platform_says_nothing_of_one(tmp_path: Path, capsys: Said) -> None:
    assert cli.main(["status", "--json", "--home", str(tmp_path)]) == ExitCode.PASS
    assert document(capsys)["restoration"] is None
