"""A log told run by run."""

from __future__ import annotations

from runbook.records.log.folding import told
from runbook.records.log.testlog import COLUMNS, Row


def _run(run_id: str, **said: str) -> Row:
    return {**dict.fromkeys(COLUMNS, ""), "run_id": run_id, "record_type": "RUN", "signoff": "PENDING", **said}


def _of(run: Row, name: str, record_type: str, **said: str) -> Row:
    return {**run, "run_id": f"{run['run_id']}.{name}", "record_type": record_type, "refers_to": run["run_id"], **said}


A, B = _run("drill-a", outcome="PASS"), _run("drill-b")
SIGNED = {"signoff": "SIGNED", "signoff_name": "Robin Board"}


def test_runs_are_told_in_the_log_s_order_each_with_what_follows_it() -> None:
    cleanup, signoff = _of(A, "cleanup-1", "AMENDMENT"), _of(A, "signoff-1", "SIGNOFF", **SIGNED)
    first, second = told([A, B, cleanup, signoff])
    assert (first.run, first.amendments, first.signoffs, first.number) == (A, (cleanup,), (signoff,), 1)
    assert (second.run, second.further, second.signed, second.number) == (B, (), None, 2)
    assert second.now == B


def test_a_run_is_now_what_its_further_rows_say_under_its_own_name() -> None:
    rows = [
        A,
        _of(A, "cleanup-1", "AMENDMENT", cleanup="DONE", summary="gone", outcome="FAIL"),
        _of(A, "signoff-1", "SIGNOFF", **SIGNED),
        _of(A, "amendment-1", "AMENDMENT", summary="corrected", evidence_path="evidence/y"),
    ]
    (one,) = told(rows)
    assert one.now == {**A, "cleanup": "DONE", "summary": "corrected", **SIGNED}


def test_whether_it_was_amended_after_it_was_signed() -> None:
    signoff, amendment = _of(A, "signoff-1", "SIGNOFF", **SIGNED), _of(A, "amendment-1", "AMENDMENT", **SIGNED)
    again = _of(A, "signoff-2", "SIGNOFF", **SIGNED)
    for rows, amended in (([signoff], False), ([signoff, amendment], True), ([signoff, amendment, again], False)):
        (one,) = told([A, *rows])
        assert one.signed_before_amendment is amended
        assert one.signed is rows[2 if len(rows) > 2 else 0]
    (never,) = told([A, amendment])
    assert not never.signed_before_amendment


def test_rows_without_their_run_and_a_run_s_second_row_are_left_out() -> None:
    early, other = _of(A, "signoff-1", "SIGNOFF"), _run("drill-a", outcome="FAIL")
    of_amendment = _of(_of(A, "cleanup-1", "AMENDMENT"), "signoff-1", "SIGNOFF")
    (one,) = told([early, A, other, of_amendment])
    assert (one.run, one.further, one.number) == (A, (), 2)
