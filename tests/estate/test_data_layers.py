"""The data layers of the practice estate, on their real servers."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError

from runbook.training.certificates import Authority
from runbook.training.production_vault import THRESHOLD
from runbook.training.servers import postgres
from runbook.training.servers.waiting import Ports
from tests.estate.data_lab import Practice, estate
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with estate() as practice:
        yield practice


@pytest.fixture(scope="module")
def restored(practice: Practice) -> dict[str, Any]:
    """One restored instance that the reading tests share; it goes with the estate."""
    practice.restore("rt-shared")
    return practice.until_status("rt-shared", "available")


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


# -- the account and the backups ----------------------------------------------------------------------------------
def test_the_operator_signs_in_to_the_drill_role_and_the_clock_is_right(practice: Practice) -> None:
    answer = practice.client("sts", practice.operators_session()).get_caller_identity()
    assert answer["Account"] == practice.aws.account_id
    assert answer["Arn"] == "arn:aws:sts::111122223333:assumed-role/runbook-drill/cto"
    date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert abs(datetime.now(UTC) - date) < timedelta(seconds=5)


def test_vault_backups_are_daily_fresh_encrypted_and_whole(practice: Practice) -> None:
    s3, backup = practice.client("s3"), practice.vault.backup
    found = s3.list_objects_v2(Bucket=backup.bucket, Prefix=backup.prefix)["Contents"]
    newest = max(found, key=lambda one: one["LastModified"])
    assert len(found) >= 5
    age = datetime.now(UTC) - newest["LastModified"]
    assert timedelta(minutes=59) < age < timedelta(minutes=75)
    head = s3.head_object(Bucket=backup.bucket, Key=newest["Key"])
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == backup.kms_key
    body = s3.get_object(Bucket=backup.bucket, Key=newest["Key"])["Body"].read()
    assert hashlib.sha256(body).hexdigest() == head["Metadata"]["sha256"]


def test_the_bucket_is_private_versioned_and_its_key_enabled(practice: Practice) -> None:
    s3, bucket = practice.client("s3"), practice.vault.backup.bucket
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
    key = practice.client("kms").describe_key(KeyId=practice.vault.backup.kms_key)["KeyMetadata"]
    assert key["KeyState"] == "Enabled"


def test_thirty_daily_snapshots_come_in_pages(practice: Practice) -> None:
    first = practice.client("rds").describe_db_snapshots(
        DBInstanceIdentifier=practice.database.source_instance, MaxRecords=20
    )
    assert len(first["DBSnapshots"]) == 20
    assert first["Marker"]
    found = practice.snapshots()
    assert len(found) == 30
    newest = found[-1]
    assert timedelta(minutes=69) < datetime.now(UTC) - newest["SnapshotCreateTime"] < timedelta(minutes=85)
    assert newest["Status"] == "available"
    assert newest["Encrypted"]
    assert newest["KmsKeyId"] == practice.vault.backup.kms_key
    assert timedelta(0) < newest["SnapshotCreateTime"] - newest["SnapshotDatabaseTime"] < timedelta(minutes=5)
    assert {one["SnapshotTarget"] for one in found} == {"region"}
    days = {one["SnapshotCreateTime"].date() for one in found}
    assert len(days) >= 29


def test_production_is_protected(practice: Practice) -> None:
    rds = practice.client("rds")
    found = rds.describe_db_instances(DBInstanceIdentifier=practice.database.source_instance)["DBInstances"][0]
    assert found["Endpoint"] == dict(zip(("Address", "Port"), practice.layers.source_endpoint(), strict=True))
    assert (found["MultiAZ"], found["DeletionProtection"], found["BackupRetentionPeriod"]) == (True, True, 30)
    with pytest.raises(ClientError) as refused:
        rds.delete_db_instance(DBInstanceIdentifier=practice.database.source_instance, SkipFinalSnapshot=True)
    assert code_of(refused) == "InvalidParameterCombination"


# -- restoring a database -----------------------------------------------------------------------------------------
def test_a_restore_takes_time_and_keeps_what_was_asked_for(practice: Practice) -> None:
    begun = practice.restore("rt-course", BackupRetentionPeriod=0, Tags=[{"Key": "owner", "Value": "test"}])
    assert begun["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in begun
    assert not any(begun[name] for name in ("MultiAZ", "DeletionProtection", "PubliclyAccessible"))
    with pytest.raises(ClientError) as twice:
        practice.restore("rt-course")
    assert code_of(twice) == "DBInstanceAlreadyExists"
    done = practice.until_status("rt-course", "available")
    assert done["Endpoint"]["Address"] == "rt-course.eu-west-2.rds.practice.test"
    assert done["TagList"] == [{"Key": "owner", "Value": "test"}]
    assert [group["DBParameterGroupName"] for group in done["DBParameterGroups"]] == ["clinic-drill"]
    assert any(child.name == "postgres copy rt-course" for child in practice.layers.children())
    practice.drop("rt-course")
    with pytest.raises(ClientError) as gone:
        practice.client("rds").describe_db_instances(DBInstanceIdentifier="rt-course")
    assert code_of(gone) == "DBInstanceNotFound"
    backups = practice.client("rds").describe_db_instance_automated_backups(DBInstanceIdentifier="rt-course")
    assert backups["DBInstanceAutomatedBackups"] == []
    assert not any(child.name == "postgres copy rt-course" for child in practice.layers.children())


@pytest.mark.parametrize("which", [-1, -2, -7])
def test_a_copy_holds_what_the_manifests_around_its_snapshot_say(practice: Practice, which: int) -> None:
    snapshot = practice.snapshots()[which]
    practice.restore("rt-stated", snapshot["DBSnapshotIdentifier"])
    endpoint = practice.until_status("rt-stated", "available")["Endpoint"]
    around = practice.around(snapshot)
    told = practice.compared(endpoint, around)
    assert told.faults == ()
    assert not any(finding.severity == "major" for finding in told.findings)
    assert "public.patients" in told.equal
    assert 0 < told.moved < 10, "bookings were made around the snapshot"
    before, after = (made.tables["public.appointments"].rows for made in around.stated)
    assert after - before == 4
    assert practice.content(endpoint)["public.appointments"].rows == before + 2
    practice.drop("rt-stated")


def test_manifests_lie_around_the_newest_snapshots(practice: Practice) -> None:
    created = [one["SnapshotCreateTime"] for one in practice.snapshots()[-7:]]
    around = timedelta(minutes=5)
    assert practice.manifest_times() == sorted(moment for at in created for moment in (at - around, at + around))


def test_the_copy_is_cut_off_from_its_source(practice: Practice, restored: dict[str, Any]) -> None:
    with practice.connect(restored["Endpoint"]) as connection:
        settings = {
            name: connection.execute("select current_setting(%s)", (name,)).fetchone()[0]  # type: ignore[index] # one row
            for name in ("archive_mode", "archive_command", "primary_conninfo", "restore_command", "port")
        }
        assert settings.pop("archive_mode") == "off"
        assert int(settings.pop("port")) != practice.layers.source_endpoint()[1]
        assert set(settings.values()) <= {"", "(disabled)"}
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("delete from settings")


def test_the_newest_booking_is_what_the_snapshot_says_that_it_holds(
    practice: Practice, restored: dict[str, Any]
) -> None:
    with practice.connect(restored["Endpoint"]) as connection:
        row = connection.execute("select max(booked_at) from public.appointments").fetchone()
    assert row is not None
    assert row[0] == practice.snapshots()[-1]["SnapshotDatabaseTime"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sslmode": "disable"}, "no encryption"),
        ({"sslrootcert": "another"}, "certificate verify failed"),
        ({"host": "elsewhere.test"}, "does not match host name"),
        ({"password": "wrong"}, "password authentication failed"),
    ],
)
def test_the_front_lets_only_the_right_client_in(
    practice: Practice, restored: dict[str, Any], tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    if "sslrootcert" in changes:
        changes = {"sslrootcert": str(Authority(tmp_path / "another").ca_file)}
    with pytest.raises(psycopg.OperationalError, match=words):
        practice.connect(restored["Endpoint"], **changes)


@pytest.mark.parametrize(("instance", "snapshot"), [("../rt", ""), ("rt-x", "rds:elsewhere-2026-01-01-00-00")])
def test_a_copy_of_nothing_is_refused(practice: Practice, instance: str, snapshot: str) -> None:
    with pytest.raises(ValueError, match=r"identifier|no physical backup"):
        practice.layers.start_copy(instance, snapshot)


# -- the vault ----------------------------------------------------------------------------------------------------
def newest_archive(practice: Practice) -> bytes:
    s3, backup = practice.client("s3"), practice.vault.backup
    found = s3.list_objects_v2(Bucket=backup.bucket, Prefix=backup.prefix)["Contents"]
    newest = max(found, key=lambda one: one["LastModified"])
    body: bytes = s3.get_object(Bucket=backup.bucket, Key=newest["Key"])["Body"].read()
    return body


@contextmanager
def open_fresh_vault(practice: Practice) -> Iterator[httpx.Client]:
    """The staging vault, wiped, initialised like production's and unsealed with throw-away shares."""
    practice.layers.wipe_vault()
    with practice.vault_client(practice.vault.address) as vault:
        assert vault.get("/v1/sys/health").status_code == 501
        made = vault.put("/v1/sys/init", json={"secret_shares": 5, "secret_threshold": 3}).json()
        for share in made["keys"][:THRESHOLD]:
            vault.put("/v1/sys/unseal", json={"key": share}).raise_for_status()
        eventually(lambda: vault.get("/v1/sys/health").status_code, lambda status: status == 200)
        vault.headers["X-Vault-Token"] = made["root_token"]
        yield vault


