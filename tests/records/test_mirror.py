"""The journal on its way into the bucket, and whole again out of it."""

from __future__ import annotations

import asyncio

import pytest

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.records import mirror as mirroring
from runbook.records.mirror import Mirror
from runbook.records.remote import fetch, newest_unfinished
from runbook.records.remote_lock import TakenOver
from tests.records.machines import PREFIX, RUN, Pair, Told, told


@pytest.fixture
def pair() -> Pair:
    return Pair()


def mirror_of(pair: Pair, said: list[str] | None = None, *, past: bytes = b"", limit_s: float = 5.0) -> Mirror:
    made = Mirror(pair.bucket, PREFIX, RUN, behind=(said if said is not None else []).append, limit_s=limit_s)
    made.resumes(past)
    return made


async def bring(mirror: Mirror, journal: Told, since: int = 0) -> None:
    for seq, line in enumerate(journal.lines[since:], start=since + 1):
        mirror.line(line, seq)
    await mirror.settle()


async def put(pair: Pair, journal: Told) -> None:
    mirror = mirror_of(pair)
    await bring(mirror, journal)
    await mirror.close()


# -- into the bucket ----------------------------------------------------------------------------------------------
async def test_lines_are_put_in_pieces_named_by_their_first_and_fetched_byte_for_byte(pair):
    journal, mirror = told(3), mirror_of(pair)
    await bring(mirror, journal)
    await bring(mirror, journal, since=3)
    journal.tell(text="later")
    await bring(mirror, journal, since=3)
    assert list(pair.segments()) == ["00000001.jsonl", "00000004.jsonl"]
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole
    await mirror.close()


async def test_a_line_that_comes_while_others_are_sent_goes_with_the_next_piece(pair):
    journal, mirror = told(4), mirror_of(pair)
    pair.bucket.held = asyncio.Event()
    mirror.begin()
    mirror.line(journal.lines[0], 1)
    await asyncio.sleep(0)
    for seq in (2, 3, 4):
        mirror.line(journal.lines[seq - 1], seq)
    pair.bucket.held.set()
    await mirror.settle()
    assert b"".join(pair.segments().values()) == journal.whole
    await mirror.close()


async def test_a_long_past_is_brought_there_in_pieces_of_bounded_size(pair, monkeypatch):
    monkeypatch.setattr(mirroring, "PIECE", 1500)
    journal = told(20)
    mirror = mirror_of(pair, past=journal.whole)
    await mirror.settle()
    assert all(len(piece) <= 1500 for piece in pair.segments().values())
    assert len(pair.segments()) > 1
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_a_resumed_process_brings_only_what_is_missing(pair):
    journal = told(5)
    await bring(mirror_of(pair), journal)
    journal.tell(text="on disk, and the process was killed before it was brought there")
    again = mirror_of(pair, past=journal.whole)
    await again.settle()
    assert list(pair.segments()) == ["00000001.jsonl", "00000006.jsonl"]
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


@pytest.mark.parametrize(("prefix", "start"), [("runbook", "runbook/runs/"), ("a/b/", "a/b/runs/"), ("", "runs/")])
async def test_a_prefix_is_a_folder_with_or_without_its_slash(pair, prefix, start):
    journal, mirror = told(2), Mirror(pair.bucket, prefix, RUN)
    await bring(mirror, journal)
    assert list(pair.bucket.objects) == [f"{start}{RUN}/journal/00000001.jsonl"]
    assert await fetch(pair.bucket, prefix, RUN) == journal.whole


async def test_nothing_is_put_twice_when_nothing_is_missing(pair):
    journal = told(5)
    await bring(mirror_of(pair), journal)
    writes = pair.bucket.asked["put_new"]
    await mirror_of(pair, past=journal.whole).settle()
    assert pair.bucket.asked["put_new"] == writes


