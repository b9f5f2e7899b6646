"""How a log's file is judged."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from runbook.records.log.testlog import COLUMNS, FIRST, LOG_VERSION, Domain, Row, line, row_hash
from runbook.records.log.verdicts import LogVerdict, Problem, Verification


def verify(content: bytes | None, domain: Domain) -> Verification:
    """Judge a log's bytes (None: there is no file).  Reads nothing else: it must work on a bare machine."""
    if content is None:
        absent = Problem(LogVerdict.FILE_ABSENT, None, None, "there is no log file")
        return Verification((), (absent,), FIRST)
    *lines, tail = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    torn = _torn(tail, len(lines))
    header = _fields(lines[0]) if lines else None
    if header != COLUMNS:
        return Verification((), (*_header_problem(header, lines), *torn), FIRST)
    rows = [_row(each) for each in lines[1:]]
    problems = (*_chain_problems(rows, lines[1:], domain), *_encoding_problems(content, lines), *torn)
    whole = tuple(row for row in rows if row is not None)
    return Verification(whole, problems, whole[-1]["row_hash"] if whole else FIRST)


def _fields(raw: bytes) -> tuple[str, ...] | None:
    """A physical line's fields, or None when it is no line of CSV; bytes that are no UTF-8 stay as surrogates."""
    text = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
    try:
        (fields,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        return None
    return tuple(fields)


def _row(raw: bytes) -> Row | None:
    fields = _fields(raw)
    if fields is None or len(fields) != len(COLUMNS):
        return None
    return dict(zip(COLUMNS, fields, strict=True))


def _torn(tail: bytes, lines: int) -> tuple[Problem, ...]:
    if not tail:
        return ()
    sentence = f"the last {len(tail)} bytes are not a whole line: a crash while a row was appended"
    return (Problem(LogVerdict.TORN_TAIL, lines or None, None, sentence),)


def _header_problem(header: tuple[str, ...] | None, lines: list[bytes]) -> tuple[Problem, ...]:
    first = _fields(lines[1]) if len(lines) > 1 else None
    if header and first and header[0] == "log_version" and first[0].isdecimal() and int(first[0]) > LOG_VERSION:
        sentence = f"the log is of version {first[0]}, this tool writes {LOG_VERSION}: upgrade it"
        return (Problem(LogVerdict.NEWER_VERSION, None, "log_version", sentence),)
    if header is None:
        return (Problem(LogVerdict.HEADER, None, None, "the first line is no header of this log"),)
    column = next((name for name in COLUMNS if name not in header), None)
    sentence = f"the column {column} is missing" if column else "columns were added or moved"
    return (Problem(LogVerdict.HEADER, None, column, sentence),)


def _chain_problems(rows: list[Row | None], lines: list[bytes], domain: Domain) -> Iterator[Problem]:
    head, seen = FIRST, set[str]()
    for number, (row, raw) in enumerate(zip(rows, lines, strict=True), start=1):
        if b"\0" in raw and number == len(rows):  # its sectors did not all reach the disk before a crash
            yield Problem(LogVerdict.TORN_TAIL, number, None, f"row {number} did not reach the disk whole")
        elif row is None:
            yield Problem(LogVerdict.ROW_ALTERED, number, None, f"row {number} has not the fields of a record")
        else:
            yield from _row_problems(row, number, head, seen, domain)
            seen.add(row["row_hash"])
            head = row["row_hash"]


def _row_problems(row: Row, number: int, head: str, seen: set[str], domain: Domain) -> Iterator[Problem]:
    if _altered(row, domain):
        yield Problem(LogVerdict.ROW_ALTERED, number, None, f"row {number} ({row['run_id']}) was changed")
    elif row["row_hash"] in seen:
        yield Problem(LogVerdict.ROW_DUPLICATED, number, None, f"row {number} ({row['run_id']}) stands here again")
    elif row["prev_hash"] != head:
        sentence = f"row {number} ({row['run_id']}) does not follow the row before it: rows were removed or moved"
        yield Problem(LogVerdict.ROW_MISSING, number, "prev_hash", sentence)


def _altered(row: Row, domain: Domain) -> bool:
    try:
        return row_hash(row, domain) != row["row_hash"]
    except UnicodeEncodeError:  # another encoding than UTF-8
        return True


def _encoding_problems(content: bytes, lines: list[bytes]) -> Iterator[Problem]:
    bom = content.startswith(b"\xef\xbb\xbf")
    other = next((n for n, raw in enumerate(lines) if (fields := _fields(raw)) and not _as_written(raw, fields)), None)
    if bom or other is not None:
        yield Problem(LogVerdict.RE_ENCODED, other or None, None, "another program saved the file; no value changed")


def _as_written(raw: bytes, fields: tuple[str, ...]) -> bool:
    try:
        return line(fields) == raw + b"\n"
    except UnicodeEncodeError:
        return False
