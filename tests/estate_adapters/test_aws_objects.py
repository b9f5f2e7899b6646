"""S3 and KMS: listing, judging and fetching backups."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.aws import objects as aws_objects
from runbook.estate.aws.account import AwsKeys
from runbook.estate.aws.objects import AwsObjects
from runbook.estate.ports import StoredObject
from tests.estate_adapters.aws import REGION, access_to
from tests.support.loopback import serving

BUCKET = "clinic-vault-backups"


@pytest.fixture
def cloud() -> Iterator[Any]:
    with mock_aws():
        s3 = boto3.client("s3", REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        yield s3


async def test_objects_come_oldest_first_over_all_pages(door):
    access = access_to(door)
    days = {"a": 14, "b": 12, "c": 13, "d\u202e": 15}
    found = [{"Key": key, "LastModified": datetime(2027, 1, day, tzinfo=UTC), "Size": day} for key, day in days.items()]
    given = {"Bucket": BUCKET, "Prefix": "vault/"}
    with Stubber(access.client("s3")) as s3:
        more = {"IsTruncated": True, "NextContinuationToken": "next"}
        s3.add_response("list_objects_v2", {"Contents": found[:2]} | more, given)
        s3.add_response("list_objects_v2", {"Contents": found[2:]}, given | {"ContinuationToken": "next"})
        objects = await AwsObjects(access).list(BUCKET, "vault/")
        s3.add_response("list_objects_v2", {}, given)
        assert await AwsObjects(access).list(BUCKET, "vault/") == ()
    assert [(stored.key, stored.size) for stored in objects] == [("b", 12), ("c", 13), ("a", 14), ("d�", 15)]


async def test_an_object_says_how_it_is_encrypted_and_what_it_hashes_to(cloud, door):
    cloud.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    made = cloud.put_object(
        Bucket=BUCKET,
        Key="a",
        Body=b"abc",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId="arn:aws:kms:x",
        Metadata={"SHA256": "AB" * 32},
    )
    stored = await AwsObjects(access_to(door)).head(BUCKET, "a")
    assert (stored.size, stored.encryption, stored.kms_key) == (3, "aws:kms", "arn:aws:kms:x")
    assert (stored.version, stored.sha256) == (made["VersionId"], "ab" * 32)
    with pytest.raises(LayerFailed, match="not in the bucket"):
        await AwsObjects(access_to(door)).head(BUCKET, "b")
    with pytest.raises(LayerFailed, match="no such bucket"):
        await AwsObjects(access_to(door)).list("nosuch", "")


async def test_the_posture_of_a_bucket(cloud, door):
    objects = AwsObjects(access_to(door))
    bare = await objects.posture(BUCKET)
    assert (bare.public_access_blocked, bare.versioned, bare.object_lock) == (False, False, False)
    four = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    cloud.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(four, True))
    cloud.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    cloud.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    full = await objects.posture(BUCKET)
    assert (full.public_access_blocked, full.versioned, full.object_lock) == (True, True, True)


async def test_a_block_that_may_not_be_read_is_unknown(door):
    access = access_to(door)
    with Stubber(access.client("s3")) as s3:
        s3.add_client_error("get_public_access_block", "AccessDenied", http_status_code=403)
        s3.add_response("get_bucket_versioning", {})
        s3.add_client_error(
            "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError", http_status_code=404
        )
        assert (await AwsObjects(access).posture(BUCKET)).public_access_blocked is None


async def test_the_version_that_was_judged_is_the_one_fetched(cloud, door, tmp_path):
    cloud.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    cloud.put_object(Bucket=BUCKET, Key="a", Body=b"judged")
    objects = AwsObjects(access_to(door))
    stored = await objects.head(BUCKET, "a")
    cloud.put_object(Bucket=BUCKET, Key="a", Body=b"newer, never judged")
    steps: list[tuple[int, int]] = []
    fetched = await objects.download(stored, tmp_path / "a", lambda *step: steps.append(step))
    assert fetched.path.read_bytes() == b"judged"
    assert (fetched.size, fetched.sha256) == (6, hashlib.sha256(b"judged").hexdigest())
    assert steps == [(6, 6)]
    assert stat.S_IMODE(fetched.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


async def test_an_object_replaced_since_it_was_listed_is_refused(cloud, door, tmp_path):
    cloud.put_object(Bucket=BUCKET, Key="a", Body=b"judged")
    objects = AwsObjects(access_to(door))
    (listed,) = await objects.list(BUCKET, "")
    cloud.put_object(Bucket=BUCKET, Key="a", Body=b"newer, never judged")
    with pytest.raises(LayerFailed, match="replaced meanwhile"):
        await objects.download(listed, tmp_path / "a", lambda *_: None)
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_takes_no_file_is_this_machines_fault(cloud, door, tmp_path):
    cloud.put_object(Bucket=BUCKET, Key="a", Body=b"judged")
    objects = AwsObjects(access_to(door))
    with pytest.raises(NoVerdict, match="cannot be written") as said:
        await objects.download(await objects.head(BUCKET, "a"), tmp_path / "no" / "a", lambda *_: None)
    assert said.value.source == "this machine"


async def test_a_small_object_is_read_whole_and_a_large_one_refused(cloud, door):
    cloud.put_object(Bucket=BUCKET, Key="a", Body=b"123456")
    objects = AwsObjects(access_to(door))
    assert await objects.read(BUCKET, "a", limit=6) == b"123456"
    with pytest.raises(LayerFailed, match="6 bytes"):
        await objects.read(BUCKET, "a", limit=5)


async def test_the_state_of_a_key(door):
    with mock_aws():
        kms = boto3.client("kms", REGION)
        made = kms.create_key()["KeyMetadata"]
        key = made["Arn"]
        keys = AwsKeys(access_to(door))
        assert await keys.state(key) == "Enabled"
        kms.disable_key(KeyId=made["KeyId"])
        assert await keys.state(key) == "Disabled"
        assert await keys.state(key.rsplit("/", 1)[0] + "/00000000-0000-0000-0000-000000000000") is None


class Flaky(ThreadingHTTPServer):
    """An S3 that breaks connections off after `most` bytes, at the first `cuts` requests; then serves the rest."""

    daemon_threads = True
    content = bytes(range(256)) * 4096
    most, cuts = 300_000, 2
    ranges: list[str | None]


class FlakyHandler(BaseHTTPRequestHandler):
    server: Flaky
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        rest = self.server.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", '"tag"')
        self.send_header("Last-Modified", "Fri, 15 Jan 2027 08:00:00 GMT")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        broken = len(self.server.ranges) <= self.server.cuts
        self.wfile.write(rest[: self.server.most] if broken else rest)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def flaky() -> Iterator[Flaky]:
    server = Flaky(("127.0.0.1", 0), FlakyHandler)
    server.ranges = []
    with serving(server):
        yield server


def _listed(server: Flaky) -> StoredObject:
    return StoredObject(BUCKET, "a", len(server.content), datetime(2027, 1, 15, 8, tzinfo=UTC))


async def test_a_broken_download_is_taken_up_where_it_broke(flaky, door, tmp_path, monkeypatch):
    monkeypatch.setattr(aws_objects, "BLOCK", 100_000)
    objects = AwsObjects(access_to(door, f"http://127.0.0.1:{flaky.server_address[1]}"))
    fetched = await objects.download(_listed(flaky), tmp_path / "a", lambda *_: None)
    assert fetched.sha256 == hashlib.sha256(flaky.content).hexdigest()
    assert fetched.path.read_bytes() == flaky.content
    assert flaky.ranges[0] is None
    assert len(flaky.ranges) == 3


async def test_a_download_that_breaks_again_and_again_is_given_up(flaky, door, tmp_path, monkeypatch):
    monkeypatch.setattr(aws_objects, "BLOCK", 1000)
    flaky.cuts, flaky.most = 100, 5000
    objects = AwsObjects(access_to(door, f"http://127.0.0.1:{flaky.server_address[1]}"))
    with pytest.raises(NoVerdict, match="broke off"):
        await objects.download(_listed(flaky), tmp_path / "a", lambda *_: None)
    assert list(tmp_path.iterdir()) == []
