"""Sentinels: secrets and plaintext, planted wherever people and providers can put them, are in no file afterwards.

What is known as a secret is masked on its way to disk; what was recorded before, when the record is sealed.  Either is
a finding, and the row is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from runbook.commands.closing import finish_recording
from runbook.engine.errors import RecordFailed
from runbook.engine.ports import Choice
from runbook.engine.run import Run, replay
from runbook.records import journal
from runbook.records.log.testlog import Domain
from runbook.records.log.verifying import verify
from runbook.records.report import rendering
from runbook.views import Ending
from tests.commands.memory_real import MemoryReal
from tests.support.leaks import leaked
from tests.support.operator import RETRY

PLAINTEXT = "Runbook sample record 51a7c0de5eed0001. Synthetic: it belongs to no patient."
CODE = "271828"  # of the MFA device
PRODUCTION = "postgresql://clinic_app:practice-of-production@db.test:5432/clinic"
LATE = ("vault-role-id", "vault-secret-id")  # asked for once the vault is restored: typed before, they are no secrets
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in capitals": str.upper,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, one before": lambda text: base64.b64encode(f"u{text}!".encode()).decode(),
    "base64, two before": lambda text: base64.b64encode(f"us{text}!!".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "in a URL": lambda text: f"https://files.test/?token={quote(text, safe='')}&x=1",
    "as JSON": lambda text: json.dumps({"body": json.dumps({"token": text})}),
}


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryReal:
    for name in ("AWS_ENDPOINT_URL", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)
    return MemoryReal(tmp_path, monkeypatch)


def in_every_writing(secret: str) -> str:
    return " | ".join(write(secret) for write in WRITTEN.values())


def secrets_of(real: MemoryReal) -> set[str]:
    """All that this run holds at its end, shares too."""
    known = {**real.world.credentials(), **real.world.custodians()}
    return {secret.reveal() for secret in known.values() if len(secret.reveal()) >= 12}


def run_of(ending: Ending) -> Run:
    return replay(journal.read(Path(ending.folder) / "journal.jsonl"))


def found_in(document: dict[str, Any]) -> list[str]:
    texts = [each["text"] for each in document["findings"] if each["severity"] == "major"]
    return [text for text in texts if text.startswith("a secret was masked in ")]


def assert_recorded(real: MemoryReal, ending: Ending, outcome: str = "PASS_WITH_ISSUES") -> dict[str, Any]:
    """Document, row, journal, page and exit code say the same, the folder is as it was sealed, and nothing leaks."""
    folder = Path(ending.folder)
    document = real.document(folder.name)
    said = {run_of(ending).outcome, document["outcome"], real.rows()[-1]["outcome"], ending.outcome}
    assert (said, ending.exit_code) == ({outcome}, 6)
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    log = real.file.parent / "compliance" / "restoration-test-log.csv"
    assert verify(log.read_bytes(), Domain.TEST).verdict == "OK"
    assert {"report.md", "report.html", "run.json", "journal.jsonl"} <= {each.name for each in folder.iterdir()}
    assert leaked(real.root, {*secrets_of(real), PLAINTEXT, PRODUCTION}) == []
    assert not [each for each in real.root.rglob("*") if each.is_file() and f'"{CODE}"'.encode() in each.read_bytes()]
    return document


# -- typed into the wrong field -------------------------------------------------------------------------------------
def test_what_people_typed_before_it_was_known_to_be_secret_is_masked_at_the_end(real: MemoryReal) -> None:
    role, secret = (real.world.credentials()[name].reveal() for name in LATE)
    share, other, _, _, _ = (each.reveal() for each in real.world.custodians().values())
    real.world.account.caller = f"{real.world.account.caller}/{role}"
    said: dict[str, list[Any]] = {
        "attest identity.contacts": [f"list of 2027-01-02: {in_every_writing(secret)}"],
        "choose vault.choose": [lambda ask: _chosen(ask, f"since {other} says so")],
    }
    declared = {
        "scenario": f"The test, {share}",
        "operator_role": CODE,
        "witness": f"Bo {role}",
        "witness_role": secret.encode().hex(),
    }
    ending = real.walk("drill", real.operator(said, **declared))
    document = assert_recorded(real, ending)
    assert (document["scenario"], document["operator"]["role"]) == ("The test, ***", "***")
    assert (document["witness"]["name"], document["witness"]["role"]) == ("Bo ***", "***")
    assert real.rows()[0]["witness_role"] == "***"
    (found,) = found_in(document)
    for place in ("line 1 (scenario)", "line 1 (operator.role)", "line 1 (witness.name)", "line 1 (witness.role)"):
        assert place in found
    assert found.endswith("; the evidence bucket keeps those lines as they were")
    assert found in (Path(ending.folder) / "report.md").read_text(encoding="utf-8").replace("\\", "")

    _in_the_bucket_only_in_lines(real, secret)


def _chosen(ask: Any, reason: str) -> Choice:
    return Choice(ask.default, reason)


def _in_the_bucket_only_in_lines(real: MemoryReal, secret: str) -> None:
    """As they came; what was brought there at the end is masked."""
    held = {key for key, body in real.bucket.objects.items() if secret.encode() in body}
    assert {key.split("/")[-2] for key in held} == {"journal"}
    assert any(key.endswith("/run.json") for key in real.bucket.objects)


# -- said by providers ------------------------------------------------------------------------------------------------
def test_what_providers_and_the_application_say_back_is_masked_as_it_comes(real: MemoryReal) -> None:
    world, known = real.world, real.world.credentials()

    def down(_ask: object) -> bool:
        words = "; ".join(
            map(in_every_writing, (known["northflank-token"].reveal(), known["cloudflare-token"].reveal()))
        )
        world.take_down("northflank", f'{words} DETAIL: Failing row contains (4711, "{PLAINTEXT}")')
        return True

    def up(_ask: object) -> Any:
        world.bring_back("northflank")
        world.application.probe_error = f"cannot compare {in_every_writing(PLAINTEXT)}"
        return RETRY

    def well(_ask: object) -> Any:
        world.application.probe_error = ""
        return RETRY

    said = {
        "confirm application.config": [down],
        "decide application.config": [up],
        "decide application.decrypt": [well],
    }
    token = known["github-token"].reveal()
    ending = real.walk("drill", real.operator(said, operator=f"Ada {token}"))
    assert [key for key, body in real.bucket.objects.items() if token.encode() in body] == []  # nor in a lock
    document = real.document(Path(ending.folder).name)
    assert [step["verdict"] for step in document["steps"] if step["id"] == "application.decrypt"] == ["FAIL", "PASS"]
    ways = {text.partition(" (")[0].split(",")[0].endswith("journal.jsonl") for text in found_in(document)}
    assert ways == {False, True}, "the tokens on their way, and the plaintext once this process had seen it"
    assert_recorded(real, ending)


def test_a_defect_whose_words_hold_a_secret_is_told_by_its_name_and_place_alone(real: MemoryReal) -> None:
    token = real.world.credentials()["northflank-token"].reveal()

    def breaks(called: str, _target: str) -> None:
        if called == "vault:Restore":
            raise RuntimeError(f"{in_every_writing(token)} {PLAINTEXT}")

    real.world.watch(breaks)
    ending = real.walk("drill")
    document = real.document(Path(ending.folder).name)
    assert "RuntimeError at" in next(step["observed"] for step in document["steps"] if step["id"] == "vault.restore")
    assert found_in(document) == []
    assert leaked(real.root, {*secrets_of(real), PLAINTEXT}) == []


# -- the seal --------------------------------------------------------------------------------------------------------
def test_what_only_a_document_holds_is_masked_there_and_written_again(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, page = real.world.credentials()["github-token"].reveal(), rendering.html
    monkeypatch.setattr(rendering, "html", lambda document, code="": f"{page(document, code)}<!-- {token} -->\n")
    ending = real.walk("drill")
    document = assert_recorded(real, ending)
    assert [text.split(",")[0] for text in found_in(document)] == ["a secret was masked in report.html"]
    assert "<!-- *** -->" in (Path(ending.folder) / "report.html").read_text(encoding="utf-8")


def test_a_row_that_has_to_wait_holds_none_either(real: MemoryReal) -> None:
    secret = real.world.credentials()[LATE[1]].reveal()
    log = real.file.parent / "compliance" / "restoration-test-log.csv"
    log.parent.mkdir()
    log.write_text("not a log\n", encoding="utf-8")
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        real.walk("drill", real.operator(scenario=secret, operator_role=f"CTO {secret}"))
    (waiting,) = real.home().pending.iterdir()
    assert '"***"' in waiting.read_text(encoding="utf-8")
    assert leaked(real.root, secrets_of(real)) == []


def test_a_process_that_dies_before_the_seal_leaves_it_to_the_next_which_knows_no_secret(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = real.world.credentials()[LATE[1]].reveal()

    class Dies(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> Any:
        raise Dies

    with monkeypatch.context() as patched:
        patched.setattr("runbook.commands.real.session.record", dies)
        with pytest.raises(Dies):
            real.walk("drill", real.operator(scenario=f"The test, {secret}"))
    (folder,) = real.folders
    assert secret.encode() in (folder / "journal.jsonl").read_bytes()
    ending = finish_recording(real.platform.book(real.home()), folder)
    document = assert_recorded(real, ending)
    assert document["scenario"] == "***"


# -- a removal after the end ---------------------------------------------------------------------------------------
def test_what_is_said_while_an_earlier_runs_leftovers_are_removed_is_masked_and_found_there(real: MemoryReal) -> None:
    token = real.world.credentials()["github-token"].reveal()
    real.world.databases.refuse_deletion = True
    real.walk("drill")

    def down(_ask: object) -> bool:
        real.world.take_down("aws", in_every_writing(token))
        return True

    real.walk("drill", real.operator({"confirm closeout.cleanup": [down]}))
    (removal,) = (each for each in real.folders if ".cleanup-" in each.name)
    document = real.document(removal.name)
    said = {f"a secret was masked in {field} on its way to the record" for field in ("observed", "provider_text")}
    assert set(found_in(document)) == said
    (amendment,) = (row for row in real.rows() if row["record_type"] == "AMENDMENT")
    assert int(amendment["findings_open"]) == sum(each["status"] == "OPEN" for each in document["findings"])
    assert leaked(real.root, {*secrets_of(real), PLAINTEXT}) == []
