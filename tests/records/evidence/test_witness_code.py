"""The code that stands for one run.json: short enough to be said, and heard right."""

from __future__ import annotations

import re

import pytest

from runbook.records.evidence.witness_code import same_code, witness_code

DOCUMENT = b'{"run_id": "drill-20270115T100000Z-7f3a"}\n'


def test_it_is_the_same_for_the_same_document_in_every_year() -> None:
    assert witness_code(DOCUMENT) == "66JR-V9YF"


def test_every_byte_of_the_document_changes_it() -> None:
    codes = {
        witness_code(DOCUMENT[:at] + bytes([DOCUMENT[at] ^ 1]) + DOCUMENT[at + 1 :]) for at in range(len(DOCUMENT))
    }
    assert len(codes | {witness_code(DOCUMENT)}) == len(DOCUMENT) + 1


def test_it_has_no_letter_that_is_misheard() -> None:
    codes = [witness_code(b"%d" % number) for number in range(500)]
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)


@pytest.mark.parametrize("said", ["M4SP-TT17", "m4sptt17", " m4sp tt17 ", "M4SP–TTI7", "m4sp.ttl7"])
def test_it_may_be_typed_as_people_do(said: str) -> None:
    assert same_code(said, "M4SP-TT17")


@pytest.mark.parametrize("said", ["", "-", "M4SP", "M4SP-TT18", "M4SP-TT17-M4SP"])
def test_another_one_is_another_one(said: str) -> None:
    assert not same_code(said, "M4SP-TT17")


def test_two_codes_of_nothing_are_not_the_same() -> None:
    assert not same_code("", "-")