def test_the_backup_brings_production_back_in_the_staging_vault(practice: Practice, restored: dict[str, Any]) -> None:
    with open_fresh_vault(practice) as vault:
        sent = vault.post("/v1/sys/storage/raft/snapshot-force", content=newest_archive(practice))
        assert sent.status_code == 204
        eventually(lambda: vault.get("/v1/sys/seal-status").json()["sealed"], lambda sealed: sealed)
        practice.layers.restart_vault()
        shares = list(practice.layers.custodians().values())
        for share in [practice.layers.bad_share(), *shares[: THRESHOLD - 1]]:
            refused = vault.put("/v1/sys/unseal", json={"key": share})
        assert refused.status_code == 400
        assert "message authentication failed" in refused.text
        for share in shares[:THRESHOLD]:
            state = vault.put("/v1/sys/unseal", json={"key": share}).json()
        assert state["cluster_id"] == practice.vault.cluster_id
        eventually(lambda: vault.get("/v1/sys/health").status_code, lambda status: status == 200)
        judge_restored_vault(practice, restored, vault)


def log_in(practice: Practice, vault: httpx.Client) -> None:
    keys = practice.layers.credentials()
    secret = {"role_id": keys["vault-role-id"], "secret_id": keys["vault-secret-id"]}
    vault.headers["X-Vault-Token"] = vault.post("/v1/auth/approle/login", json=secret).json()["auth"]["client_token"]


