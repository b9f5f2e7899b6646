"""A signature counts when the signer's own key made it over exactly this statement, for this purpose."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runbook.engine.errors import NoVerdict, Refused, WrongUse
from runbook.records.signoff import signature
from tests.records.signoff.keys import METHODS, certified, key, needs_ssh

STATEMENT = b"run: drill-20270115T100000Z-7f3a\ndecision: SIGNED\n"


@pytest.mark.parametrize("method", METHODS)
def test_the_signers_own_signature_over_the_statement_is_accepted(method: str, tmp_path: Path) -> None:
    mine = key(tmp_path, method)
    signature.verify(STATEMENT, mine.signature(STATEMENT), mine.public)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_kept_is_enough_to_verify_it_again_by_hand(method: str, tmp_path: Path) -> None:
    mine = key(tmp_path, method)
    folder = tmp_path / "kept"
    folder.mkdir()
    for name, content in signature.files(STATEMENT, mine.signature(STATEMENT), mine.public).items():
        (folder / name).write_bytes(content)
    command = signature.WAYS[mine.public.method].by_hand
    assert _status(command, folder) == 0
    (folder / "statement.txt").write_bytes(STATEMENT + b"x")
    assert _status(command, folder) != 0


def _status(command: str, folder: Path) -> int:
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, check=False).returncode


@pytest.mark.parametrize("method", METHODS)
def test_another_statement_is_refused(method: str, tmp_path: Path) -> None:
    mine = key(tmp_path, method)
    signed = mine.signature(STATEMENT.replace(b"7f3a", b"7f3b"))
    with pytest.raises(Refused, match="not the signer's signature over this statement"):
        signature.verify(STATEMENT, signed, mine.public)


@pytest.mark.parametrize("method", METHODS)
def test_every_cut_of_a_signature_is_refused(method: str, tmp_path: Path) -> None:
    mine = key(tmp_path, method)
    whole = mine.signature(STATEMENT)
    for length in (0, 1, 20, len(whole) // 2, len(whole) - 30):
        with pytest.raises(Refused):
            signature.verify(STATEMENT, whole[:length], mine.public)


@pytest.mark.parametrize("method", METHODS)
def test_another_key_is_refused(method: str, tmp_path: Path) -> None:
    mine, other = key(tmp_path, method), key(tmp_path, method, "other")
    with pytest.raises(Refused):
        signature.verify(STATEMENT, other.signature(STATEMENT), mine.public)


@needs_ssh
def test_a_signature_for_another_purpose_is_refused(tmp_path: Path) -> None:
    mine = key(tmp_path, "ssh")
    with pytest.raises(Refused, match="namespace does not match"):
        signature.verify(STATEMENT, mine.signature(STATEMENT, namespace="git"), mine.public)


@needs_ssh
@pytest.mark.parametrize("validity", ["-2d:-1d", "-1d:+1d"])
def test_a_certificate_is_not_the_key_that_was_agreed_on(validity: str, tmp_path: Path) -> None:
    mine = key(tmp_path, "ssh")
    signed = certified(tmp_path, mine, validity).signature(STATEMENT)
    with pytest.raises(Refused):
        signature.verify(STATEMENT, signed, mine.public)


@needs_ssh
def test_a_signature_of_the_other_program_is_told_apart(tmp_path: Path) -> None:
    mine = key(tmp_path, "ssh")
    with pytest.raises(Refused, match="no signature of ssh-keygen") as refused:
        signature.verify(STATEMENT, b"untrusted comment: x\nRUx\n", mine.public)
    assert "ssh-keygen -Y sign -n runbook-signoff" in refused.value.fix


@pytest.mark.parametrize("method", METHODS)
def test_a_program_that_is_missing_is_named(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = key(tmp_path, method)
    signed = mine.signature(STATEMENT)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WrongUse, match="is not on this machine") as wrong:
        signature.verify(STATEMENT, signed, mine.public)
    assert wrong.value.fix.startswith("Install ")


@needs_ssh
def test_a_program_that_does_not_end_gives_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = key(tmp_path, "ssh")
    signed = mine.signature(STATEMENT)
    waits = tmp_path / "bin" / "ssh-keygen"
    waits.parent.mkdir()
    waits.write_text("#!/bin/sh\nexec /bin/sleep 30\n", encoding="ascii")
    waits.chmod(0o755)
    monkeypatch.setenv("PATH", str(waits.parent))
    with pytest.raises(NoVerdict, match="did not finish"):
        signature.verify(STATEMENT, signed, mine.public, timeout_s=0.05)


@needs_ssh
def test_nothing_is_left_of_a_verification(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, place = key(tmp_path, "ssh"), tmp_path / "tmp"
    signed = mine.signature(STATEMENT)
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    signature.verify(STATEMENT, signed, mine.public)
    with pytest.raises(Refused):
        signature.verify(b"other", signed, mine.public)
    assert list(place.iterdir()) == []
