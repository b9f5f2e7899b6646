"""What can be done to a log, and what has to be said of it: judged by what was done, never by the product's code."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from runbook.records.log.testlog import COLUMNS, FIRST, STAGE_COLUMNS, Domain, Row, line
from runbook.records.log.verdicts import LogVerdict as V
from tests.records.log.twelve import HEADER, Log, chained

SEED = 20270115
HASHES = frozenset({"prev_hash", "row_hash"})
CRITERIA = ("c1_app_boots", "c2_db_connected", "c3_sample_decrypted", "negative_controls")
WORDS: Mapping[str, tuple[str, ...]] = {
    "record_type": ("RUN", "SIGNOFF", "AMENDMENT"),
    "mode": ("RECOVERY", "DRILL", "REHEARSAL", "TRAINING"),
    "outcome": ("PASS", "PASS_WITH_ISSUES", "FAIL", "ABORTED", "INCONCLUSIVE"),
    "mfa": ("PROVEN", "ATTESTED", "NO"),
    "environment": ("STAGING", "PRODUCTION", "PRACTICE"),
    "providers": ("REAL", "LOOPBACK"),
    **dict.fromkeys(STAGE_COLUMNS, ("PASS", "ATTESTED", "ACCEPTED", "FAIL", "NOT_RUN")),
    **dict.fromkeys(CRITERIA, ("PASS", "FAIL", "NOT_RUN")),
    **dict.fromkeys(("rto_met", "rpo_met"), ("YES", "NO", "NOT_SET", "UNKNOWN")),
    "exceptions": ("0", "1"),
    "findings_open": ("0", "1", "2"),
    "patient_data_used": ("YES", "NO"),
    "cleanup": ("DONE", "PENDING", "FAILED", "NOT_NEEDED"),
    "signoff": ("PENDING", "SIGNED", "DECLINED"),
}


@dataclass(frozen=True)
class Mutation:
    """One altered log.  `anchored` and `bare`: what may be said of it with the head file beside it and without one.

    `row` is the first that has to be named, None where any will do; `column` that which was changed, if it is one.
    """

    kind: str
    content: bytes
    anchored: frozenset[V]
    bare: frozenset[V]
    row: int | None = None
    column: str | None = None


def _one(
    kind: str, content: bytes, said: V, row: int | None = None, *, bare: V | None = None, column: str | None = None
) -> Mutation:
    return Mutation(kind, content, frozenset({said}), frozenset({bare or said}), row, column)


def mutations(log: Log, other: Log) -> Iterator[Mutation]:
    """All of them, in the same order each time; `other` is another log with rows of its own."""
    for make in (_words, _flips, _separators, _line_ends, _removed, _moved, _twice, _cuts, _shifted, _headers):
        yield from make(log)
    yield from _rewritten(log)
    yield from _from_elsewhere(log, other)


def harmless(log: Log) -> Iterator[bytes]:
    """The same records under other bytes."""
    lines = log.lines
    for number, raw in enumerate(lines):
        yield b"".join([*lines[:number], raw.replace(b"\r\n", b"\n"), *lines[number + 1 :]])
        for field in re.finditer(rb'"([A-Za-z0-9:._-]+)"(?=[,\r])', raw):
            bare = raw[: field.start()] + field[1] + raw[field.end() :]
            yield b"".join([*lines[:number], bare, *lines[number + 1 :]])
    yield b"\xef\xbb\xbf" + log.content


# -- in a row ---------------------------------------------------------------------------------------------------------
def _with(log: Log, number: int, raw: bytes) -> bytes:
    """The log with another line in place of row `number` (0: the header)."""
    lines = log.lines
    return b"".join([*lines[:number], raw, *lines[number + 1 :]])


def _rows(log: Log) -> Iterator[tuple[int, Row]]:
    return enumerate(log.rows, start=1)


def _words(log: Log) -> Iterator[Mutation]:
    """Each word that an outcome and the like could be, in place of the one that was written."""
    for number, row in _rows(log):
        for name, words in WORDS.items():
            for word in words:
                if word != row[name]:
                    content = _with(log, number, line({**row, name: word}))
                    yield _one("another word", content, V.ROW_ALTERED, number, column=name)


def _spans(raw: bytes) -> list[tuple[int, int]]:
    """Where the fields of a line as we write it begin and end, without their quotes."""
    return [match.span(1) for match in re.finditer(rb'"((?:[^"]|"")*)"(?=[,\r])', raw)]


def _flips(log: Log) -> Iterator[Mutation]:
    """Bits of each field of each row and of the header; in an empty one a byte is put in."""
    chance = random.Random(SEED)  # noqa: S311  # the same choice in every run
    for number, raw in enumerate(log.lines):
        for begin, end in _spans(raw):
            places = chance.choices(range(begin, end), k=4) if begin < end else []
            changed = {raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :] for at in places}
            for each in changed or {raw[:begin] + bytes([chance.randrange(48, 58)]) + raw[begin:]}:
                yield _hit("a bit flipped", log, number, each)


def _hit(kind: str, log: Log, number: int, raw: bytes) -> Mutation:
    """A line of which some byte is not what was written."""
    content = _with(log, number, raw)
    if number == 0:
        return _one(kind, content, V.HEADER)
    if number == len(log.rows) and (b"\0" in raw or not raw.endswith(b"\n")):
        names = frozenset({V.ROW_ALTERED, V.TORN_TAIL, V.TRUNCATED})
        return Mutation(kind, content, names, names - {V.TRUNCATED}, None)
    return _one(kind, content, V.ROW_ALTERED, number)


def _separators(log: Log) -> Iterator[Mutation]:
    """A comma or a quote that is another byte."""
    for number, raw in enumerate(log.lines):
        for order, (begin, end) in enumerate(_spans(raw)):
            at = (begin - 1, end, end + 1)[order % 3]
            for mask in (0x01, 0x80) if raw[at] != 0x0D else ():
                yield _hit("a separator flipped", log, number, raw[:at] + bytes([raw[at] ^ mask]) + raw[at + 1 :])


def _line_ends(log: Log) -> Iterator[Mutation]:
    for number, raw in enumerate(log.lines):
        for at in (len(raw) - 2, len(raw) - 1):
            for mask in (1 << bit for bit in range(8)):
                yield _hit("a line end flipped", log, number, raw[:at] + bytes([raw[at] ^ mask]) + raw[at + 1 :])


def _shifted(log: Log) -> Iterator[Mutation]:
    """A field gone, one too many, or two in each other's place."""
    for number, row in _rows(log):
        fields = [row[name] for name in COLUMNS]
        for at in range(number % 2, len(fields), 2):
            gone, more = [*fields[:at], *fields[at + 1 :]], [*fields[:at], "", *fields[at:]]
            turned = [*fields[:at], *fields[at + 1 : at + 2], fields[at], *fields[at + 2 :]]
            for kind, each in (("a field gone", gone), ("a field more", more), ("fields swapped", turned)):
                if each != fields:
                    yield _one(kind, _with(log, number, line(tuple(each))), V.ROW_ALTERED, number)


