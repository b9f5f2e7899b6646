"""Wherever a value is pasted, and whatever is wrong with it there: no sentence repeats it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook.config import load as loading
from runbook.config.checks import pasted
from runbook.engine.errors import WrongUse
from tests.config.test_fuzz import spots
from tests.support import runbook_toml

SENTINEL = "zx9-correct-horse-qy7"  # like no secret that we could know
SHAPES: dict[str, Callable[[], Any]] = {
    "a text": lambda: SENTINEL,
    "a list": lambda: [SENTINEL],
    "lists in a list": lambda: [[SENTINEL]],
    "a table": lambda: {"name": SENTINEL},
    "tables in a list": lambda: [{"name": SENTINEL, "url": SENTINEL}],
    "a URL": lambda: f"https://{SENTINEL}.example/{SENTINEL}?{SENTINEL}",
    "an ARN": lambda: f"arn:aws:iam::111111111111:role/{SENTINEL}",
}
COUNT = len(spots(tomllib.loads(runbook_toml.GOOD)))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_no_value_is_repeated_wherever_it_is_pasted(shape: Callable[[], Any], tmp_path: Path) -> None:
    path = tmp_path / "runbook.toml"
    refused = []
    for number in range(COUNT):
        document = tomllib.loads(runbook_toml.GOOD)
        table, part = spots(document)[number]
        table[part] = shape()
        path.write_text(runbook_toml.written(document), encoding="utf-8")
        try:
            loading.load(path)
        except WrongUse as wrong:
            refused.append(f"{wrong.sentence} {wrong.fix} {wrong.provider_text} {wrong!r}")
    assert [said for said in refused if SENTINEL in said] == []
    assert len(refused) > COUNT / 4


SECRETS = {
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "a temporary AWS key": "ASIAIOSFODNN7EXAMPLE",
    "an AWS secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a GitHub token": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "a fine-grained GitHub token": "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789",
    "a vault token": "hvs.CAESIJlAxBcD0123456789",
    "an older vault token": "s.AbCdEfGhIjKlMnOpQrStUvWx",
    "a recovery token": "hvr.AAAAAQL_tyer_gNuQqvQYPVQgsNxjap_YW1NB2m4CDHHadQo7rF2XLFGdw",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "a Cloudflare token": "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "a share": "qB1yZ2xN3cV4mK5lJ6hG7fD8sA9pO0iU1yT2rE3wQ4e=",
    "a URL with a password": "postgresql://reader:sesame@db.example/clinic",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_what_looks_like_a_secret_is_refused_wherever_it_is_a_value(secret: str, tmp_path: Path) -> None:
    path = tmp_path / "runbook.toml"
    for key in ("people.operator", "production.vault.cluster_id", "staging.application.outbound_reason"):
        path.write_text(runbook_toml.text(**{key: secret}), encoding="utf-8")
        with pytest.raises(WrongUse) as refused:
            loading.load(path)
        assert f"{key}: {pasted.NEVER}" in refused.value.sentence
        assert secret not in refused.value.sentence


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "Password",
        "apiKey",
        "api_key",
        "access_key_id",
        "secretKey",
        "token",
        "github-token",
        "unseal_key",
        "unsealShares",
        "passphrase",
        "private_key",
        "credentials",
        "role_id",
        "secret_id",
        "pin",
    ],
)
def test_what_is_called_like_a_secret_is_refused_whatever_it_is(name: str) -> None:
    assert pasted._called(name)


@pytest.mark.parametrize(
    "name",
    ["transit_key", "copy_kms_key", "key_column", "secret_group", "shared", "tokenizer", "pinned", "keys", "passage"],
)
def test_a_key_that_only_sounds_alike_is_not(name: str) -> None:
    assert not pasted._called(name) or name in pasted._OURS


def test_a_key_is_refused_before_anything_is_asked_of_its_value(tmp_path: Path) -> None:
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.text(**{"providers.github.tokens": {"deep": ["sesame"]}}), encoding="utf-8")
    with pytest.raises(WrongUse) as refused:
        loading.load(path)
    assert [line.split(": ", 2)[2] for line in refused.value.sentence.splitlines()] == [
        f"providers.github.tokens: {pasted.NEVER}"
    ]


def test_a_secret_is_told_even_where_the_file_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.GOOD + "\nghp_0123456789abcdefghijABCDEFGHIJ012345\n", encoding="utf-8")
    with pytest.raises(WrongUse) as refused:
        loading.load(path)
    assert "ghp_" not in refused.value.sentence
    assert "not valid TOML" in refused.value.sentence


NO_SECRETS = {
    "a profile": "AdministratorAccess-123456789012",
    "a reference": "DPIA/2026/Clinic-Restoration-Drills-0001",
    "a long name": "clinicProductionVaultBackupsBucket2",
    "a commit": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "an id": "2ad6a4e1-7cbb-4b3e-8d11-0d0a4a9c2f10",
    "a sentence": "no token: attestations are not part of the Team plan",
    "an image": "ghcr.io/practice/clinic@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


@pytest.mark.parametrize("value", NO_SECRETS.values(), ids=NO_SECRETS.keys())
def test_what_has_sense_is_taken(value: str, tmp_path: Path) -> None:
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.text(**{"records.dpia_ref": value}) + f"\n# {value}\n", encoding="utf-8")
    assert loading.load(path).configuration.records.dpia_ref == value
