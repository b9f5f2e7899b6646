"""A run that is watched, as a session: what the run said, no more, and nothing can be done to it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from runbook.commands import watching
from runbook.commands.places import Home
from runbook.commands.tail import Tail
from runbook.commands.watching import Watched, kept
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.engine.events import Event, Kind, Said
from runbook.records.chain import chained, read_chain
from runbook.records.journal import Journal
from tests.support.clock import FakeClock

RUN = "training-20270115T100000Z-7f3a"
REAL: dict[str, Any] = {
    "mode": "drill",
    "platform": "Practice Clinic",
    "environment": "staging",
    "providers": "LOOPBACK",
    "configuration": {"staging.aws.account_id": "111122223333"},
    "targets": {"rto_s": 3600, "rpo_s": None, "stages": {"vault_s": 1800, "database_s": None}},
}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal.create(tmp_path / "training" / RUN / "journal.jsonl", FakeClock())
    yield made
    made.close()


def say(journal: Journal, kind: Kind, *, stage: str | None = None, **data: object) -> None:
    journal.append(kind, stage=stage, step=None, data=data)


def watched(journal: Journal, home: Path, *meanwhile: Callable[[], object]) -> Watched:
    """A session whose clock, when it sleeps, lets one thing happen after the other, and then nothing any more."""

    class Pacing(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if not left:
                await asyncio.Event().wait()
            left.pop(0)()

    left = list(meanwhile)
    return Watched(journal.path, kept(argparse.Namespace(run=RUN, home=home, config=None)), Pacing())


async def heard(session: Watched, until: Kind) -> list[Event]:
    """Everything that it said up to that kind of event; then it is left."""
    events: list[Event] = []
    there = asyncio.Event()

    def hear(said: Said) -> None:
        assert isinstance(said, Event)
        assert session.run.last_seq == said.seq  # what is told is in the state already
        events.append(said)
        if said.kind is until:
            there.set()

    session.subscribe(hear)
    walk = asyncio.ensure_future(session.walk(None))
    ended = asyncio.ensure_future(there.wait())
    async with asyncio.timeout(20):
        await asyncio.wait([walk, ended], return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    walk.cancel()
    with suppress(asyncio.CancelledError):
        await walk
    return events


async def test_it_tells_what_happened_and_then_what_happens(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    say(journal, Kind.STARTED, stage="identity")
    session = watched(journal, tmp_path, lambda: say(journal, Kind.ENDED, outcome="PASS"))
    assert [event.kind for event in await heard(session, Kind.ENDED)] == [Kind.DECLARED, Kind.STARTED, Kind.ENDED]
    assert session.run.outcome == "PASS"


async def test_what_ended_stays_and_is_not_read_any_more(journal, tmp_path, monkeypatch):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    say(journal, Kind.ENDED, outcome="FAIL")
    session = watched(journal, tmp_path)
    walk = asyncio.ensure_future(session.walk(None))
    async with asyncio.timeout(20):
        while session.run.outcome is None:  # noqa: ASYNC110 - it is told to nobody
            await asyncio.sleep(0.01)
    monkeypatch.setattr("runbook.commands.tail.read_whole", lambda *_: pytest.fail("read again"))
    done, _ = await asyncio.wait([walk], timeout=0.05)
    assert not done
    walk.cancel()
    with suppress(asyncio.CancelledError):
        await walk


async def test_damage_ends_it(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    say(journal, Kind.FINDING, text="true")
    session = watched(
        journal,
        tmp_path,
        lambda: journal.path.write_bytes(journal.path.read_bytes().replace(b"true", b"lies")),
    )
    with pytest.raises(RecordFailed, match="line 2: its content was changed"):
        await session.walk(None)


async def test_a_long_journal_lets_others_work_while_it_is_told(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    for number in range(3 * watching.AT_ONCE):
        say(journal, Kind.FINDING, text=str(number))
    say(journal, Kind.ENDED, outcome="PASS")
    session, turns = watched(journal, tmp_path), list[int]()

    async def others() -> None:
        while True:
            turns.append(session.run.last_seq)
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    await heard(session, Kind.ENDED)
    other.cancel()
    assert {watching.AT_ONCE, 2 * watching.AT_ONCE} <= set(turns)


def test_banner_targets_and_budgets_are_those_that_were_declared(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, **REAL)
    session = watched(journal, tmp_path)
    assert session.banner.line == "DRILL: Practice Clinic staging, account 111122223333 (providers: LOOPBACK)"
    assert session.targets == {"rto_s": 3600, "rpo_s": None}
    assert session.budgets == {"vault": 1800}


def test_a_practice_run_has_the_banner_of_one(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training", targets={"rto_s": "soon"})
    session = watched(journal, tmp_path)
    assert session.banner.mode == "TRAINING"
    assert session.targets == {"rto_s": None, "rpo_s": None}


def test_nothing_can_be_noted_and_no_checkpoint_opened(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    session = watched(journal, tmp_path)
    with pytest.raises(WrongUse):
        session.note("mine")
    assert session.refusal("identity") == "this terminal only watches"


def test_a_journal_without_a_line_is_not_watched_yet(journal, tmp_path):
    with pytest.raises(WrongUse, match="has declared nothing yet"):
        watched(journal, tmp_path)


def test_a_first_line_that_is_damaged_is_named(journal, tmp_path):
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    journal.path.write_bytes(journal.path.read_bytes().replace(b"training", b"recovery"))
    with pytest.raises(RecordFailed, match="line 1: its content was changed"):
        watched(journal, tmp_path)


def test_a_real_run_needs_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("RUNBOOK_CONFIG", raising=False)
    with pytest.raises(WrongUse, match=r"runbook\.toml"):
        kept(argparse.Namespace(run="drill-20270115T100000Z-7f3a", home=tmp_path, config=None))


def test_where_training_runs_are_kept(tmp_path):
    where = kept(argparse.Namespace(run=RUN, home=tmp_path, config=None))
    assert where.platform is None
    assert where.shelf == Home(tmp_path).shelf


# -- the tail -----------------------------------------------------------------------------------------------------
def test_each_line_is_verified_once(journal, monkeypatch):
    tail, sizes = Tail(journal.path), list[int]()

    def counted(content, path, **more):
        sizes.append(content.count(b"\n"))
        return read_chain(content, path, **more)

    monkeypatch.setattr("runbook.commands.tail.read_chain", counted)
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    assert [event.seq for event in tail.new()] == [1]
    say(journal, Kind.FINDING, text="one")
    say(journal, Kind.FINDING, text="two")
    assert [event.seq for event in tail.new()] == [2, 3]
    assert sizes == [1, 2]


def test_earlier_lines_that_were_replaced_by_others_that_are_whole_are_noticed(journal):
    tail = Tail(journal.path)
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    say(journal, Kind.FINDING, text="true")
    first, second = tail.new()
    forged = Event(second.seq, second.at, second.mono_ns, second.boot_id, second.kind, None, None, {"text": "lies"})
    journal.path.write_bytes(chained([first, forged]))
    with pytest.raises(RecordFailed, match="no longer holds the lines that it held"):
        tail.new()


def test_a_line_that_does_not_follow_those_before_it_is_damage_and_is_named_by_its_number(journal):
    tail = Tail(journal.path)
    say(journal, Kind.DECLARED, run_id=RUN, mode="training")
    say(journal, Kind.FINDING, text="one")
    first, _ = tail.new()
    journal.path.write_bytes(journal.path.read_bytes() + chained([first]))
    with pytest.raises(RecordFailed, match="line 3: it says it is line 1"):
        tail.new()
