"""A correction says in a sentence what it changes and why; and a person may correct what the log lets them."""

from __future__ import annotations

from runbook.commands.log.asking_correction import COLUMNS
from runbook.records.log.further import CORRECTABLE
from runbook.records.signoff.correction import FINDINGS, Assigned, Correction
from runbook.records.signoff.findings import Finding

NOW = {"dpia_ref": "", "scenario": "calm", "summary": "All well.", "findings_open": "2"}


OLD = Finding(2, "the list is old", "minor", "Al", "2026-12-01", "OPEN")


def _correction(*, closed: bool = False, assigned: tuple[Assigned, ...] = (), **values: str) -> Correction:
    one = ((OLD, "seen"),) if closed else ()
    return Correction(values, one, assigned, "Cy", "director", "it was so")


def test_what_may_be_asked_for_is_what_the_log_lets_a_person_correct() -> None:
    assert {field.key for field in COLUMNS} | {FINDINGS} == CORRECTABLE


def test_the_sentence_says_what_it_was_and_why() -> None:
    changes = _correction(dpia_ref="DPIA-1", closed=True).changes(NOW, 1)
    sentence = "Corrected by Cy (director): finding 2 closed, dpia_ref is DPIA-1 (was empty). Why: it was so"
    assert changes == {"dpia_ref": ("", "DPIA-1"), "findings_open": ("2", "1"), "summary": ("All well.", sentence)}


def test_a_finding_that_gets_an_owner_and_a_date_changes_the_sentence_alone() -> None:
    said = Assigned(OLD, "Bo", "2027-02-14")
    sentence = "Corrected by Cy (director): finding 2 is for Bo, due 2027-02-14. Why: it was so"
    assert _correction(assigned=(said,)).changes(NOW, 2) == {"summary": ("All well.", sentence)}
    assert [each.changes for each in (said, Assigned(OLD, "Al", "2026-12-01"))] == [True, False]


def test_what_is_so_already_changes_nothing() -> None:
    assert _correction(scenario="calm", summary="All well.").changes(NOW, 2) == {}


def test_a_summary_of_ones_own_is_left_alone() -> None:
    assert _correction(summary="Well.", scenario="storm").changes(NOW, 2)["summary"] == ("All well.", "Well.")


def test_many_changes_are_counted_and_the_reason_stays() -> None:
    many = {f"column_{number}": "x" * 20 for number in range(6)}
    sentence = Correction(many, (), (), "Cy", "director", "why").changes({**NOW, **dict.fromkeys(many, "")}, 2)[
        "summary"
    ][1]
    assert "and 2 more. Why: why" in sentence
