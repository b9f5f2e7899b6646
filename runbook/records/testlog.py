"""The test log's format: its columns, how a row becomes a line and a hash, and how a file of them is judged.

The hash is taken over the named fields, not over bytes: a spreadsheet that saved the file with other quoting is told
apart from one that changed a value.  Training's log has these columns too, under a hash domain of its own, so that a
training row pasted into the test log shows as altered.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from runbook.records.canonical import GENESIS, clean_text, digest

LOG_VERSION = 1

_NAMES = """
    log_version run_id record_type refers_to mode quarter started_at ended_at outcome
    operator_name operator_role operator_identity mfa witness_name witness_role
    scenario environment account region providers
    db_backup_id db_backup_created_at db_backup_age_s db_restore_method db_data_until
    vault_backup_id vault_backup_created_at vault_backup_age_s vault_backup_digest vault_seal share_labels
    app_image app_commit image_level
    s1_identity s2_vault s3_database s4_application s5_connectivity s1_s s2_s s3_s s4_s s5_s
    c1_app_boots c2_db_connected c3_sample_decrypted negative_controls checks_passed checks_total
    rto_target_s rto_actual_s criteria_s rto_met human_wait_s rpo_target_s rpo_actual_s rpo_met clock_offset_ms
    exceptions findings_open summary patient_data_used dpia_ref cleanup cleanup_at
    signoff signoff_name signed_at policy_ref evidence_refs tool_version evidence_path evidence_digest
    prev_hash row_hash
"""
COLUMNS: tuple[str, ...] = tuple(_NAMES.split())
"""Every column in the file's order."""

STAGE_COLUMNS = COLUMNS[COLUMNS.index("s1_identity") : COLUMNS.index("s1_s")]
SECONDS_COLUMNS = COLUMNS[COLUMNS.index("s1_s") : COLUMNS.index("c1_app_boots")]
CRITERIA_COLUMNS = COLUMNS[COLUMNS.index("c1_app_boots") : COLUMNS.index("negative_controls")]

Row = Mapping[str, str]


class Domain(StrEnum):
    """What a row's hash is taken for; a row of one domain is altered in the other."""

    TEST = "restoration-test-log/v1"
    TRAINING = "restoration-training-log/v1"


class LogVerdict(StrEnum):
    """What can be said of a log; in the order in which the worst is named."""

    FILE_ABSENT = "FILE_ABSENT"  # no file although there should be one
    NEWER_VERSION = "NEWER_VERSION"  # written by a newer tool: read-only here
    HEADER = "HEADER"  # not this log's columns
    ROW_ALTERED = "ROW_ALTERED"  # a value is not the one that was written
    ROW_MISSING = "ROW_MISSING"  # a row was removed, or rows were moved
    ROW_DUPLICATED = "ROW_DUPLICATED"  # a row stands twice
    TRUNCATED = "TRUNCATED"  # its newest rows are gone: a head that is known elsewhere says so
    TORN_TAIL = "TORN_TAIL"  # the last line is not whole
    RE_ENCODED = "RE-ENCODED"  # same records, other quoting, line ends or BOM: harmless
    OK = "OK"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a log; `row` counts records from 1, None where it is about the file."""

    verdict: LogVerdict
    row: int | None
    column: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Verification:
    """A judged log.  `head` is the last row's hash, as stored."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    head: str

    @property
    def verdict(self) -> LogVerdict:
        """The worst problem's, or OK."""
        order = list(LogVerdict)
        return min((problem.verdict for problem in self.problems), key=order.index, default=LogVerdict.OK)

    @property
    def sound(self) -> bool:
        """Whether a row may be appended: every record is as it was written."""
        return self.verdict in {LogVerdict.OK, LogVerdict.RE_ENCODED}


# -- one row ------------------------------------------------------------------------------------------------------
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FORMULA = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")
_INTEGER = re.compile(r"-?\d+")


def field(text: str) -> str:
    """A value as the log keeps it: one line, and nothing that a spreadsheet would run as a formula."""
    led_by_control = text[:1] in {"\t", "\r"}
    text = _BREAKS.sub(" ", clean_text(text))
    if (led_by_control or _FORMULA.match(text)) and not _INTEGER.fullmatch(text):
        return "'" + text
    return text


def line(values: Mapping[str, str] | tuple[str, ...]) -> bytes:
    """One physical line: every field quoted, CRLF."""
    texts = values if isinstance(values, tuple) else tuple(values[column] for column in COLUMNS)
    return (",".join('"' + text.replace('"', '""') + '"' for text in texts) + "\r\n").encode("utf-8")


def row_hash(row: Row, domain: Domain) -> str:
    """`sha256:…` over all named fields but the hash itself."""
    named = {column: row[column] for column in COLUMNS if column != "row_hash"}
    return "sha256:" + digest(domain, named)


def sealed(values: Row, prev: str, domain: Domain) -> Row:
    """The row as it is written: fields made safe, chained to the row before it."""
    row = {column: field(values[column]) for column in COLUMNS if column not in {"prev_hash", "row_hash"}}
    row["prev_hash"] = prev
    row["row_hash"] = row_hash(row, domain)
    return row


FIRST = "sha256:" + GENESIS
"""`prev_hash` of the first row, and the head of a log without rows."""


# -- a whole file -------------------------------------------------------------------------------------------------
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
