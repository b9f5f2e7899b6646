from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from runbook.records.evidence.summary import duration, summary
from runbook.records.report import rendering
from runbook.records.report.markdown import bar, inert, table


def test_the_report_of_a_calm_run(calm: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert rendering.markdown(calm) == snapshot


def test_the_report_of_a_failed_run(empty_table: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert rendering.markdown(empty_table) == snapshot


def test_exceptions_and_findings_name_who_and_until_when(calm: dict[str, Any]) -> None:
    exception = {"what": "vault.egress", "why": "the API was down", "who": "Pat Example"}
    finding = {"text": "the backup is 30 h old", "severity": "major", "owner": "Sam", "due": "2027-02-01"}
    text = rendering.markdown(calm | {"exceptions": [exception], "findings": [finding | {"status": "OPEN"}]})
    assert "| vault.egress | the API was down | Pat Example |" in text
    assert "| 1  | major    | OPEN   | Sam   | 2027-02-01 | the backup is 30 h old |" in text


def test_what_nobody_owns_yet_has_room_to_write(empty_table: dict[str, Any]) -> None:
    finding = {"text": "the backup is 30 h old", "severity": "major", "owner": "", "due": "", "status": "OPEN"}
    text = rendering.markdown(empty_table | {"findings": [finding]})
    assert "| OPEN   | ____________ | ____________ | the backup is 30 h old |" in text
    assert "| database.restore: public.appointments: 0 rows \\| 9000 expected \\<script> | ____________ |" in text


def test_what_a_person_stated_stands_apart_from_what_failed(calm: dict[str, Any]) -> None:
    steps = [step | ({"verdict": "ATTESTED"} if step["id"] == "vault.backup" else {}) for step in calm["steps"]]
    text = rendering.markdown(calm | {"steps": steps})
    assert "- **ATTESTED** The newest backup is fresh" in text[text.index("## What rests on somebody's word") :]
    assert "What did not pass at once" not in text


def test_without_a_target_nothing_is_met(calm: dict[str, Any]) -> None:
    text = rendering.markdown(calm)
    assert "- RTO: 39 s; no target set\n" in text
    assert "met: " not in text


def test_a_stage_stands_beside_its_budget_where_budgets_were_declared(calm: dict[str, Any]) -> None:
    assert "budget" not in rendering.markdown(calm)
    budgets = {"identity": 1, "vault": 1800}
    stages = [stage | {"target_s": budgets.get(stage["id"])} for stage in calm["stages"]]
    text = rendering.markdown(calm | {"stages": stages})
    rows = {cells[1].strip(): cells[7].strip() for line in text.splitlines() if len(cells := line.split("|")) == 10}
    assert rows["stage"] == "budget"
    assert rows["1 Identity & Access"] == "1 s, over"
    assert rows["2 Encryption Vault"] == "30 min 0 s"
    assert rows["3 Core Database"] == "none"


@pytest.mark.parametrize(("ms", "words"), [(0, "0 ms ahead of"), (1200, "1,200 ms ahead of"), (-40, "40 ms behind")])
def test_whose_clock_was_ahead_is_said(calm: dict[str, Any], ms: int, words: str) -> None:
    assert f"this machine's clock was {words} the provider's." in rendering.markdown(calm | {"clock_offset_ms": ms})


def test_the_witness_code_is_in_it_where_there_is_one(calm: dict[str, Any]) -> None:
    assert "Witness code: K7QM-4T9X." in rendering.markdown(calm, "K7QM-4T9X")
    assert "itness code" not in rendering.markdown(calm)


@pytest.mark.parametrize(
    ("said", "banner"),
    [
        ({"mode": "training"}, "TRAINING: "),
        ({"mode": "drill", "providers": "LOOPBACK"}, "LOOPBACK: "),
        ({"mode": "rehearsal", "providers": "REAL"}, "REHEARSAL: "),
        ({"mode": "recovery", "providers": "REAL", "outcome": None}, "NOT ENDED: "),
    ],
)
def test_what_keeps_a_run_from_counting_stands_above_everything(
    calm: dict[str, Any], said: dict[str, Any], banner: str
) -> None:
    head = rendering.markdown(calm | said).partition("## ")[0]
    assert f"**{banner}" in head
    assert head.count("**") == 2


def test_a_real_drill_that_ended_has_no_banner(calm: dict[str, Any]) -> None:
    assert "**" not in rendering.markdown(calm | {"mode": "drill", "providers": "REAL"}).partition("## ")[0]


def test_an_older_record_with_fewer_keys_has_a_report_too() -> None:
    older = {
        "schema": 1,
        "run_id": "drill-20260115T100000Z-7f3a",
        "mode": "drill",
        "outcome": "PASS",
        "stages": [{"number": 1, "id": "identity", "result": "PASS"}],
        "steps": [{"id": "identity.clock", "verdict": "PASS", "at": "2026-01-15T10:00:01Z"}],
        "criteria": {"boots": "PASS"},
        "rto": {"actual_s": 61},
        "backups": {"vault": {"id": "s3://x/y"}, "database": None},
        "findings": [{"text": "old"}],
        "witness": None,
    }
    for text in (rendering.markdown(older), rendering.html(older)):
        assert "identity.clock" in text
        assert "s3://x/y" in text
    assert "NOT ENDED" in rendering.markdown({})


def test_a_drill_has_no_training_words(calm: dict[str, Any]) -> None:
    text = rendering.markdown(calm | {"mode": "drill"})
    assert "Not exercised here" not in text
    assert "practice estate" not in text


@pytest.mark.parametrize("length", range(1, 33, 3))
def test_any_unfinished_run_has_a_report(tmp_path: Path, length: int, calm: dict[str, Any]) -> None:
    from runbook.records.journal import read
    from tests.records.story import document_of

    events = read(tmp_path / "calm" / "journal.jsonl")
    assert "NOT ENDED" in rendering.markdown(document_of(events[:length]))


HOSTILE = "a|b\n| c | <img src=x onerror=alert(1)> [x](javascript:1) `code` **bold** \\|"


def test_what_a_provider_says_breaks_no_table_and_makes_no_link(empty_table: dict[str, Any]) -> None:
    steps = [step | {"observed": HOSTILE, "provider_text": HOSTILE, "fix": HOSTILE} for step in empty_table["steps"]]
    text = rendering.markdown(
        empty_table | {"steps": steps, "scenario": HOSTILE, "summary": HOSTILE, "aborted": HOSTILE}
    )
    assert "<img" not in text.replace("\\<img", "")
    assert "[x](" not in text.replace("\\[x\\](", "")
    rows = [line for line in text.splitlines() if line.startswith("| vault.")]
    assert rows
    assert all(line.replace("\\\\", "").replace("\\|", "").count("|") == 10 for line in rows)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=4))
