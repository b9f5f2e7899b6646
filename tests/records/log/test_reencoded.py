"""A log that another program saved: the same records are RE-ENCODED, anything else has its name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import reduce
from itertools import combinations
from pathlib import Path

import pytest

from runbook.records.log.testlog import COLUMNS, Domain
from runbook.records.log.verdicts import LogVerdict
from runbook.records.log.verifying import verify
from tests.records.log.twelve import Log, twelve

BOM = b"\xef\xbb\xbf"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("twelve"))


def _saved(content: bytes, *, dialect: str = "excel", quoting: int = csv.QUOTE_MINIMAL, ends: str = "\r\n") -> bytes:
    """As Python's csv module reads and writes it."""
    rows = csv.reader(io.StringIO(content.decode(), newline=""))
    written = io.StringIO(newline="")
    csv.writer(written, dialect, quoting=quoting, lineterminator=ends).writerows(rows)  # type: ignore[arg-type]  # one of csv's
    return written.getvalue().encode()


def _minimal(content: bytes) -> bytes:
    return _saved(content)


def _lf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _bom(content: bytes) -> bytes:
    return BOM + content


Change = Callable[[bytes], bytes]
_CHANGES: dict[str, Change] = {"minimal quoting": _minimal, "LF": _lf, "BOM": _bom}


def _all_of(names: tuple[str, ...]) -> Change:
    return lambda content: reduce(lambda said, name: _CHANGES[name](said), names, content)


HARMLESS: dict[str, Change] = {
    **{" and ".join(names): _all_of(names) for count in (1, 2, 3) for names in combinations(_CHANGES, count)},
    "csv.writer of Python on Unix": lambda content: _saved(content, dialect="unix", quoting=csv.QUOTE_ALL, ends="\n"),
    "numbers unquoted": lambda content: content.replace(b'\n"1","drill', b'\n1,"drill'),
    "LF in a few lines": lambda content: content.replace(b"\r\n", b"\n", 3),
}


@pytest.mark.parametrize("how", HARMLESS)
def test_the_same_records_are_re_encoded(log: Log, how: str) -> None:
    content = HARMLESS[how](log.content)
    assert content != log.content
    judged = verify(content, Domain.TEST)
    assert (judged.verdict, judged.rows, judged.sound) == (LogVerdict.RE_ENCODED, log.rows, True)


def _with_every_line(more: bytes) -> Change:
    return lambda content: content.replace(b"\r\n", more + b"\r\n")


DAMAGE: dict[str, tuple[Change, set[LogVerdict], int | None]] = {
    "semicolons": (lambda log: log.replace(b'","', b'";"'), {LogVerdict.HEADER}, None),
    "tabs": (lambda log: log.replace(b'","', b'"\t"'), {LogVerdict.HEADER}, None),
    "UTF-16": (lambda log: log.decode().encode("utf-16"), {LogVerdict.HEADER}, None),
    "UTF-16 without a BOM": (lambda log: log.decode().encode("utf-16-le"), {LogVerdict.HEADER}, None),
    "an extra column": (_with_every_line(b',"x"'), {LogVerdict.HEADER}, None),
    "an extra empty column": (_with_every_line(b","), {LogVerdict.HEADER}, None),
    "an extra column in the rows": (
        lambda log: log.replace(b"\r\n", b',""\r\n').replace(b',""\r\n', b"\r\n", 1),
        {LogVerdict.ROW_ALTERED},
        1,
    ),
    "CR only": (lambda log: log.replace(b"\r\n", b"\r"), {LogVerdict.HEADER}, None),
    "a blank last line": (lambda log: log + b"\r\n", {LogVerdict.ROW_ALTERED}, 13),
    "a blank first line": (lambda log: b"\r\n" + log, {LogVerdict.HEADER}, None),
    "a blank line in between": (lambda log: log.replace(b"\r\n", b"\r\n\r\n", 2), {LogVerdict.ROW_ALTERED}, 1),
    "spaces at the end": (lambda log: log + b"   ", {LogVerdict.TORN_TAIL}, None),
    "no final newline": (lambda log: log.removesuffix(b"\r\n"), {LogVerdict.TORN_TAIL}, None),
    "half a final newline": (lambda log: log.removesuffix(b"\n"), {LogVerdict.TORN_TAIL}, None),
    "a tail of NUL": (lambda log: log + bytes(512), {LogVerdict.TORN_TAIL}, None),
    "a NUL sector": (lambda log: log[:-400] + bytes(100) + log[-300:], {LogVerdict.TORN_TAIL}, 12),
    "two BOMs": (lambda log: BOM + BOM + log, {LogVerdict.HEADER}, None),
    "a row over two lines": (
        lambda log: log.replace(b"The witness", b"The\r\nwitness", 1),
        {LogVerdict.ROW_ALTERED},
        8,
    ),
    "single quotes": (lambda log: log.replace(b'"', b"'"), {LogVerdict.HEADER}, None),
    "backslashes before quotes": (
        lambda log: log.replace(b'""auditor""', b'\\"auditor\\"'),
        {LogVerdict.ROW_ALTERED},
        8,
    ),
    "spaces behind commas": (lambda log: log.replace(b'","', b'", "'), {LogVerdict.HEADER}, None),
    "upper case": (lambda log: log.upper(), {LogVerdict.HEADER}, None),
    "nothing at all": (lambda _log: b"", {LogVerdict.HEADER}, None),
    "a word in another case": (lambda log: log.replace(b'"YES"', b'"TRUE"', 1), {LogVerdict.ROW_ALTERED}, None),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_anything_else_has_its_name(log: Log, how: str) -> None:
    change, names, row = DAMAGE[how]
    content = change(log.content)
    assert content != log.content
    judged = verify(content, Domain.TEST)
    assert judged.verdict in names
    assert not judged.sound
    first = next(problem for problem in judged.problems if problem.verdict is judged.verdict)
    assert row is None or first.row == row


def test_cp1252_is_an_altered_row_where_a_letter_is_not_ascii(tmp_path: Path) -> None:
    log = twelve(tmp_path)
    content = log.content.replace(b"Pat Example", "Påt Example".encode("cp1252"))
    assert verify(content, Domain.TEST).verdict is LogVerdict.ROW_ALTERED
    assert verify(log.content.decode().encode("cp1252"), Domain.TEST).verdict is LogVerdict.OK, "all of it is ASCII"


def test_columns_in_another_order_are_no_log_of_ours(log: Log) -> None:
    turned = [COLUMNS[1], COLUMNS[0], *COLUMNS[2:]]
    written = io.StringIO(newline="")
    csv.writer(written).writerows([turned, *([row[name] for name in turned] for row in log.rows)])
    assert verify(written.getvalue().encode(), Domain.TEST).verdict is LogVerdict.HEADER
