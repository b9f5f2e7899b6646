"""What a log tells: the last restore, the quarters by UTC, the trends; nothing of damaged rows."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from runbook.records.history import machine, reading, standing, words
from runbook.records.log.testlog import Domain, Row
from runbook.views import HistoryView
from tests.records import past
from tests.records.past import TARGETS, run, signed

MONTHS = (1, 4, 7, 10)


def told(folder: Path, *rows: Row, at: str = "2027-02-10T12:00:00Z", months: tuple[int, ...] = MONTHS) -> HistoryView:
    log = reading.read(past.written(folder, rows))
    return reading.view(log, datetime.fromisoformat(at), months)


def quarters(view: HistoryView) -> list[str]:
    """Without the names of runs."""
    said = (f"{each.name} {each.state} {each.sentence}" for each in view.quarters)
    return [re.sub(r" \((drill|rehearsal|recovery)-\w+-\w+\)", "", each).strip() for each in said]


# -- quarters -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2027-01-01T00:00:00Z", "2027-Q1 DUE this month, by 31 January: 30 days left"),
        ("2027-01-31T23:59:59Z", "2027-Q1 DUE this month, by 31 January: today"),
        ("2027-02-01T00:00:00Z", "2027-Q1 OVERDUE since 31 January, by 1 day"),
        ("2027-03-31T23:59:59Z", "2027-Q1 OVERDUE since 31 January, by 59 days"),
        ("2028-03-31T23:59:59Z", "2028-Q1 OVERDUE since 31 January, by 60 days"),  # a leap year
        ("2027-03-31T23:30:00-01:00", "2027-Q2 DUE this month, by 30 April: 29 days left"),
    ],
)
def test_without_a_run_the_quarter_is_due_and_then_overdue(tmp_path: Path, at: str, said: str) -> None:
    view = told(tmp_path, at=at)
    assert quarters(view) == [said]
    assert standing.overdue(view) is ("OVERDUE" in said)


def test_it_is_due_in_the_month_that_is_configured(tmp_path: Path) -> None:
    view = told(tmp_path, months=(3, 6, 9, 12))
    assert quarters(view) == ["2027-Q1 DUE in March, in 19 days"]
    assert told(tmp_path, at="2028-02-10T12:00:00Z", months=(2,)).quarters[0].due_by.day == 29


def test_a_quarter_that_was_passed_is_followed_by_the_next_one(tmp_path: Path) -> None:
    view = told(tmp_path, run("2027-01-15T10:00:00Z"))
    assert quarters(view) == ["2027-Q1 PASSED on 15 January", "2027-Q2 DUE in April, in 50 days"]
    assert view.quarters[0].run == view.runs[0]
    assert view.quarters[0].sentence == "on 15 January (drill-20270115T100000Z-7f3a)"
    assert not standing.overdue(view)


def test_every_quarter_since_the_first_run_is_told(tmp_path: Path) -> None:
    rows = [run("2026-01-20T10:00:00Z"), run("2026-08-02T10:00:00Z", outcome="PASS_WITH_ISSUES")]
    assert quarters(told(tmp_path, *rows)) == [
        "2026-Q1 PASSED on 20 January",
        "2026-Q2 NOT_TESTED",
        "2026-Q3 PASSED on 2 August with issues, after its month (July)",
        "2026-Q4 NOT_TESTED",
        "2027-Q1 OVERDUE since 31 January, by 10 days",
    ]


def test_a_failed_drill_asks_for_a_repeat(tmp_path: Path) -> None:
    failed = [run("2026-10-10T10:00:00Z", outcome="FAIL"), run("2027-01-15T10:00:00Z", outcome="FAIL")]
    view = told(tmp_path, *failed)
    assert quarters(view) == [
        "2026-Q4 FAILED on 10 October: not repeated",
        "2027-Q1 FAILED on 15 January: repeat it, overdue since 31 January",
    ]
    assert standing.overdue(view)
    early = told(tmp_path, *failed, at="2027-01-20T00:00:00Z")
    assert quarters(early)[-1] == "2027-Q1 FAILED on 15 January: repeat it by 31 January"
    assert not standing.overdue(early)


def test_a_second_run_in_a_quarter_does_not_take_its_pass_away(tmp_path: Path) -> None:
    first, second = run("2027-01-15T10:00:00Z", outcome="FAIL"), run("2027-01-16T10:00:00Z")
    assert quarters(told(tmp_path, first, second))[0] == "2027-Q1 PASSED on 16 January"
    later = run("2027-02-01T10:00:00Z", outcome="FAIL")
    said = "2027-Q1 PASSED on 16 January; a later drill failed, on 1 February: repeat it"
    assert quarters(told(tmp_path, first, second, later))[0] == said


def test_late_in_the_evening_of_31_march_counts_by_utc(tmp_path: Path) -> None:
    """In London it is 1 April then."""
    view = told(tmp_path, run("2027-03-31T23:30:00Z"), at="2027-04-01T00:10:00+01:00")
    assert [each.name for each in view.quarters] == ["2027-Q1", "2027-Q2"]
    assert quarters(view)[0] == "2027-Q1 PASSED on 31 March, after its month (January)"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (run("2027-01-15T10:00:00Z", "REHEARSAL"), "rehearsal of 15 January (PASS)"),
        (run("2027-01-15T10:00:00Z", "RECOVERY"), "recovery of 15 January (PASS)"),
        (run("2027-01-15T10:00:00Z", providers="LOOPBACK"), "drill of 15 January (PASS, at stand-ins)"),
        (run("2027-01-15T10:00:00Z", outcome="INCONCLUSIVE"), "drill of 15 January (INCONCLUSIVE)"),
        (run("2027-01-15T10:00:00Z", outcome="FAIL", providers="LOOPBACK"), "drill of 15 January (FAIL, at stand-ins)"),
    ],
)
def test_what_is_no_test_passes_no_quarter_and_is_said(tmp_path: Path, row: Row, said: str) -> None:
    assert quarters(told(tmp_path, row)) == [f"2027-Q1 OVERDUE since 31 January, by 10 days; not counted: {said}"]
    assert quarters(told(tmp_path, row, at="2027-05-01T00:00:00Z"))[0] == f"2027-Q1 NOT_TESTED not counted: {said}"


def test_a_run_by_a_clock_that_is_ahead_is_shown(tmp_path: Path) -> None:
    view = told(tmp_path, run("2027-04-02T10:00:00Z"), at="2027-03-30T00:00:00Z")
    assert [f"{each.name} {each.state}" for each in view.quarters] == [
        *("2027-Q1 OVERDUE", "2027-Q2 PASSED", "2027-Q3 DUE"),
    ]


# -- when did you last … ------------------------------------------------------------------------------------------
def test_the_last_success_is_told_with_its_backup_its_time_and_who_accepted_it(tmp_path: Path) -> None:
    row = run("2027-01-15T10:00:00Z")
    view = told(tmp_path, run("2026-10-15T10:00:00Z"), row, signed(row))
    assert view.answer == (
        "Last successful restore from backup: 15 January 2027 (drill-20270115T100000Z-7f3a, "
        "database of 15 January 2027 09:15Z restored in 39 s, signed off by Robin Board)"
    )


def test_a_rehearsal_or_a_recovery_answers_too_and_says_what_it_was(tmp_path: Path) -> None:
    drill, later = run("2027-01-15T10:00:00Z"), "2027-01-20T10:00:00Z"
    rehearsal = told(tmp_path, drill, run(later, "REHEARSAL")).answer
    assert "20 January 2027 (rehearsal-20270120T100000Z-7f3a, a rehearsal with nobody present" in rehearsal
    assert "production itself, in earnest" in told(tmp_path, drill, run(later, "RECOVERY")).answer


@pytest.mark.parametrize(
    "columns",
    [{"outcome": "FAIL"}, {"outcome": "INCONCLUSIVE"}, {"providers": "LOOPBACK"}, {"mode": "TRAINING"}],
    ids=lambda columns: " ".join(columns.values()),
)
def test_what_restored_nothing_of_the_platform_is_no_success(tmp_path: Path, columns: dict[str, str]) -> None:
    view = told(tmp_path, run("2027-01-15T10:00:00Z", **columns))
    assert view.last_success is None
    assert "never" in view.answer
    assert "runbook drill" in view.answer


def test_a_row_that_was_imported_later_does_not_hide_a_newer_restore(tmp_path: Path) -> None:
    newer, older = run("2027-01-15T10:00:00Z"), run("2026-12-15T10:00:00Z")
    last = told(tmp_path, newer, older).last_success
    assert last is not None
    assert last.run_id == newer["run_id"]


# -- trends -------------------------------------------------------------------------------------------------------
def test_trends_are_of_drills_that_passed_alone(tmp_path: Path) -> None:
    rows = [
        run("2026-01-15T10:00:00Z", rto_actual_s="3600", **TARGETS),
        run("2026-04-15T10:00:00Z", rto_actual_s="9000", **{**TARGETS, "rto_met": "NO"}),
        run("2026-05-15T10:00:00Z", outcome="FAIL", rto_actual_s="1"),
        run("2026-06-15T10:00:00Z", "REHEARSAL", rto_actual_s="2"),
        run("2026-07-15T10:00:00Z", rto_actual_s="2880", **TARGETS),
    ]
    rto, rpo = told(tmp_path, *rows).trends
    assert [seconds for _, seconds in rto.points] == [3600, 9000, 2880]
    moved = "RTO 48 min 0 s, 1 h 42 min less than the time before; best 48 min 0 s, worst 2 h 30 min"
    assert rto.sentence == f"{moved}; target missed 1 of 3 times"
    assert rpo.sentence.endswith(
        "as the time before; best 1 h 0 min, worst 1 h 0 min; target met each time that there was one"
    )


def test_without_a_target_none_is_met(tmp_path: Path) -> None:
    view = told(tmp_path, run("2027-01-15T10:00:00Z"))
    assert view.trends[0].sentence == "RTO 39 s, the first; no target set"
    assert words.figure(view.runs[0].rto) == "39 s (no target set)"


# -- damage -------------------------------------------------------------------------------------------------------
def test_an_altered_row_is_shown_and_answers_nothing(tmp_path: Path) -> None:
    path = past.written(tmp_path, [run("2026-10-15T10:00:00Z"), run("2027-01-15T10:00:00Z", outcome="FAIL")])
    past.altered(path, b'"FAIL"', b'"PASS"')
    view = reading.view(reading.read(path), datetime.fromisoformat("2027-02-10T12:00:00Z"), MONTHS)
    assert (view.sound, view.verdict) == (False, "ROW_ALTERED")
    assert [run.damaged for run in view.runs] == [False, True]
    assert "15 October 2026" in view.answer
    assert quarters(view)[-1] == "2027-Q1 OVERDUE since 31 January, by 10 days"
    said = " ".join("\n".join(words.lines(view, 80)).split())
    assert said.startswith("THE LOG IS DAMAGED (ROW_ALTERED)")
    assert "THIS RUN'S ROWS ARE DAMAGED" in said


def test_how_the_platform_stands_rests_on_no_altered_row(tmp_path: Path) -> None:
    rows = [run("2026-10-15T10:00:00Z"), run("2027-01-15T10:00:00Z", outcome="FAIL", findings_open="3")]
    path = past.written(tmp_path, rows)
    past.altered(path, b'"FAIL"', b'"PASS"')
    now = datetime.fromisoformat("2027-02-10T12:00:00Z")
    view = reading.view(reading.read(path), now, MONTHS)
    said = "\n".join(standing.lines(view, now))
    assert "1 of 2 recorded runs are not as they were written, and count for nothing here." in said
    assert "Newest record: DRILL PASS, 118 days ago; open findings: 0" in " ".join(said.split())
    document = machine.standing(view, now)
    assert document["newest"]["number"] == 1
    assert document["findings_open"] == 0
    assert document["not_signed_off"] == [view.runs[0].run_id]


def test_an_altered_sign_off_signs_nothing(tmp_path: Path) -> None:
    row = run("2027-01-15T10:00:00Z")
    path = past.written(tmp_path, [row, signed(row)])
    past.altered(path, b"Robin Board", b"Robin Bored")
    view = reading.view(reading.read(path), datetime.fromisoformat("2027-02-10T12:00:00Z"), MONTHS)
    assert "not signed off" in view.answer
    assert view.runs[0].damaged


def test_a_log_that_is_gone_is_told_from_one_that_was_never_begun(tmp_path: Path) -> None:
    now = datetime.fromisoformat("2027-02-10T12:00:00Z")
    never = reading.view(reading.read(tmp_path / "restoration-test-log.csv"), now, MONTHS)
    assert (never.begun, never.sound, "never" in never.answer) == (False, True, True)
    path = past.written(tmp_path, [run("2027-01-15T10:00:00Z")])
    path.unlink()
    gone = reading.view(reading.read(path), now, MONTHS)
    assert (gone.begun, gone.sound, gone.verdict) == (True, False, "FILE_ABSENT")


def test_training_answers_nothing_about_restoring(tmp_path: Path) -> None:
    row = run("2027-01-15T10:00:00Z", "TRAINING", providers="LOOPBACK", signoff="NOT_NEEDED")
    path = past.written(tmp_path / "training", [row], Domain.TRAINING)
    view = reading.view(reading.read(path), datetime.fromisoformat("2027-02-10T12:00:00Z"), MONTHS)
    assert (view.answer, view.last_success, view.quarters) == ("", None, ())
    assert view.trends[0].sentence.startswith("RTO 39 s")
    said = "\n".join(words.lines(view, 80))
    assert said.startswith(words.NO_TEST)
    assert "stand-ins" not in said


# -- lines --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("width", [60, 80])
def test_lines_fit_and_every_state_is_a_word(tmp_path: Path, width: int) -> None:
    rows = [
        run("2026-01-15T10:00:00Z", rto_actual_s="3600", **TARGETS),
        run("2026-04-15T10:00:00Z", "REHEARSAL", outcome="PASS_WITH_ISSUES", findings_open="2", cleanup="PENDING"),
        run("2026-07-15T10:00:00Z", outcome="FAIL", providers="LOOPBACK"),
        run("2026-10-15T10:00:00Z", rto_actual_s="20000", **{**TARGETS, "rto_met": "NO"}),
    ]
    lines = list(words.lines(told(tmp_path, *rows), width))
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(lines).split())
    assert "NOT TESTED not counted: rehearsal of 15 April" in said
    assert "at stand-ins on this machine" in said
    assert "MISSED" in said
    assert "cleanup PENDING" in said


def test_text_from_a_file_does_nothing_on_a_terminal(tmp_path: Path) -> None:
    evil = "\x1b]52;c;AAAA\x07\x1b[2J\u202e\u200bx"
    names = ("run_id", "mode", "outcome", "scenario", "signoff_name", "cleanup", "operator_name", "providers")
    view = told(tmp_path, {**run("2027-01-15T10:00:00Z"), **dict.fromkeys(names, evil), "signoff": "SIGNED"})
    assert "".join(words.lines(view, 80)).isprintable()
