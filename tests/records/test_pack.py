"""A year's evidence in one file: whole, reproducible, verifiable by what is in it, and honest about what is wrong."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from runbook.engine.errors import RecordFailed, WrongUse
from runbook.records.log.testlog import Domain
from runbook.records.pack import index, packing
from runbook.records.pack.packing import Packed
from tests.records import past
from tests.records.past import run, signed

NOW = datetime.fromisoformat("2028-02-10T12:00:00Z")
JANUARY = run("2027-01-15T10:00:00Z")
APRIL = run("2027-04-10T10:00:00Z", outcome="PASS_WITH_ISSUES", findings_open="1")
ROWS = (run("2026-10-15T10:00:00Z"), JANUARY, signed(JANUARY), APRIL, run("2028-01-10T10:00:00Z"))
TOP = "restoration-evidence-2027"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return past.filed(tmp_path / "compliance", ROWS)


def packed(log: Path, year: int = 2027, now: datetime = NOW, name: str = "pack.zip") -> tuple[Packed, Path]:
    target = log.parent.parent / name
    return packing.pack(log, target, year, now, (1, 4, 7, 10)), target


def opened(target: Path) -> Path:
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        archive.extractall(target.parent / "opened")
    (folder,) = (target.parent / "opened").iterdir()
    return folder


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    """By what is in the pack."""
    script = [sys.executable, "-I", "-S", "verify_log.py", "restoration-test-log.csv"]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False)


def wrong_rows(folder: Path) -> set[str]:
    """Numbers of the rows of which it says anything."""
    return set(re.findall(r"row (\d+)", verified(folder).stdout))


def test_it_holds_the_log_and_that_years_evidence_and_its_own_verifier_agrees(log: Path) -> None:
    made, target = packed(log)
    folder = opened(target)
    assert (made.sound, made.troubles, made.said) == (True, (), "OK; 2 runs of 2027")
    assert folder.name == TOP
    assert (folder / log.name).read_bytes() == log.read_bytes()
    assert (folder / "restoration-test-log.head").read_bytes() == log.with_suffix(".head").read_bytes()
    evidence = sorted(path.name for path in (folder / "evidence").iterdir())
    assert evidence == [JANUARY["run_id"], f"{JANUARY['run_id']}.signoff-1", APRIL["run_id"]]
    for path in (folder / "evidence").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (log.parent / path.relative_to(folder)).read_bytes()
    assert wrong_rows(folder) == {"1", "5"}  # of other years, as the first page says: not here, and no damage
    assert verified(folder).returncode == 0
    said = (folder / "index.md").read_text(encoding="utf-8")
    assert "Rows whose evidence is of other years, and so not here: 1, 5." in said


def test_where_all_is_of_that_year_its_own_verifier_says_ok(tmp_path: Path) -> None:
    folder = opened(packed(past.filed(tmp_path / "compliance", ROWS[1:4]))[1])
    done = verified(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It has to end in OK." in (folder / "index.md").read_text(encoding="utf-8")


def test_its_verifier_finds_what_is_altered_afterwards(log: Path) -> None:
    folder = opened(packed(log)[1])
    past.altered(folder / "evidence" / APRIL["run_id"] / "run.json", b"run", b"ruN")
    assert "4" in wrong_rows(folder)


def test_the_sums_are_over_everything_else(log: Path) -> None:
    folder = opened(packed(log)[1])
    listed = {line[66:]: line[:64] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / "SHA256SUMS"
    }
    assert listed == found


def test_the_same_record_gives_the_same_file_on_another_day(log: Path) -> None:
    _, first = packed(log, name="one.zip")
    for path in log.parent.rglob("*"):
        path.touch()
    _, second = packed(log, now=NOW.replace(year=2030), name="other.zip")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_mode & 0o777 == 0o600


def test_names_are_relative_and_times_are_the_rows(log: Path) -> None:
    with zipfile.ZipFile(packed(log)[1]) as archive:
        entries = archive.infolist()
    assert all(each.filename.startswith(f"{TOP}/") and ".." not in each.filename for each in entries)
    assert {each.external_attr >> 16 for each in entries} == {0o100644}
    of_january = {each.date_time for each in entries if JANUARY["run_id"] in each.filename}
    assert of_january == {(2027, 1, 15, 11, 0, 0)}


def test_the_first_page_answers_and_leads_to_each_run(log: Path) -> None:
    folder = opened(packed(log)[1])
    page, text = ((folder / name).read_text(encoding="utf-8") for name in ("index.html", "index.md"))
    for said in (page, text):
        assert "Last successful restore from backup: 10 January 2028" in said
        assert "In 2027. Last successful restore from backup: 10 April 2027" in said
        assert "The record begins with a run of 15 October 2026" in said
        assert "2027-Q3" in said
        assert "NOT TESTED" in said
        assert "2026-Q4" not in said
        assert "DSPT 7.2.1, 7.3.4" in said
        assert "as of" not in said
        assert "signed off by Robin Board" in said
    assert f'<a href="evidence/{JANUARY["run_id"]}/report.html">' in page
    assert "<script" not in page
    assert "http:" not in page


def test_in_the_year_itself_it_says_as_of_when(log: Path) -> None:
    folder = opened(packed(log, 2028)[1])
    said = (folder / "index.md").read_text(encoding="utf-8")
    assert "as of 10 February 2028" in said
    assert "2028-Q2 **DUE** in April, in 51 days" in said


# -- what is wrong ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["altered", "missing", "all", "link", "seal"])
def test_evidence_that_is_not_as_it_was_sealed_is_named(log: Path, how: str, tmp_path: Path) -> None:
    folder = log.parent / JANUARY["evidence_path"]
    match how:
        case "altered":
            past.altered(folder / "run.json", b"run", b"ruN")
        case "missing":
            (folder / "run.json").unlink()
        case "all":
            folder.rename(tmp_path / "elsewhere")
        case "link":
            (folder / "run.json").rename(tmp_path / "run.json")
            (folder / "run.json").symlink_to(tmp_path / "run.json")
        case "seal":
            (folder / "SHA256SUMS").unlink()
    made, target = packed(log)
    opened_at = opened(target)
    assert not made.sound
    assert any(JANUARY["run_id"] in each and each.startswith("EVIDENCE_") for each in made.troubles)
    for name in ("index.html", "index.md"):
        said = (opened_at / name).read_text(encoding="utf-8")
        assert "The record is damaged (EVIDENCE_" in said
        assert ("its evidence is not here" in said) is (how in {"all", "seal"})
    there = (opened_at / JANUARY["evidence_path"] / "run.json").exists()
    assert there is (how == "altered")
    assert how == "all" or "2" in wrong_rows(opened_at)


def test_nothing_but_what_was_sealed_goes_in(log: Path, tmp_path: Path) -> None:
    folder = log.parent / JANUARY["evidence_path"]
    (folder / "private").mkdir()
    (folder / "private" / "archive.snap").write_text("secret")
    (log.parent / "runbook.toml").write_text("secret")
    (folder / "leads").symlink_to(tmp_path)
    made, target = packed(log)
    with zipfile.ZipFile(target) as archive:
        assert not [name for name in archive.namelist() if "private" in name or "leads" in name or "toml" in name]
        assert not [name for name in archive.namelist() if b"secret" in archive.read(name)]
    assert any("private/archive.snap was not there when it was sealed" in each for each in made.troubles)


def test_a_damaged_log_is_packed_and_its_verdict_stands_first(log: Path) -> None:
    past.altered(log, b'"PASS_WITH_ISSUES"', b'"PASS"')
    made, target = packed(log)
    said = (opened(target) / "index.md").read_text(encoding="utf-8")
    assert not made.sound
    assert "The record is damaged (ROW_ALTERED)" in said.splitlines()[2]
    assert "In 2027. Last successful restore from backup: 15 January 2027" in said
    assert "ROW\\_ALTERED" in said or "ROW_ALTERED: " in said


def test_what_is_wrong_elsewhere_is_said_too(log: Path) -> None:
    content = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*content[:1], content[1].replace(b"eu-west-2", b"eu-west-1"), *content[2:]]))
    made, target = packed(log)
    assert any(each.startswith("ROW_ALTERED: row 1") for each in made.troubles)
    assert "## What is wrong with the record" in (opened(target) / "index.md").read_text(encoding="utf-8")


def test_a_cut_tail_is_said(log: Path) -> None:
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    made, target = packed(log)
    assert any(each.startswith("TRUNCATED") for each in made.troubles)
    assert "TRUNCATED: the log had 5 rows" in (opened(target) / "index.md").read_text(encoding="utf-8")


def test_markup_in_a_row_is_text_on_the_page(tmp_path: Path) -> None:
    log = past.filed(
        tmp_path / "compliance", [run("2027-01-15T10:00:00Z", scenario="<script>alert(1)</script> [x](y)")]
    )
    folder = opened(packed(log)[1])
    assert "&lt;script&gt;" in (folder / "index.html").read_text(encoding="utf-8")
    assert "\\<script>" in (folder / "index.md").read_text(encoding="utf-8")


# -- years without a test -----------------------------------------------------------------------------------------
def test_a_year_without_runs_says_that_nothing_was_tested(log: Path) -> None:
    made, target = packed(log, 2025)
    said = (opened(target) / "index.md").read_text(encoding="utf-8")
    assert made.said == "OK; 0 runs of 2025. No restoration test is recorded in 2025."
    assert "**No restoration test is recorded in 2025.**" in said
    assert "No run is recorded in 2025." in said
    assert "In 2025 no backup of the platform was restored." in said


@pytest.mark.parametrize("columns", [{"mode": "REHEARSAL"}, {"mode": "RECOVERY"}, {"providers": "LOOPBACK"}])
def test_other_runs_are_packed_and_no_test_is_said(tmp_path: Path, columns: dict[str, str]) -> None:
    log = past.filed(tmp_path / "compliance", [{**run("2027-01-15T10:00:00Z"), **columns}])
    made, _ = packed(log)
    assert made.said == f"OK; 1 run of 2027. {index.NO_TEST.format(year=2027)}"


def test_a_year_to_come_is_wrong_use(log: Path) -> None:
    with pytest.raises(WrongUse, match="2029 has not begun"):
        packed(log, 2029)
    assert packed(log, 2028, NOW.replace(year=2027))[0].said.startswith("OK; 1 run")  # that clock was ahead


# -- refusals -----------------------------------------------------------------------------------------------------
def test_what_is_there_is_never_written_over(log: Path) -> None:
    target = log.parent.parent / "pack.zip"
    target.write_text("ours")
    with pytest.raises(WrongUse, match="is there already"):
        packed(log)
    assert target.read_text() == "ours"


def test_it_is_not_put_among_sealed_evidence(log: Path) -> None:
    with pytest.raises(WrongUse, match="among the sealed evidence"):
        packed(log, name=f"compliance/{JANUARY['evidence_path']}/pack.zip")


def test_without_a_log_there_is_nothing_to_pack(tmp_path: Path) -> None:
    with pytest.raises(RecordFailed, match="there is no log"):
        packed(tmp_path / "compliance" / "restoration-test-log.csv")


def test_a_copy_away_from_its_evidence_is_not_packed(log: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "mine.csv"
    copy.parent.mkdir()
    copy.write_bytes(log.read_bytes())
    with pytest.raises(WrongUse, match="away from its evidence"):
        packing.pack(copy, tmp_path / "pack.zip", 2027, NOW, (1, 4, 7, 10), named=True)
    assert not (tmp_path / "pack.zip").exists()


def test_training_is_not_packed(tmp_path: Path) -> None:
    log = past.written(tmp_path / "training", [run("2027-01-15T10:00:00Z", "TRAINING")], Domain.TRAINING)
    with pytest.raises(WrongUse, match="training is no evidence"):
        packed(log)


def test_what_fails_halfway_leaves_no_file(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "html", full)
    with pytest.raises(RecordFailed, match=r"pack\.zip could not be written: No space left"):
        packed(log)
    assert sorted(path.name for path in log.parent.parent.iterdir()) == ["compliance"]
