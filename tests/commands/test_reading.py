"""Commands that only read and print, and how every error becomes a sentence and an exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook import __version__, cli
from runbook.commands import status
from runbook.commands.exits import ExitCode, of_outcome
from runbook.engine.errors import LayerFailed, NoVerdict, OperatorGone, RecordFailed, Refused, WrongUse
from runbook.engine.outcome import Outcome
from runbook.training import faults, scenario
from tests.commands.memory_training import MemoryTraining

Said = pytest.CaptureFixture[str]


# -- scenarios ----------------------------------------------------------------------------------------------------
def test_listing_names_every_scenario_and_every_fault(training: MemoryTraining, capsys: Said) -> None:
    assert training.runbook("train", "--list") == ExitCode.PASS
    said = capsys.readouterr().out
    assert [name for name in (*faults.known(), *(each.name for each in scenario.deck())) if name not in said] == []


def test_checking_a_good_file_says_so(training: MemoryTraining, tmp_path: Path, capsys: Said) -> None:
    good = tmp_path / "good.toml"
    good.write_text(
        'schema = 1\nname = "good"\ntitle = "t"\nstory = "s"\ngood_operator = "g"\n[expect]\noutcome = "PASS"\n',
        encoding="utf-8",
    )
    assert training.runbook("train", "--check", str(good)) == ExitCode.PASS
    assert "good: 0 faults, expected PASS: well formed" in capsys.readouterr().out


def test_checking_a_bad_file_names_file_line_key_and_fix(
    training: MemoryTraining, tmp_path: Path, capsys: Said
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('schema = 1\nname = "bad"\ntitle = "t"\nstory = "s"\n', encoding="utf-8")
    assert training.runbook("train", "--check", str(bad)) == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert f"runbook: {bad}: line 1: good_operator: is missing" in said
    assert "  fix: Put these right and try again." in said


def test_an_unknown_scenario_is_wrong_usage_and_starts_nothing(training: MemoryTraining, capsys: Said) -> None:
    assert training.runbook("train", "stormy", "--unattended") == ExitCode.WRONG_USE
    assert "there is no scenario called stormy" in capsys.readouterr().err
    assert training.estates == {}


# -- status, report, home -----------------------------------------------------------------------------------------
def test_a_fresh_home_says_how_to_begin(training: MemoryTraining, capsys: Said) -> None:
    assert training.runbook() == ExitCode.PASS
    assert "Nothing was ever run here. Begin with: runbook train" in capsys.readouterr().out


def test_status_lists_runs_newest_first_and_what_is_unfinished(training: MemoryTraining, capsys: Said) -> None:
    training.runbook("train", "--unattended")
    training.clock.advance(3600)
    training.runbook("train", "wrong-share", "--plain", typed="open\n")
    capsys.readouterr()
    training.runbook("status")
    first, second = capsys.readouterr().out.splitlines()
    assert "wrong-share" in first
    assert "UNFINISHED: runbook resume" in first
    assert "PASS" in second


def test_status_is_one_json_document_when_asked(training: MemoryTraining, capsys: Said) -> None:
    training.runbook("train", "--unattended")
    capsys.readouterr()
    training.runbook("status", "--json")
    document = json.loads(capsys.readouterr().out)
    assert [run["outcome"] for run in document["runs"]] == ["PASS"]
    assert document["unfinished"] == []


def test_a_damaged_journal_is_shown_as_damaged(training: MemoryTraining, capsys: Said) -> None:
    training.runbook("train", "--unattended")
    journal = training.folders[0] / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"PASS", b"FAIL", 1))
    capsys.readouterr()
    assert training.runbook("status") == ExitCode.PASS
    assert "DAMAGED" in capsys.readouterr().out


def test_a_report_is_printed_or_written(training: MemoryTraining, tmp_path: Path, capsys: Said) -> None:
    training.runbook("train", "--unattended")
    run = training.folders[0].name
    capsys.readouterr()
    training.runbook("report", run)
    printed = capsys.readouterr().out
    training.runbook("report", run, "-o", str(tmp_path / "report.md"))
    assert printed == (tmp_path / "report.md").read_text(encoding="utf-8")
    training.runbook("report", run, "--format", "json")
    assert json.loads(capsys.readouterr().out)["outcome"] == "PASS"


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["train", "--help"]])
def test_help_and_version_end_well(words: list[str], capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 0
    assert capsys.readouterr().out


def test_the_version_is_printed(capsys: Said) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"runbook {__version__}\n"


@pytest.mark.parametrize(
    "words", [["drill", "--force"], ["train", "--plain", "--unattended"], ["train", "--force"], ["--skip"]]
)
def test_what_is_not_there_is_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == ExitCode.WRONG_USE


def test_home_stands_before_or_after_the_command(tmp_path: Path, capsys: Said) -> None:
    for words in (["--home", str(tmp_path), "status"], ["status", "--home", str(tmp_path)]):
        assert cli.main(words) == ExitCode.PASS
    assert capsys.readouterr().out.count("Nothing was ever run here") == 2


def test_home_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setenv("RUNBOOK_HOME", str(tmp_path))
    assert cli.main(["status"]) == ExitCode.PASS
    assert "Nothing was ever run here" in capsys.readouterr().out


# -- errors -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUse("wrong"), ExitCode.WRONG_USE),
        (Refused("no"), ExitCode.REFUSED),
        (RecordFailed("full"), ExitCode.NOT_RECORDED),
        (NoVerdict("down"), ExitCode.INCONCLUSIVE),
        (LayerFailed("damaged"), ExitCode.FAIL),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    ],
)
def test_every_error_has_its_exit_status(
    error: BaseException, code: ExitCode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert failing_with(error, monkeypatch, tmp_path) == code


def test_an_unexpected_error_is_one_line_without_its_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Said
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert failing_with(ValueError("s3cret"), monkeypatch, tmp_path) == ExitCode.UNEXPECTED
    said = capsys.readouterr()
    assert said.err.startswith("runbook: unexpected ValueError; the details are in ")
    (log,) = tmp_path.glob("runbook-*.log")
    assert "s3cret" not in said.out + said.err + log.read_text(encoding="utf-8")


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch, home: Path) -> int:
    def run(_: object) -> int:
        raise error

    monkeypatch.setattr(status, "run", run)
    return cli.main(["status", "--home", str(home)])


def test_every_outcome_has_an_exit_status_of_its_own() -> None:
    assert [int(of_outcome(outcome)) for outcome in Outcome] == [1, 3, 5, 6, 0]
    assert len({*ExitCode}) == len(ExitCode.__members__)


def test_the_help_tells_every_exit_status(capsys: Said) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    known = [code for code in ExitCode if code is not ExitCode.UNEXPECTED]
    assert [code for code in known if f"{int(code)}" not in said] == []


def test_the_tree_of_errors_is_drawn_where_it_begins() -> None:
    from runbook.engine import errors

    kinds = (NoVerdict, LayerFailed, Refused, RecordFailed, WrongUse, OperatorGone)
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in kinds if kind.__name__ not in errors.__doc__] == []


def test_a_configuration_that_is_wrong_keeps_nobody_from_looking_or_training(
    training: MemoryTraining, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / "runbook.toml"
    broken.write_text("[platform]\nnmae = 'Clinic'\n", encoding="utf-8")
    training.runbook("train", "--unattended")
    for command in (["status"], ["resume"]):
        capsys.readouterr()
        assert training.runbook(*command, "--config", str(broken)) == ExitCode.WRONG_USE
        said = capsys.readouterr()
        assert f"{broken} cannot be used" in said.err
        assert "Traceback" not in said.err
    assert training.runbook("drill", "--plain", "--config", str(broken)) == ExitCode.WRONG_USE
    assert "line 2: platform.nmae" in capsys.readouterr().err


def test_whoever_watches_the_status_is_not_told_that_all_is_well_by_a_mistake(
    training: MemoryTraining, capsys: Said, tmp_path: Path
) -> None:
    (broken := tmp_path / "runbook.toml").write_text("[platform]\nnmae = 'Clinic'\n", encoding="utf-8")
    for path in (broken, tmp_path / "nothing.toml"):
        assert training.runbook("status", "--config", str(path)) == ExitCode.WRONG_USE
        assert "Nothing was ever run here" not in capsys.readouterr().out
        assert training.runbook("status", "--json", "--config", str(path)) == ExitCode.WRONG_USE
        document = json.loads(capsys.readouterr().out)
        assert document["trouble"].startswith(f"{path} cannot be used")
        assert document["restoration"] is None
