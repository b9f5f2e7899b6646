"""A head of the log under Object Lock: S3 as moto speaks it, and the bucket in memory, which does the same.

moto 5.2.5 refuses a lock on a bucket without Object Lock, and refuses to delete what is locked; that a lock needs a
checksum is S3's own rule, and looked at in what is sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from runbook.commands.configured import Configured
from runbook.commands.real.beginning import bounds_of
from runbook.commands.real.heads import lock_head
from runbook.config import load as loading
from runbook.config.sections import RecordsBucket
from runbook.engine.errors import LayerFailed, Refused
from runbook.estate.aws.evidence_bucket import EvidenceBucket
from runbook.estate.door import Door
from runbook.estate.memory.evidence import MemoryEvidence
from runbook.records.audit import anchors
from runbook.records.remote_store import Layout, Store
from tests.estate_adapters.aws import REGION
from tests.support import runbook_toml
from tests.support.evidence import BUCKET, OWNER, PREFIX, administrator, evidence_access, serving_s3

NOW = datetime.now(UTC).replace(microsecond=0)  # S3 takes no lock that ends in the past
HEAD = "sha256:9f86d081884c7d65" + "0" * 48
KEY = f"{PREFIX}heads/00000012-9f86d081884c7d65.json"
DETAILS = {"row": 12, "head": HEAD, "log": "/somewhere/compliance/restoration-test-log.csv"}
PLACE = RecordsBucket(bucket=BUCKET, prefix=PREFIX, account_id=OWNER, region=REGION, retain_days=30)
SHORT = "the head 12:9f86d081884c7d65 of the test log"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with serving_s3() as address:
        yield address


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(4)
    yield door
    door.close()


@pytest.fixture
def s3(moto: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """An administrator's client, and a bucket with Object Lock (`locking`: False, without)."""
    client = administrator(moto)
    locking = getattr(request, "param", True)
    where = {"LocationConstraint": REGION}
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=locking)
    yield client
    client.close()
    requests.post(f"{moto}/moto-api/reset", timeout=10)  # what is locked cannot be deleted


@pytest.fixture
def bucket(s3: Any, moto: str, door: Door) -> EvidenceBucket:
    return EvidenceBucket(evidence_access(door, moto, locks=True), BUCKET, OWNER)


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryEvidence()
    found: Store = request.getfixturevalue("bucket")
    return found


# -- what both do -------------------------------------------------------------------------------------------------
async def test_a_head_is_kept_once_and_said_with_its_date(store: Store) -> None:
    said = f"{SHORT} is in the evidence bucket, locked until {NOW + timedelta(days=30):%Y-%m-%d}"
    assert await lock_head(store, PLACE, DETAILS, NOW) == said
    assert await lock_head(store, PLACE, DETAILS, NOW + timedelta(seconds=5)) == said, "an answer may have been lost"
    assert await store.list(Layout(PREFIX).base) == (KEY,)


async def test_what_is_kept_is_an_anchor_for_log_verify(store: Store, tmp_path: Path) -> None:
    await lock_head(store, PLACE, DETAILS, NOW)
    found = await store.read(KEY)
    assert found is not None
    assert json.loads(found[0]).keys() == {"schema", "rows", "head", "at", "log"}
    assert b"somewhere" not in found[0]
    (tmp_path / "head.json").write_bytes(found[0])
    anchor = anchors.given(str(tmp_path / "head.json"))
    assert (anchor.rows, f"sha256:{anchor.digits}") == (12, HEAD)


async def test_another_head_under_that_name_stays_and_is_said(store: Store) -> None:
    await store.put_new(KEY, b"{}")
    assert (
        await lock_head(store, PLACE, DETAILS, NOW)
        == f"{SHORT} is in the evidence bucket with other content, which stays"
    )


@pytest.mark.parametrize("s3", [False], indirect=True)
async def test_a_bucket_without_object_lock_is_a_sentence(bucket: EvidenceBucket, s3: Any) -> None:
    said = await lock_head(bucket, PLACE, DETAILS, NOW)
    assert said.startswith(f"{SHORT} is not locked in the evidence bucket: s3:PutObject: the evidence bucket takes no")
    assert "retain_days" in said
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    memory = MemoryEvidence(locks=False)
    assert "has no Object Lock" in await lock_head(memory, PLACE, DETAILS, NOW)
    assert memory.objects == {}


async def test_a_bucket_that_cannot_be_reached_or_is_silent_is_a_sentence() -> None:
    assert "could not be reached" in await lock_head(MemoryEvidence(down=True), PLACE, DETAILS, NOW)
    silent = MemoryEvidence(held=asyncio.Event())
    assert "did not answer in time" in await lock_head(silent, PLACE, DETAILS, NOW, limit_s=0.01)


async def test_without_days_or_a_row_nothing_is_locked() -> None:
    store = MemoryEvidence()
    assert await lock_head(store, PLACE.model_copy(update={"retain_days": None}), DETAILS, NOW) == ""
    assert await lock_head(store, PLACE, {}, NOW) == ""
    assert await lock_head(None, None, DETAILS, NOW) == ""
    assert store.asked == {}


# -- what only S3 does --------------------------------------------------------------------------------------------
async def test_nobody_can_shorten_it_or_take_it_away(bucket: EvidenceBucket, s3: Any) -> None:
    await lock_head(bucket, PLACE, DETAILS, NOW)
    kept = s3.head_object(Bucket=BUCKET, Key=KEY)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert kept["ObjectLockRetainUntilDate"] == NOW + timedelta(days=30)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=kept["VersionId"])


async def test_a_lock_is_sent_with_a_checksum_of_the_content(bucket: EvidenceBucket, s3: Any) -> None:
    await lock_head(bucket, PLACE, DETAILS, NOW)
    head = s3.head_object(Bucket=BUCKET, Key=KEY, ChecksumMode="ENABLED")
    assert "ChecksumSHA256" in head


async def test_what_is_no_head_is_never_locked(moto: str, door: Door, s3: Any) -> None:
    until = NOW + timedelta(days=30)
    for locks, key in ((True, f"{PREFIX}runs/x/run.json"), (False, KEY)):
        bucket = EvidenceBucket(evidence_access(door, moto, locks=locks), BUCKET, OWNER)
        with pytest.raises(Refused, match="would be locked"):
            await bucket.put_new(key, b"x", until=until)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


async def test_other_records_stay_unlocked(bucket: EvidenceBucket, s3: Any) -> None:
    await bucket.put_new(f"{PREFIX}runs/x/run.json", b"x")
    assert "ObjectLockMode" not in s3.head_object(Bucket=BUCKET, Key=f"{PREFIX}runs/x/run.json")


@pytest.mark.parametrize("s3", [False], indirect=True)
async def test_the_refusal_carries_what_s3_said(bucket: EvidenceBucket) -> None:
    with pytest.raises(LayerFailed) as refused:
        await bucket.put_new(KEY, b"x", until=NOW + timedelta(days=30))
    assert "Object" in refused.value.provider_text


@pytest.mark.parametrize(("days", "locks"), [(None, False), (2192, True)])
def test_a_run_may_lock_heads_where_the_configuration_says_for_how_long(
    tmp_path: Path, days: int | None, *, locks: bool
) -> None:
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.text(**({"records.bucket.retain_days": days} if days else {})), encoding="utf-8")
    may = bounds_of(Configured(loading.load(path)), "drill")
    assert may.records is not None
    assert may.records.locks is locks