# -- of rows ----------------------------------------------------------------------------------------------------------
def _joined(rows: list[bytes]) -> bytes:
    return HEADER + b"".join(rows)


def _removed(log: Log) -> Iterator[Mutation]:
    """Any rows that stand together, but for the newest: those are cut tails."""
    raw = log.lines[1:]
    for begin, end in combinations(range(len(raw)), 2):
        yield _one("rows removed", _joined([*raw[:begin], *raw[end:]]), V.ROW_MISSING, begin + 1)


def _moved(log: Log) -> Iterator[Mutation]:
    raw = log.lines[1:]
    for one, other in combinations(range(len(raw)), 2):
        swapped = list(raw)
        swapped[one], swapped[other] = raw[other], raw[one]
        yield _one("rows swapped", _joined(swapped), V.ROW_MISSING, one + 1)
        turned = [*raw[:one], *reversed(raw[one : other + 1]), *raw[other + 1 :]]
        yield _one("rows reversed", _joined(turned), V.ROW_MISSING, one + 1)
        if other > one + 1:  # else it is a swap
            later = [*raw[:one], *raw[one + 1 : other + 1], raw[one], *raw[other + 1 :]]
            yield _one("a row moved down", _joined(later), V.ROW_MISSING, one + 1)


def _twice(log: Log) -> Iterator[Mutation]:
    raw = log.lines[1:]
    for number in range(len(raw)):
        for place in range(number + 1, len(raw) + 1):
            content = _joined([*raw[:place], raw[number], *raw[place:]])
            yield _one("a row twice", content, V.ROW_DUPLICATED, place + 1)
    yield _one("all rows twice", _joined([*raw, *raw]), V.ROW_DUPLICATED, len(raw) + 1)