def judge_restored_vault(practice: Practice, restored: dict[str, Any], vault: httpx.Client) -> None:
    canary = practice.canary
    log_in(practice, vault)
    assert {f"{name}/" for name in practice.vault.mounts} <= set(vault.get("/v1/sys/mounts").json()["data"])
    assert vault.get(f"/v1/transit/keys/{canary.transit_key}").json()["data"]["latest_version"] == 2
    with practice.connect(restored["Endpoint"]) as connection:
        row = connection.execute("select ciphertext from runbook_canary where id = %s", (canary.key,)).fetchone()
    assert row is not None
    assert row[0] != canary.control_ciphertext
    assert hashlib.sha256(decrypted(vault, canary.transit_key, row[0])).hexdigest() == canary.sha256
    assert decrypted(vault, canary.transit_key, canary.control_ciphertext)
    assert vault.post("/v1/auth/token/revoke-self").status_code == 204


def decrypted(vault: httpx.Client, key: str, ciphertext: str) -> bytes:
    import base64

    answer = vault.post(f"/v1/transit/decrypt/{key}", json={"ciphertext": ciphertext}).raise_for_status()
    return base64.b64decode(answer.json()["data"]["plaintext"])


# -- PostgreSQL's binaries ----------------------------------------------------------------------------------------
def test_binaries_out_of_reach_are_copied_and_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a virtual environment below root's home, which the unprivileged user cannot enter."""
    monkeypatch.setattr(postgres, "_reachable", lambda _: False)
    folder = postgres.own(Path(tempfile.gettempdir()) / f"runbook-pg-{secrets.token_hex(8)}", postgres.unprivileged())
    try:
        binaries = postgres.find_binaries(folder)
        assert binaries.folder.is_relative_to(folder)
        cluster = postgres.Cluster("postgres copied", binaries, folder / "data", tmp_path / "log", Ports().take())
        cluster.create()
        cluster.configure()
        cluster.start()
        cluster.stop()
    finally:
        shutil.rmtree(folder)


# -- faults -------------------------------------------------------------------------------------------------------
def test_an_unknown_fault_names_the_known_ones(practice: Practice) -> None:
    with pytest.raises(ValueError, match="empty-table"):
        practice.layers.fault("earthquake", {})


