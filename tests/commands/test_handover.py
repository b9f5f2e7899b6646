"""One run on two laptops: reserved, mirrored, fetched, gone on with by somebody else, and given back."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from runbook.commands.real.handover import this_place
from runbook.engine.errors import NoVerdict, RecordFailed, Refused
from runbook.engine.events import Kind
from runbook.engine.ports import Confirm
from runbook.estate.memory.evidence import MemoryEvidence
from runbook.records.journal import Journal
from runbook.records.remote import fetch, newest_unfinished
from runbook.records.remote_lock import TakenOver
from tests.commands.laptops import PREFIX, RUN, Laptop
from tests.support.operator import ScriptedOperator
from tests.support.recorder import Killed

LOCK = f"{PREFIX}locks/staging.json"
OTHER = "drill-20270116T090000Z-00aa"


@pytest.fixture
def bucket() -> MemoryEvidence:
    return MemoryEvidence()


@pytest.fixture
def world() -> list[str]:
    """What was changed, by whomever."""
    return []


@pytest.fixture
def alice(tmp_path: Path, bucket: MemoryEvidence, world: list[str]) -> Laptop:
    return Laptop(tmp_path / "alice", "Alice Example", bucket, world)


@pytest.fixture
def bob(tmp_path: Path, bucket: MemoryEvidence, world: list[str]) -> Laptop:
    return Laptop(tmp_path / "bob", "Bob Example", bucket, world)


def dies(_question: object) -> object:
    raise Killed


async def begun(alice: Laptop) -> None:
    """Alice's machine dies at the question before stage two's change."""
    with pytest.raises(Killed):
        await alice.begin({"confirm two.make": [dies]})


# -- handing over -------------------------------------------------------------------------------------------------
async def test_a_run_goes_on_on_another_machine_byte_for_byte(alice, bob, bucket):
    await begun(alice)
    before = alice.path.read_bytes()
    assert await newest_unfinished(bucket, PREFIX, "staging") == RUN
    run = await bob.go_on()
    assert run.outcome == "PASS"
    assert bob.path.read_bytes().startswith(before)
    assert await fetch(bucket, PREFIX, RUN) == bob.path.read_bytes()
    assert await newest_unfinished(bucket, PREFIX, "staging") is None
    assert stat.S_IMODE(bob.path.stat().st_mode) == 0o600


async def test_who_did_what_stays_right(alice, bob):
    await begun(alice)
    await bob.go_on()
    (declared,), (resumed,) = bob.events(Kind.DECLARED), bob.events(Kind.RESUMED)
    assert declared["operator"] == {"name": "Alice Example", "role": "x"}
    assert resumed["by"] == "Bob Example"
    assert [opened["by"] for opened in bob.events(Kind.CHECKPOINT)] == ["Alice Example", "Bob Example"]
    answered = [answer["by"] for answer in bob.events(Kind.ANSWERED)]
    assert answered[0] == "Alice Example"
    assert answered[-1] == "Bob Example"


async def test_taking_it_over_is_asked_with_the_name_and_the_machine_of_who_has_it(alice, bob):
    await begun(alice)
    bob.takes_over = False
    with pytest.raises(Refused, match=r"the environment is not free: .*Alice Example"):
        await bob.go_on()
    assert not bob.path.exists()
    ((run_id, sentence),) = bob.asked
    assert run_id == RUN
    assert "Alice Example holds it" in sentence


async def test_the_same_machine_goes_on_without_being_asked(alice):
    await begun(alice)
    run = await alice.go_on()
    assert run.outcome == "PASS"
    assert alice.asked == []


async def test_after_its_end_the_environment_is_free_for_anybody(alice, bob, bucket):
    await begun(alice)
    await alice.go_on()
    assert json.loads(bucket.objects[LOCK])["released"] is True
    assert await bob.handover(OTHER).claim(bob.take_over) == "it is locked for this run"
    assert bob.asked == []


async def test_an_unfinished_run_still_holds_its_environment(alice, bob, bucket):
    await begun(alice)
    assert json.loads(bucket.objects[LOCK])["released"] is False
    bob.takes_over = False
    with pytest.raises(Refused):
        await bob.handover(OTHER).claim(bob.take_over)


async def test_it_can_be_handed_back(alice, bob, bucket):
    await begun(alice)
    with pytest.raises(Killed):
        await bob.go_on({"gate two": [dies]})
    run = await alice.go_on()
    assert run.outcome == "PASS"
    assert [resumed["by"] for resumed in alice.events(Kind.RESUMED)] == ["Bob Example", "Alice Example"]
    assert alice.path.read_bytes().startswith(bob.path.read_bytes())
    assert await fetch(bucket, PREFIX, RUN) == alice.path.read_bytes()


async def test_a_machine_that_knows_more_than_the_bucket_keeps_it(alice, bucket):
    await begun(alice)
    del bucket.objects[max(key for key in bucket.objects if "/journal/" in key)]
    before = alice.path.read_bytes()
    await alice.handover().bring(alice.path)
    assert alice.path.read_bytes() == before
    await alice.go_on()
    assert await fetch(bucket, PREFIX, RUN) == alice.path.read_bytes()


async def test_a_torn_last_line_does_not_count_as_known(alice, bob):
    await begun(alice)
    with alice.path.open("ab") as file:
        file.write(b'{"at":"what nobody else wrote')
    await bob.go_on()
    await alice.handover().bring(alice.path)
    assert alice.path.read_bytes() == bob.path.read_bytes()


async def test_two_tellings_of_one_run_are_not_mixed(alice, bob):
    await begun(alice)
    await bob.go_on()
    journal = Journal.open(alice.path, alice.clock)
    journal.append(Kind.RESUMED, stage=None, step=None, data={"by": "Alice Example"})
    journal.close()
    before = alice.path.read_bytes()
    with pytest.raises(RecordFailed, match="tell this run differently"):
        await alice.handover().bring(alice.path)
    assert alice.path.read_bytes() == before


async def test_a_run_that_nobody_knows_is_said(bob):
    with pytest.raises(RecordFailed, match="neither this machine nor the evidence bucket"):
        await bob.handover().bring(bob.path)
    assert not bob.path.exists()


async def test_a_fetched_journal_that_was_changed_in_the_bucket_is_not_gone_on_with(alice, bob, bucket):
    await begun(alice)
    key = next(key for key in bucket.objects if "/journal/" in key)
    bucket.objects[key] = bucket.objects[key].replace(b"Alice Example", b"Mallory Example")
    with pytest.raises(RecordFailed, match="line 1: its content was changed"):
        await bob.go_on()
    assert not bob.path.exists()


# -- two at once ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("alice_first", [True, False])
async def test_of_two_new_runs_at_once_one_begins(alice, bob, alice_first):
    both = [alice.handover(RUN), bob.handover(OTHER)]
    alice.takes_over = bob.takes_over = False
    order = [0, 1] if alice_first else [1, 0]
    ended = await asyncio.gather(*(both[n].claim(bob.take_over) for n in order), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Refused", "str"]


@pytest.mark.parametrize("bob_first", [True, False])
async def test_of_two_who_take_the_same_run_over_at_once_one_goes_on(alice, bob, bucket, world, bob_first):
    await begun(alice)
    carol = Laptop(bob.root.with_name("carol"), "Carol Example", bucket, world)
    order = [bob, carol] if bob_first else [carol, bob]
    ended = await asyncio.gather(*(laptop.go_on() for laptop in order), return_exceptions=True)
    (refused,) = [one for one in ended if isinstance(one, BaseException)]
    assert isinstance(refused, Refused)
    (winner,) = [laptop for laptop, one in zip(order, ended, strict=True) if one is not refused]
    assert await fetch(bucket, PREFIX, RUN) == winner.path.read_bytes()
    assert world == ["one.make", "two.make"]


async def test_what_a_sleeping_machine_was_about_to_change_is_not_changed_once_another_goes_on(alice, bob, world):
    """Alice's lid was shut over a question; she answers it after Bob went on."""
    over = asyncio.get_running_loop().create_future()

    async def answered_late(self: ScriptedOperator, ask: Confirm) -> bool:
        if ask.step == "two.make" and not over.done():
            asleep.set()
            await over
        return True

    asleep = asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedOperator, "confirm", answered_late)
        walking = asyncio.create_task(alice.begin())
        await asleep.wait()
        patch.undo()
        assert (await bob.go_on()).outcome == "PASS"
        over.set_result(None)
        with pytest.raises(TakenOver, match="taken over elsewhere"):
            await walking
    assert world == ["one.make", "two.make"]
    assert alice.path.read_bytes() != bob.path.read_bytes()