def _cuts(log: Log) -> Iterator[Mutation]:
    lines = log.lines
    for kept in range(1, len(lines)):
        content = b"".join(lines[:kept])
        yield _one("newest rows cut", content, V.TRUNCATED, bare=V.OK)
        for length in range(1, len(lines[kept]), 23):
            yield _one("cut within a row", content + lines[kept][:length], V.TRUNCATED, bare=V.TORN_TAIL)


# -- of the whole -----------------------------------------------------------------------------------------------------
def _headers(log: Log) -> Iterator[Mutation]:
    for at, name in enumerate(COLUMNS):
        gone = (*COLUMNS[:at], *COLUMNS[at + 1 :])
        later = (*gone[: at + 1], name, *gone[at + 1 :])
        for names in (gone, (*COLUMNS[:at], name.upper(), *COLUMNS[at + 1 :]), *([later] if later != COLUMNS else [])):
            yield _one("header changed", _with(log, 0, line(names)), V.HEADER)
    yield _one("no header", b"".join(log.lines[1:]), V.HEADER)
    yield _one("two headers", HEADER + log.content, V.ROW_ALTERED, 1)


def _rewritten(log: Log) -> Iterator[Mutation]:
    """A row changed and its hash made anew, with or without those of the rows behind it."""
    changes: tuple[Callable[[Row], Row], ...] = (
        lambda row: {**row, "operator_name": "Somebody Else"},
        lambda row: {**row, "outcome": "PASS" if row["outcome"] != "PASS" else "FAIL"},
        lambda row: {**row, "evidence_digest": "sha256:" + "ff" * 32},
    )
    raw = log.lines[1:]
    for number, row in _rows(log):
        prev = row["prev_hash"]
        for change in changes:
            behind = chained([change(row), *log.rows[number:]], prev)
            content = _joined([*raw[: number - 1], *(line(each) for each in behind)])
            yield _chained_anew("all hashes made anew from a row on", content)
            if number < len(raw):
                content = _joined([*raw[: number - 1], line(behind[0]), *raw[number:]])
                names = frozenset({V.ROW_ALTERED, V.ROW_MISSING})
                yield Mutation("one hash made anew", content, names, names)
    for number in range(1, len(raw)):  # a row taken out, and the chain closed over the gap
        rows = [*log.rows[:number], *chained(list(log.rows[number + 1 :]), log.rows[number - 1]["row_hash"])]
        yield _chained_anew("a row taken out and the chain closed", _joined([line(row) for row in rows]))


def _chained_anew(kind: str, content: bytes) -> Mutation:
    """A chain that holds: only the head knows better, or what a further row may say of a run."""
    seen = frozenset({V.ROW_ALTERED, V.TRUNCATED})
    return Mutation(kind, content, seen, seen | {V.OK})


def _from_elsewhere(log: Log, other: Log) -> Iterator[Mutation]:
    raw = log.lines[1:]
    for number, row in enumerate(other.rows[:7]):
        for place in range(len(raw)):
            content = _joined([*raw[:place], line(row), *raw[place:]])
            names = frozenset({V.ROW_MISSING, V.ROW_ALTERED})
            if place or number:  # the first row of any log may stand first
                yield Mutation("another log's row", content, names, names, place + 1)
    for number, row in _rows(log):
        prev = log.rows[number - 2]["row_hash"] if number > 1 else FIRST
        (training,) = chained([row], prev, Domain.TRAINING)
        yield _one(
            "training's row", _joined([*raw[: number - 1], line(training), *raw[number:]]), V.ROW_ALTERED, number
        )
        content = _joined([*raw[:number], line(training), *raw[number:]])
        yield _one("training's row put in", content, V.ROW_ALTERED, number + 1)
