"""How a log is judged: in one pass, with rows told apart from lines, and nothing kept that could grow with the file."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.errors import RecordFailed
from runbook.records.canonical import digest
from runbook.records.log import reading
from runbook.records.log.judging import judge
from runbook.records.log.problems import KEPT
from runbook.records.log.reading import LONGEST, record
from runbook.records.log.testlog import COLUMNS, FIRST, Domain, Row, field, line, row_hash, sealed
from runbook.records.log.verdicts import LogVerdict
from runbook.records.log.verifying import verify
from tests.records.log.twelve import HEADER, Log, chained, twelve

V = LogVerdict


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("twelve"))


def said(content: bytes) -> list[tuple[LogVerdict, int | None]]:
    return [(problem.verdict, problem.row) for problem in verify(content, Domain.TEST).problems]


def joined(log: Log, *numbers: int) -> bytes:
    return HEADER + b"".join(log.lines[number] for number in numbers)


# -- one line ---------------------------------------------------------------------------------------------------------
TEXT = st.text(max_size=12) | st.sampled_from(['a"b', "\\", "\u2028", "é", "\x7f", "=1", '","', ""])


@given(st.lists(TEXT, min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_a_rows_hash_is_that_of_its_canonical_json(texts: list[str]) -> None:
    row = dict(zip(COLUMNS, map(field, texts), strict=True))
    named = {column: row[column] for column in COLUMNS if column != "row_hash"}
    right = "sha256:" + digest(Domain.TEST, named)
    assert row_hash(row, Domain.TEST) == right
    found = record(line(row), Domain.TEST)
    assert found is not None
    assert (found.row, found.hash, found.as_written) == (row, right, True)


@given(st.binary(max_size=40), st.integers(0, 1500), st.integers(0, 3))
def test_the_quick_way_and_the_slow_way_read_the_same(more: bytes, at: int, cut: int) -> None:
    raw = line(dict.fromkeys(COLUMNS, "some text"))
    raw = raw[:at] + more + raw[at + cut :]
    quick, slow = reading._plain(raw, Domain.TEST), reading._any(raw, Domain.TEST)
    assert quick is None or (slow is not None and (tuple(quick.fields), quick.hash) == (slow.fields, slow.hash))
    assert quick is None or (slow is not None and slow.as_written)


# -- problems that follow from another are not told -------------------------------------------------------------------
def test_a_row_that_stands_twice_is_the_one_problem(log: Log) -> None:
    assert said(joined(log, 1, 2, 3, 2, *range(4, 13))) == [(V.ROW_DUPLICATED, 4)]


def test_a_row_that_was_removed_is_the_one_problem(log: Log) -> None:
    assert said(joined(log, 1, 2, *range(4, 13))) == [(V.ROW_MISSING, 3)]
    assert said(joined(log, *range(3, 13))) == [(V.ROW_MISSING, 1)]


@pytest.mark.parametrize("column", ["outcome", "row_hash", "prev_hash", "run_id", "refers_to"])
def test_a_row_that_was_changed_is_the_one_problem_whatever_of_it_was(log: Log, column: str) -> None:
    changed = line({**log.rows[2], column: "sha256:" + "ab" * 32})
    assert said(joined(log, 1, 2) + changed + b"".join(log.lines[4:])) == [(V.ROW_ALTERED, 3)]


def test_a_line_that_is_no_record_is_the_one_problem(log: Log) -> None:
    assert said(joined(log, 1, 2) + b"nothing\r\n" + b"".join(log.lines[4:])) == [(V.ROW_ALTERED, 3)]


def test_another_logs_row_is_the_one_problem(log: Log) -> None:
    foreign = line(sealed(log.rows[6], "sha256:" + "cd" * 32, Domain.TEST))
    assert said(joined(log, 1, 2) + foreign + b"".join(log.lines[3:])) == [(V.ROW_MISSING, 3)]


def test_a_third_copy_is_told_from_the_first_too(log: Log) -> None:
    judged = verify(joined(log, 1, 2, 2, 2, 3), Domain.TEST)
    assert ["it is row 2" in problem.sentence for problem in judged.problems] == [True, True]


def test_a_row_with_sectors_that_were_lost_is_altered_where_others_follow(log: Log) -> None:
    raw = log.lines[3]
    assert said(joined(log, 1, 2) + raw[:200] + bytes(64) + raw[264:] + b"".join(log.lines[4:])) == [(V.ROW_ALTERED, 3)]


# -- rows that are whole, and may not stand there ---------------------------------------------------------------------
def anew(rows: Sequence[Row]) -> bytes:
    return HEADER + b"".join(line(row) for row in chained(list(rows)))


def test_a_runs_second_row_is_named(log: Log) -> None:
    judged = verify(anew([*log.rows, log.rows[0]]), Domain.TEST)
    (problem,) = judged.problems
    assert (problem.verdict, problem.row, problem.column) == (V.ROW_DUPLICATED, 13, "run_id")
    assert "its first is row 1" in problem.sentence


@pytest.mark.parametrize(
    ("rows", "where"),
    [((0, 2, 4), 3), ((0, 2, 1, 8), 4), ((1, 0), 1)],
    ids=["an amendment of no run here", "a sign-off of a run that is not here", "a sign-off before its run"],
)
def test_a_further_row_of_no_run_before_it_is_named(log: Log, rows: tuple[int, ...], where: int) -> None:
    judged = verify(anew([log.rows[number] for number in rows]), Domain.TEST)
    first = judged.problems[0]
    assert (first.verdict, first.row, first.column) == (V.ROW_ALTERED, where, "refers_to")


def test_a_further_row_that_changes_the_outcome_is_named(log: Log) -> None:
    judged = verify(anew([log.rows[0], {**log.rows[1], "outcome": "PASS_WITH_ISSUES"}]), Domain.TEST)
    (problem,) = judged.problems
    assert (problem.verdict, problem.row, problem.column) == (V.ROW_ALTERED, 2, "refers_to")
    assert "outcome" in problem.sentence


def test_what_follows_a_run_is_judged_although_many_runs_stand_between(log: Log) -> None:
    run, signed = log.rows[0], log.rows[1]
    others = [{**run, "run_id": f"drill-20270115T100000Z-{number:04x}"} for number in range(80)]
    again = {**signed, "run_id": signed["refers_to"] + ".signoff-2"}
    assert verify(anew([run, *others, signed]), Domain.TEST).verdict is V.OK
    (problem,) = verify(anew([run, signed, *others, again]), Domain.TEST).problems
    assert (problem.row, problem.column) == (83, "refers_to")


def test_a_row_that_changed_while_the_log_was_read_is_said(log: Log) -> None:
    run, signed = log.rows[0], log.rows[1]
    others = [{**run, "run_id": f"drill-20270115T100000Z-{number:04x}"} for number in range(80)]

    class Changing(io.BytesIO):
        def seek(self, at: int, whence: int = 0) -> int:
            if at == len(HEADER) and self.tell() > 100_000:
                self.getbuffer()[at : at + 9] = b"\n" * 9
            return super().seek(at, whence)

    with pytest.raises(RecordFailed, match="changed while the log was read"):
        judge(Changing(anew([run, *others, signed])), Domain.TEST)


# -- a file that is not ours, or very large ---------------------------------------------------------------------------
def test_of_many_problems_some_are_kept_and_all_are_counted(log: Log) -> None:
    altered = line({**log.rows[0], "outcome": "FAIL"})
    judged = verify(HEADER + altered * 1000 + b"x", Domain.TEST)
    assert judged.verdict is V.ROW_ALTERED
    assert len(judged.problems) == KEPT + 2
    assert (judged.problems[-2].verdict, judged.problems[-1].row) == (V.TORN_TAIL, None)
    assert judged.problems[-1].sentence == "and 800 more problems (800 × ROW_ALTERED)"


class Watched(io.BytesIO):
    """Never asked for more than a line's length at a time."""

    asked = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size <= LONGEST
        self.asked += 1
        return super().readline(size)

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the whole file at once")


