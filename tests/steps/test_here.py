from __future__ import annotations

import pytest

from steps.here import as_object


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b"null", b"\xff\xfe{", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000]
)
def test_what_is_no_json_object_reads_as_an_empty_one(body: bytes) -> None:
    assert as_object(body) == {}


def test_a_json_object_is_read() -> None:
    assert as_object(b'{"status": "ok", "more": {"database": 1}}') == {"status": "ok", "more": {"database": 1}}