async def test_who_was_taken_over_is_stopped_before_the_next_change(alice, bob):
    """Alice's machine was only asleep: what it would do next must not be done."""
    await begun(alice)
    asleep = alice.handover()
    await asleep.claim(alice.take_over)
    asleep.resumes(alice.path.read_bytes())
    await asleep.settle()
    await bob.handover().claim(bob.take_over)
    with pytest.raises(TakenOver, match=r"taken over elsewhere: run .* of Bob Example"):
        await asleep.settle()


async def test_who_was_taken_over_is_stopped_by_the_others_lines_too(alice, bob):
    await begun(alice)
    asleep = alice.handover()
    asleep.resumes(alice.path.read_bytes())
    journal = Journal.open(alice.path, alice.clock, on_line=asleep.line)
    try:
        await bob.go_on()
        journal.append(Kind.RESUMED, stage=None, step=None, data={"by": "Alice Example"})
        with pytest.raises(TakenOver, match="resumed by Bob Example"):
            await asleep.settle()
    finally:
        journal.close()
        await asleep.leave()


# -- a bucket that cannot be reached ----------------------------------------------------------------------------------
async def test_a_run_is_not_begun_when_nobody_knows_who_else_works(alice, bucket):
    bucket.down = True
    with pytest.raises(NoVerdict):
        await alice.handover().claim(alice.take_over)


