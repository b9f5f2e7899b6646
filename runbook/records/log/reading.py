"""A log's physical lines, one at a time: what a line says, its hash, and whether it stands as this tool writes it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from runbook.records.log.testlog import COLUMNS, Domain, Row, fields_hash, line, plain_hash

BOM: Final = b"\xef\xbb\xbf"
LONGEST: Final = 1 << 20
"""Bytes of a line.  A longer one is no record, and is not kept in memory."""

_NO_RECORD: Final = b'"\n'
_QUOTES: Final = 2 * len(COLUMNS)
_ESCAPED: Final = bytes(range(0x20)) + b"\\"  # besides the quote, by JSON
_END: Final = b"\r\n"


class Record(NamedTuple):
    """One line.  `hash`: as it would be of these values, empty where UTF-8 cannot hold them."""

    fields: Sequence[str]
    hash: str
    as_written: bool

    @property
    def row(self) -> Row:
        """By the names of the columns."""
        return dict(zip(COLUMNS, self.fields, strict=True))


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Where each line begins, and the line with its end; only the last may have none."""
    offset = 0
    while raw := file.readline(LONGEST):
        if len(raw) < LONGEST or raw.endswith(b"\n"):
            yield offset, raw
            offset += len(raw)
        else:
            size, ended = _rest(file)
            yield offset, _NO_RECORD if ended else _NO_RECORD.rstrip()
            offset += len(raw) + size
        file.seek(offset)  # whoever was told of the line may have read elsewhere


def _rest(file: BinaryIO) -> tuple[int, bool]:
    """Of a line that is too long: how many bytes follow, and whether it ends."""
    size = 0
    while raw := file.readline(LONGEST):
        size += len(raw)
        if raw.endswith(b"\n"):
            return size, True
    return size, False


def record(raw: bytes, domain: Domain) -> Record | None:
    """A line with its end as a record, None where it has not the fields of one.

    Nearly every line needs neither a parser of CSV nor one that escapes JSON: that is what makes a long log quick.
    """
    return _plain(raw, domain) or _any(raw, domain)


def _plain(raw: bytes, domain: Domain) -> Record | None:
    """A line as this tool writes it, in which nothing had to be escaped; None for any other."""
    if not (raw.startswith(b'"') and raw.endswith(b'"\r\n') and raw.count(b'"') == _QUOTES):
        return None
    if len(raw.translate(None, _ESCAPED)) != len(raw) - len(_END):
        return None
    try:
        fields = raw[1:-3].decode("utf-8").split('","')
    except UnicodeDecodeError:
        return None
    return Record(fields, plain_hash(fields, domain), as_written=True) if len(fields) == len(COLUMNS) else None


def _any(raw: bytes, domain: Domain) -> Record | None:
    found = fields(raw)
    if found is None or len(found) != len(COLUMNS):
        return None
    try:
        return Record(found, fields_hash(found, domain), line(found) == raw)
    except UnicodeEncodeError:  # another encoding than UTF-8
        return Record(found, "", as_written=False)


def fields(raw: bytes) -> tuple[str, ...] | None:
    """A line's fields, or None when it is no line of CSV; bytes that are no UTF-8 stay as surrogates."""
    text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
    try:
        (found,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        return None
    return tuple(found)
