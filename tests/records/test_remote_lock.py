"""The lock that two laptops see: who gets it, who is told what, and who loses a race."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from runbook.engine.errors import NoVerdict, RecordFailed, Refused
from runbook.records.remote_lock import Held, RemoteLock, Taken, TakenOver
from tests.records.machines import ALICE, BOB, OTHER_RUN, PREFIX, RUN, Pair

KEY = f"{PREFIX}locks/staging.json"


@pytest.fixture
def pair() -> Pair:
    return Pair()


def said(pair: Pair) -> dict[str, object]:
    found: dict[str, object] = json.loads(pair.bucket.objects[KEY])
    return found


async def held_by_alice(pair: Pair) -> tuple[RemoteLock, Held]:
    """Alice has the lock for her run; Bob, with another, is told so."""
    alice = pair.lock(ALICE)
    assert isinstance(await alice.take(), Taken)
    pair.clock.pass_by(3 * 3600 + 61)
    found = await pair.lock(BOB, OTHER_RUN).take()
    assert isinstance(found, Held)
    return alice, found


async def test_the_lock_says_who_holds_it_from_where_and_since_when(pair):
    await pair.lock(ALICE).take()
    stated = said(pair)
    assert (stated["run_id"], stated["host"], stated["pid"]) == (RUN, "alice-laptop", 101)
    assert (stated["operator"], stated["since"]) == ("Alice Example", "2027-01-15T10:00:00Z")
    assert (stated["environment"], stated["released"], stated["schema"]) == ("staging", False, 1)


async def test_a_second_laptop_is_told_who_since_when_and_how_old(pair):
    _, found = await held_by_alice(pair)
    assert found.holder.run_id == RUN
    assert found.sentence == (
        f"run {RUN} of Alice Example holds it, from alice-laptop (process 101), since 2027-01-15T10:00:00Z, for 3:01:01"
    )


async def test_another_environment_has_a_lock_of_its_own(pair):
    assert isinstance(await pair.lock(ALICE).take(), Taken)
    assert isinstance(await pair.lock(BOB, OTHER_RUN, "production").take(), Taken)


async def test_what_is_held_already_is_only_confirmed(pair):
    alice = pair.lock(ALICE)
    await alice.take()
    before = dict(pair.bucket.objects)
    pair.clock.pass_by(60)
    assert isinstance(await alice.take(), Taken)
    assert pair.bucket.objects == before


async def test_of_two_who_take_a_free_lock_at_once_one_has_it(pair):
    found = await asyncio.gather(pair.lock(ALICE).take(), pair.lock(BOB, OTHER_RUN).take())
    (winner,) = [one for one in found if isinstance(one, Taken)]
    (loser,) = [one for one in found if isinstance(one, Held)]
    assert winner.before is None
    assert loser.holder.run_id == said(pair)["run_id"]


@pytest.mark.parametrize("first", [0, 1])
async def test_of_two_who_take_a_released_lock_at_once_one_has_it(pair, first):
    alice = pair.lock(ALICE)
    await alice.take()
    assert await alice.release()
    both = [pair.lock(ALICE, OTHER_RUN), pair.lock(BOB, OTHER_RUN)]
    order = [both[first], both[1 - first]]
    found = await asyncio.gather(*(lock.take() for lock in order))
    assert sorted(type(one).__name__ for one in found) == ["Held", "Taken"]


async def test_a_released_lock_is_taken_without_a_word_about_who_had_it(pair):
    alice = pair.lock(ALICE)
    await alice.take()
    assert await alice.release()
    assert said(pair)["released"] is True
    taken = await pair.lock(BOB, OTHER_RUN).take()
    assert isinstance(taken, Taken)
    assert taken.before is None


async def test_the_same_run_from_the_same_home_takes_it_again_as_another_process(pair):
    await pair.lock(ALICE).take()
    again = replace(ALICE, pid=999)
    taken = await pair.lock(again).take()
    assert isinstance(taken, Taken)
    assert taken.before is not None
    assert taken.before.pid == 101
    assert "process 101 had it since 2027-01-15T10:00:00Z" in taken.sentence
    assert said(pair)["pid"] == 999


@pytest.mark.parametrize("elsewhere", [BOB, replace(ALICE, place="another home"), replace(ALICE, host="another host")])
async def test_the_same_run_from_anywhere_else_is_not_given_the_lock_silently(pair, elsewhere):
    await pair.lock(ALICE).take()
    assert isinstance(await pair.lock(elsewhere).take(), Held)


async def test_a_takeover_names_who_had_it_and_ends_the_right_of_the_other(pair):
    alice, found = await held_by_alice(pair)
    taken = await (bob := pair.lock(BOB, OTHER_RUN)).take_over(found)
    assert taken.before == found.holder
    assert "Alice Example" in taken.sentence
    await bob.hold()
    with pytest.raises(TakenOver, match="taken over elsewhere: run drill-20270116T090000Z-00aa of Bob Example"):
        await alice.hold()


@pytest.mark.parametrize("first", [0, 1])
async def test_of_two_takeovers_one_wins_and_the_other_is_refused(pair, first):
    _, found = await held_by_alice(pair)
    bobs = [pair.lock(BOB, OTHER_RUN), pair.lock(replace(BOB, host="carol-laptop", place="c"), OTHER_RUN)]
    order = [bobs[first], bobs[1 - first]]
    ended = await asyncio.gather(*(lock.take_over(found) for lock in order), return_exceptions=True)
    (refused,) = [one for one in ended if isinstance(one, Refused)]
    (winner,) = [lock for lock, one in zip(order, ended, strict=True) if isinstance(one, Taken)]
    assert "changed hands while you decided" in refused.sentence
    await winner.hold()


async def test_a_takeover_of_a_lock_that_was_given_back_meanwhile_is_refused(pair):
    alice, found = await held_by_alice(pair)
    await alice.release()
    with pytest.raises(Refused, match="changed hands"):
        await pair.lock(BOB, OTHER_RUN).take_over(found)


async def test_a_lock_whose_first_answer_was_lost_is_known_as_our_own(pair):
    pair.bucket.silent_retries = 1
    assert isinstance(await pair.lock(ALICE).take(), Taken)


async def test_a_takeover_whose_answer_was_lost_is_known_as_our_own(pair):
    _, found = await held_by_alice(pair)
    pair.bucket.silent_retries = 1
    assert isinstance(await pair.lock(BOB, OTHER_RUN).take_over(found), Taken)


async def test_who_was_taken_over_gives_nothing_back(pair):
    alice, found = await held_by_alice(pair)
    await pair.lock(BOB, OTHER_RUN).take_over(found)
    before = dict(pair.bucket.objects)
    assert not await alice.release()
    assert pair.bucket.objects == before


async def test_a_lock_that_somebody_removed_by_hand_is_put_back(pair):
    alice = pair.lock(ALICE)
    await alice.take()
    before = pair.bucket.objects.pop(KEY)
    await alice.hold()
    assert pair.bucket.objects[KEY] == before


async def test_a_lock_that_was_taken_over_and_given_back_since_is_lost_all_the_same(pair):
    alice, found = await held_by_alice(pair)
    bob = pair.lock(BOB, OTHER_RUN)
    await bob.take_over(found)
    await bob.release()
    with pytest.raises(TakenOver):
        await alice.hold()


async def test_a_resumed_process_holds_what_is_free_or_its_own_and_nothing_else(pair):
    """It claimed the environment in a stage that it passed long ago."""
    await pair.lock(ALICE).hold()
    resumed = pair.lock(replace(ALICE, pid=999))
    await resumed.hold()
    assert said(pair)["pid"] == 999
    with pytest.raises(TakenOver, match="of Alice Example"):
        await pair.lock(BOB).hold()
    with pytest.raises(TakenOver, match="of Alice Example"):
        await pair.lock(ALICE, OTHER_RUN).hold()


async def test_a_resumed_process_gives_back_what_the_one_before_it_took(pair):
    await pair.lock(ALICE).take()
    assert await pair.lock(replace(ALICE, pid=999)).release()
    assert said(pair)["released"] is True


async def test_what_another_has_is_not_given_back_by_who_never_took_it(pair):
    assert await pair.lock(ALICE).release()
    assert pair.bucket.objects == {}
    await pair.lock(BOB).take()
    before = dict(pair.bucket.objects)
    assert await pair.lock(ALICE).release()
    assert pair.bucket.objects == before


async def test_a_bucket_that_cannot_be_reached_is_no_lock(pair):
    pair.bucket.down = True
    with pytest.raises(NoVerdict, match="could not be reached"):
        await pair.lock(ALICE).take()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"schema":1}', "cannot be read"),
        (b'{"schema":2}', "of version 2"),
    ],
)
async def test_a_lock_that_says_nothing_known_is_nobodys_to_take(pair, body, words):
    pair.bucket.objects[KEY] = body
    with pytest.raises(RecordFailed, match=words):
        await pair.lock(ALICE).take()


async def test_what_another_laptop_wrote_is_cleaned_before_it_is_shown(pair):
    await pair.lock(replace(ALICE, operator="Al\x1b[31mice\u202e", host="h\n")).take()
    found = await pair.lock(BOB, OTHER_RUN).take()
    assert isinstance(found, Held)
    assert "\x1b" not in found.sentence
    assert "\u202e" not in found.sentence
