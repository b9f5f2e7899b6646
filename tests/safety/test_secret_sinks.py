"""A secret that is typed, stored or handed out in a real run ends nowhere but in the call that needs it.

Looked through: the terminal's bytes, the journal and everything made of it, logs, temporary files, and the arguments
and environments of every process of the run.  The providers repeat what they are sent, as a careless API's errors do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runbook.safety.keychain import NAMES
from tests.commands.memory_real import MemoryReal
from tests.support import echoing, runbook_toml, secret_service
from tests.support.leaks import leaked
from tests.support.terminal import Terminal, on_a_terminal, piped

ACCOUNT = "222222222222"
SENTINELS = {name: f"sentinel-{name}-Zx81Qq" for name in NAMES}
SESSION = ("sentinel-session-key-Zx81Qq", "sentinel-session-secret-Zx81Qq", "sentinel-session-token-Zx81Qq")
SECRETS = {*SENTINELS.values(), *SESSION}
SENT = {*SESSION[::2], *(SENTINELS[name] for name in ("aws-access-key", "northflank-token", "github-token"))}
BEFORE = ("northflank-token", "github-token", "cloudflare-token", "database-password")  # a run is begun with these
CODE = "731946"
ENOUGH = 4  # failures that are looked at before the run is aborted

RULES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"(?P<name>[a-z-]+): [^\n]*\(not shown[^\n]*: $", lambda asked: SENTINELS[asked["name"]]),
    (r"MFA device shows now [^\n]*: $", lambda _: CODE),
    (r"in a sentence[^\n]*: $", lambda _: "The quarterly drill"),
    (r"\(Enter = [^\n]*: $", lambda _: ""),
    (r"Do it \[[^\n]*: $", lambda _: "yes"),
    (r"\[retry [^\n]*: $", lambda _: "retry"),
    (r"with that reason \[[^\n]*: $", lambda _: "yes"),
)


class Run:
    """One `runbook …` process, watched."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.typed: list[str] = []
        self.processes: list[str] = []  # the arguments and environment of each, at each question

    def walk(self) -> int:
        """Answer what is asked, and abort after a few failures; the exit status."""
        while asked := self.terminal.settled():
            self._look()
            answer = next(answer(found) for pattern, answer in RULES if (found := re.search(pattern, asked)))
            if answer == "retry" and self.typed.count("retry") == ENOUGH:
                answer = "abort enough was seen"
            self.typed.append(answer)
            self.terminal.type(answer)
        return self.terminal.ended()

    def _look(self) -> None:
        process = psutil.Process(self.terminal.process.pid)
        for each in (process, *process.children(recursive=True)):
            self.processes += [*each.cmdline(), *(f"{name}={value}" for name, value in each.environ().items())]


