"""`runbook credentials`: what is set, set, checked and forgotten, and that no value is ever shown."""

from __future__ import annotations

import getpass
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from keyring.errors import KeyringLocked

from runbook import cli
from runbook.commands.exits import ExitCode
from runbook.safety.keychain import NAMES
from tests.support import runbook_toml
from tests.support.keyrings import Failing, Memory, installed, secret_service, under

Said = pytest.CaptureFixture[str]

SENTINEL = "sentinel-Zx81-value"
STAGING = "runbook/Practice Clinic/staging"
WANTED = (
    "northflank-token",
    "github-token",
    "cloudflare-token",
    "database-password",
    "vault-role-id",
    "vault-secret-id",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Any:
    return installed(secret_service(), monkeypatch)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.text(**{"staging.aws.sign_in": None}), encoding="utf-8")  # the ambient chain
    return path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def typed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return typed


def credentials(config: Path, *words: str) -> int:
    return cli.main(["--config", str(config), "credentials", *words])


# -- set ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_line_of_standard_input_is_stored_without_its_end_and_it_is_said_where(
    end: str, store: Any, config: Path, typed: Any, capsys: Said
) -> None:
    typed(f" {SENTINEL} {end}")
    assert credentials(config, "set", "github-token") == ExitCode.PASS
    assert store.held == {(STAGING, "github-token"): f" {SENTINEL} "}
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"runbook: github-token of staging is stored in the Secret Service, under {STAGING}\n")


def test_on_a_terminal_it_is_typed_behind_a_mask(
    store: Any, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    prompts: list[str] = []

    def masked(prompt: str) -> str:
        prompts.append(prompt)
        return SENTINEL

    monkeypatch.setattr(sys, "stdin", Terminal("not read\n"))
    monkeypatch.setattr(getpass, "getpass", masked)
    assert credentials(config, "set", "github-token", "--environment", "production") == ExitCode.PASS
    (prompt,) = prompts
    assert prompt == f"github-token of production ({NAMES['github-token']}; not shown): "
    assert store.held == {("runbook/Practice Clinic/production", "github-token"): SENTINEL}
    assert SENTINEL not in "".join(capsys.readouterr())


@pytest.mark.parametrize("text", ["", "\n", "  \n", f"{SENTINEL}\x1b[A\n", f"\x00{SENTINEL}\n", f"{SENTINEL}\udcff\n"])
def test_nothing_and_what_is_no_text_is_refused_and_not_stored(
    text: str, store: Any, config: Path, typed: Any, capsys: Said
) -> None:
    typed(text)
    assert credentials(config, "set", "github-token") == ExitCode.WRONG_USE
    assert store.held == {}
    assert SENTINEL not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["vault-unseal-share", SENTINEL, "GITHUB-TOKEN"])
def test_a_name_that_is_none_is_refused_with_the_list_and_not_repeated(
    name: str, store: Any, config: Path, typed: Any, capsys: Said
) -> None:
    for action in ("set", "forget"):
        typed(f"{SENTINEL}\n")
        assert credentials(config, action, name) == ExitCode.WRONG_USE
        out, err = capsys.readouterr()
        assert all(known in err for known in NAMES)
        assert "Unseal shares are never stored" in err
        assert name not in out + err
        assert store.held == {}
        assert sys.stdin.read() == f"{SENTINEL}\n"  # nothing was asked for


@pytest.mark.parametrize("action", ["set", "forget"])
def test_a_name_has_to_be_given(action: str, store: Any, config: Path, capsys: Said) -> None:
    assert credentials(config, action) == ExitCode.WRONG_USE
    assert "which credential?" in capsys.readouterr().err


