"""A person at a line-by-line terminal, on the real servers, while somebody else breaks things by hand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import training_run

pytestmark = [pytest.mark.scenarios, pytest.mark.timeout(400)]

LIMIT_S = 120


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


def _through_the_vault(terminal: Terminal) -> None:
    terminal.answer(r"Open it .*: ", "open")
    for step in ("vault.download", "vault.initialise", "vault.restore"):
        terminal.expect(step.replace(".", r"\.") + ": ")
        terminal.answer(r"Do it .*: ", "yes")
    for _ in range(3):
        terminal.expect(r"  1  (\w+) ")
        terminal.answer(r"Whose share .*: ", "1")
        terminal.answer(r"\(not shown\): ", "call")
        share = terminal.expect(r"reads out: (\S+)").group(1)
        terminal.answer(r"\(not shown\): ", share)
    terminal.answer(r"Open it .*: ", "open")


def _through_the_database(terminal: Terminal) -> None:
    terminal.answer(r"Number .*: ", "")
    terminal.answer(r"Do it .*: ", "yes")
    terminal.expect(r"CHECKPOINT 3 Core Database")


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
    terminal.answer(r"Do it .*: ", "yes")
    terminal.answer(r"Is it .*: ", "done")
    terminal.expect(r"OUTCOME INCONCLUSIVE")


def test_a_whole_run_by_hand_ends_pass(terminal: Terminal, tmp_path: Path) -> None:
    _through_the_vault(terminal)
    _through_the_database(terminal)
    terminal.answer(r"Open it .*: ", "open")
    terminal.answer(r"application\.config[\s\S]*Do it .*: ", "yes")
    terminal.answer(r"application\.deploy[\s\S]*Do it .*: ", "yes")
    terminal.answer(r"CHECKPOINT 4[\s\S]*Open it .*: ", "open")
    terminal.answer(r"connectivity\.records[\s\S]*Do it .*: ", "yes")
    terminal.answer(r"CHECKPOINT 5[\s\S]*Open it .*: ", "open")
    terminal.answer(r"Do it .*: ", "yes")
    terminal.answer(r"Is it .*: ", "done")
    terminal.expect(r"OUTCOME PASS \(exit 0\)")
    share = re.search(r"reads out: (\S+)", terminal.said)
    assert share
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert share.group(1) not in path.read_text(encoding="utf-8", errors="replace"), path