@pytest.fixture
def provider() -> Iterator[echoing.Provider]:
    with echoing.served(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/runbook-drill/ana", SESSION) as provider:
        yield provider


@pytest.fixture
def place(tmp_path: Path, provider: echoing.Provider) -> Path:
    """A folder with the configuration; all that a run writes, temporary files too, comes into it."""
    places: dict[str, Any] = {
        "providers.aws.endpoint": provider.url,
        "providers.northflank.api": provider.url,
        "providers.github.api": provider.url,
        "providers.github.registry": provider.url,
        "providers.cloudflare.api": f"{provider.url}/client/v4",
        "records.bucket": None,
    }
    one_account: dict[str, Any] = {
        "production.aws.account_id": ACCOUNT,
        "production.aws.sign_in": None,
        "production.aws.identity_patterns": [f"arn:aws:sts::{ACCOUNT}:assumed-role/runbook-recovery/*"],
        "production.vault.backup.kms_key": f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/6f1c",
        "staging.database.source": "same-account",
        "staging.database.copy_kms_key": None,
    }
    (tmp_path / "tmp").mkdir()
    (tmp_path / "runbook.toml").write_text(runbook_toml.text(**places, **one_account), encoding="utf-8")
    return tmp_path


def environment(place: Path, **more: str) -> dict[str, str]:
    return {"TMPDIR": str(place / "tmp"), "HOME": str(place / "user"), **more}


def assert_nowhere(place: Path, run: Run) -> None:
    """Not a secret in whatever form in what the run wrote, said, or was started with."""
    assert len(run.processes) > len(os.environ)
    (place / "terminal.txt").write_text(run.terminal.said, encoding="utf-8")
    (place / "processes.txt").write_text("\n".join(run.processes), encoding="utf-8")
    names = {path.name for path in place.rglob("*")}
    assert {"journal.jsonl", "run.json", "report.md", "restoration-test-log.csv", "terminal.txt"} <= names
    assert [name for name in names if name.startswith("runbook-") and name.endswith(".log")]  # --debug's
    assert leaked(place, SECRETS) == []


def test_what_is_typed_at_the_prompts_of_a_drill_is_nowhere_afterwards(place: Path, provider: echoing.Provider) -> None:
    words = ("--debug", "--home", str(place / "home"), "drill", "--plain")
    with on_a_terminal(*words, cwd=place, environment=environment(place)) as terminal:
        run = Run(terminal)
        assert run.walk() == 3, terminal.said
    asked = {name for name, value in SENTINELS.items() if value in run.typed}
    assert asked == set(NAMES) - {"vault-role-id", "vault-secret-id"}  # asked for once the vault is restored
    assert [secret for secret in SENT if not any(secret in said for said in provider.heard)] == [], terminal.said
    assert "they said:" in terminal.said  # and it did repeat it
    assert "Bearer ***" in terminal.said
    assert_nowhere(place, run)
    assert not list((place / "tmp").glob("[!r]*"))


@pytest.mark.skipif(secret_service.DAEMON is None, reason="there is no dbus-daemon on this machine")
def test_what_is_stored_and_taken_from_the_store_is_nowhere_else(place: Path, provider: echoing.Provider) -> None:
    with secret_service.served() as store:
        told = environment(
            place,
            DBUS_SESSION_BUS_ADDRESS=store.address,
            PYTHON_KEYRING_BACKEND="keyring.backends.SecretService.Keyring",
        )
        for name, value in SENTINELS.items():
            with piped("--debug", "credentials", "set", name, cwd=place, environment=told) as setting:
                setting.type(value)
                assert setting.ended() == 0, setting.said
                (place / f"set-{name}.txt").write_text(setting.said, encoding="utf-8")
        assert sorted(store.secrets) == sorted(value.encode() for value in SENTINELS.values())
        words = ("--debug", "--home", str(place / "home"), "drill", "--plain")
        with on_a_terminal(*words, cwd=place, environment=told) as terminal:
            run = Run(terminal)
            assert run.walk() == 3, terminal.said
        assert "secrets from the Secret Service" in " ".join(terminal.said.split())
    assert not {*SENTINELS.values()} & {*run.typed}
    assert [secret for secret in SENT if not any(secret in said for said in provider.heard)] == []
    assert_nowhere(place, run)


def test_a_secret_that_people_put_into_a_reason_is_masked_in_the_whole_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MemoryReal(tmp_path, monkeypatch)
    known = real.world.credentials()
    secrets = {known[name].reveal() for name in BEFORE}
    said = " ".join(sorted(secrets))
    operator = real.operator({"attest identity.contacts": [f"list of 2027-01-02, {said}"]}, scenario=f"drill {said}")
    real.walk("drill", operator)
    asked = {place.removeprefix("secret ") for place, _ in operator.asked if place.startswith("secret ")}
    assert asked >= {*BEFORE, "vault-role-id", "vault-secret-id"}
    written = (real.folders[-1] / "journal.jsonl").read_text(encoding="utf-8")
    assert '"drill *** *** *** ***"' in written
    assert "a secret was masked in" in written  # and it is a finding
    assert leaked(tmp_path, {*secrets, known["vault-role-id"].reveal(), known["vault-secret-id"].reveal()}) == []