def test_without_a_usable_store_nothing_is_asked_for_and_it_is_said_why(
    config: Path, typed: Any, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    installed(secret_service(Failing(KeyringLocked)), monkeypatch)
    typed(f"{SENTINEL}\n")
    assert credentials(config, "set", "github-token") == ExitCode.REFUSED
    assert "no usable credential store (it is locked, and was not unlocked)" in capsys.readouterr().err
    assert sys.stdin.read() == f"{SENTINEL}\n"


def test_a_store_that_breaks_while_it_stores_is_not_believed(
    config: Path, typed: Any, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    class Breaking(Memory):
        def set_password(self, service: str, username: str, password: str) -> None:
            super().set_password(service, username, password[::-1] if username in NAMES else password)

    installed(secret_service(Breaking()), monkeypatch)
    typed(f"{SENTINEL}\n")
    assert credentials(config, "set", "github-token") == ExitCode.REFUSED
    said = "".join(capsys.readouterr())
    assert "nobody knows whether github-token is stored" in said
    assert SENTINEL not in said
    assert SENTINEL[::-1] not in said


# -- list ---------------------------------------------------------------------------------------------------------
def test_the_list_says_what_each_is_for_whether_it_is_set_and_where_never_a_value(
    store: Any, config: Path, capsys: Said
) -> None:
    store.held = {(STAGING, "github-token"): SENTINEL, (STAGING, "aws-access-key"): SENTINEL}
    assert credentials(config, "list") == ExitCode.PASS
    out, err = capsys.readouterr()
    where, *lines = out.splitlines()
    assert (where, err) == ("staging: the Secret Service", "")
    states = {line.split()[0]: re.split(r"\s{2,}", line.strip())[1:] for line in lines}
    assert states == {name: [_state(name), what] for name, what in NAMES.items()}
    assert SENTINEL not in out


def _state(name: str) -> str:
    if name in {"github-token", "aws-access-key"}:
        return "set"
    return "not set" if name in WANTED else "not needed"


def test_the_list_says_why_no_store_is_used(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    installed(under("keyrings.alt.file.PlaintextKeyring", Memory()), monkeypatch)
    assert credentials(config, "list", "--environment", "production") == ExitCode.PASS
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("production: asked for at the prompt: no usable credential store (keyring offers")


# -- check --------------------------------------------------------------------------------------------------------
def test_the_check_passes_when_a_run_would_have_to_ask_for_nothing(store: Any, config: Path, capsys: Said) -> None:
    store.held = {(STAGING, name): SENTINEL for name in WANTED}
    assert credentials(config, "check") == ExitCode.PASS
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "staging: the Secret Service; a test value was set, read back and deleted"
    assert [line.split() for line in out.splitlines()[1:]] == [[name, "present"] for name in WANTED]
    assert SENTINEL not in out


@pytest.mark.parametrize("missing", WANTED)
def test_the_check_names_what_is_missing(missing: str, store: Any, config: Path, capsys: Said) -> None:
    store.held = {(STAGING, name): SENTINEL for name in WANTED if name != missing}
    assert credentials(config, "check") == ExitCode.FAIL
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if line.endswith("missing")] == [missing]


def test_the_keys_of_an_iam_user_are_needed_where_no_profile_has_them(store: Any, tmp_path: Path, capsys: Said) -> None:
    keys = {"aws-access-key", "aws-secret-key"}
    for profile, wanted in ((None, keys), ("clinic", set())):
        config = tmp_path / "runbook.toml"
        sign_in = {"way": "mfa", "mfa_serial": "arn:aws:iam::222222222222:mfa/ana"}
        edits = {"staging.aws.sign_in": sign_in | ({"profile": profile} if profile else {})}
        config.write_text(runbook_toml.text(**edits), encoding="utf-8")
        assert credentials(config, "check") == ExitCode.FAIL
        out = capsys.readouterr().out
        assert {line.split()[0] for line in out.splitlines()[1:]} == wanted | set(WANTED)


def test_the_check_fails_and_says_why_where_no_store_can_be_used(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    installed(secret_service(Failing(KeyringLocked)), monkeypatch)
    assert credentials(config, "check") == ExitCode.FAIL
    first = capsys.readouterr().out.splitlines()[0]
    assert first == (
        "staging: no usable credential store (it is locked, and was not unlocked): a run asks for each value"
    )


# -- forget -------------------------------------------------------------------------------------------------------
def test_a_credential_is_forgotten_in_its_environment_only(store: Any, config: Path, capsys: Said) -> None:
    other = ("runbook/Practice Clinic/production", "github-token")
    store.held = {(STAGING, "github-token"): SENTINEL, other: SENTINEL}
    assert credentials(config, "forget", "github-token") == ExitCode.PASS
    assert store.held == {other: SENTINEL}
    assert credentials(config, "forget", "github-token") == ExitCode.PASS
    assert capsys.readouterr().err.splitlines() == [
        "runbook: github-token of staging is removed from the Secret Service",
        "runbook: github-token of staging was not in the Secret Service",
    ]


def test_without_a_configuration_it_is_said_that_one_is_needed(store: Any, tmp_path: Path, capsys: Said) -> None:
    assert credentials(tmp_path / "runbook.toml", "list") == ExitCode.WRONG_USE
    assert "there is no such file" in capsys.readouterr().err
