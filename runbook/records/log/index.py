"""What is kept of a log's rows while it is judged: where each stands, its hash and its run's name; never the rows."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import BinaryIO, Final

from runbook.records.log.reading import LONGEST, Record, record
from runbook.records.log.testlog import Domain

_PREFIX: Final = "sha256:"
_SIZE: Final = 32  # bytes of a hash
_RECENT: Final = 64
"""Runs of which rows are kept at hand: what follows a run mostly follows it soon."""


class Index:
    """Of the lines that came so far, numbered from 1; some 300 bytes a row."""

    def __init__(self, file: BinaryIO, domain: Domain) -> None:
        self._file = file
        self._domain = domain
        self._offsets = array("Q")
        self._digests = bytearray()
        self._numbers = dict[bytes, int]()
        self._runs = dict[str, int]()
        self._further = dict[str, list[int]]()
        self._recent = OrderedDict[int, Record]()

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, offset: int, found: Record | None) -> int:
        """A further line; answers its number.  Of equal hashes the first one's is kept."""
        digest = _digest(found.fields[-1]) if found else b""
        self._offsets.append(offset)
        self._digests += digest or bytes(_SIZE)
        number = len(self._offsets)
        if digest:
            self._numbers.setdefault(digest, number)
        return number

    def hash_at(self, number: int) -> str:
        """The hash that stands in that row; only zeros where there is none."""
        return _PREFIX + self._digests[(number - 1) * _SIZE : number * _SIZE].hex()

    def number_of(self, row_hash: str) -> int | None:
        """The first row that has this hash."""
        digest = _digest(row_hash)
        return self._numbers.get(digest) if digest else None

    def at(self, number: int) -> Record | None:
        """That line, read again."""
        if number in self._recent:
            return self._recent[number]
        self._file.seek(self._offsets[number - 1])
        return record(self._file.readline(LONGEST), self._domain)

    # -- runs ---------------------------------------------------------------------------------------------------------
    def run(self, run_id: str) -> int | None:
        """The number of that run's own row."""
        return self._runs.get(run_id)

    def begin(self, run_id: str, number: int, row: Record) -> None:
        """That row is the run's own."""
        self._runs[run_id] = number
        self._keep(number, row)

    def further(self, run_id: str) -> Sequence[int]:
        """The numbers of the run's further rows so far."""
        return self._further.get(run_id, ())

    def follow(self, run_id: str, number: int, row: Record) -> None:
        """That row follows the run's own."""
        self._further.setdefault(run_id, []).append(number)
        self._keep(number, row)

    def _keep(self, number: int, row: Record) -> None:
        self._recent[number] = row
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)


def _digest(text: str) -> bytes:
    """Of a hash as a row has it; empty for what is none."""
    try:
        digest = bytes.fromhex(text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else b""
    except ValueError:
        return b""
    return digest if len(digest) == _SIZE and len(text) == len(_PREFIX) + 2 * _SIZE else b""