# -- answers that are lost ------------------------------------------------------------------------------------------
async def test_a_piece_whose_answer_was_lost_is_recognised_when_it_is_sent_again(pair):
    journal, said = told(2), list[str]()
    mirror = mirror_of(pair, said)
    pair.bucket.lost_answers = 1
    await bring(mirror, journal)
    assert len(said) == 1
    journal.tell(text="behind it")
    await bring(mirror, journal, since=2)
    await mirror.close()
    assert not mirror.late
    assert list(pair.segments()) == ["00000001.jsonl", "00000003.jsonl"]
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_a_retry_of_the_client_library_finds_our_own_piece(pair):
    pair.bucket.silent_retries = 1
    await put(pair, journal := told(2))
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_a_crash_between_the_write_and_its_answer_leaves_a_run_that_can_be_resumed(pair):
    journal = told(3)
    pair.bucket.lost_answers = 1
    dying = mirror_of(pair)
    await bring(dying, journal)  # it is in the bucket; the process never knew, and is gone
    journal.tell(Kind.RESUMED, by="Alice Example")
    await mirror_of(pair, past=journal.whole).settle()
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


# -- a bucket that cannot be reached ----------------------------------------------------------------------------------
async def test_an_unreachable_bucket_is_said_once_and_what_is_missing_follows(pair):
    journal, said = told(2), list[str]()
    mirror = mirror_of(pair, said)
    pair.bucket.down = True
    await bring(mirror, journal)
    for number in range(3):
        mirror.line(journal.tell(text=f"meanwhile {number}"), len(journal.lines))
        await mirror.settle()
    assert said == [
        "the journal is not mirrored in the evidence bucket for now: s3: AWS could not be reached",
    ]
    pair.bucket.down = False
    await mirror.close()
    assert not mirror.late
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_a_second_time_out_of_reach_is_said_again(pair):
    journal, said = told(1), list[str]()
    mirror = mirror_of(pair, said)
    for down in (True, False, True, False):
        pair.bucket.down = down
        mirror.line(journal.tell(text="so"), len(journal.lines))
        await mirror.settle()
        await mirror.close()
    assert len(said) == 2


