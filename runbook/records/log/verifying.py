"""A log's bytes, judged with all its rows kept: for what adds a row, and for what tells the log run by run."""

from __future__ import annotations

import io

from runbook.records.log.judging import judge
from runbook.records.log.testlog import FIRST, Domain, Row
from runbook.records.log.verdicts import LogVerdict, Problem, Verification

ABSENT = Problem(LogVerdict.FILE_ABSENT, None, None, "there is no log file")


def verify(content: bytes | None, domain: Domain) -> Verification:
    """Judge a log's bytes (None: there is no file).  Reads nothing else: it must work on a bare machine."""
    if content is None:
        return Verification((), (ABSENT,), FIRST)
    rows = list[Row]()
    judged = judge(io.BytesIO(content), domain, lambda _number, found, _index: rows.append(found.row))
    return Verification(tuple(rows), judged.problems, judged.head)