def test_a_table_has_as_many_lines_as_rows_and_as_many_cells_as_heads(rows: list[tuple[str, str]]) -> None:
    lines = table(["a", "b"], rows).split("\n")
    assert len(lines) == len(rows) + 2
    assert all(line.replace("\\\\", "").replace("\\|", "").count("|") == 3 for line in lines)


def test_nothing_to_say_is_a_dash() -> None:
    assert inert(None) == inert("") == "-"


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_bar_is_as_wide_as_it_was_asked_to_be(one: float, other: float) -> None:
    drawn = bar(min(one, other), max(one, other))
    assert len(drawn) == 30
    assert "#" in drawn


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "not known"), (0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3600, "1 h 0 min"), (49 * 3600, "2 d 1 h")],
)
def test_durations_in_words(seconds: int | None, words: str) -> None:
    assert duration(seconds) == words


def test_the_summary_counts_what_is_open(calm: dict[str, Any]) -> None:
    finding = {"text": "x", "severity": "minor", "owner": "", "due": "", "status": "OPEN"}
    said = summary(calm | {"outcome": "PASS_WITH_ISSUES", "findings": [finding, finding], "exceptions": [{}]})
    assert said.endswith("; open: 1 exception, 2 findings.")


def test_the_template_lies_inside_the_package() -> None:
    """So that a wheel brings it; a process that starts elsewhere finds it."""
    code = "import runbook.records.report.rendering as r; r.markdown({}), r.html({})"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, cwd="/", check=False)
    assert done.returncode == 0
