"""How a log is judged: line by line, in one pass, with a memory of its rows' hashes and names only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from runbook.engine.errors import RecordFailed
from runbook.records.log.further import RUN, wrongs
from runbook.records.log.heading import Heading, heading
from runbook.records.log.index import Index
from runbook.records.log.problems import Problems, called
from runbook.records.log.reading import Record, lines, record
from runbook.records.log.testlog import COLUMNS, FIRST, Domain
from runbook.records.log.verdicts import Judgement, LogVerdict, Problem

Visit = Callable[[int, Record, Index], None]
"""Is told of each readable row, with its number and what is known of those up to it, in the file's order."""

_RUN_ID: Final = COLUMNS.index("run_id")
_TYPE: Final = COLUMNS.index("record_type")
_REFERS: Final = COLUMNS.index("refers_to")
_PREV: Final = COLUMNS.index("prev_hash")


@dataclass(frozen=True, slots=True)
class Judged(Judgement):
    """A judged log whose rows nobody kept.  `head` is the last readable row's hash, as stored; `rows` counts lines."""

    rows: int
    problems: tuple[Problem, ...]
    head: str
    index: Index


def judge(file: BinaryIO, domain: Domain, *visits: Visit) -> Judged:
    """Judge a log's file, which has to be seekable, from its first byte.  Reads nothing else."""
    judging = _Judging(Index(file, domain), domain, visits)
    source = lines(file)
    _, first = next(source, (0, b""))
    judging.head(heading(first), first)
    for offset, raw in source:
        judging.take(offset, raw)
    return judging.end(file.seek(0, 2))


class _Judging:
    def __init__(self, index: Index, domain: Domain, visits: tuple[Visit, ...]) -> None:
        self._index = index
        self._domain = domain
        self._visits = visits
        self._problems = Problems()
        self._heading = Heading()
        self._last = FIRST  # the head, as stored
        self._follows: tuple[str, ...] | None = (FIRST,)  # hashes that the next row may follow; None: any
        self._encoded: int | None = None  # where another program's line was seen first; 0: the header
        self._held: tuple[int, bytes] | None = None  # a line with NUL in it: torn, if no other follows
        self._torn: int | None = None  # where the line begins that does not end

    def head(self, said: Heading, raw: bytes) -> None:
        self._heading = said
        if raw and not raw.endswith(b"\n"):
            self._torn = 0
        if said.re_encoded:
            self._encoded = 0

    def take(self, offset: int, raw: bytes) -> None:
        if not raw.endswith(b"\n"):
            self._torn = offset
        elif self._heading.problem:
            self._heading = self._heading.before(raw)
        else:
            self._flush()
            found = record(raw, self._domain)
            if b"\0" in raw and (found is None or not found.as_written):
                self._held = offset, raw
            else:
                self._row(offset, found)

    def end(self, size: int) -> Judged:
        if self._heading.problem:
            self._problems.add([self._heading.problem])
        if self._held:  # its sectors did not all reach the disk before a crash
            number = len(self._index) + 1
            torn = Problem(LogVerdict.TORN_TAIL, number, None, f"row {number} did not reach the disk whole")
            self._problems.add([torn])
        self._problems.add(self._encoding())
        self._problems.add(self._tail(size))
        return Judged(len(self._index), self._problems.all(), self._last, self._index)

    # -- one row ------------------------------------------------------------------------------------------------------
    def _flush(self) -> None:
        if self._held:
            (offset, raw), self._held = self._held, None
            self._row(offset, record(raw, self._domain))

    def _row(self, offset: int, found: Record | None) -> None:
        earlier = self._index.number_of(found.fields[-1]) if found else None
        number = self._index.add(offset, found)
        if found is None:
            sentence = f"row {number} has not the fields of a record"
            self._problems.add([Problem(LogVerdict.ROW_ALTERED, number, None, sentence)])
            self._follows = None
            return
        whole = self._chain(number, found, earlier)
        if not self._problems:
            self._fits(number, found)
        elif whole and found.fields[_TYPE] == RUN:
            self._once(number, found)
        if not found.as_written and self._encoded is None:
            self._encoded = number
        self._last = found.fields[-1]
        for visit in self._visits:
            visit(number, found, self._index)

    def _chain(self, number: int, found: Record, earlier: int | None) -> bool:
        """What the row's own hash says, and its place; whether both are as they were written."""
        stored, prev = found.fields[-1], found.fields[_PREV]
        if not found.hash or found.hash != stored:  # what UTF-8 cannot hold has none, and nothing is its hash
            self._add(LogVerdict.ROW_ALTERED, number, None, found, "was changed")
            self._follows = (stored, found.hash)  # whichever of them is the one that was written
        elif earlier is not None:
            self._add(LogVerdict.ROW_DUPLICATED, number, None, found, f"stands here again: it is row {earlier}")
        elif self._follows is not None and prev not in self._follows:
            wrong = "does not follow the row before it: rows were removed or moved"
            self._add(LogVerdict.ROW_MISSING, number, "prev_hash", found, wrong)
            self._follows = (stored, *self._follows)
        else:
            self._follows = (stored,)
            return True
        return False

    def _fits(self, number: int, found: Record) -> None:
        """Whether a row that is as it was written may stand there; not asked behind one that is not."""
        fields, index = found.fields, self._index
        if fields[_TYPE] == RUN:
            self._once(number, found)
            return
        run = index.run(fields[_REFERS])
        earlier = [self._again(each) for each in index.further(fields[_REFERS])]
        for wrong in wrongs(found.row, self._again(run).row if run else None, [each.row for each in earlier]):
            sentence = f"is no {fields[_TYPE]} that may stand there: {wrong}"
            self._add(LogVerdict.ROW_ALTERED, number, "refers_to", found, sentence)
        index.follow(fields[_REFERS], number, found)

    def _once(self, number: int, found: Record) -> None:
        """A run has one row of its own, also behind damage."""
        first = self._index.run(found.fields[_RUN_ID])
        if first is None:
            self._index.begin(found.fields[_RUN_ID], number, found)
            return
        again = f"is a second row of that run: its first is row {first}"
        self._add(LogVerdict.ROW_DUPLICATED, number, "run_id", found, again)

    def _again(self, number: int) -> Record:
        found = self._index.at(number)
        if found is None:
            raise RecordFailed(f"row {number} changed while the log was read", fix="Try again.")
        return found

    def _add(self, verdict: LogVerdict, number: int, column: str | None, found: Record, sentence: str) -> None:
        said = f"{called(number, found.fields[_RUN_ID])} {sentence}"
        self._problems.add([Problem(verdict, number, column, said)])

    # -- the file -----------------------------------------------------------------------------------------------------
    def _encoding(self) -> Iterator[Problem]:
        if self._encoded is not None:
            sentence = "another program saved the file: quotes, line ends or a mark at its start are not this tool's"
            if not self._problems:
                sentence += "; no value changed"
            yield Problem(LogVerdict.RE_ENCODED, self._encoded or None, None, sentence)

    def _tail(self, size: int) -> Iterator[Problem]:
        if self._torn is not None:
            row = len(self._index) + 1 if self._torn else None
            sentence = f"the last {size - self._torn} bytes are not a whole line: a crash while a row was appended"
            yield Problem(LogVerdict.TORN_TAIL, row, None, sentence)