def test_the_canary_changes_in_the_running_copy(practice: Practice) -> None:
    practice.restore("rt-canary")
    endpoint = practice.until_status("rt-canary", "available")["Endpoint"]
    before = practice.content(endpoint)
    practice.layers.fault("canary-changed", {})
    changed = {table for table, content in practice.content(endpoint).items() if content != before[table]}
    assert changed == {"public.runbook_canary"}
    practice.drop("rt-canary")


def test_protected_copies_cannot_be_deleted(practice: Practice) -> None:
    practice.layers.fault("cleanup-refused", {})
    practice.restore("rt-protected")
    with pytest.raises(ClientError) as refused:
        practice.drop("rt-protected")
    assert code_of(refused) == "InvalidParameterCombination"
    practice.client("rds").modify_db_instance(DBInstanceIdentifier="rt-protected", DeletionProtection=False)
    practice.drop("rt-protected")


def test_a_slow_day_throttles_then_goes_on(practice: Practice) -> None:
    practice.layers.fault("slow-restore", {"seconds": 2, "calls": 2})
    codes = []
    for _ in range(3):
        try:
            practice.client("rds").describe_db_instances()
            codes.append("")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes == ["ServiceUnavailable", "Throttling", ""]


def test_a_login_runs_out_and_the_next_one_works(practice: Practice) -> None:
    old = practice.operators_session()
    practice.layers.fault("expired-login", {})
    for service, call in (("sts", "get_caller_identity"), ("rds", "describe_db_instances"), ("s3", "list_buckets")):
        with pytest.raises(ClientError) as refused:
            getattr(practice.client(service, old), call)()
        assert code_of(refused) == "ExpiredToken"
    assert practice.client("sts", practice.operators_session()).get_caller_identity()["Arn"].endswith("/cto")
    assert practice.client("rds").describe_db_instances()["DBInstances"], "the estate's own session never runs out"


def test_the_providers_clock_can_be_off(practice: Practice) -> None:
    practice.layers.fault("clock-off", {"seconds": 900})
    answer = practice.client("sts").get_caller_identity()
    date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert date - datetime.now(UTC) > timedelta(seconds=800)
    practice.layers.fault("clock-off", {"seconds": 0})


def test_the_newest_vault_backup_can_lack_the_newest_key(practice: Practice, restored: dict[str, Any]) -> None:
    s3, backup, key = practice.client("s3"), practice.vault.backup, practice.canary.transit_key
    listing = {"Bucket": backup.bucket, "Prefix": backup.prefix}
    before = {one["Key"]: (one["LastModified"], one["ETag"]) for one in s3.list_objects_v2(**listing)["Contents"]}
    practice.layers.fault("key-skew", {})
    after = {one["Key"]: (one["LastModified"], one["ETag"]) for one in s3.list_objects_v2(**listing)["Contents"]}
    assert {name: at for name, (at, _) in before.items()} == {name: at for name, (at, _) in after.items()}
    assert [name for name in before if before[name] != after[name]] == [max(before)]
    with open_fresh_vault(practice) as vault:
        vault.post("/v1/sys/storage/raft/snapshot-force", content=newest_archive(practice)).raise_for_status()
        eventually(lambda: vault.get("/v1/sys/seal-status").json()["sealed"], lambda sealed: sealed)
        practice.layers.restart_vault()
        for share in list(practice.layers.custodians().values())[:THRESHOLD]:
            vault.put("/v1/sys/unseal", json={"key": share}).raise_for_status()
        eventually(lambda: vault.get("/v1/sys/health").status_code, lambda status: status == 200)
        log_in(practice, vault)
        assert {f"{name}/" for name in practice.vault.mounts} <= set(vault.get("/v1/sys/mounts").json()["data"])
        assert set(vault.get(f"/v1/transit/keys/{key}").json()["data"]["keys"]) == {"1"}
        assert decrypted(vault, key, practice.canary.control_ciphertext)
    with practice.connect(restored["Endpoint"]) as connection:
        query = "select split_part(ciphertext, ':', 2), count(*) from clinical_notes group by 1 order by 1"
        (first, old), (second, new) = connection.execute(query).fetchall()
    assert (first, second) == ("v1", "v2")
    assert old > 3000
    assert 50 < new <= 120


