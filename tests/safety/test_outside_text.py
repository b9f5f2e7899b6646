"""Outside text cannot act, hide, break a line or grow."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.safety.outside_text import outside_text

NASTY = st.sampled_from(
    "\x1b[31m\x9b\x00\x7f\u202e\u2066\u200b\u200d\ufeff\u2028\n\r\t\ud800\U000e0041\ufe0f…� [/b]é漢"
)
ANYTHING = st.text(st.one_of(NASTY, st.characters(exclude_categories=())), max_size=700)


@given(ANYTHING)
def test_nothing_that_acts_or_hides_is_left(text):
    assert not [c for c in outside_text(text) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(ANYTHING)
def test_it_is_one_line(text):
    assert len(outside_text(text).splitlines()) <= 1


@given(ANYTHING, st.integers(0, 600))
def test_it_keeps_to_the_limit(text, limit):
    assert len(outside_text(text, limit)) <= limit


@given(ANYTHING, st.integers(0, 600))
def test_cleaning_twice_changes_nothing(text, limit):
    once = outside_text(text, limit)
    assert outside_text(once, limit) == once


@given(ANYTHING)
def test_it_can_always_be_written_to_a_file(text):
    outside_text(text).encode("utf-8")


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=500))
def test_harmless_text_passes_unchanged(text):
    if not any(unicodedata.name(c, "").endswith("FILLER") for c in text):
        assert outside_text(text) == text


@given(st.binary(max_size=300))
def test_bytes_are_read_as_utf8(data):
    assert outside_text(data) == outside_text(data.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("1 error occurred:\n\t* permission denied\n\n", "1 error occurred: * permission denied "),
        ("\x1b]52;c;aGk=\x07", "�]52;c;aGk=�"),
        ("\x9b6n", "�6n"),
        ("admin\u202etxt.exe", "admin�txt.exe"),
        ("a\u200bb\ufeffc\ufe0f", "a�b�c�"),
        ("\ud83d", "�"),
        (None, ""),
        (404, "404"),
        ("x" * 501, "x" * 499 + "…"),
        ("[@click=app.quit]here[/]", "[@click=app.quit]here[/]"),
    ],
)
def test_examples(given_text, cleaned):
    assert outside_text(given_text) == cleaned
