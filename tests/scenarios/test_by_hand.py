"""A person at a line-by-line terminal, on the real servers, while somebody else breaks things by hand."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from runbook import config
from runbook.training.client import PracticeEstate
from tests.support import leaks, training_run

pytestmark = [pytest.mark.scenarios, pytest.mark.timeout(400)]

LIMIT_S = 120
SEEN_WITHIN_S = 35  # the heartbeat beats every 30 s


class Terminal:
    """Reads what was printed up to a prompt, and answers it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout.fileno()
        os.set_blocking(self._stdout, False)
        self.said = ""
        self._seen = 0

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until something new matches."""
        deadline = time.monotonic() + LIMIT_S
        while not (found := re.compile(pattern).search(self.said, self._seen)):
            assert time.monotonic() < deadline, f"{pattern!r} never came:\n{self.said[-3000:]}"
            self._read()
        self._seen = found.end()
        return found

    def answer(self, prompt: str, text: str) -> None:
        self.expect(prompt)
        self.type(text)

    def type(self, text: str) -> None:
        self._stdin.write(text + "\n")
        self._stdin.flush()

    def _read(self) -> None:
        try:
            self.said += os.read(self._stdout, 1 << 16).decode()
        except BlockingIOError:
            time.sleep(0.01)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with training_run.running(tmp_path, "train", "--plain") as process:
        yield Terminal(process)
        process.wait(60)


def _signed_in(terminal: Terminal) -> None:
    """Stage 1: the practice device reads out its code, the people are there."""
    terminal.answer(r"MFA device .*: ", "call")
    code = terminal.expect(r"reads out: (\d{6})").group(1)
    terminal.answer(r"MFA device .*: ", code)
    terminal.answer(r"How you know .*: ", "list of 2026-11-01, all five reached")
    terminal.answer(r"Open it .*: ", "open")


def _restored(terminal: Terminal) -> None:
    """Stage 2 up to the shares: the newest backup, not proven offline."""
    terminal.answer(r"Number .*: ", "")
    terminal.answer(r"vault\.download: [\s\S]*Do it .*: ", "yes")
    terminal.answer(r"vault\.inspect: [\s\S]*Do it .*: ", "")
    for step in ("initialise", "restore"):
        terminal.answer(rf"vault\.{step}: [\s\S]*Do it .*: ", "yes")


def _share(terminal: Terminal) -> str:
    """The first custodian of the list is called, and reads their share out."""
    terminal.expect(r"  1  (\w+) ")
    terminal.answer(r"Whose share .*: ", "1")
    terminal.answer(r"\(not shown\): ", "call")
    share = terminal.expect(r"reads out: (\S+)").group(1)
    terminal.answer(r"\(not shown\): ", share)
    return share


def _through_the_vault(terminal: Terminal) -> None:
    _signed_in(terminal)
    _restored(terminal)
    for _ in range(3):
        _share(terminal)
    terminal.answer(r"Open it .*: ", "open")


def _through_the_database(terminal: Terminal) -> None:
    terminal.answer(r"Number .*: ", "")
    terminal.answer(r"database\.restore: [\s\S]*Do it .*: ", "yes")
    terminal.answer(r"database\.password: [\s\S]*Do it .*: ", "yes")
    terminal.expect(r"CHECKPOINT 3 Core Database")


def _to_the_configuration(terminal: Terminal) -> None:
    """The newest image, and everything quiet, before any secret is pointed anywhere."""
    terminal.answer(r"Which image of [\s\S]*Number .*: ", "")
    terminal.answer(r"application\.quiet: [\s\S]*Do it .*: ", "yes")
    terminal.expect(r"application\.config: [\s\S]*Do it .*: ")


def _from_the_deployment_on(terminal: Terminal) -> None:
    """To the end, which is PASS."""
    terminal.answer(r"application\.deploy[\s\S]*Do it .*: ", "yes")
    terminal.answer(r"CHECKPOINT 4[\s\S]*Open it .*: ", "open")
    terminal.answer(r"connectivity\.records[\s\S]*Do it .*: ", "yes")
    terminal.answer(r"CHECKPOINT 5[\s\S]*Open it .*: ", "open")
    terminal.answer(r"Do it .*: ", "yes")
    terminal.answer(r"Is it .*: ", "done")
    terminal.expect(r"OUTCOME PASS \(exit 0\)")


def _pids(home: Path, name: str) -> list[int]:
    return [each["pid"] for each in training_run.listed(home)["processes"] if each["name"].startswith(name)]


def test_a_database_that_dies_while_the_operator_thinks_keeps_the_gate_shut(terminal: Terminal, tmp_path: Path) -> None:
    _through_the_vault(terminal)
    _through_the_database(terminal)
    for pid in _pids(tmp_path, "postgres copy"):
        os.kill(pid, signal.SIGKILL)
    terminal.answer(r"Open it .*: ", "open")
    terminal.expect(r"Core Database: stays shut: stage 3 \(Core Database\) fell")
    terminal.answer(r"Open it .*: ", "abort the copy died")
    terminal.answer(r"with that reason .*: ", "yes")
    terminal.answer(r"Do it .*: ", "yes")  # the cleanup
    terminal.answer(r"Is it .*: ", "done")  # the vault's data, by hand
    terminal.expect(r"OUTCOME INCONCLUSIVE")


def test_a_vault_that_dies_while_the_operator_thinks_keeps_the_gate_shut(terminal: Terminal, tmp_path: Path) -> None:
    _through_the_vault(terminal)
    _through_the_database(terminal)
    for pid in _pids(tmp_path, "bao staging"):
        os.kill(pid, signal.SIGKILL)
    terminal.answer(r"Open it .*: ", "open")
    terminal.expect(r"stays shut: stage 2 \(Encryption Vault\) fell")
    terminal.answer(r"Open it .*: ", "abort the vault died")
    terminal.answer(r"with that reason .*: ", "yes")
    terminal.answer(r"Do it .*: ", "yes")
    terminal.answer(r"Is it .*: ", "done")
    terminal.expect(r"OUTCOME INCONCLUSIVE")


def test_a_whole_run_by_hand_ends_pass(terminal: Terminal, tmp_path: Path) -> None:
    _through_the_vault(terminal)
    _through_the_database(terminal)
    terminal.answer(r"Open it .*: ", "open")
    _to_the_configuration(terminal)
    terminal.type("yes")
    terminal.answer(r"application\.vault-database[\s\S]*Do it .*: ", "yes")
    _from_the_deployment_on(terminal)
    assert leaks.leaked(tmp_path, re.findall(r"reads out: (\S{12,})", terminal.said)) == []


def test_one_share_entered_here_and_two_from_another_client_open_the_vault(terminal: Terminal, tmp_path: Path) -> None:
    """The custodians' own machines: another client of the same server, of which only the count is seen here."""
    _signed_in(terminal)
    _restored(terminal)
    _share(terminal)
    terminal.expect(r"From a custodian's own machine: bao operator unseal -address=(\S+), which must show nonce \S+")
    estate = PracticeEstate.adopt(training_run.folder(tmp_path))
    assert estate is not None
    settings = estate.environment().vault
    labels, _ = estate.custodians()
    for label in labels[3:]:
        _submit(settings, estate.share(label).reveal())
    terminal.expect(r"PASS +vault\.unseal: 3 shares: Amara Okafor \(CTO\), entered elsewhere, entered elsewhere")
    terminal.answer(r"Open it .*: ", "abort seen enough")
    terminal.answer(r"with that reason .*: ", "yes")
    terminal.answer(r"Do it .*: ", "yes")
    terminal.answer(r"Is it .*: ", "done")
    terminal.expect(r"OUTCOME ABORTED")
    used = training_run.document(tmp_path)["backups"]["vault"]["share_labels"]
    assert used == ["Amara Okafor (CTO)", "entered elsewhere", "entered elsewhere"]


