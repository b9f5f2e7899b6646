"""A journal's lines as bytes: how one is made from an event, and how a file of them is verified."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.records.canonical import GENESIS, canonical, digest, moment, plain, stamp

SCHEMA = 1
DOMAIN = "restoration-journal/v1"
FIELDS = frozenset({"seq", "at", "mono_ns", "boot_id", "stage", "step", "event", "data", "prev", "hash"})


@dataclass(frozen=True, slots=True)
class Link:
    """One line: what it says, its hash, and its bytes with the newline."""

    event: Event
    hash: str
    line: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """A verified journal: whole lines only.  `size` is their length in bytes, `torn` what stands behind them."""

    events: tuple[Event, ...] = ()
    head: str = GENESIS
    size: int = 0
    torn: bytes = b""


def link(
    *,
    seq: int,
    at: datetime,
    mono_ns: int,
    boot_id: str,
    kind: Kind,
    stage: str | None,
    step: str | None,
    data: Mapping[str, Any],
    prev: str,
) -> Link:
    """The line of one event; TypeError or ValueError when `data` has no JSON form."""
    fields = {
        "seq": seq,
        "at": stamp(at),
        "mono_ns": mono_ns,
        "boot_id": boot_id,
        "stage": stage,
        "step": step,
        "event": str(kind),
        "data": plain(data),
        "prev": prev,
    }
    own = digest(DOMAIN, fields)
    return Link(_event(fields), own, canonical({**fields, "hash": own}) + b"\n")


def chained(events: Iterable[Event]) -> bytes:
    """The lines of these events, each from what it says and from the one before it; `seq` is theirs."""
    lines, head = [], GENESIS
    for event in events:
        made = link(
            seq=event.seq,
            at=event.at,
            mono_ns=event.mono_ns,
            boot_id=event.boot_id,
            kind=event.kind,
            stage=event.stage,
            step=event.step,
            data=event.data,
            prev=head,
        )
        lines.append(made.line)
        head = made.hash
    return b"".join(lines)


def read_chain(content: bytes, path: Path, *, before: int = 0, head: str = GENESIS) -> Chain:
    """Verify every line; RecordFailed names the first damaged one and what is wrong with it.

    `before`: how many lines of the file stand in front of `content`, the last of them with the hash `head`; the answer
    is of `content` alone.
    """
    events: list[Event] = []
    size = 0
    lines = content.split(b"\n")
    torn, last = lines.pop(), before + len(lines)
    for number, line in enumerate(lines, start=before + 1):
        fields, problem = _verified(line, number, head)
        if problem is None and number == 1:
            problem = _first(fields)
        if problem is not None:
            if b"\0" in line and number == last:  # its sectors did not all reach the disk before the crash
                return Chain(tuple(events), head, size, content[size:])
            raise _damaged(path, number, problem)
        events.append(_event(fields))
        head, size = fields["hash"], size + len(line) + 1
    return Chain(tuple(events), head, size, torn)


def _verified(line: bytes, number: int, prev: str) -> tuple[dict[str, Any], str | None]:
    """The line's fields, and why it cannot be trusted, or None."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields.keys() != FIELDS:
            return {}, "it is not a journal line"
        body = {name: value for name, value in fields.items() if name != "hash"}
        if fields["seq"] != number:
            return fields, f"it says it is line {fields['seq']}: lines were removed, added or moved"
        if fields["prev"] != prev:
            return fields, "it does not follow the line before it: lines were removed, added or changed"
        if fields["hash"] != digest(DOMAIN, body):
            return fields, "its content was changed after it was written"
        if canonical(fields) != line:
            return fields, "it was written again by something else"
        _event(fields)
    except (ValueError, TypeError, RecursionError):
        return {}, "it cannot be read"
    return fields, None


def _first(fields: Mapping[str, Any]) -> str | None:
    if fields["event"] != Kind.DECLARED:
        return "a journal begins with `declared`"
    if fields["data"].get("schema") != SCHEMA:
        return f"it is of journal version {fields['data'].get('schema')}, this tool reads version {SCHEMA}"
    return None


def _damaged(path: Path, number: int, problem: str) -> RecordFailed:
    return RecordFailed(
        f"{path.name}, line {number}: {problem}",
        fix="Do not go on with this run: keep the file as it is and start a new run.",
        source=str(path),
    )


def _event(fields: Mapping[str, Any]) -> Event:
    return Event(
        seq=fields["seq"],
        at=moment(fields["at"]),
        mono_ns=fields["mono_ns"],
        boot_id=fields["boot_id"],
        kind=Kind(fields["event"]),
        stage=fields["stage"],
        step=fields["step"],
        data=fields["data"],
    )