async def test_a_run_goes_on_without_the_bucket_and_brings_its_lines_there_later(alice, bucket):
    await begun(alice)
    handover = alice.handover()
    await handover.claim(alice.take_over)
    handover.resumes(alice.path.read_bytes())
    journal = Journal.open(alice.path, alice.clock, on_line=handover.line)
    bucket.down = True
    for number in range(3):
        journal.append(Kind.FINDING, stage=None, step=None, data={"text": f"{number}"})
        await handover.settle()
    assert len(alice.said) == 1
    bucket.down = False
    await handover.leave()
    journal.close()
    assert await fetch(bucket, PREFIX, RUN) == alice.path.read_bytes()


async def test_a_run_of_this_machine_is_taken_up_without_the_bucket(alice, bob, bucket):
    await begun(alice)
    bucket.down = True
    handover = alice.handover()
    await handover.take_up(alice.path, alice.take_over)
    assert alice.said == ["whether another machine goes on with this run is not known: s3: AWS could not be reached"]
    with pytest.raises(NoVerdict):
        await bob.handover().take_up(bob.path, bob.take_over)
    bucket.down = False
    await handover.settle()
    assert await fetch(bucket, PREFIX, RUN) == alice.path.read_bytes()


async def test_a_resumed_run_that_another_machine_took_meanwhile_is_stopped_before_a_change(alice, bob, bucket):
    await begun(alice)
    await bob.handover().claim(bob.take_over)
    handover = alice.handover()
    handover.resumes(alice.path.read_bytes())
    with pytest.raises(TakenOver, match="of Bob Example"):
        await handover.settle()


async def test_a_lock_that_cannot_be_looked_at_is_said_once(alice, bucket, monkeypatch):
    handover = alice.handover()
    await handover.claim(alice.take_over)

    async def unreachable(_key: str) -> None:
        raise NoVerdict("s3: AWS could not be reached")

    monkeypatch.setattr(bucket, "read", unreachable)
    await handover.settle()
    await handover.settle()
    assert alice.said == [
        "whether another machine took this run over is not known for now: s3: AWS could not be reached"
    ]


async def test_a_resumed_run_that_changed_nothing_more_is_whole_in_the_bucket_and_gives_back(alice, bucket):
    await begun(alice)
    handover = alice.handover()
    handover.resumes(alice.path.read_bytes())
    journal = Journal.open(alice.path, alice.clock, on_line=handover.line)
    journal.append(Kind.ENDED, stage=None, step=None, data={"outcome": "ABORTED"})
    journal.close()
    assert await handover.release() == ""
    assert await fetch(bucket, PREFIX, RUN) == alice.path.read_bytes()
    assert json.loads(bucket.objects[LOCK])["released"] is True


async def test_what_the_bucket_lacks_at_the_end_is_said(alice, bucket):
    handover = alice.handover()
    bucket.down = True
    handover.line(b"one\n", 1)
    assert await handover.release() == (
        "the evidence bucket lacks 1 line of the journal: s3: AWS could not be reached; "
        "the lock could not be given back: s3: AWS could not be reached"
    )


async def test_a_lock_that_cannot_be_given_back_is_said_and_loses_nothing(alice, bucket):
    handover = alice.handover()
    await handover.claim(alice.take_over)
    bucket.down = True
    assert "could not be given back: s3: AWS could not be reached" in await handover.release()


async def test_a_bucket_without_an_answer_does_not_keep_a_run_from_ending(alice, bucket):
    handover = alice.handover(limit_s=0.01)
    await handover.claim(alice.take_over)
    bucket.held = asyncio.Event()
    await handover.settle()
    assert "did not answer in time" in await handover.release()


# -- the evidence -----------------------------------------------------------------------------------------------------
async def test_the_evidence_is_put_beside_the_journal_once(alice, bucket):
    files = {"run.json": b"{}", "SHA256SUMS": b"00  run.json\n"}
    handover = alice.handover()
    assert await handover.keep(files) == ""
    assert await handover.keep(files) == ""
    assert bucket.objects[f"{PREFIX}runs/{RUN}/run.json"] == b"{}"
    assert (
        await handover.keep({"run.json": b"[]"}) == "run.json is in the evidence bucket with other content, which stays"
    )
    assert bucket.objects[f"{PREFIX}runs/{RUN}/run.json"] == b"{}"
    bucket.down = True
    assert await handover.keep({"a": b"", "b": b""}) == (
        "a is not in the evidence bucket: s3: AWS could not be reached; "
        "b is not in the evidence bucket: s3: AWS could not be reached"
    )


# -- this machine -----------------------------------------------------------------------------------------------------
def test_a_home_keeps_its_own_name_and_no_two_are_alike(tmp_path):
    first, again = this_place(tmp_path / "a", "Alice"), this_place(tmp_path / "a", "Bob")
    other = this_place(tmp_path / "b", "Alice")
    assert first.place == again.place
    assert first.place != other.place
    assert len(first.place) == 16
    assert stat.S_IMODE((tmp_path / "a" / "place").stat().st_mode) == 0o600
