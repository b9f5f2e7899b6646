"""What a vault, or a proxy before it, repeats of our own request is masked before it is quoted."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from runbook.engine.errors import NoVerdict
from runbook.estate.vault.wire import _read

TOKEN = "hvs.sentinel-token-Zx81Qq"
SHARE = "sentinel/share+of+a+custodian=="
CARRIED: dict[str, Any] = {
    "key": SHARE,
    "role_id": "sentinel-role-id-Zx81",
    "secret_id": "sentinel-secret-id-Zx81",
    "password": "sentinel-password-Zx81",
}


def answer(said: bytes, status: int = 403, carried: Any = None) -> requests.Response:
    request = requests.Request("PUT", "https://vault.test/v1/x", headers={"X-Vault-Token": TOKEN}, json=carried)
    response = requests.Response()
    response.status_code, response.request = status, request.prepare()
    response._content = said
    return response


def errors(*said: str) -> bytes:
    return json.dumps({"errors": said}).encode()


def test_the_token_is_masked_in_a_refusal() -> None:
    text = _read(answer(errors(f"token {TOKEN} may not", "permission denied")), "vault: x").text
    assert text == "token *** may not; permission denied"


@pytest.mark.parametrize("name", CARRIED)
def test_whatever_secret_the_request_carried_is_masked(name: str) -> None:
    said = errors(f"cannot use {CARRIED[name]} for that, nor {json.dumps(CARRIED[name])}")
    text = _read(answer(said, carried={name: CARRIED[name], "type": "approle"}), "vault: x").text
    assert text == 'cannot use *** for that, nor "***"'


def test_a_secret_is_not_left_in_half_where_a_long_refusal_is_cut() -> None:
    for before in range(440, 500):
        text = _read(answer(errors("." * before + TOKEN)), "vault: x").text
        assert "sentinel" not in text


def test_what_is_no_vaults_answer_is_quoted_without_it() -> None:
    with pytest.raises(NoVerdict) as caught:
        _read(answer(f"<html>bad gateway: X-Vault-Token: {TOKEN}".encode(), status=502), "vault: x")
    assert caught.value.provider_text == "<html>bad gateway: X-Vault-Token: ***"


def test_other_words_and_the_body_itself_stay_as_they_are() -> None:
    read = _read(answer(errors("no handler for route"), carried={"type": "approle"}), "vault: x")
    assert read.text == "no handler for route"
    assert read.body == {"errors": ["no handler for route"]}