def test_a_damaged_backup_is_refused_by_the_vault_even_with_force(practice: Practice) -> None:
    practice.layers.fault("damaged-snapshot", {})
    with open_fresh_vault(practice) as vault:
        refused = vault.post("/v1/sys/storage/raft/snapshot-force", content=newest_archive(practice))
    assert refused.status_code == 500
    assert "hash check failed" in refused.text
    practice.layers.fault("vault-sealed", {})
    with practice.vault_client(practice.vault.address) as vault:
        assert vault.get("/v1/sys/health").status_code == 503


def test_a_foreign_backup_does_not_open_with_our_shares(practice: Practice) -> None:
    practice.layers.fault("foreign-snapshot", {})
    with open_fresh_vault(practice) as vault:
        vault.post("/v1/sys/storage/raft/snapshot-force", content=newest_archive(practice)).raise_for_status()
        eventually(lambda: vault.get("/v1/sys/seal-status").json()["sealed"], lambda sealed: sealed)
        practice.layers.restart_vault()
        for share in list(practice.layers.custodians().values())[:THRESHOLD]:
            refused = vault.put("/v1/sys/unseal", json={"key": share})
    assert "message authentication failed" in refused.text


def test_backups_grow_stale(practice: Practice) -> None:
    practice.layers.fault("stale-backup", {"hours": 40})
    s3, backup = practice.client("s3"), practice.vault.backup
    found = s3.list_objects_v2(Bucket=backup.bucket, Prefix=backup.prefix)["Contents"]
    age = datetime.now(UTC) - max(one["LastModified"] for one in found)
    assert timedelta(hours=39, minutes=59) < age < timedelta(hours=40, minutes=5)


def test_restores_can_end_badly(practice: Practice) -> None:
    practice.layers.fault("incompatible-restore", {})
    practice.restore("rt-bad")
    practice.until_status("rt-bad", "incompatible-restore")
    practice.client("rds").modify_db_instance(DBInstanceIdentifier="rt-bad", DeletionProtection=False)
    practice.drop("rt-bad")
    practice.layers.fault("incompatible-restore", {"status": "available"})


def test_a_lost_table_is_lost_at_once_and_in_every_later_copy(practice: Practice, restored: dict[str, Any]) -> None:
    practice.layers.fault("empty-table", {"table": "appointments"})
    assert practice.content(restored["Endpoint"])["public.appointments"].rows == 0
    practice.restore("rt-empty")
    endpoint = practice.until_status("rt-empty", "available")["Endpoint"]
    assert practice.content(endpoint)["public.appointments"].rows == 0
    assert practice.content(endpoint)["public.patients"].rows == 3000
    practice.client("rds").modify_db_instance(DBInstanceIdentifier="rt-empty", DeletionProtection=False)
    practice.drop("rt-empty")


def test_a_day_without_a_snapshot(practice: Practice) -> None:
    before = practice.snapshots()
    practice.layers.fault("no-snapshot-today", {})
    assert [one["DBSnapshotIdentifier"] for one in practice.snapshots()] == [
        one["DBSnapshotIdentifier"] for one in before[:-1]
    ]


def test_a_key_that_may_not_be_used_stops_downloads_and_restores(practice: Practice) -> None:
    practice.layers.fault("kms-denied", {})
    with pytest.raises(ClientError) as denied:
        newest_archive(practice)
    assert code_of(denied) == "AccessDenied"
    with pytest.raises(ClientError) as not_restored:
        practice.restore("rt-denied")
    assert code_of(not_restored) == "KMSKeyNotAccessibleFault"


def test_a_stopped_database_lets_its_clients_go(practice: Practice, restored: dict[str, Any]) -> None:
    practice.layers.fault("database-stopped", {})
    with pytest.raises(psycopg.OperationalError):
        practice.connect(restored["Endpoint"])


def test_stopping_leaves_no_process_no_port_and_no_folder(practice: Practice, restored: dict[str, Any]) -> None:
    """Last of this module: the others' servers are the ones that must go."""
    layers = practice.layers
    children = [(child.pid, child.describe()["started"]) for child in layers.children()]
    ports = [layers.source_endpoint()[1], restored["Endpoint"]["Port"]]
    ports += [httpx.URL(url).port or 0 for url in (layers.staging_vault_address(), layers.production_vault_address())]
    assert len(children) == 4
    layers.stop()
    layers.stop()
    assert layers.children() == []
    for pid, started in children:
        assert pid is not None
        assert not (psutil.pid_exists(pid) and psutil.Process(pid).create_time() == started)
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert not any(folder.exists() for folder in layers.temporary())