def test_a_line_that_is_longer_than_any_record_is_none_and_the_next_is_read(log: Log) -> None:
    long = b'"' + b"x" * (3 * LONGEST) + b'"\r\n'
    file = Watched(joined(log, 1, 2) + long + b"".join(log.lines[3:]))
    judged = judge(file, Domain.TEST)
    assert (judged.rows, [problem.row for problem in judged.problems]) == (13, [3])
    assert file.asked < 24


def test_a_long_line_without_an_end_is_torn_and_its_length_is_said(log: Log) -> None:
    judged = judge(Watched(log.content + b"x" * (2 * LONGEST)), Domain.TEST)
    (problem,) = judged.problems
    assert (problem.verdict, problem.row) == (V.TORN_TAIL, 13)
    assert f"the last {2 * LONGEST} bytes" in problem.sentence


def test_junk_in_the_middle_of_a_row_cannot_hide_by_its_length(log: Log) -> None:
    raw = log.lines[3]
    hidden = raw[:100] + b"x" * (LONGEST * 2 - 100) + raw[100:]
    assert said(joined(log, 1, 2) + hidden + b"".join(log.lines[4:])) == [(V.ROW_ALTERED, 3)]


def test_rows_are_counted_and_their_hashes_known_by_number(log: Log) -> None:
    judged = judge(io.BytesIO(log.content), Domain.TEST)
    assert (judged.rows, judged.head, judged.verdict) == (12, log.rows[-1]["row_hash"], V.OK)
    assert [judged.index.hash_at(number) for number in range(1, 13)] == [row["row_hash"] for row in log.rows]
    assert judged.index.number_of(log.rows[4]["row_hash"]) == 5
    assert judged.index.number_of("sha256:" + "AB" * 32) is judged.index.number_of("nothing") is None


def test_a_log_of_nothing_but_a_header_is_whole_and_has_the_first_head() -> None:
    judged = verify(HEADER, Domain.TEST)
    assert (judged.verdict, judged.rows, judged.head) == (V.OK, (), FIRST)


def test_a_name_that_would_act_on_a_terminal_is_harmless_in_a_sentence(log: Log) -> None:
    altered = line({**log.rows[0], "run_id": "\x1b]0;owned\x07drill"})
    (problem,) = verify(HEADER + altered, Domain.TEST).problems
    assert "\x1b" not in problem.sentence
    assert json.loads(json.dumps(problem.sentence)) == problem.sentence


def test_the_verdicts_are_in_the_order_in_which_the_worst_is_named() -> None:
    worst_first = "FILE_ABSENT NEWER_VERSION HEADER ROW_ALTERED ROW_MISSING ROW_DUPLICATED TRUNCATED TORN_TAIL"
    assert " ".join(LogVerdict) == f"{worst_first} EVIDENCE_ALTERED EVIDENCE_MISSING RE-ENCODED OK"


def test_a_log_is_judged_the_same_from_a_file(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(log.content + b"torn")
    with path.open("rb") as file:
        judged = judge(file, Domain.TEST)
    assert judged.problems == verify(path.read_bytes(), Domain.TEST).problems