async def test_a_failure_between_two_changes_is_nobodys_concern_when_it_is_over_before_the_next(pair):
    """A session that ran out while somebody thought, and was renewed."""
    journal, said = told(1), list[str]()
    mirror = mirror_of(pair, said)
    await bring(mirror, journal)
    pair.bucket.down = True
    mirror.line(journal.tell(text="not brought there"), 2)
    await mirror.close()
    pair.bucket.down = False
    await mirror.settle()
    assert said == []
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_nothing_is_sent_before_the_environment_is_claimed(pair):
    """The first lines of a run are said before anybody is signed in."""
    journal, mirror = told(3), mirror_of(pair)
    for seq, line in enumerate(journal.lines, start=1):
        mirror.line(line, seq)
    await mirror.close()
    assert pair.bucket.asked == {}
    mirror.begin()
    await mirror.close()
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_a_bucket_that_does_not_answer_is_waited_for_only_so_long(pair):
    journal, said = told(1), list[str]()
    mirror = mirror_of(pair, said, limit_s=0.01)
    pair.bucket.held = asyncio.Event()
    await bring(mirror, journal)
    assert "no answer within" in said[0]
    await mirror.settle()  # known to be out of reach: not waited for at all
    assert len(said) == 1
    pair.bucket.held.set()
    await mirror.close()
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_closing_leaves_no_task_behind_although_nothing_answers(pair):
    mirror = mirror_of(pair, limit_s=0.01)
    pair.bucket.held = asyncio.Event()
    mirror.begin()
    mirror.line(told(1).lines[0], 1)
    await mirror.close()
    assert [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


# -- taken over elsewhere -------------------------------------------------------------------------------------------
async def test_a_piece_of_somebody_elses_ends_the_right_to_go_on(pair):
    journal = told(3)
    alice = mirror_of(pair)
    await bring(alice, journal)
    theirs = journal.copy()
    theirs.tell(Kind.RESUMED, by="Bob Example")
    bob = mirror_of(pair, past=theirs.whole)
    await bob.settle()

    alice.line(journal.tell(text="Alice goes on, unknowing"), 4)
    with pytest.raises(TakenOver, match="taken over elsewhere: resumed by Bob Example at 2027-01-15T10:00:00"):
        await alice.settle()
    with pytest.raises(TakenOver):
        alice.line(journal.tell(text="and again"), 5)
    assert await fetch(pair.bucket, PREFIX, RUN) == theirs.whole


async def test_who_was_slower_loses_also_when_it_is_the_one_who_took_over(pair):
    journal = told(3)
    alice = mirror_of(pair)
    await bring(alice, journal)
    theirs = journal.copy()
    bob = mirror_of(pair, past=theirs.whole)
    await bob.settle()
    alice.line(journal.tell(text="Alice was faster"), 4)
    await alice.settle()
    bob.line(theirs.tell(Kind.RESUMED, by="Bob Example"), 4)
    with pytest.raises(TakenOver, match="lines that this process did not write"):
        await bob.settle()
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


async def test_two_who_go_on_at_the_same_moment_cannot_both(pair):
    journal = told(3)
    await put(pair, journal)
    both = [journal.copy(), journal.copy()]
    for one, name in zip(both, ("Alice Example", "Bob Example"), strict=True):
        one.tell(Kind.RESUMED, by=name)
    ended = await asyncio.gather(*(mirror_of(pair, past=one.whole).settle() for one in both), return_exceptions=True)
    (lost,) = [number for number, one in enumerate(ended) if isinstance(one, TakenOver)]
    assert await fetch(pair.bucket, PREFIX, RUN) == both[1 - lost].whole


@pytest.mark.parametrize("there", [3, 5])
async def test_a_journal_that_is_behind_the_bucket_may_not_go_on(pair, there):
    """A machine that lost its newest lines, or one that was switched off while another went on."""
    newer = told(there)
    await put(pair, newer)
    with pytest.raises(TakenOver):
        await mirror_of(pair, past=b"".join(newer.lines[: there - 1])).settle()


async def test_pieces_behind_our_last_line_say_who_wrote_them(pair):
    journal = told(3)
    await put(pair, journal)
    theirs = journal.copy()
    theirs.tell(Kind.RESUMED, by="Bob Example")
    await mirror_of(pair, past=theirs.whole).settle()
    assert list(pair.segments()) == ["00000001.jsonl", "00000004.jsonl"]
    with pytest.raises(TakenOver, match="resumed by Bob Example"):
        await mirror_of(pair, past=journal.whole).settle()


@pytest.mark.parametrize("piece", [b"", b"{", b"null"])
async def test_a_piece_that_holds_no_whole_line_is_nothing_to_go_on_behind(pair, piece):
    pair.bucket.objects[f"{PREFIX}runs/{RUN}/journal/00000001.jsonl"] = piece
    with pytest.raises(TakenOver):
        await bring(mirror_of(pair), told(1))


async def test_a_defect_in_sending_is_not_kept_to_itself(pair, monkeypatch):
    async def broken(key: str, body: bytes) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(pair.bucket, "put_new", broken)
    mirror = mirror_of(pair)
    mirror.line(told(1).lines[0], 1)
    with pytest.raises(ZeroDivisionError):
        await mirror.settle()


# -- out of the bucket ------------------------------------------------------------------------------------------------
async def test_a_run_that_is_not_there_has_no_line(pair):
    assert await fetch(pair.bucket, PREFIX, RUN) == b""


def _pieces(pair: Pair, journal: Told, *firsts: int) -> None:
    for first, following in zip(firsts, (*firsts[1:], len(journal.lines) + 1), strict=True):
        key = f"{PREFIX}runs/{RUN}/journal/{first:08d}.jsonl"
        pair.bucket.objects[key] = b"".join(journal.lines[first - 1 : following - 1])


@pytest.mark.parametrize(
    ("missing", "words"),
    [("00000001", "lacks lines 1 to 2"), ("00000003", "lacks lines 3 to 5"), ("00000006", "lacks line 6")],
)
async def test_a_missing_piece_is_named_by_its_lines(pair, missing, words):
    _pieces(pair, told(8), 1, 3, 6, 7)
    del pair.bucket.objects[f"{PREFIX}runs/{RUN}/journal/{missing}.jsonl"]
    with pytest.raises(RecordFailed, match=words):
        await fetch(pair.bucket, PREFIX, RUN)


async def test_a_line_that_is_there_twice_is_named(pair):
    journal = told(6)
    _pieces(pair, journal, 1, 3)
    pair.bucket.objects[f"{PREFIX}runs/{RUN}/journal/00000005.jsonl"] = journal.lines[4]
    with pytest.raises(RecordFailed, match="holds line 5 twice"):
        await fetch(pair.bucket, PREFIX, RUN)


@pytest.mark.parametrize(
    ("piece", "wrong", "words"),
    [
        (4, lambda body: body.replace(b"finding 3", b"finding 9"), "line 4: its content was changed"),
        (4, lambda body: body.rstrip(b"\n"), "the last line of .* is not whole"),
        (1, lambda body: body.rstrip(b"\n"), "lacks line 3"),
        (1, lambda body: b"", "lacks lines 1 to 3"),
    ],
)
async def test_a_piece_that_was_changed_is_found(pair, piece, wrong, words):
    _pieces(pair, told(6), 1, 4)
    key = f"{PREFIX}runs/{RUN}/journal/{piece:08d}.jsonl"
    pair.bucket.objects[key] = wrong(pair.bucket.objects[key])
    with pytest.raises(RecordFailed, match=words):
        await fetch(pair.bucket, PREFIX, RUN)


async def test_other_objects_beside_the_pieces_are_none_of_the_journal(pair):
    journal = told(2)
    await put(pair, journal)
    for name in ("run.json", "journal/notes.txt", "journal/1.jsonl", "journal/0000000x.jsonl"):
        pair.bucket.objects[f"{PREFIX}runs/{RUN}/{name}"] = b"?"
    assert await fetch(pair.bucket, PREFIX, RUN) == journal.whole


# -- which run is unfinished ------------------------------------------------------------------------------------------
async def _run(pair: Pair, run_id: str, environment: str, *, ended: bool) -> None:
    journal = Told(run_id, environment)
    journal.tell(text="something")
    if ended:
        journal.tell(Kind.ENDED, outcome="PASS")
    mirror = Mirror(pair.bucket, PREFIX, run_id)
    await bring(mirror, journal)
    await mirror.close()


async def test_the_newest_unfinished_run_of_an_environment_is_found(pair):
    assert await newest_unfinished(pair.bucket, PREFIX, "staging") is None
    await _run(pair, "drill-20270101T100000Z-0001", "staging", ended=True)
    await _run(pair, "rehearsal-20270102T100000Z-0002", "staging", ended=False)
    await _run(pair, "recovery-20270103T100000Z-0003", "production", ended=True)
    assert await newest_unfinished(pair.bucket, PREFIX, "staging") == "rehearsal-20270102T100000Z-0002"
    assert await newest_unfinished(pair.bucket, PREFIX, "production") is None
    await _run(pair, "drill-20270104T100000Z-0004", "staging", ended=True)
    assert await newest_unfinished(pair.bucket, PREFIX, "staging") == "rehearsal-20270102T100000Z-0002"
    await _run(pair, "drill-20270105T100000Z-0005", "staging", ended=False)
    assert await newest_unfinished(pair.bucket, PREFIX, "staging") == "drill-20270105T100000Z-0005"


async def test_an_unreadable_journal_in_the_bucket_is_said(pair):
    pair.bucket.objects[f"{PREFIX}runs/{RUN}/journal/00000001.jsonl"] = b"{"
    with pytest.raises(RecordFailed, match="cannot be read"):
        await newest_unfinished(pair.bucket, PREFIX, "staging")
