"""Whether two names are one person's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.people import is_nobody, same_person


@pytest.mark.parametrize(
    "other",
    [
        "Pat Example",
        "  pat   EXAMPLE ",
        "Pat\u00a0Example",
        "\uff30at Example",
        "\U0001d40fat Example",
        "P\u200bat Exam\u00adple",
        "'Pat Example",
        "Pat\tExample",
    ],
)
def test_one_person_is_known_under_any_spelling(other: str) -> None:
    assert same_person("Pat Example", other)


@pytest.mark.parametrize("other", ["Sam Example", "PatExample", "", "Pat", "NONE"])
def test_two_people_are_two(other: str) -> None:
    assert not same_person("Pat Example", other)


@given(st.text(max_size=20))
def test_anybody_is_themselves_in_capitals_too(name: str) -> None:
    assert same_person(name, name)
    assert same_person(name.upper(), name.upper().lower())


@pytest.mark.parametrize("name", ["", " ", "NONE", " none", "\u200b"])
def test_nobody_is_nobody(name: str) -> None:
    assert is_nobody(name)
    assert not is_nobody("Nona")
