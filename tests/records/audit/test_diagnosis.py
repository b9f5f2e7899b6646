"""What was done to a row is named: the column, what it said before, which row was moved, whose row was removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.records.audit.anchors import given
from runbook.records.audit.checking import Checked, check
from runbook.records.canonical import canonical
from runbook.records.log.testlog import Domain, Row, line, sealed
from runbook.records.log.verdicts import LogVerdict, Problem
from tests.records.log.filed import Filed, filed

V = LogVerdict


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Filed:
    return filed(tmp_path_factory.mktemp("filed"), tmp_path_factory.mktemp("told"))


@pytest.fixture
def log(original: Filed) -> Iterator[Filed]:
    """The log, which is put back when the test is over."""
    yield original
    original.write()


def checked(log: Filed, **how: bool) -> Checked:
    return check(log.path, **how)  # type: ignore[arg-type]  # switches only


def one(log: Filed, verdict: LogVerdict = V.ROW_ALTERED, **how: bool) -> Problem:
    """The one problem of that kind, which has to be the worst."""
    judged = checked(log, **how)
    assert judged.verdict is verdict
    (problem,) = (each for each in judged.problems if each.verdict is verdict)
    return problem


# -- by proof ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(1, 13))
def test_an_outcome_that_was_turned_is_named_in_every_row(log: Filed, number: int) -> None:
    right = log.rows[number - 1]["outcome"]
    other = "FAIL" if right == "PASS" else "PASS"
    log.alter(number, outcome=other)
    problem = one(log, evidence=False)
    assert (problem.row, problem.column) == (number, "outcome")
    assert f'says "{other}"; with "{right}" its hash is right again' in problem.sentence


CHANGES = {
    "a stage": ("s3_database", "FAIL"),
    "a criterion": ("c2_db_connected", "NOT_RUN"),
    "whether a target was met": ("rto_met", "YES"),
    "a figure": ("rto_actual_s", "7"),
    "an age": ("vault_backup_age_s", "7100"),
    "a count": ("checks_passed", "99"),
    "the day": ("started_at", "2027-01-03T10:00:00Z"),
    "the time of day": ("ended_at", "2027-01-15T18:00:"),
    "the quarter": ("quarter", "2026-Q1"),
    "a letter of a name": ("operator_name", "Pat Exemple"),
    "a letter more": ("operator_name", "Pat Examples"),
    "a digit of a digest": ("evidence_digest", ""),
    "a lost leading zero": ("account", "12345678901"),
    "a truth value": ("patient_data_used", "FALSE"),
    "a blank": ("scenario", " the database's disk was lost"),
    "the run that is referred to": ("refers_to", "x"),
    "the place in the chain": ("prev_hash", "sha256:" + "00" * 32),
    "the hash itself": ("row_hash", "sha256:" + "00" * 32),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_value_is_proved_by_the_hash(log: Filed, what: str) -> None:
    column, value = CHANGES[what]
    row = log.rows[2]
    if column == "evidence_digest":
        value = row[column][:-1] + ("0" if row[column][-1] != "0" else "1")
    if column == "ended_at":
        value += row[column][-3:]
    log.alter(3, **{column: value})
    problem = one(log, evidence=False)
    assert (problem.row, problem.column) == (3, column)
    if column != "row_hash":
        assert "its hash is right again" in problem.sentence


def test_the_last_rows_own_hash_is_proved_by_the_head_beside_the_log(log: Filed) -> None:
    log.alter(12, row_hash="sha256:" + "00" * 32)
    problem = next(each for each in checked(log, evidence=False).problems if each.column == "row_hash")
    assert (problem.row, problem.verdict) == (12, V.ROW_ALTERED)


def test_a_word_that_was_changed_in_two_columns_is_named_once_with_both(log: Filed) -> None:
    log.alter(3, outcome="FAIL", c1_app_boots="FAIL")
    problem = one(log, evidence=False)
    assert problem.column == "outcome"
    assert "c1_app_boots" in problem.sentence


def spreadsheet(row: Row) -> dict[str, str]:
    """Times as a British spreadsheet saves them."""
    times = {name: value for name, value in row.items() if value.endswith("Z") and value.startswith("20")}
    return {name: f"{t[8:10]}/{t[5:7]}/{t[:4]} {t[11:19]}" for name, t in times.items()}


def test_times_that_a_spreadsheet_turned_are_told_together(log: Filed) -> None:
    changed = spreadsheet(log.rows[2])
    assert len(changed) >= 5
    log.alter(3, **changed)
    problem = one(log, evidence=False)
    assert problem.column in changed
    assert "put back too" in problem.sentence


def test_bytes_of_another_encoding_are_read_back(log: Filed) -> None:
    row = log.rows[11]
    there = sealed({**row, "operator_name": "Zoë Example"}, row["prev_hash"], Domain.TEST)
    log.write({12: line(there).replace("ë".encode(), "ë".encode("cp1252"))})
    log.head.unlink()
    try:
        problem = next(each for each in checked(log, evidence=False).problems if each.row == 12)
    finally:
        log.head.write_bytes(canonical({"rows": 12, "head": row["row_hash"], "at": "2027-02-01T10:00:00Z"}))
    assert (problem.verdict, problem.column) == (V.ROW_ALTERED, "operator_name")


# -- by the run's evidence, by the column's form ----------------------------------------------------------------------
def test_what_no_guess_finds_the_runs_evidence_tells(log: Filed) -> None:
    log.alter(3, operator_name="Somebody Else", operator_role="janitor")
    problem = one(log)
    assert (problem.row, problem.column) == (3, "operator_name")
    assert 'the run\'s evidence says "Pat Example" (also operator_role)' in problem.sentence


def test_without_evidence_the_form_of_a_column_tells(log: Filed) -> None:
    log.alter(3, operator_name="Somebody Else", rto_met="PERHAPS")
    problem = one(log, evidence=False)
    assert (problem.row, problem.column) == (3, "rto_met")
    assert "never says" in problem.sentence


def test_without_anything_to_tell_by_the_row_is_named_alone(log: Filed) -> None:
    log.alter(3, operator_name="Somebody Else", operator_role="janitor")
    problem = one(log, evidence=False)
    assert (problem.row, problem.column) == (3, None)


def test_evidence_that_was_altered_itself_tells_nothing(log: Filed) -> None:
    document = log.evidence(3) / "run.json"
    before = document.read_bytes()
    document.write_bytes(before.replace(b"Pat Example", b"Some Bodyelse"))
    try:
        log.alter(3, operator_name="Some Bodyelse", operator_role="janitor")
        problem = next(each for each in checked(log).problems if each.verdict is V.ROW_ALTERED)
    finally:
        document.write_bytes(before)
    assert problem.column is None


# -- rows -------------------------------------------------------------------------------------------------------------
def numbers(*left_out: int) -> tuple[int, ...]:
    return tuple(number for number in range(1, 13) if number not in left_out)


def test_a_removed_row_is_named_by_its_run_where_the_evidence_is_still_there(log: Filed) -> None:
    log.write(order=numbers(10))
    problem = one(log, V.ROW_MISSING)
    assert (problem.row, problem.column) == (10, "prev_hash")
    assert f"the row of {log.rows[9]['run_id']} was removed from there" in problem.sentence
    assert "the row before it was removed, or more than one" in one(log, V.ROW_MISSING, evidence=False).sentence


def test_removed_rows_that_no_run_json_proves_are_hinted_at_by_their_evidence(log: Filed) -> None:
    log.write(order=numbers(5, 10, 11))
    first, second = (each.sentence for each in checked(log).problems if each.verdict is V.ROW_MISSING)
    without = [log.rows[number - 1]["run_id"] for number in (10, 11, 5)]
    assert f"or more than one (evidence without a row: {', '.join(sorted(without))})" in first
    assert "evidence without a row" in second


def test_the_first_row_that_was_removed_too(log: Filed) -> None:
    log.write(order=numbers(1))
    problem = one(log, V.ROW_MISSING)
    assert problem.row == 1
    assert f"does not follow the header: the row of {log.rows[0]['run_id']} was removed" in problem.sentence


def test_rows_that_were_swapped_say_where_they_belong(log: Filed) -> None:
    log.write(order=(*range(1, 10), 11, 10, 12))
    said = [(each.row, each.sentence) for each in checked(log).problems if each.verdict is V.ROW_MISSING]
    assert [row for row, _ in said] == [10, 12]
    assert "was written behind what is row 11 now: rows were moved" in said[0][1]
    assert "was written behind row 10" in said[1][1]


def test_a_row_that_stands_twice_says_which_it_is(log: Filed) -> None:
    log.write(order=(*range(1, 11), 3, 11, 12))
    assert one(log, V.ROW_DUPLICATED).sentence.endswith("stands here again: it is row 3")


def test_a_second_first_row_is_said_to_be_put_in(log: Filed) -> None:
    other = sealed(log.rows[11], log.rows[0]["prev_hash"], Domain.TEST)
    log.write({7: log.lines[7] + line(other)})
    problem = one(log, V.ROW_MISSING, evidence=False)
    assert problem.row == 8
    assert "first row of a log, and stands behind row 7" in problem.sentence


# -- heads that are known elsewhere -----------------------------------------------------------------------------------
@pytest.mark.parametrize("left", [11, 9, 1])
def test_a_cut_tail_is_named_by_the_head_beside_the_log(log: Filed, left: int) -> None:
    log.write(order=tuple(range(1, left + 1)))
    problem = one(log, V.TRUNCATED)
    assert (problem.row, problem.sentence) == (
        left,
        f"the log had 12 rows (restoration-test-log.head) and has {left}: its newest rows were cut off",
    )


def test_a_chain_that_was_made_anew_is_named_by_a_head_and_by_the_next_runs_evidence(log: Filed) -> None:
    rows = list(log.rows[:2])
    for row in log.rows[2:]:
        said = {**row, "outcome": "FAIL"} if row["run_id"] == log.rows[2]["run_id"] else row
        rows.append(sealed(said, rows[-1]["row_hash"], Domain.TEST))
    log.write({number: line(row) for number, row in enumerate(rows, start=1)})
    found = [each for each in checked(log).problems if each.verdict is V.ROW_ALTERED]
    assert found[0].row == 12
    assert "is not the row that was written there (restoration-test-log.head)" in found[0].sentence
    assert [each.row for each in found[1:]] == [4, 7, 10, 11, 12]
    assert "when that run was sealed the log ended in another row" in found[1].sentence
    only = check(log.path, anchors=[given(f"6:{log.rows[5]['row_hash'].removeprefix('sha256:')[:8]}")], evidence=False)
    assert [each.row for each in only.problems] == [12, 6]


def test_evidence_of_a_log_that_had_no_row_yet_says_nothing(log: Filed, tmp_path: Path) -> None:
    shutil.copytree(log.evidence(1), tmp_path / log.rows[0]["evidence_path"])
    copy = tmp_path / log.path.name
    copy.write_bytes(b"".join(log.lines[:2]))
    assert check(copy).verdict is V.OK


def test_a_row_that_is_added_while_the_log_is_read_is_no_cut_tail(log: Filed) -> None:
    before = log.head.read_bytes()

    def move(number: int, *_: object) -> None:
        if number == 12:
            log.head.write_bytes(before.replace(b'"rows":12', b'"rows":13'))

    try:
        judged = check(log.path, evidence=False, visit=move)
    finally:
        log.head.write_bytes(before)
    assert judged.verdict is V.OK


def test_a_row_of_training_in_the_test_log_is_called_that(log: Filed) -> None:
    training = sealed(log.rows[4], log.rows[3]["row_hash"], Domain.TRAINING)
    log.write({5: line(training)})
    problem = one(log, evidence=False)
    assert (problem.row, problem.column) == (5, "mode")
    assert "a whole row of the other kind of log" in problem.sentence
