"""What an assessor is handed: a text that explains every column and word, and is never written over another."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from runbook.records import assessor
from runbook.records.log.formats import WORDS
from runbook.records.log.testlog import COLUMNS
from tests.house.papers import paper, rows, section

README = assessor.files()[assessor.README].decode("utf-8")
VERIFIER = assessor.files()[assessor.VERIFIER].decode("utf-8")


def test_the_record_of_this_repository_carries_the_same_text() -> None:
    assert paper("compliance/README.md") == README


def test_every_column_is_explained_once_in_the_files_order_within_its_subject() -> None:
    cells = [row for row in rows(section(README, "## Every column")) if not row[0].startswith("**")]
    named = [re.findall(r"`(\w+)`", row[0]) for row in cells]
    assert sorted(column for each in named for column in each) == sorted(COLUMNS)
    assert all(each == sorted(each, key=COLUMNS.index) for each in named)
    assert all(len(row) == 2 and row[1] for row in cells)


def test_every_word_that_a_column_may_hold_is_explained() -> None:
    words = {word for said in WORDS.values() for word in said} - {"", "YES", "TRAINING", "PRACTICE"}
    assert {word for word in words if f"`{word}`" not in README} == set()


def test_a_usual_registers_six_columns_are_found_here() -> None:
    register = rows(section(README, "## Reading it"))[:6]
    assert [row[0] for row in register] == [
        "Date",
        "Type of restore",
        "Scenario",
        "Result",
        "Time taken",
        "Verified by",
    ]
    assert all(column in COLUMNS for row in register for column in re.findall(r"`(\w+)`", row[1]))


def test_it_is_short_enough_to_be_read() -> None:
    assert README.count("\n") <= 250
    assert [line for line in README.splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_the_check_fits_a_page_and_needs_nothing_but_an_old_python() -> None:
    assert VERIFIER.count("\n") <= 40
    assert max(map(len, VERIFIER.splitlines())) <= 120
    tree = ast.parse(VERIFIER, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_the_references_are_no_claims() -> None:
    text = section(README, "## What it can be filed under")
    assert {"DSPT 7.2.1", "DSPT 7.3.4", "DSPT 7.3.5", "CAF D1.c"} <= {row[0] for row in rows(text)}
    assert "no claim that a requirement is met" in text
    assert "Compare with the toolkit's own text" in text


# -- beside a log -------------------------------------------------------------------------------------------------
def test_it_is_written_beside_a_log_that_has_no_readme(tmp_path: Path) -> None:
    placed = assessor.place(tmp_path)
    assert sorted(path.name for path in placed) == [".gitattributes", "README.md", "verify_log.py"]
    assert {path.name: path.read_bytes() for path in placed}.items() >= assessor.files().items()
    assert assessor.place(tmp_path) == ()


def test_a_readme_that_is_there_stays_and_nothing_is_put_beside_it(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours", encoding="utf-8")
    assert assessor.place(tmp_path) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "ours"


@pytest.mark.parametrize("name", ["verify_log.py", ".gitattributes"])
def test_a_file_of_the_same_name_is_never_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("ours", encoding="utf-8")
    assert len(assessor.place(tmp_path)) == 2
    assert (tmp_path / name).read_text(encoding="utf-8") == "ours"


def test_a_link_that_leads_nowhere_counts_as_a_readme(tmp_path: Path) -> None:
    (tmp_path / "README.md").symlink_to(tmp_path / "elsewhere.md")
    assert assessor.place(tmp_path) == ()
    assert not (tmp_path / "elsewhere.md").exists()


def test_the_readme_is_written_last_so_that_a_crash_before_it_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(assessor, "replace_file", lambda path, _: written.append(path.name))
    assessor.place(tmp_path)
    assert written[-1] == "README.md"
