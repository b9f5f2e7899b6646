"""The evidence bucket: one suite over the bucket in memory, and over S3 as moto speaks it on a loopback port.

moto 5.2.5 judges `If-None-Match` and `If-Match` of a PutObject; a 409, which it never answers, is stubbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.estate.aws import evidence_bucket
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.evidence_bucket import EvidenceBucket
from runbook.estate.door import Door
from runbook.estate.memory.evidence import MemoryEvidence
from runbook.records.mirror import Mirror
from runbook.records.remote import fetch
from runbook.records.remote_lock import Held, RemoteLock, Taken
from runbook.records.remote_store import Store
from tests.estate_adapters.aws import REGION
from tests.records.machines import ALICE, BOB, OTHER_RUN, RUN, told
from tests.records.story import FakeClock
from tests.support.evidence import BUCKET, OWNER, PREFIX, administrator, evidence_access, serving_s3

KEY = f"{PREFIX}runs/x/run.json"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with serving_s3() as address:
        yield address


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(8)
    yield door
    door.close()


@pytest.fixture
def s3(moto: str) -> Iterator[Any]:
    client = administrator(moto)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest, door: Door) -> Store:
    if request.param == "memory":
        return MemoryEvidence()
    request.getfixturevalue("s3")
    return EvidenceBucket(evidence_access(door, request.getfixturevalue("moto")), BUCKET, OWNER)


# -- what both do -----------------------------------------------------------------------------------------------------
async def test_a_new_object_is_written_once(store: Store) -> None:
    assert await store.read(KEY) is None
    assert await store.put_new(KEY, b"first")
    assert not await store.put_new(KEY, b"second")
    found = await store.read(KEY)
    assert found is not None
    assert found[0] == b"first"


async def test_an_object_is_replaced_only_as_it_was_read(store: Store) -> None:
    await store.put_new(KEY, b"first")
    read = await store.read(KEY)
    assert read is not None
    assert await store.replace(KEY, b"second", read[1])
    assert not await store.replace(KEY, b"third", read[1])
    found = await store.read(KEY)
    assert found is not None
    assert found[0] == b"second"
    assert found[1] != read[1]


async def test_what_is_not_there_cannot_be_replaced(store: Store) -> None:
    assert not await store.replace(KEY, b"x", '"d41d8cd98f00b204e9800998ecf8427e"')
    assert await store.read(KEY) is None


async def test_keys_are_listed_by_their_beginning_in_order(store: Store) -> None:
    assert await store.list(PREFIX) == ()
    for name in ("b", "a/2", "a/1"):
        await store.put_new(f"{PREFIX}{name}", b"x")
    assert await store.list(f"{PREFIX}a/") == (f"{PREFIX}a/1", f"{PREFIX}a/2")
    assert await store.list(PREFIX) == (f"{PREFIX}a/1", f"{PREFIX}a/2", f"{PREFIX}b")


async def test_bytes_come_back_as_they_were(store: Store) -> None:
    body = bytes(range(256)) * 40
    await store.put_new(KEY, body)
    await store.put_new(f"{KEY}.empty", b"")
    found, empty = await store.read(KEY), await store.read(f"{KEY}.empty")
    assert found is not None
    assert empty is not None
    assert (found[0], empty[0]) == (body, b"")


async def test_of_many_who_write_the_same_new_key_at_once_one_does() -> None:
    """S3 promises it; moto looks and writes in two steps, and cannot show it."""
    store = MemoryEvidence()
    written = await asyncio.gather(*(store.put_new(KEY, f"{number}".encode()) for number in range(6)))
    assert sum(written) == 1
    found = await store.read(KEY)
    assert found is not None
    assert found[0] == f"{written.index(True)}".encode()


async def test_a_lock_passes_from_hand_to_hand(store: Store) -> None:
    clock = FakeClock()
    alice = RemoteLock(store, PREFIX, "staging", run_id=RUN, who=ALICE, now=clock.now)
    bob = RemoteLock(store, PREFIX, "staging", run_id=OTHER_RUN, who=BOB, now=clock.now)
    assert isinstance(await alice.take(), Taken)
    held = await bob.take()
    assert isinstance(held, Held)
    assert (await bob.take_over(held)).before == held.holder
    assert not await alice.release()
    assert await bob.release()
    assert isinstance(await alice.take(), Taken)


async def test_a_journal_comes_back_byte_for_byte(store: Store) -> None:
    journal = told(12)
    mirror = Mirror(store, PREFIX, RUN)
    for seq, line in enumerate(journal.lines, start=1):
        mirror.line(line, seq)
        if seq % 5 == 0:
            await mirror.settle()
    await mirror.close()
    assert await fetch(store, PREFIX, RUN) == journal.whole


# -- what only S3 does ------------------------------------------------------------------------------------------------
@pytest.fixture
def access(door: Door) -> AwsAccess:
    return evidence_access(door, None)


@pytest.fixture
def stubbed(access: AwsAccess) -> Iterator[Stubber]:
    with Stubber(access.client("s3")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


PLACE = {"Bucket": BUCKET, "ExpectedBucketOwner": OWNER, "Key": KEY}
NEW = {**PLACE, "Body": b"x", "IfNoneMatch": "*"}
OVER = {**PLACE, "Body": b"x", "IfMatch": '"e"'}


async def test_a_write_that_met_another_one_is_tried_again(access, stubbed):
    for given in (NEW, OVER):
        stubbed.add_client_error(
            "put_object", "ConditionalRequestConflict", http_status_code=409, expected_params=given
        )
        stubbed.add_response("put_object", {"ETag": '"f"'}, given)
    bucket = EvidenceBucket(access, BUCKET, OWNER)
    assert await bucket.put_new(KEY, b"x")
    assert await bucket.replace(KEY, b"x", '"e"')


async def test_a_write_that_meets_others_all_the_time_is_given_up(access, stubbed):
    for _ in range(evidence_bucket.CONFLICTS):
        stubbed.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409, expected_params=NEW)
    with pytest.raises(NoVerdict, match="being written by somebody else"):
        await EvidenceBucket(access, BUCKET, OWNER).put_new(KEY, b"x")


@pytest.mark.parametrize(
    ("call", "method"),
    [
        (lambda bucket: bucket.put_new(KEY, b"x"), "put_object"),
        (lambda bucket: bucket.replace(KEY, b"x", '"e"'), "put_object"),
        (lambda bucket: bucket.read(KEY), "get_object"),
        (lambda bucket: bucket.list(PREFIX), "list_objects_v2"),
    ],
)
async def test_another_accounts_bucket_is_not_used(
    access, stubbed, call: Callable[[EvidenceBucket], Coroutine[Any, Any, Any]], method: str
):
    """S3 compares the owner itself: every call says whose the bucket has to be."""
    stubbed.add_client_error(method, "AccessDenied", http_status_code=403)
    with pytest.raises(NoVerdict, match="does not allow"):
        await call(EvidenceBucket(access, BUCKET, OWNER))


async def test_a_missing_bucket_is_no_missing_object(access, stubbed):
    for method, call in (("get_object", "read"), ("put_object", "put_new")):
        stubbed.add_client_error(method, "NoSuchBucket", http_status_code=404)
        bucket = EvidenceBucket(access, BUCKET, OWNER)
        with pytest.raises(LayerFailed, match="no such bucket"):
            await (bucket.read(KEY) if call == "read" else bucket.put_new(KEY, b"x"))


async def test_every_page_is_read(access, stubbed):
    given = {"Bucket": BUCKET, "ExpectedBucketOwner": OWNER, "Prefix": PREFIX}
    first = {"Contents": [{"Key": "b"}, {"Key": "c"}], "IsTruncated": True, "NextContinuationToken": "next"}
    stubbed.add_response("list_objects_v2", first, given)
    stubbed.add_response("list_objects_v2", {"Contents": [{"Key": "a\u202e"}]}, {**given, "ContinuationToken": "next"})
    assert await EvidenceBucket(access, BUCKET, OWNER).list(PREFIX) == ("a\N{REPLACEMENT CHARACTER}", "b", "c")


async def test_a_record_of_a_size_that_none_has_is_not_read(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(evidence_bucket, "LIMIT", 3)
    await store.put_new(KEY, b"four")
    if isinstance(store, MemoryEvidence):
        return
    with pytest.raises(LayerFailed, match="has 4 bytes"):
        await store.read(KEY)


# -- what the interlock lets through ----------------------------------------------------------------------------------
async def test_training_writes_into_no_bucket(door, moto, s3):
    access = evidence_access(door, moto, training=True)
    with pytest.raises(Refused, match="no evidence bucket is configured for this mode"):
        await EvidenceBucket(access, BUCKET, OWNER).put_new(KEY, b"x")
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("bucket", "key"), [(BUCKET, "elsewhere/x"), (BUCKET, f"{PREFIX}../x"), ("clinic-vault-backups", KEY)]
)
async def test_only_its_own_prefix_of_its_own_bucket_is_written(door, moto, s3, bucket, key):
    with pytest.raises(Refused, match="is not below clinic-evidence/runbook/"):
        await EvidenceBucket(evidence_access(door, moto), bucket, OWNER).put_new(key, b"x")
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
