from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.records.fingerprints import START, Fingerprints
from runbook.safety.concealing import covered, folded, forms, masked

SECRET = "correct-horse-battery"


def _knowing(*texts: str) -> Fingerprints:
    known = Fingerprints()
    known.add(texts)
    return known


def _held(value: object) -> Iterator[str | bytes]:
    """Every text and every bytes that an object's attributes hold."""
    match value:
        case str() | bytes():
            yield value
        case dict():
            yield from _held([*value.keys(), *value.values()])
        case list() | tuple() | set():
            for each in value:
                yield from _held(each)


def test_a_form_is_found_at_every_place_whatever_its_case() -> None:
    text = f"one {SECRET}, two {SECRET.upper()}{SECRET}"
    found = [text[start:stop].lower() for start, stop in _knowing(SECRET).spans(text)]
    assert found == [SECRET] * 3


def test_forms_that_begin_alike_are_told_apart_by_their_length() -> None:
    known = _knowing("abcdefghijkl-one", "abcdefghijkl-another")
    assert list(known.spans("abcdefghijkl-one")) == [(0, 16)]
    assert list(known.spans("-abcdefghijkl-another")) == [(1, 21)]
    assert list(known.spans("abcdefghijkl-on")) == []


@pytest.mark.parametrize("left", range(12, len(SECRET)))
def test_what_is_left_of_one_that_was_cut_off_is_found(left: int) -> None:
    text = f"they said: {SECRET[:left]}…; and more"
    assert [text[start:stop] for start, stop in _knowing(SECRET).spans(text)] == [SECRET[:left]]
    assert list(_knowing(SECRET).spans(text.replace("…", "..."))) == []


@pytest.mark.parametrize("text", ["", "short", SECRET[:-1], SECRET[1:]])
def test_what_is_not_whole_is_not_found(text: str) -> None:
    assert list(_knowing(SECRET, "under-12").spans(text + " under-12")) == []


def test_a_whole_value_is_one_but_for_white_space_and_in_its_own_case() -> None:
    known = Fingerprints()
    assert not known.is_whole("")
    known.add_whole(["Hunter2"])
    assert [known.is_whole(text) for text in (" Hunter2\n", "hunter2", "Hunter2 is here")] == [True, False, False]


def test_neither_a_secret_nor_the_same_fingerprint_twice_is_held() -> None:
    one, two = _knowing(SECRET), _knowing(SECRET)
    held = [list(_held(list(vars(each).values()))) for each in (one, two)]
    assert not any(SECRET[:12] in str(each) for each in (*held[0], *held[1]))
    assert not set(held[0]) & set(held[1])


@given(text=st.text(max_size=60), before=st.text(max_size=30), after=st.text(max_size=30))
def test_it_masks_what_the_forms_themselves_would(text: str, before: str, after: str) -> None:
    known, known_forms = Fingerprints(), {folded(form) for form in forms(text) if len(form) >= START}
    known.add(forms(text))
    said = f"{before}{text}{after}"
    assert covered(said, known.spans(said)) == masked(said, known_forms)


def test_five_megabytes_are_searched_in_three_seconds_for_a_hundred_secrets() -> None:
    known = Fingerprints()
    for number in range(100):
        known.add(forms(f"secret-number-{number}-of-a-hundred"))
    text = "The quick brown fox jumps over the lazy dog; it says {so}.\n" * 90_000
    begun = time.process_time()
    assert list(known.spans(text)) == []
    assert time.process_time() - begun < 3
