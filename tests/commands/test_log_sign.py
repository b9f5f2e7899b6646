"""`runbook log sign`: somebody else than the operator signs a recorded run off, and how that is shown."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from runbook.commands.exits import ExitCode
from runbook.engine.errors import RecordFailed
from runbook.records.evidence import sealing
from runbook.records.log.appending import LogFile
from runbook.records.log.logs import TestLog
from tests.commands.recorded import DRILL, OPERATOR, SIGNERS, TRAINING, WITNESS, Killed, Recorded, code_of, killed
from tests.records.signoff.keys import METHODS, key, needs_ssh

Said = pytest.CaptureFixture[str]
OWN = f"{DRILL}.signoff-1"
CY = ("--name", "Cy Example", "--role", "director")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(tmp_path, monkeypatch)


# -- by code ------------------------------------------------------------------------------------------------------
def test_the_code_of_their_report_signs_a_drill_off(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, *CY, "--code", code.lower().replace("-", " ")) == ExitCode.PASS
    run, row = recorded.rows()
    assert (row["record_type"], row["run_id"], row["refers_to"]) == ("SIGNOFF", OWN, DRILL)
    assert (row["signoff"], row["signoff_name"], row["signed_at"][:10]) == ("SIGNED", "Cy Example", "2027-01-16")
    assert (row["outcome"], row["evidence_path"]) == (run["outcome"], f"evidence/{OWN}")
    said = capsys.readouterr().out
    assert "SIGNED by Cy Example (director), shown by CODE" in said
    assert f"head 2:{row['row_hash'].removeprefix('sha256:')[:8]}" in said
    assert "Next: commit the log, its head file and that folder together." in said


def test_what_was_signed_is_sealed_beside_the_runs_evidence(recorded: Recorded) -> None:
    code = code_of(recorded.drill())
    recorded.log("sign", DRILL, *CY, "--code", code, "--because", "read with the board")
    run, row = recorded.rows()
    document = recorded.document(OWN, "signoff.json")
    assert document["signer"] == {"name": "Cy Example", "role": "director"}
    assert (document["decision"], document["because"], document["method"]) == ("SIGNED", "read with the board", "CODE")
    assert document["signed"]["rows"] == [{"run_id": DRILL, "row_hash": run["row_hash"]}]
    assert document["signed"]["evidence_digest"] == run["evidence_digest"]
    assert "does not show who they were" in document["shows"]
    assert document["keyboard"]["account"]
    assert code not in (recorded.folder(OWN) / "signoff.json").read_text(encoding="utf-8")
    sums = (recorded.folder(OWN) / "SHA256SUMS").read_bytes()
    assert row["evidence_digest"] == "sha256:" + hashlib.sha256(sums).hexdigest()
    assert [line.split(b"  ")[1] for line in sums.splitlines()] == [b"signoff.json", b"statement.txt"]


def test_the_witness_may_sign_and_their_role_is_known(recorded: Recorded) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, "--name", WITNESS, "--code", code) == ExitCode.PASS
    assert recorded.document(OWN, "signoff.json")["signer"]["role"] == "auditor"


def test_a_training_run_is_signed_off_the_same_way_into_its_own_log(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.training())
    assert recorded.log("sign", TRAINING, *CY, "--code", code) == ExitCode.PASS
    assert [row["record_type"] for row in recorded.rows(TRAINING)] == ["RUN", "SIGNOFF"]
    assert (recorded.folder(f"{TRAINING}.signoff-1") / "SHA256SUMS").is_file()
    assert "This is practice" in capsys.readouterr().out
    assert not recorded.platform.compliance.exists()


def test_somebody_may_decline_and_says_why(recorded: Recorded) -> None:
    code = code_of(recorded.drill())
    declined = ("--declined", "--because", "the contact list is old")
    assert recorded.log("sign", DRILL, *CY, "--code", code, *declined) == ExitCode.PASS
    assert recorded.rows()[1]["signoff"] == "DECLINED"
    statement = (recorded.folder(OWN) / "statement.txt").read_text(encoding="utf-8")
    assert "does not accept its record" in statement
    assert "because: the contact list is old" in statement


def test_who_declined_may_sign_later_and_then_it_is_signed(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    recorded.log("sign", DRILL, *CY, "--code", code, "--declined", "--because", "not read yet")
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.PASS
    assert [row["signoff"] for row in recorded.rows()] == ["PENDING", "DECLINED", "SIGNED"]
    capsys.readouterr()
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.REFUSED
    assert "nothing was corrected since" in capsys.readouterr().err
    assert not recorded.folder(f"{DRILL}.signoff-3").exists()


def test_a_wrong_code_is_refused_and_writes_nothing(recorded: Recorded, capsys: Said) -> None:
    recorded.drill()
    assert recorded.log("sign", DRILL, *CY, "--code", "0000-0000") == ExitCode.REFUSED
    assert "that is not the witness code" in capsys.readouterr().err
    assert recorded.untouched


def test_what_was_corrected_while_they_read_is_not_signed_unseen(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    code, named = code_of(recorded.drill()), TestLog.next_name
    sealed = {"evidence_path": f"evidence/{DRILL}.amendment-1", "evidence_digest": "sha256:" + "00" * 32}

    def meanwhile(log: TestLog, run_id: str, kind: str) -> str:
        monkeypatch.setattr(TestLog, "next_name", named)
        own = named(log, run_id, kind)
        log.correct(DRILL, {"scenario": "another disaster"}, own=f"{DRILL}.amendment-1", **sealed)
        return own

    monkeypatch.setattr(TestLog, "next_name", meanwhile)
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.REFUSED
    assert "was recorded of that run meanwhile" in capsys.readouterr().err
    assert [row["record_type"] for row in recorded.rows()] == ["RUN", "AMENDMENT"]
    assert not list(recorded.home.pending.glob("*"))


# -- on a terminal ------------------------------------------------------------------------------------------------
def test_on_a_terminal_it_asks_for_what_is_missing(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, typed=f"Cy Example\ndirector\n{code}\n") == ExitCode.PASS
    assert recorded.rows()[1]["signoff_name"] == "Cy Example"
    assert "The witness code that Cy Example reads out" in capsys.readouterr().out


def test_a_code_may_be_misheard_twice(recorded: Recorded) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, *CY, typed=f"0000-0000\n1111 1111\n{code}\n") == ExitCode.PASS


def test_the_third_wrong_code_is_the_last(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, *CY, typed=f"0\n1\n2\n{code}\n") == ExitCode.REFUSED
    assert "1 try left" in capsys.readouterr().out
    assert recorded.untouched


@pytest.mark.parametrize("typed", ["stop\n", "Cy Example\nstop\n", "Cy Example\ndirector\nstop\n", "Cy Example\n"])
def test_stopping_at_any_question_writes_nothing(recorded: Recorded, typed: str) -> None:
    recorded.drill()
    assert recorded.log("sign", DRILL, typed=typed) == ExitCode.WRONG_USE
    assert recorded.untouched


def test_what_is_shown_fits_a_small_terminal(recorded: Recorded, capsys: Said) -> None:
    long = "a very long word and more of them, " * 40
    finding = {"text": long, "severity": "major", "owner": "", "due": "", "status": "OPEN"}
    exception = {"what": long, "why": long, "who": OPERATOR}
    open_ones = {"findings": [finding] * 9, "exceptions": [exception] * 9, "outcome": "PASS_WITH_ISSUES"}
    code = code_of(recorded.drill(scenario=long, summary=long, **open_ones))
    recorded.log("sign", DRILL, *CY, "--code", code)
    lines = capsys.readouterr().out.partition("\nSIGNED by")[0].split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    said = "\n".join(lines)
    for wanted in (DRILL, "PASS_WITH_ISSUES", OPERATOR, WITNESS, "9 open", "1 major", "and 6 more", "report:"):
        assert wanted in said


# -- what is refused ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [OPERATOR, "pat example", " Pat  Example ", "\uff30\uff21\uff34 Example"])
def test_the_operator_signs_nothing_off(recorded: Recorded, capsys: Said, name: str) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, "--name", name, "--role", "CTO", "--code", code) == ExitCode.REFUSED
    assert f"{OPERATOR} ran it: a sign-off is somebody else's" in capsys.readouterr().err
    assert recorded.untouched


def test_nor_does_whoever_went_on_with_the_run(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill(handovers=[{"at": "2027-01-15T10:10:00Z", "by": "Cy Example", "host": "b"}]))
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.REFUSED
    assert "Cy Example ran it" in capsys.readouterr().err


def test_nobody_signs_nothing(recorded: Recorded) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, "--name", "none", "--role", "x", "--code", code) == ExitCode.WRONG_USE


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ((), "--name, --role, --code or --signature"),
        (("--name", WITNESS), "--code or --signature"),
        (("--name", "Cy Example", "--code", "x"), "--role"),
        ((*CY, "--code", "x", "--declined"), "--because"),
        (("--statement",), "--name, --role"),
    ],
)
def test_without_a_terminal_every_missing_option_is_named(
    recorded: Recorded, capsys: Said, options: Sequence[str], missing: str
) -> None:
    recorded.drill()
    assert recorded.log("sign", DRILL, *options) == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert said.splitlines()[0].endswith(f"are missing: {missing}")
    assert recorded.untouched


@pytest.mark.parametrize(
    "options",
    [
        ("--name", "x" * 121),
        ("--name", "two\nlines"),
        ("--name", "\x1b[31mred"),
        ("--name", ""),
        ("--name", "Cy", "--role", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
        (*CY, "--because", "b" * 301),
        (*CY, "-o", "x"),
        (*CY, "--public-key", "x"),
        (*CY, "--signature", "x"),
    ],
)
def test_what_cannot_stand_in_a_record_is_wrong_use(recorded: Recorded, options: Sequence[str]) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, "--role", "r", "--code", code, *options) == ExitCode.WRONG_USE
    assert recorded.untouched


def test_a_run_that_is_not_recorded_is_wrong_use(recorded: Recorded, capsys: Said) -> None:
    assert recorded.log("sign", DRILL, *CY, "--code", "x") == ExitCode.WRONG_USE
    assert f"{DRILL} has no row in restoration-test-log.csv" in capsys.readouterr().err
    recorded.drill()
    assert recorded.log("sign", DRILL.replace("7f3a", "7f3b"), *CY, "--code", "x") == ExitCode.WRONG_USE
    assert recorded.log("sign", "../drill", *CY, "--code", "x") == ExitCode.WRONG_USE
    assert recorded.untouched


def test_evidence_that_was_changed_is_not_signed(recorded: Recorded, capsys: Said) -> None:
    folder = recorded.drill()
    code = code_of(folder)
    (folder / "report.md").write_text("# Another report\n", encoding="utf-8")
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.NOT_RECORDED
    assert "EVIDENCE_ALTERED" in capsys.readouterr().err
    assert recorded.untouched


def test_a_damaged_log_takes_no_signature(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    log = recorded.platform.log(recorded.home).path
    before = log.read_bytes().replace(b'"auditor"', b'"engineer"')
    log.write_bytes(before)
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.NOT_RECORDED
    assert "ROW_ALTERED" in capsys.readouterr().err
    assert log.read_bytes() == before
    assert not recorded.folder(OWN).exists()


def test_a_clock_that_is_behind_the_run_signs_nothing(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    recorded.clock.step(-200 * 24 * 3600)
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.REFUSED
    assert recorded.untouched


# -- between folder and row ---------------------------------------------------------------------------------------
def test_a_crash_between_the_folder_and_its_row_is_passed_over(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_of(recorded.drill())
    with monkeypatch.context() as crash:
        crash.setattr(TestLog, "sign", killed)
        with pytest.raises(Killed):
            recorded.log("sign", DRILL, *CY, "--code", code)
    assert recorded.left() == (1, [DRILL, OWN])
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.PASS
    assert recorded.rows()[1]["run_id"] == f"{DRILL}.signoff-2"


def test_a_crash_within_the_folder_is_passed_over_too(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    code = code_of(recorded.drill())
    with monkeypatch.context() as crash:
        crash.setattr(sealing, "seal", killed)
        with pytest.raises(Killed):
            recorded.log("sign", DRILL, *CY, "--code", code)
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.PASS
    assert recorded.rows()[1]["run_id"] == f"{DRILL}.signoff-2"


def test_a_row_that_could_not_be_written_waits_and_is_brought_in_before_anything_else(
    recorded: Recorded, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_of(recorded.drill())
    with monkeypatch.context() as full:
        full.setattr(LogFile, "_put", _full)
        assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.NOT_RECORDED
    assert "the row is kept in pending" in capsys.readouterr().err
    assert len(recorded.rows()) == 1
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.REFUSED
    said = capsys.readouterr().err
    assert "A row that waited is row 2 of restoration-test-log.csv now." in said
    assert "nothing was corrected since" in said
    assert [row["run_id"] for row in recorded.rows()] == [DRILL, OWN]


def _full(*_: object, **__: object) -> None:
    raise RecordFailed("the disk is full")


# -- by signature -------------------------------------------------------------------------------------------------
def _statement(recorded: Recorded, capsys: Said, *options: str) -> bytes:
    capsys.readouterr()
    assert recorded.log("sign", DRILL, "--statement", *options) == ExitCode.PASS
    return capsys.readouterr().out.encode("utf-8")


@pytest.mark.parametrize("method", METHODS)
def test_a_key_that_was_given_on_the_spot_signs_and_is_said_to_be_that(
    recorded: Recorded, capsys: Said, method: str, tmp_path: Path
) -> None:
    recorded.drill()
    theirs, signed = key(tmp_path, method), tmp_path / "signature"
    signed.write_bytes(theirs.signature(_statement(recorded, capsys, *CY)))
    by = ("--signature", str(signed), "--public-key", str(theirs.public_file))
    assert recorded.log("sign", DRILL, *CY, *by) == ExitCode.PASS
    document = recorded.document(OWN, "signoff.json")
    assert document["method"] == method.upper()
    assert document["key"]["from"] == "given on the spot"
    assert document["key"]["fingerprint"] == theirs.public.fingerprint
    assert "that was given on the spot" in document["shows"]
    kept = {path.name for path in recorded.folder(OWN).iterdir()}
    assert kept > {"SHA256SUMS", "signoff.json", "statement.txt"}
    assert len(kept) == 5


@pytest.mark.parametrize("method", METHODS)
def test_the_key_in_the_configuration_is_the_signers(
    recorded: Recorded, capsys: Said, method: str, tmp_path: Path
) -> None:
    recorded.drill()
    theirs, signed = key(tmp_path, method), tmp_path / "signature"
    recorded.configure(SIGNERS.format(name="Cy Example", role="director", key=theirs.public.text))
    signed.write_bytes(theirs.signature(_statement(recorded, capsys, "--name", "Cy Example")))
    assert recorded.log("sign", DRILL, "--name", "Cy Example", "--signature", str(signed)) == ExitCode.PASS
    document = recorded.document(OWN, "signoff.json")
    assert document["key"]["from"] == "runbook.toml"
    assert document["signer"]["role"] == "director"


@needs_ssh
def test_in_the_name_of_somebody_with_a_key_neither_a_code_nor_another_key_counts(
    recorded: Recorded, capsys: Said, tmp_path: Path
) -> None:
    code = code_of(recorded.drill())
    theirs, other, signed = key(tmp_path, "ssh"), key(tmp_path, "ssh", "other"), tmp_path / "signature"
    recorded.configure(SIGNERS.format(name="Cy Example", role="director", key=theirs.public.text))
    signed.write_bytes(other.signature(_statement(recorded, capsys, *CY)))
    assert recorded.log("sign", DRILL, *CY, "--code", code) == ExitCode.WRONG_USE
    assert recorded.log("sign", DRILL, *CY, "--signature", str(signed)) == ExitCode.REFUSED
    given = ("--public-key", str(other.public_file))
    assert recorded.log("sign", DRILL, *CY, "--signature", str(signed), *given) == ExitCode.WRONG_USE
    assert recorded.untouched


@needs_ssh
@pytest.mark.parametrize(
    "otherwise",
    [
        ("--name", "Di Example", "--role", "director"),
        (*CY, "--because", "more"),
        (*CY, "--role", "x"),
    ],
)
def test_a_signature_over_another_statement_is_refused(
    recorded: Recorded, capsys: Said, otherwise: Sequence[str], tmp_path: Path
) -> None:
    recorded.drill()
    theirs, signed = key(tmp_path, "ssh"), tmp_path / "signature"
    signed.write_bytes(theirs.signature(_statement(recorded, capsys, *CY)))
    by = ("--signature", str(signed), "--public-key", str(theirs.public_file))
    assert recorded.log("sign", DRILL, *otherwise, *by) == ExitCode.REFUSED
    assert recorded.untouched


@needs_ssh
def test_a_signature_does_not_hold_for_what_was_corrected_since(
    recorded: Recorded, capsys: Said, tmp_path: Path
) -> None:
    recorded.drill()
    theirs, signed = key(tmp_path, "ssh"), tmp_path / "signature"
    signed.write_bytes(theirs.signature(_statement(recorded, capsys, *CY)))
    who = ("--by", OPERATOR, "--role", "CTO", "--because", "it was another one")
    assert recorded.log("amend", DRILL, "--set", "dpia_ref=DPIA-13", *who) == ExitCode.PASS
    by = ("--signature", str(signed), "--public-key", str(theirs.public_file))
    assert recorded.log("sign", DRILL, *CY, *by) == ExitCode.REFUSED
    assert len(recorded.rows()) == 2


def test_a_statement_is_the_same_at_any_time_and_goes_into_a_file(
    recorded: Recorded, capsys: Said, tmp_path: Path
) -> None:
    recorded.drill()
    first, file = _statement(recorded, capsys, *CY), tmp_path / "statement.txt"
    recorded.clock.advance(3600)
    assert recorded.log("sign", DRILL, *CY, "--statement", "-o", str(file)) == ExitCode.PASS
    assert "ssh-keygen -Y sign -n runbook-signoff -f KEY statement.txt" in capsys.readouterr().err
    assert file.read_bytes() == first == _statement(recorded, capsys, *CY)
    assert recorded.log("sign", DRILL, *CY, "--statement", "-o", str(file)) == ExitCode.WRONG_USE
    assert recorded.untouched


# -- the commit that carries the new head away --------------------------------------------------------------------
@pytest.fixture
def repository(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The platform's folder under version control, with nothing committed."""
    if shutil.which("git") is None:
        pytest.skip("git is not on this machine")
    for name, value in (("GIT_CONFIG_NOSYSTEM", "1"), ("HOME", str(recorded.home.root)), ("XDG_CONFIG_HOME", "/")):
        monkeypatch.setenv(name, value)
    root = recorded.file.parent
    for words in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "P"],
        ["config", "user.email", "p@example.test"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True)  # noqa: S607
    return root


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_sign_off_is_offered_as_a_commit(recorded: Recorded, repository: Path, capsys: Said, answer: str) -> None:
    code = code_of(recorded.drill())
    assert recorded.log("sign", DRILL, *CY, typed=f"{code}\n{answer}\n") == ExitCode.PASS
    committed = "the record is committed as" in capsys.readouterr().out
    assert committed is (answer == "y")
    done = subprocess.run(["git", "log", "--format=%s"], cwd=repository, capture_output=True, text=True, check=False)  # noqa: S607
    assert done.stdout == (f"Restoration record: {OWN} SIGNED, row 2\n" if committed else "")


def test_practice_is_never_offered_as_a_commit(recorded: Recorded, repository: Path, capsys: Said) -> None:
    code = code_of(recorded.training())
    assert recorded.log("sign", TRAINING, *CY, typed=f"{code}\n") == ExitCode.PASS
    assert "commit" not in capsys.readouterr().out
