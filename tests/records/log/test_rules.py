"""Each rule of a row, rows that break it and nothing else, and that without the rule they are not found."""

from __future__ import annotations

import pytest

from runbook.records.log import rules
from runbook.records.log.row import SUMMARY_LENGTH
from runbook.records.log.rule import Rule
from runbook.records.log.rules import RULES, asks_for_a_repeat, contradictions, counts_as_quarterly
from runbook.records.log.testlog import Row, field
from tests.records.log.breaking import BASES, CASES, Change

BY_NAME = {rule.name: rule for rule in RULES}
BROKEN = [(name, base, change) for name, cases in CASES.items() for base, change in cases]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """The rows of `BASES`."""
    return {name: made(tmp_path_factory.mktemp(name)) for name, made in BASES.items()}


def test_each_rule_has_a_name_of_its_own_and_a_row_that_breaks_it() -> None:
    assert len(BY_NAME) == len(RULES)
    assert sorted(CASES) == sorted(BY_NAME)


@pytest.mark.parametrize("base", BASES)
def test_what_runs_really_say_breaks_no_rule(whole: dict[str, Row], base: str) -> None:
    assert contradictions(whole[base]) == ()
    assert contradictions({name: field(text) for name, text in whole[base].items()}) == ()


@pytest.mark.parametrize(("name", "base", "change"), BROKEN)
def test_a_rule_is_broken_by_its_rows_alone_and_without_it_nobody_sees_that(
    whole: dict[str, Row], monkeypatch: pytest.MonkeyPatch, name: str, base: str, change: Change
) -> None:
    row = {**whole[base], **change}
    assert [rule.name for rule in RULES if tuple(rule.breaks(row))] == [name]
    assert contradictions(row)
    monkeypatch.setattr(rules, "RULES", _without(BY_NAME[name]))
    assert contradictions(row) == ()


def _without(rule: Rule[Row]) -> tuple[Rule[Row], ...]:
    return tuple(each for each in RULES if each is not rule)


def test_a_missing_column_is_named(whole: dict[str, Row]) -> None:
    row = dict(whole["drill"])
    del row["scenario"]
    assert contradictions(row) == ("columns are missing: scenario",)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ("recovery", {"s3_database": "ACCEPTED", "exceptions": "1", "outcome": "PASS_WITH_ISSUES"}),
        ("drill", {"rto_target_s": "9999", "rto_actual_s": "", "rto_met": "UNKNOWN"}),
        ("drill", {"summary": field("=" + "x" * (SUMMARY_LENGTH - 1))}),
        ("drill", {"clock_offset_ms": "-120"}),
        ("drill", {"app_image": "a;b", "app_commit": ";git:" + "ab" * 20, "image_level": "A;"}),
        ("drill", {"started_at": "2027-03-31T22:30:00Z", "quarter": "2027-Q1", "ended_at": "2027-04-01T01:00:00Z"}),
        ("signed", {"findings_open": "1"}),
        ("signed", {"signoff": "DECLINED", "signed_at": "2027-01-15T11:00:00Z"}),
    ],
)
def test_what_may_be_said_breaks_no_rule(whole: dict[str, Row], base: str, change: Change) -> None:
    assert contradictions({**whole[base], **change}) == ()


@pytest.mark.parametrize(
    ("base", "change", "sentence"),
    [
        ("drill", {"c1_app_boots": "FAIL"}, "PASS although c1_app_boots is FAIL"),
        ("drill", {"outcome": "FAIL"}, "FAIL although nothing in the row stands against PASS"),
        ("drill", {"outcome": "GREAT"}, "outcome says 'GREAT', which is not one of ABORTED, FAIL, INCONCLUSIVE, PASS"),
        ("drill", {"db_backup_age_s": "-5"}, "db_backup_age_s says '-5': nothing, or a number of 0 or more was"),
        ("recovery", {"environment": "STAGING"}, "a RECOVERY happens in PRODUCTION, not in STAGING"),
        ("drill", {"rto_target_s": "10", "rto_met": "YES"}, "rto_met is YES with 39 against a target of 10"),
        ("drill", {"witness_name": "pat example"}, "Pat Example ran it: a witness is somebody else"),
        ("signed", {"signoff_name": "pat example"}, "Pat Example ran it: a sign-off is somebody else's"),
        ("signed", {"refers_to": ""}, "a SIGNOFF row refers to nothing"),
    ],
)
def test_what_is_wrong_is_said_so_that_people_understand_it(
    whole: dict[str, Row], base: str, change: Change, sentence: str
) -> None:
    assert any(said.startswith(sentence) for said in contradictions({**whole[base], **change}))


REAL_DRILL = {"record_type": "RUN", "mode": "DRILL", "providers": "REAL", "outcome": "PASS"}


@pytest.mark.parametrize(
    ("change", "counts", "repeat"),
    [
        ({}, True, False),
        ({"outcome": "PASS_WITH_ISSUES"}, True, False),
        ({"outcome": "FAIL"}, False, True),
        ({"outcome": "INCONCLUSIVE"}, False, False),
        ({"outcome": "ABORTED"}, False, False),
        ({"providers": "LOOPBACK"}, False, False),
        ({"providers": "LOOPBACK", "outcome": "FAIL"}, False, False),
        ({"mode": "REHEARSAL"}, False, False),
        ({"mode": "REHEARSAL", "outcome": "FAIL"}, False, False),
        ({"mode": "RECOVERY"}, False, False),
        ({"mode": "TRAINING"}, False, False),
        ({"record_type": "AMENDMENT"}, False, False),
        ({"record_type": "SIGNOFF"}, False, False),
    ],
)
def test_a_quarter_is_passed_by_an_attended_drill_at_the_real_providers_and_nothing_else(
    change: dict[str, str], *, counts: bool, repeat: bool
) -> None:
    row = {**REAL_DRILL, **change}
    assert (counts_as_quarterly(row), asks_for_a_repeat(row)) == (counts, repeat)
