from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.ports import Secret
from runbook.records.scanner import Scanner
from runbook.safety.concealing import MASK

TOKEN = 's.p4ss/w+rd é"quote\\ & more?'


def _scanner(*texts: str) -> tuple[Scanner, list[str]]:
    hits: list[str] = []
    scanner = Scanner(hits.append)
    for text in texts:
        scanner.register(Secret(text))
    return scanner, hits


_RAW = TOKEN.encode()


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        base64.b64encode(_RAW).decode(),
        base64.b64encode(_RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(_RAW).decode(),
        base64.urlsafe_b64encode(_RAW).decode().rstrip("="),
        _RAW.hex(),
        _RAW.hex().upper(),
        quote(TOKEN),
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower(),
        quote_plus(TOKEN),
        json.dumps(TOKEN)[1:-1],
    ],
)
def test_every_form_is_masked_wherever_it_stands(form: str) -> None:
    scanner, hits = _scanner(TOKEN)
    masked = scanner.scan({"outer": {"list": ["before " + form + " after", 3]}, "fine": "text"})
    assert masked == {"outer": {"list": [f"before {MASK} after", 3]}, "fine": "text"}
    assert hits == ["outer.list[0]"]


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "x" * 31])
@pytest.mark.parametrize("after", ["", "!", ":end"])
def test_inside_a_longer_base64_nothing_decodable_is_left(before: str, after: str) -> None:
    scanner, _ = _scanner("correct-horse-battery")
    secret = "correct-horse-battery"
    whole = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
    masked = scanner.masked(f"Basic {whole}")
    removed = len(f"Basic {whole}") + len(MASK) - len(masked)
    assert removed >= len(secret) * 8 // 6 - 1, "one letter on either side holds bits of its neighbours too"


def test_a_share_typed_as_hex_is_known_as_base64_too() -> None:
    share = bytes(range(7, 40))
    scanner, _ = _scanner(share.hex())
    assert scanner.masked(base64.b64encode(share).decode()) == MASK
    scanner, _ = _scanner(base64.b64encode(share).decode())
    assert scanner.masked(f"key={share.hex()}") == f"key={MASK}"


def test_short_secrets_match_whole_values_only() -> None:
    scanner, hits = _scanner("492816", "hunter2")
    masked = scanner.scan({"code": " 492816 ", "rows": "1492816 rows", "pw": "hunter2", "in": "hunter2 is here"})
    assert masked == {"code": MASK, "rows": "1492816 rows", "pw": MASK, "in": "hunter2 is here"}
    assert hits == ["code", "pw"]


def test_names_are_masked_and_never_told_to_the_call_back() -> None:
    scanner, hits = _scanner("correct-horse-battery")
    assert scanner.scan({"correct-horse-battery": {"correct-horse-battery": "correct-horse-battery"}}) == {
        MASK: {MASK: MASK}
    }
    assert hits
    assert not any("horse" in where for where in hits)


def test_nothing_registered_changes_nothing() -> None:
    scanner, hits = _scanner("")
    record = {"a": [1, 2.5, None, True, "x"], "b": {"c": ""}}
    assert scanner.scan(record) == record
    assert hits == []


@given(secret=st.text(min_size=12, max_size=60), before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_long_secret_survives(secret: str, before: str, after: str) -> None:
    scanner, _ = _scanner(secret)
    try:
        record = {"x": f"{before}{secret}{after}", "hex": secret.encode().hex()}
    except UnicodeEncodeError:
        return
    masked = json.dumps(scanner.scan(record), ensure_ascii=False)
    if secret not in before + after and MASK not in secret:
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in masked.replace(MASK, "\0")
    assert secret.encode().hex() not in masked


def test_no_trace_of_the_secret_in_its_repr() -> None:
    scanner, _ = _scanner("correct-horse-battery")
    assert "horse" not in repr(scanner)


def test_looking_for_something_tells_nobody() -> None:
    scanner, hits = _scanner("correct-horse-battery")
    record = {"a": ["fine", "a correct-horse-battery"], "b": 3}
    assert scanner.found(record) == ("a[1]",)
    assert scanner.found({"a": "fine"}) == ()
    assert scanner.lines("one\ntwo correct-horse-battery\n\nCORRECT-horse-battery") == (2, 4)
    assert scanner.lines("nothing") == ()
    assert hits == []


def test_a_short_secret_that_is_one_of_our_own_words_does_not_take_it_away() -> None:
    scanner, hits = _scanner("drill")
    assert scanner.scan({"mode": "drill", "password": "drill"}) == {"mode": "drill", "password": MASK}
    assert hits == ["password"]


def test_a_long_one_is_masked_wherever_it_stands() -> None:
    scanner, _ = _scanner("correct-horse-battery")
    assert scanner.masked({"mode": "correct-horse-battery"}) == {"mode": MASK}


@pytest.mark.parametrize("secret", ["observed", "attempt", "PASS_WITH_ISSUES", "opened"])
def test_a_secret_that_is_a_word_of_this_tool_takes_neither_a_name_nor_a_word_away(secret: str) -> None:
    scanner = Scanner()
    scanner.register(Secret(secret))
    record = {"observed": "all is well", "attempt": 1, "outcome": "PASS_WITH_ISSUES", "decision": "opened"}
    assert scanner.masked(record) == record
    assert scanner.masked({"reason": secret}) == {"reason": MASK}
