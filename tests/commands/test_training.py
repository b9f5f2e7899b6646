"""`runbook train` and `runbook resume`, from the command line to the record, over worlds in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from runbook.commands import plans
from runbook.commands.exits import ExitCode, of_outcome
from runbook.commands.places import Home
from runbook.commands.plans import Plan
from runbook.commands.training_session import TrainingSession
from runbook.engine.events import Event, Kind, Progress
from runbook.training import scenario
from tests.commands.memory_training import MemoryTraining

Said = pytest.CaptureFixture[str]
SIGNED_IN = ("271828",)  # what the practice MFA device shows
LABELS = "Amara Okafor (CTO)", "Bryn Hughes (COO)", "Chandra Nair (CEO)"


DOWNLOADED = "\n".join([*SIGNED_IN, "list of 2027-01-02", "open", "", "yes"])


def typed() -> str:
    """What a person types in a calm run; `{Amara Okafor (CTO)}` stands for her share."""
    shares = [line for label in LABELS for line in ("1", f"{{{label}}}")]
    vault = ["", "yes", "", "yes", "yes", *shares, "open"]
    return "\n".join(
        [
            *SIGNED_IN,
            "list of 2027-01-02",
            "open",
            *vault,
            "",  # the newest snapshot
            "yes",  # restored
            "yes",  # with a master password of its own
            "",  # compared in full
            "open",
            "",  # the newest image
            "yes",  # its switches off
            "yes",  # pointed at the restored layers
            "yes",  # deployed
            "open",
            "yes",
            "open",
            "yes",
            "done",
            "",
        ]
    )


# -- unattended ---------------------------------------------------------------------------------------------------
def test_a_calm_run_passes_and_leaves_its_record(training: MemoryTraining, capsys: Said) -> None:
    assert training.runbook("train", "--unattended") == ExitCode.PASS
    (folder,) = training.folders
    assert {path.name for path in folder.iterdir()} >= {
        "journal.jsonl",
        "run.json",
        "report.md",
        "report.html",
        "SHA256SUMS",
    }
    document = training.document()
    assert document["outcome"] == "PASS"
    assert set(document["criteria"].values()) == {"PASS"}
    assert [row["outcome"] for row in training.rows()] == ["PASS"]
    assert training.newest.stopped
    said = capsys.readouterr().out
    assert said.startswith("TRAINING: practice estate on this machine")
    assert "Stage 5 of 5: Connectivity (policy 3.5)" in said
    assert "OUTCOME PASS (exit 0)" in said


@pytest.mark.parametrize("each", scenario.deck(), ids=lambda each: each.name)
def test_every_scenario_of_the_deck_ends_as_it_expects(training: MemoryTraining, each: scenario.Scenario) -> None:
    assert training.runbook("train", each.name, "--unattended") == of_outcome(each.expect.outcome)
    assert training.document()["outcome"] == each.expect.outcome


def test_nothing_but_the_training_log_is_written(training: MemoryTraining, tmp_path: Path) -> None:
    training.runbook("train", "--unattended")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert [path.name for path in training.home.iterdir()] == ["training"]
    assert list(tmp_path.rglob("restoration-test-log*")) == []


def test_a_file_of_ones_own_is_walked(training: MemoryTraining, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'schema = 1\nname = "own"\ntitle = "t"\nstory = "s"\ngood_operator = "g"\n[expect]\noutcome = "PASS"\n'
        '[[faults]]\nkind = "vault-sealed"\nwhen = "checkpoint database"\n'
        '[[operator.answers]]\nat = "checkpoint database"\ndo = "open"\n'
        '[[operator.answers]]\nat = "checkpoint database"\ndo = "back"\nto = "vault.unseal"\nreason = "sealed"\n',
        encoding="utf-8",
    )
    assert training.runbook("train", str(own), "--unattended") == ExitCode.PASS
    assert training.newest.faults == [("vault-sealed", {})]
    assert training.document()["scenario"] == "own"


def test_explaining_says_why_each_step_is_there(training: MemoryTraining, capsys: Said) -> None:
    training.runbook("train", "--unattended", "--explain")
    assert (
        "why        vault.damaged-control: It shows that what answers really checks the data" in capsys.readouterr().out
    )


def test_a_secret_that_a_provider_says_back_is_masked_and_is_a_finding(training: MemoryTraining, capsys: Said) -> None:
    secret = "practice-secret-id"  # asked for at vault.login
    training.prepare = lambda world: setattr(
        world.edge, "zone_state", replace(world.edge.zone_state, name_servers=(f"{secret}.ns.test",))
    )
    assert training.runbook("train", "--unattended") == ExitCode.PASS_WITH_ISSUES
    assert "a secret was masked in observed" in training.document()["findings"][0]["text"]
    assert [path for path in training.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []


def test_a_secret_that_was_recorded_before_it_was_known_is_masked_once_it_is(training: MemoryTraining) -> None:
    secret = "practice-secret-id"  # said back at identity.aws-account, before the run held it
    training.prepare = lambda world: setattr(world.account, "caller", f"{world.account.caller}/{secret}")
    assert training.runbook("train", "--unattended") == ExitCode.PASS_WITH_ISSUES
    texts = [finding["text"] for finding in training.document()["findings"]]
    assert [text for text in texts if text.startswith("a secret was masked in journal.jsonl, line ")] == texts
    assert [path for path in training.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []


# -- with a person ------------------------------------------------------------------------------------------------
def test_without_a_terminal_a_run_is_line_by_line_and_custodians_can_be_called(
    training: MemoryTraining, capsys: Said
) -> None:
    lines = typed().splitlines()
    lines = ["call amara" if line == "{Amara Okafor (CTO)}" else line for line in lines]
    status = training.runbook("train", typed="\n".join(lines))
    said = capsys.readouterr()
    assert "Amara Okafor (CTO) reads out: " in said.out
    assert status == ExitCode.HANGUP  # the lines do not fit any more: input ends while an answer is needed
    assert "runbook resume" in said.err


def test_a_run_whose_input_ended_goes_on_with_the_next_lines(training: MemoryTraining, capsys: Said) -> None:
    assert training.runbook("train", "--plain", typed=f"{DOWNLOADED}\n") == ExitCode.HANGUP
    assert not training.newest.stopped
    shares = {label: secret.reveal() for label, secret in training.newest.world.custodians().items()}
    rest = "\n".join([*SIGNED_IN, typed().removeprefix(f"{DOWNLOADED}\n")])  # the session died with its process
    for label in LABELS:
        rest = rest.replace(f"{{{label}}}", shares[label])
    assert training.runbook("resume", "--plain", typed=rest) == ExitCode.PASS
    assert "Resumed: the world is looked at first" in capsys.readouterr().out
    assert training.document()["outcome"] == "PASS"
    assert len(training.folders) == 1


@pytest.mark.parametrize(("way", "other"), [("--plain", "--unattended"), ("--unattended", "--plain")])
def test_attended_or_not_is_part_of_the_run(training: MemoryTraining, way: str, other: str, capsys: Said) -> None:
    training.runbook("train", way, typed="open\n")
    if way == "--unattended":
        training.keep_only(40)
    capsys.readouterr()
    assert training.runbook("resume", other) == ExitCode.WRONG_USE
    assert "and stays so" in capsys.readouterr().err


# -- killed -------------------------------------------------------------------------------------------------------
def test_an_unfinished_run_is_ended_and_recorded_when_a_new_one_is_started(
    training: MemoryTraining, capsys: Said
) -> None:
    training.runbook("train", "--plain", typed="open\nyes\n")
    assert training.runbook("train", "--unattended") == ExitCode.PASS
    assert [row["outcome"] for row in training.rows()] == ["ABORTED", "PASS"]
    assert [training.document(number)["outcome"] for number in (0, 1)] == ["ABORTED", "PASS"]
    assert "ended as ABORTED" in capsys.readouterr().out


def test_a_run_whose_practice_estate_is_gone_is_ended_when_it_is_resumed(training: MemoryTraining) -> None:
    training.runbook("train", "--plain", typed="open\nyes\n")
    training.newest.stop()
    assert training.runbook("resume", "--plain") == ExitCode.ABORTED
    assert training.document()["outcome"] == "ABORTED"
    assert list(training.folders[0].glob("private/*")) == []


def test_a_run_that_was_killed_before_its_record_is_recorded_by_the_next(training: MemoryTraining) -> None:
    training.runbook("train", "--unattended")
    training.keep_only(10_000)
    for name in ("training-log.csv", "training-log.head"):
        (training.home / "training" / name).unlink()
    training.runbook("train", "--unattended")
    assert len(training.rows()) == 2


@pytest.mark.parametrize("lost", [(), ("SHA256SUMS", "run.json", "report.md", "report.html")])
def test_resume_completes_the_record_of_a_run_that_ended_and_was_killed(
    training: MemoryTraining, lost: tuple[str, ...], capsys: Said
) -> None:
    training.runbook("train", "--unattended")
    (folder,) = training.folders
    for name in ("../training-log.csv", "../training-log.head", *lost):
        (folder / name).unlink()
    capsys.readouterr()
    assert training.runbook("resume", "--unattended") == ExitCode.PASS
    assert "OUTCOME PASS" in capsys.readouterr().out
    assert [row["outcome"] for row in training.rows()] == ["PASS"]
    assert (folder / "SHA256SUMS").exists()


def test_two_at_once_on_one_home_are_refused(training: MemoryTraining, capsys: Said) -> None:
    from runbook.commands.places import Home

    with Home(training.home).locked():
        assert training.runbook("train", "--unattended") == ExitCode.WRONG_USE
    assert "another training run is under way" in capsys.readouterr().err
    assert training.estates == {}


def test_a_home_in_which_nothing_can_be_written_is_named(training: MemoryTraining, capsys: Said) -> None:
    training.home.parent.mkdir(parents=True, exist_ok=True)
    training.home.write_text("a file where a folder has to be")
    assert training.runbook("train", "--unattended") == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert f"{training.home / 'training'} cannot be written: Not a directory" in said
    assert "--home DIR" in said
    assert training.estates == {}


def test_there_is_nothing_to_resume_on_a_fresh_home(training: MemoryTraining, capsys: Said) -> None:
    assert training.runbook("resume") == ExitCode.WRONG_USE
    assert "there is no unfinished run" in capsys.readouterr().err


def test_an_ended_run_is_not_resumed(training: MemoryTraining, capsys: Said) -> None:
    training.runbook("train", "--unattended")
    assert training.runbook("resume", training.folders[0].name, "--unattended") == ExitCode.WRONG_USE
    assert "ended with PASS: it cannot be resumed" in capsys.readouterr().err


def test_a_run_of_another_procedure_is_not_resumed(
    training: MemoryTraining, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    training.runbook("train", "--plain", typed="open\n")
    monkeypatch.setattr("runbook.commands.plans.policy_hash", lambda _: "another")
    assert training.runbook("resume", "--plain") == ExitCode.WRONG_USE
    assert "begun under another policy and procedure" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("resume", "../../etc"), ("resume", "nothing"), ("report", "nothing")])
def test_a_run_id_is_no_path(training: MemoryTraining, command: tuple[str, ...]) -> None:
    assert training.runbook(*command) == ExitCode.WRONG_USE


def test_whoever_begins_to_listen_in_the_middle_hears_the_rest(training: MemoryTraining) -> None:
    """A dialogue that is opened during the run: what custodians enter elsewhere is told to it."""
    session = TrainingSession(Home(training.home), Plan(plans.chosen("calm"), seed=1, attended=False))
    late: list[object] = []

    def first(said: object) -> None:
        if isinstance(said, Event) and said.kind is Kind.CHECKPOINT and not late:
            late.append(said)
            session.subscribe(late.append)

    session.subscribe(first)
    ending = asyncio.run(session.walk(None))
    assert ending.outcome == "PASS"
    assert isinstance(late[-1], Progress) or getattr(late[-1], "kind", None) is Kind.ENDED
    assert len(late) > 50
