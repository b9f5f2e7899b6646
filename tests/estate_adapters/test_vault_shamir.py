"""Shares as Vault makes them: enough of them give the secret, and nothing else does."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.estate.share_text import share_bytes
from runbook.estate.vault_snapshot.shamir import combine, split

SECRET = st.binary(min_size=16, max_size=32)


@given(SECRET, st.data())
def test_any_of_them_that_are_enough_give_the_secret_and_fewer_do_not(secret, data):
    threshold = data.draw(st.integers(2, 5))
    coefficients = [data.draw(st.binary(min_size=len(secret), max_size=len(secret))) for _ in range(threshold - 2)]
    coefficients.append(bytes(byte or 1 for byte in data.draw(st.binary(min_size=len(secret), max_size=len(secret)))))
    xs = data.draw(st.lists(st.integers(1, 255), min_size=threshold, max_size=8, unique=True))
    shares = data.draw(st.permutations(split(secret, coefficients, xs)))
    assert combine(shares[:threshold]) == secret
    assert combine(shares) == secret
    assert combine(shares[: threshold - 1]) != secret


def test_a_set_worked_by_hand():
    """f(x) = 0x53 + 0xCA·x over AES's field; 0x53 and 0xCA are each other's inverse, so f(0x53) = 0x53 + 1."""
    assert split(b"\x53", [b"\xca"], [1, 0x53]) == (b"\x99\x01", b"\x52\x53")
    assert combine([b"\x99\x01", b"\x52\x53"]) == b"\x53"


@pytest.mark.parametrize(
    "shares", [[], [b""], [b"a"], [b"ab", b"abc"], [b"a\1", b"b\1"], [b"a\0", b"b\1"], [b"ab", b""]]
)
def test_what_cannot_be_one_set_is_refused(shares):
    with pytest.raises(ValueError, match="not one set"):
        combine(shares)


@given(st.binary(min_size=32, max_size=33), st.sampled_from(["", " ", "\n"]), st.booleans())
def test_a_share_is_read_as_custodians_have_it(raw, space, as_hex):
    text = raw.hex() if as_hex else base64.b64encode(raw).decode()
    assert share_bytes(f"{space}{text[:20]}{space}{text[20:]}{space}") == raw
    assert share_bytes(text.upper() if as_hex else text.rstrip("=")) == raw


@pytest.mark.parametrize("text", ["not a share", "ü" * 44, "zz!", "abc=d", "=" * 44 + "a"])
def test_what_is_neither_is_none(text):
    assert share_bytes(text) is None
