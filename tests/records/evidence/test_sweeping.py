"""What lies in a run's folder although it is a secret is masked before the folder is sealed, and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.engine.ports import Secret
from runbook.engine.run import Run, replay
from runbook.records.evidence import run_json, sweeping
from runbook.records.evidence.sweeping import Place
from runbook.records.journal import Journal, read
from runbook.records.scanner import Scanner
from tests.records.disks import FailsAt
from tests.records.story import DECLARED, PROCEDURE, FakeClock, journal, tell_calm

SECRET = "correct-horse-battery"
CODE = "731946"


def _scanner(*texts: str) -> Scanner:
    scanner = Scanner()
    for text in texts or (SECRET, CODE):
        scanner.register(Secret(text))
    return scanner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def _told(folder: Path, **declared: Any) -> Path:
    """A calm run's journal, in whose declaration somebody wrote what they should not have."""
    clock = FakeClock()
    recorder = journal(folder, clock)
    tell_calm(recorder, clock, {**DECLARED, **declared})
    recorder.close()
    return folder / "journal.jsonl"


def _texts(run: Run) -> list[str]:
    return [finding.text for finding in run.findings]


def test_a_clean_folder_is_left_as_it_is(folder: Path) -> None:
    path = _told(folder)
    (folder / "note.txt").write_text("nothing", encoding="utf-8")
    before = path.read_bytes()
    assert sweeping.sweep(folder, _scanner()) == []
    assert path.read_bytes() == before
    assert replay(read(path)).outcome == "PASS"


def test_a_line_is_masked_the_chain_holds_again_and_the_run_has_an_issue(folder: Path) -> None:
    path = _told(folder, scenario=f"the test, {SECRET}", operator={"name": CODE, "role": f"code {CODE}"})
    events = len(read(path))
    (found,) = sweeping.sweep(folder, _scanner())
    run = replay(read(path))
    assert run.declared["scenario"] == "the test, ***"
    assert run.declared["operator"] == {"name": "***", "role": f"code {CODE}"}
    assert SECRET.encode() not in path.read_bytes()
    assert (run.outcome, len(read(path))) == ("PASS_WITH_ISSUES", events + 1)
    assert found.text == (
        "a secret was masked in journal.jsonl, line 1 (operator.name), line 1 (scenario), when the record was sealed: "
        "change that secret"
    )
    assert (_texts(run), found.severity) == ([found.text], "major")
    document = run_json.document(run, read(path), PROCEDURE)
    assert (document["outcome"], document["findings"][0]["text"]) == ("PASS_WITH_ISSUES", found.text)
    assert document["ended_at"] == run_json.document(run, read(path)[:-2] + read(path)[-1:], PROCEDURE)["ended_at"]


def test_swept_again_nothing_changes(folder: Path) -> None:
    path = _told(folder, scenario=SECRET)
    sweeping.sweep(folder, _scanner())
    before = path.read_bytes()
    assert sweeping.sweep(folder, _scanner()) == []
    assert sweeping.sweep(folder, None) == []
    assert path.read_bytes() == before


def test_lines_that_are_in_the_bucket_cannot_be_unwritten_and_that_is_said(folder: Path) -> None:
    _told(folder, scenario=SECRET)
    (found,) = sweeping.sweep(folder, _scanner(), copied=True)
    assert found.text.endswith("change that secret; the evidence bucket keeps those lines as they were")


def test_what_the_run_found_itself_before_its_end_is_masked_and_not_said_twice(folder: Path) -> None:
    path = folder / "journal.jsonl"
    recorder = Journal.create(path, FakeClock())
    recorder.append(Kind.DECLARED, stage=None, step=None, data={"run_id": "r", "scenario": f"a {SECRET}"})
    places = sweeping.places(recorder.events, _scanner())
    found = sweeping.finding("journal.jsonl", places)
    finding = {"text": found.text, "severity": found.severity, "owner": "", "due": ""}
    recorder.append(Kind.FINDING, stage=None, step=None, data=finding)
    recorder.append(Kind.ENDED, stage="closeout", step=None, data={"outcome": "FAIL"})
    recorder.close()
    assert places == (Place(1, "scenario"),)
    assert sweeping.told(read(path)) == {*places}
    assert sweeping.sweep(folder, _scanner()) == []
    run = replay(read(path))
    assert (run.declared["scenario"], _texts(run), run.outcome) == ("a ***", [found.text], "FAIL")


