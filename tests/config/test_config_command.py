"""`runbook config init | check | show`, as it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook import cli
from runbook.config import example
from tests.config.test_example import answers
from tests.support import runbook_toml


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which no other configuration is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNBOOK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return tmp_path


class Terminal:
    """A terminal at which these lines are typed, and then nothing more."""

    def __init__(self, lines: list[str]) -> None:
        self.asked: list[str] = []
        self._lines = iter(lines)

    def read(self, prompt: str = "") -> str:
        self.asked.append(prompt)
        line = next(self._lines, None)
        if line is None:
            raise EOFError
        return line


def at(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> Terminal:
    terminal = Terminal(lines)
    monkeypatch.setattr("builtins.input", terminal.read)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    return terminal


# -- init ---------------------------------------------------------------------------------------------------------
def test_without_a_terminal_the_example_is_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "init"]) == 0
    assert (here / "runbook.toml").read_text(encoding="utf-8") == example.text()
    assert "things are still to be put right" in capsys.readouterr().out
    assert cli.main(["config", "check"]) == 2
    assert "line 10: platform.name: is still the placeholder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["runbook.toml", "other.toml"])
def test_what_exists_is_never_overwritten(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / name).write_text("mine", encoding="utf-8")
    assert cli.main(["config", "init", "--config", name]) == 2
    assert (here / name).read_text(encoding="utf-8") == "mine"
    assert "is not overwritten" in capsys.readouterr().err


def test_a_link_that_leads_nowhere_is_not_written_through(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runbook.toml").symlink_to(here / "elsewhere.toml")
    assert cli.main(["config", "init"]) == 2
    assert [path.name for path in here.iterdir()] == ["runbook.toml"]
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_a_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "init", "--config", "nowhere/runbook.toml"]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_on_a_terminal_every_value_is_asked_for(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = at(monkeypatch, list(answers().values()))
    assert cli.main(["config", "init"]) == 0
    assert len(terminal.asked) == len(example.questions())
    assert "still to be put right" not in capsys.readouterr().out
    assert cli.main(["config", "check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"{here}/runbook.toml: nothing is wrong\n")


def test_a_pasted_secret_is_asked_for_again_and_not_written(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at(monkeypatch, ["AKIAIOSFODNN7EXAMPLE", "The Clinic"])
    assert cli.main(["config", "init"]) == 0
    written = (here / "runbook.toml").read_text(encoding="utf-8")
    assert 'name = "The Clinic"' in written
    assert "AKIA" not in written
    assert "secrets never stand in this file" in capsys.readouterr().out


def test_the_end_of_input_leaves_the_rest_open(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, ["The Clinic"])
    assert cli.main(["config", "init"]) == 0
    written = (here / "runbook.toml").read_text(encoding="utf-8")
    assert 'name = "The Clinic"' in written
    assert "<openbao or vault>" in written


def test_an_interrupted_question_writes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, [])

    def interrupted(_prompt: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert cli.main(["config", "init"]) == 130
    assert list(here.iterdir()) == []


# -- check --------------------------------------------------------------------------------------------------------
def test_a_good_file_is_said_to_be_good_with_what_is_worth_knowing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "runbook.toml").write_text(runbook_toml.text(), encoding="utf-8")
    assert cli.main(["config", "check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[0] == f"{here}/runbook.toml: nothing is wrong"
    assert "  note: a rehearsal (drill --unattended) ends INCONCLUSIVE at vault.unseal" in out


@pytest.mark.parametrize("action", ["check", "show"])
def test_without_a_file_there_is_a_way_out(action: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", action]) == 2
    assert "`runbook config init` writes one" in capsys.readouterr().err


# -- show ---------------------------------------------------------------------------------------------------------
def test_what_holds_is_shown_with_its_file_and_its_environments(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runbook.toml").write_text(runbook_toml.text(), encoding="utf-8")
    assert cli.main(["config", "show"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[:4] == [
        f"file: {here}/runbook.toml",
        "drill: acts on staging",
        "rehearsal: acts on staging",
        "recovery: acts on production",
    ]
    assert "staging.vault.address = https://127.0.0.1:8210" in lines
    assert "production.database.prefix = recovered" in lines


def test_a_value_cannot_write_on_the_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runbook.toml").write_text(runbook_toml.text(**{"platform.name": "a\x1b[31m\u202eb\nc"}), encoding="utf-8")
    assert cli.main(["config", "show"]) == 0
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def test_a_file_that_is_wrong_is_not_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runbook.toml").write_text(runbook_toml.text(**{"platform.token": "sesame"}), encoding="utf-8")
    assert cli.main(["config", "show"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "secrets never stand in this file" in err
    assert "sesame" not in err
