"""`runbook report`: the sealed files of a run, printed or written, and never over anything."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from runbook.commands.exits import ExitCode
from tests.commands.memory_training import MemoryTraining

Said = pytest.CaptureFixture[str]
FILES = {"md": "report.md", "json": "run.json", "html": "report.html"}


@pytest.fixture
def run(training: MemoryTraining, capsys: Said) -> str:
    """A recorded run's id."""
    training.runbook("train", "--unattended")
    capsys.readouterr()
    return training.folders[0].name


@pytest.fixture
def recorded(training: MemoryTraining, run: str) -> Path:
    """Its folder."""
    return training.folders[0]


def reported(training: MemoryTraining, capsys: Said, *arguments: str) -> tuple[int, str, str]:
    code = training.runbook("report", *arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_each_format_is_the_sealed_file_as_it_is(
    training: MemoryTraining, recorded: Path, tmp_path: Path, capsys: Said
) -> None:
    (recorded / "report.html").write_text("<p>as it was sealed</p>\n", encoding="utf-8")
    for form, name in FILES.items():
        copy = tmp_path / name
        code, out, _ = reported(training, capsys, recorded.name, "--format", form)
        assert (code, out) == (ExitCode.PASS, (recorded / name).read_text(encoding="utf-8"))
        reported(training, capsys, recorded.name, "--format", form, "-o", str(copy))
        assert copy.read_bytes() == (recorded / name).read_bytes()


def test_markdown_is_what_is_printed_without_a_word(training: MemoryTraining, recorded: Path, capsys: Said) -> None:
    _, out, _ = reported(training, capsys, recorded.name)
    assert out.startswith("# Restoration training: PASS\n")


def test_an_older_run_without_a_page_gets_one_and_its_folder_stays(
    training: MemoryTraining, recorded: Path, capsys: Said
) -> None:
    (recorded / "report.html").unlink(missing_ok=True)
    before = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in recorded.iterdir()}
    code, out, _ = reported(training, capsys, recorded.name, "--format", "html")
    assert code == ExitCode.PASS
    assert out.startswith("<!DOCTYPE html>")
    assert "Witness code: " in out
    assert {path.name: hashlib.sha256(path.read_bytes()).digest() for path in recorded.iterdir()} == before


def test_it_is_written_twice_but_never_over_something_else(
    training: MemoryTraining, run: str, tmp_path: Path, capsys: Said
) -> None:
    target = tmp_path / "report.md"
    for _ in range(2):
        assert reported(training, capsys, run, "-o", str(target))[0] == ExitCode.PASS
    target.write_text("my notes", encoding="utf-8")
    code, _, said = reported(training, capsys, run, "-o", str(target))
    assert (code, target.read_text(encoding="utf-8")) == (ExitCode.WRONG_USE, "my notes")
    assert f"{target} exists, and holds something else" in said


def test_nothing_is_added_to_a_sealed_folder(training: MemoryTraining, recorded: Path, capsys: Said) -> None:
    for name in ("copy.md", "../" + recorded.name + "/copy.md"):
        code, _, said = reported(training, capsys, recorded.name, "-o", str(recorded / name))
        assert (code, "the run's sealed folder" in said) == (ExitCode.WRONG_USE, True)
    assert not (recorded / "copy.md").exists()


@pytest.mark.parametrize("place", ["nowhere/report.md", "."])
def test_a_place_that_cannot_be_written_is_a_sentence(
    training: MemoryTraining, run: str, tmp_path: Path, capsys: Said, place: str
) -> None:
    code, _, said = reported(training, capsys, run, "-o", str(tmp_path / place))
    assert code == ExitCode.WRONG_USE
    assert f"{tmp_path / place} cannot be written: " in said


@pytest.mark.parametrize("form", FILES)
def test_what_a_run_did_not_leave_is_wrong_use(
    training: MemoryTraining, recorded: Path, form: str, capsys: Said
) -> None:
    for name in FILES.values():
        (recorded / name).unlink(missing_ok=True)
    code, out, said = reported(training, capsys, recorded.name, "--format", form)
    assert (code, out) == (ExitCode.WRONG_USE, "")
    assert f"{recorded.name} left no {FILES[form]}" in said


def test_a_link_in_its_place_is_not_followed(
    training: MemoryTraining, recorded: Path, tmp_path: Path, capsys: Said
) -> None:
    (tmp_path / "other").write_text("another file", encoding="utf-8")
    (recorded / "report.md").unlink()
    (recorded / "report.md").symlink_to(tmp_path / "other")
    code, out, _ = reported(training, capsys, recorded.name)
    assert (code, out) == (ExitCode.NOT_RECORDED, "")