def test_a_later_process_masks_what_the_ended_one_found_as_whole_values(folder: Path) -> None:
    path = folder / "journal.jsonl"
    recorder = Journal.create(path, FakeClock())
    declared = {"run_id": "r", "scenario": f"a {SECRET}", "operator": {"list": ["fine", SECRET]}}
    recorder.append(Kind.DECLARED, stage=None, step=None, data=declared)
    text = sweeping.finding("journal.jsonl", sweeping.places(recorder.events, _scanner())).text
    finding = {"text": text, "severity": "major", "owner": "", "due": ""}
    recorder.append(Kind.FINDING, stage=None, step=None, data=finding)
    recorder.append(Kind.ENDED, stage=None, step=None, data={"outcome": "PASS_WITH_ISSUES"})
    recorder.close()
    assert sweeping.sweep(folder, None) == []
    said = replay(read(path)).declared
    assert (said["scenario"], said["operator"]) == ("***", {"list": ["fine", "***"]})
    assert SECRET.encode() not in path.read_bytes()


def test_files_beside_the_journal_are_masked_too_whatever_they_are(folder: Path) -> None:
    path = _told(folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "note.bin").write_bytes(b"\xff\xfe\n\0" + SECRET.encode() + b"\xff\n")
    (folder / "run.json").write_text(json.dumps({"left": SECRET}), encoding="utf-8")  # made anew before the seal
    (found,) = sweeping.sweep(folder, _scanner())
    assert (folder / "deep" / "note.bin").read_bytes() == b"\xff\xfe\n\0***\xff\n"
    assert found.text.startswith("a secret was masked in deep/note.bin, line 2, when")
    assert (_texts(replay(read(path))), replay(read(path)).outcome) == ([found.text], "PASS_WITH_ISSUES")


def test_what_is_found_only_in_a_document_that_is_made_of_it_is_added(folder: Path) -> None:
    path = _told(folder)
    found = sweeping.finding("report.md", ["line 7"])
    sweeping.add(folder, [found])
    assert (_texts(replay(read(path))), replay(read(path)).outcome) == ([found.text], "PASS_WITH_ISSUES")
    assert sweeping.told(read(path)) == frozenset()


@pytest.mark.parametrize("word", ["training", "PASS", "practice"])
def test_a_short_secret_that_is_one_of_our_own_words_takes_none_of_them_away(folder: Path, word: str) -> None:
    path = _told(folder)
    before = replay(read(path))
    sweeping.sweep(folder, _scanner(word))
    after = replay(read(path))
    assert (after.declared["mode"], after.declared["environment"]) == ("training", "practice")
    assert [each.verdict for each in after.attempts] == [each.verdict for each in before.attempts]


@pytest.mark.parametrize("how", ["full", "short", "io", "readonly"])
def test_a_disk_that_fails_leaves_the_old_journal_or_the_new_one_and_the_next_sweep_finishes(
    tmp_path: Path, how: str
) -> None:
    number, fired = 0, True
    while fired:
        number += 1
        folder = tmp_path / str(number)
        path = _told(folder, scenario=SECRET)
        before, disk = path.read_bytes(), FailsAt(how, number)
        try:
            sweeping.sweep(folder, _scanner(), disk=disk)
        except RecordFailed:
            assert disk.fired
        whole = path.read_bytes()
        assert whole == before or SECRET.encode() not in whole
        sweeping.sweep(folder, _scanner())
        assert replay(read(path)).declared["scenario"] == "***"
        assert replay(read(path)).outcome == "PASS_WITH_ISSUES"
        fired = disk.fired
    assert number >= 2
