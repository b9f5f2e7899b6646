"""What AWS repeats of our own request is masked before it is parsed, so before it is cut, quoted or recorded."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from runbook.estate.aws.repeated import Repeated

TOKEN = "sentinel/session+token==Zx81Qq"
KEY = "ASIA-sentinel-key-Zx81"
SIGNED = f"AWS4-HMAC-SHA256 Credential={KEY}/20270115/eu-west-2/sts/aws4_request, SignedHeaders=host, Signature=ab12"


def sent(**headers: Any) -> Repeated:
    hooks = Repeated()
    hooks.about_to_send(SimpleNamespace(headers=headers), event_name="before-send.sts.GetCallerIdentity")
    return hooks


def after(hooks: Repeated, body: Any) -> Any:
    answer = {"status_code": 403, "body": body}
    hooks.answered(answer, event_name="before-parse.sts.GetCallerIdentity")
    return answer["body"]


@pytest.mark.parametrize("as_header", [str, str.encode])
@pytest.mark.parametrize("written", [str, quote, lambda text: base64.b64encode(text.encode()).decode()])
def test_token_and_key_are_masked_in_whatever_form_they_come_back(written: Any, as_header: Any) -> None:
    hooks = sent(**{"X-Amz-Security-Token": as_header(TOKEN), "Authorization": as_header(SIGNED)})
    body = after(hooks, f"<Message>you sent {written(TOKEN)} as {written(KEY)}</Message>".encode()).decode()
    assert written(TOKEN) not in body
    assert written(KEY) not in body
    assert body.startswith("<Message>you sent ***")


def test_the_token_of_identity_centers_portal_is_masked_too() -> None:
    assert after(sent(**{"x-amz-sso_bearer_token": TOKEN}), TOKEN.encode()) == b"***"


def test_every_token_of_a_session_that_renewed_itself_is_known() -> None:
    hooks = sent(**{"X-Amz-Security-Token": "first-token-of-the-session"})
    hooks.about_to_send(SimpleNamespace(headers={"X-Amz-Security-Token": TOKEN}))
    assert after(hooks, f"first-token-of-the-session {TOKEN}".encode()) == b"*** ***"


@pytest.mark.parametrize(
    "body", [b"", b"<ok/>", "t\xe9l\xe9".encode(), b"\xff\xfe\x00binary", {"event": "stream"}, None]
)
def test_what_repeats_nothing_is_left_as_it_is(body: Any) -> None:
    assert after(sent(**{"X-Amz-Security-Token": TOKEN, "Authorization": SIGNED}), body) is body


def test_an_unsigned_request_has_nothing_to_hide() -> None:
    assert after(sent(Accept="*/*"), b"you sent */*") == b"you sent */*"


def test_the_hooks_show_no_secret() -> None:
    assert TOKEN not in repr(sent(**{"X-Amz-Security-Token": TOKEN}))
