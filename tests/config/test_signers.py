"""Public keys of people who sign runs off: what is one, and what is none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from runbook.config import example
from runbook.config import load as loading
from runbook.config.checks.pasted import NEVER
from runbook.config.signers import MINISIGN, SSH, is_public_key, public_key
from runbook.engine.errors import WrongUse
from tests.records.signoff import keys
from tests.support import runbook_toml

(EXAMPLE,) = tomllib.loads(example.with_every_setting())["people"]["signers"]
SSH_KEY = EXAMPLE["key"]
MINISIGN_KEY = "RWTddMlWKJ0bZUbFr2uW8EdiFaMCCJuS2ZJJ0j8ilfLM0lWQJpvXvNW3"


@pytest.mark.parametrize(
    ("text", "method", "key"),
    [
        (SSH_KEY, SSH, SSH_KEY),
        (f"  {SSH_KEY} sam@laptop, the blue one\n", SSH, SSH_KEY),
        (MINISIGN_KEY, MINISIGN, MINISIGN_KEY),
        (f"untrusted comment: minisign public key 651B\n{MINISIGN_KEY}\n", MINISIGN, MINISIGN_KEY),
    ],
)
def test_a_key_is_taken_without_what_stands_around_it(text: str, method: str, key: str) -> None:
    found = public_key(text)
    assert (found.method, found.text) == (method, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        SSH_KEY[:-1],
        f'cert-authority,namespaces="*" {SSH_KEY}',
        f"{SSH_KEY}\n{SSH_KEY}",
        SSH_KEY.replace("ssh-ed25519 ", "ssh-rsa "),
        MINISIGN_KEY[:-1],
        f"{MINISIGN_KEY}A",
        "RWRTY0Iy" + "A" * 204,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_what_is_no_public_key_is_not_taken(text: str) -> None:
    assert not is_public_key(text)


@keys.needs_ssh
def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    import subprocess

    mine = keys.key(tmp_path, "ssh")
    argv = ["ssh-keygen", "-l", "-f", str(mine.public_file)]
    shown = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[1]
    assert mine.public.fingerprint == shown


def _load(tmp_path: Path, *signers: tuple[str, str]) -> loading.Loaded:
    tables = "".join(f'\n[[people.signers]]\nname = "{name}"\nkey = "{key}"\n' for name, key in signers)
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.GOOD + tables, encoding="utf-8")
    return loading.load(path)


def test_signers_are_read_and_a_public_key_is_no_secret(tmp_path: Path) -> None:
    loaded = _load(tmp_path, ("Sam Example", f"{SSH_KEY} sam"), ("Cy Example", MINISIGN_KEY))
    assert [each.key for each in loaded.configuration.people.signers] == [SSH_KEY, MINISIGN_KEY]


def test_a_secret_key_in_its_place_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=NEVER.split(":", maxsplit=1)[0]):
        _load(tmp_path, ("Sam Example", "-----BEGIN OPENSSH PRIVATE KEY-----"))


def test_something_else_in_its_place_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"people.signers.1.key: is no public key"):
        _load(tmp_path, ("Sam Example", "sam's key"))


def test_one_name_has_one_key(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="its name stands more than once"):
        _load(tmp_path, ("Sam Example", SSH_KEY), ("sam example ", MINISIGN_KEY))