def _submit(settings: config.Vault, share: str) -> None:
    context = ssl.create_default_context(cafile=str(settings.ca_file))
    with httpx.Client(verify=context, trust_env=False) as client:
        client.put(f"{settings.address}/v1/sys/unseal", json={"key": share}).raise_for_status()


def test_a_vault_that_reseals_in_stage_4_is_seen_by_its_heartbeat_and_opened_again(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Nobody presses a key: the background heartbeat finds it while the operator thinks about a preview."""
    _through_the_vault(terminal)
    _through_the_database(terminal)
    terminal.answer(r"Open it .*: ", "open")
    _to_the_configuration(terminal)
    estate = PracticeEstate.adopt(training_run.folder(tmp_path))
    assert estate is not None
    estate.hands("restart-vault")
    sealed = time.monotonic()
    terminal.expect(r"FELL +Encryption Vault: health 503 \(SEALED\)")
    assert time.monotonic() - sealed < SEEN_WITHIN_S
    terminal.type("yes")
    terminal.expect(r"FAIL +application\.vault-database: .*the vault is sealed")
    terminal.answer(r"vault-database \[.*: ", "back vault.unseal the vault restarted")
    terminal.answer(r"with that reason .*: ", "yes")
    for _ in range(3):
        _share(terminal)
    terminal.answer(r"CHECKPOINT 2[\s\S]*Open it .*: ", "open")
    terminal.answer(r"Number .*: ", "")
    terminal.answer(r"CHECKPOINT 3[\s\S]*Open it .*: ", "open")
    terminal.answer(r"Which image of [\s\S]*Number .*: ", "")
    terminal.answer(r"application\.vault-database[\s\S]*Do it .*: ", "yes")
    _from_the_deployment_on(terminal)
