"""The practice estate's vaults in both seals, on their real servers: restored by hand, rekeyed, refused by KMS."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from runbook import config
from runbook.estate.vault_snapshot.inspection import inspect
from runbook.training.certificates import Authority
from runbook.training.datalayers import DataLayers
from runbook.training.production_vault import THRESHOLD
from runbook.training.servers import aws_names as names
from runbook.training.servers.egress import RULE
from runbook.training.variant import Seal, Variant
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate

KMS_RETRY_S = 15  # OpenBao asks again every 5 s


@dataclass
class Practice:
    """A started estate, and what a person would do to its staging vault by hand."""

    layers: DataLayers
    authority: Authority
    root: Path
    vault: config.Vault

    @contextmanager
    def client(self, address: str = "", token: str = "") -> Iterator[httpx.Client]:
        with httpx.Client(
            base_url=address or self.vault.address,
            verify=self.authority.client_context(),
            trust_env=False,
            headers={"X-Vault-Token": token},
            timeout=90,
        ) as client:
            yield client

    def aws(self, service: Any, **keys: str) -> Any:
        """With the estate's own session, or with other keys."""
        own = self.layers._aws.facts
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.layers._aws.endpoint,
            region_name=names.REGION,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
            **(keys or {"aws_access_key_id": own["access_key"], "aws_secret_access_key": own["secret_key"]}),
        )

    def archives(self) -> list[bytes]:
        """Every backup in the bucket, oldest first."""
        s3, backup = self.aws("s3"), self.vault.backup
        found = s3.list_objects_v2(Bucket=backup.bucket, Prefix=backup.prefix)["Contents"]
        found.sort(key=lambda one: one["LastModified"])
        return [s3.get_object(Bucket=backup.bucket, Key=one["Key"])["Body"].read() for one in found]

    def health(self) -> int:
        with self.client() as vault:
            return vault.get("/v1/sys/health").status_code

    def becomes(self, status: int, seconds: float = 30.0) -> None:
        eventually(self.health, lambda now: now == status, seconds)

    def restored(self, archive: bytes, *, force: bool) -> httpx.Response:
        """The staging vault emptied, initialised with throw-away keys of its seal, and sent the archive."""
        self.layers.wipe_vault()
        kind = "recovery" if self.vault.seal_type == "awskms" else "secret"
        with self.client() as vault:
            made = vault.put("/v1/sys/init", json={f"{kind}_shares": 1, f"{kind}_threshold": 1}).json()
            if kind == "secret":
                vault.put("/v1/sys/unseal", json={"key": made["keys"][0]}).raise_for_status()
            self.becomes(200)
            vault.headers["X-Vault-Token"] = made["root_token"]
            return vault.post(f"/v1/sys/storage/raft/snapshot{'-force' if force else ''}", content=archive)

    def shown_cluster(self) -> str | None:
        with self.client() as vault:
            found: str | None = vault.get("/v1/sys/seal-status").json().get("cluster_id")
            return found

    def unseal(self, sheet: dict[str, str]) -> httpx.Response:
        """The answer to the last share of a whole set."""
        with self.client() as vault:
            for share in list(sheet.values())[:THRESHOLD]:
                answer = vault.put("/v1/sys/unseal", json={"key": share})
        return answer

    def probe(self, *targets: str) -> Any:
        assert self.vault.egress_probe is not None
        with httpx.Client(trust_env=False) as client:
            return client.post(self.vault.egress_probe, json={"targets": targets}).raise_for_status().json()


@contextmanager
def started(seal: Seal) -> Iterator[Practice]:
    with tempfile.TemporaryDirectory(prefix="runbook-test-") as folder:
        root = Path(folder)
        authority = Authority(root / "ca")
        layers = DataLayers(
            root,
            authority,
            seed=7,
            now=datetime.now(UTC),
            control_url="http://127.0.0.1:1",
            variant=Variant(seal=seal),
        )
        try:
            layers.start()
            vault = config.Vault.model_validate(layers.environment()["vault"])
            yield Practice(layers, authority, root, vault)
        finally:
            layers.stop()


# -- sealed by shares ---------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def shared() -> Iterator[Practice]:
    with started("shamir") as practice:
        yield practice


def test_what_needs_a_kms_seal_is_refused_where_there_is_none(shared: Practice) -> None:
    with pytest.raises(ValueError, match="vault-kms-denied needs a vault that is sealed by awskms; here it is shamir"):
        shared.layers.fault("vault-kms-denied", {})


def test_the_oldest_backup_brings_production_back_as_well(shared: Practice) -> None:
    archives = shared.archives()
    assert len(archives) >= 4
    assert shared.restored(archives[0], force=True).status_code == 204
    eventually(shared.health, lambda status: status == 503)
    shared.layers.restart_vault()
    assert shared.unseal(shared.layers.custodians()).json()["cluster_id"] == shared.vault.cluster_id


def test_after_a_rekey_the_old_sheets_open_the_backups_and_the_new_ones_do_not(shared: Practice) -> None:
    before = shared.layers.custodians()
    assert shared.layers.custodians(old=True) == before
    shared.layers.fault("rekeyed", {})
    new, old = shared.layers.custodians(), shared.layers.custodians(old=True)
    assert old == before
    assert not set(new.values()) & set(old.values())
    assert shared.restored(shared.archives()[-1], force=True).status_code == 204
    eventually(shared.health, lambda status: status == 503)
    shared.layers.restart_vault()
    refused = shared.unseal(new)
    assert refused.status_code == 400
    assert "message authentication failed" in refused.text
    assert shared.unseal(old).json()["cluster_id"] == shared.vault.cluster_id
    shared.becomes(200)


# -- the way out --------------------------------------------------------------------------------------------------
def test_the_probe_measures_that_staging_reaches_staging_and_nothing_of_production(shared: Practice) -> None:
    _, port = shared.layers.start_copy("rt-probed", names.snapshot_id(names.INSTANCE, _newest(shared)))
    staging = [shared.vault.address.removeprefix("https://"), f"127.0.0.1:{port}"]
    told = shared.probe(*staging, *shared.vault.production_endpoints)
    assert told == {"rule": RULE, "reached": staging, "refused": list(shared.vault.production_endpoints)}
    shared.layers.remove_copy("rt-probed")
    assert shared.probe(staging[1])["refused"] == [staging[1]]


def test_without_the_rule_production_is_really_reached(shared: Practice) -> None:
    shared.layers.fault("vault-egress-open", {})
    told = shared.probe(*shared.vault.production_endpoints)
    assert len(told["reached"]) == 2
    assert told == {"rule": None, "reached": list(shared.vault.production_endpoints), "refused": []}


def _newest(practice: Practice) -> datetime:
    return list(practice.layers._snapshots.values())[-1]


# -- the database engine ------------------------------------------------------------------------------------------
@pytest.fixture
def drill(shared: Practice) -> Iterator[httpx.Client]:
    """Signed in to production's vault as the drill's role: what a restored vault lets it do, this one does too."""
    role = shared.layers._vault.roles["drill"]
    with shared.client(shared.layers.production_vault_address()) as vault:
        answer = vault.post("/v1/auth/approle/login", json={"role_id": role.role_id, "secret_id": role.secret_id})
        vault.headers["X-Vault-Token"] = answer.json()["auth"]["client_token"]
        yield vault


def test_the_drill_may_look_at_the_engine_and_make_no_login_with_it(shared: Practice, drill: httpx.Client) -> None:
    told = drill.get("/v1/database/config/clinic").raise_for_status().json()["data"]["connection_details"]
    assert shared.vault.production_endpoints[0] in told["connection_url"]
    assert "sslmode=verify-full" in told["connection_url"]
    assert "password" not in told
    assert drill.get("/v1/database/static-roles?list=true").status_code == 404  # there is none, and it may be asked
    assert drill.get("/v1/sys/leases/count?type=irrevocable").json()["data"]["lease_count"] == 0
    for path in ("database/creds/app-read", "database/roles/app-read", "database/config/other", "sys/policies/acl"):
        assert drill.get(f"/v1/{path}").status_code == 403, path


def test_the_drill_sees_the_audit_device_and_makes_and_removes_none(drill: httpx.Client) -> None:
    assert list(drill.get("/v1/sys/audit").raise_for_status().json()["data"]) == ["file/"]
    assert drill.put("/v1/sys/audit/second", json={"type": "file"}).status_code == 403
    assert drill.delete("/v1/sys/audit/file").status_code == 403


def test_the_engine_is_led_to_a_restored_database_and_its_logins_may_only_read(
    shared: Practice, drill: httpx.Client
) -> None:
    _, port = shared.layers.start_copy("rt-engine", names.snapshot_id(names.INSTANCE, _newest(shared)))
    url = drill.get("/v1/database/config/clinic").json()["data"]["connection_details"]["connection_url"]
    there = url.replace(shared.vault.production_endpoints[0], f"127.0.0.1:{port}")
    drill.post("/v1/database/config/clinic", json={"connection_url": there}).raise_for_status()
    with shared.client(shared.layers.production_vault_address(), shared.layers._vault._token) as vault:
        made = vault.get("/v1/database/creds/app-read").raise_for_status().json()["data"]
    with _reading(shared, port, made) as connection:
        row = connection.execute("select count(*) from patients").fetchone()
        assert row == (3000,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from patients")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        _reading(shared, shared.layers.source_endpoint()[1], made)
    drill.post("/v1/database/config/clinic", json={"connection_url": url}).raise_for_status()
    shared.layers.remove_copy("rt-engine")


def _reading(practice: Practice, port: int, made: dict[str, str]) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=made["username"],
        password=made["password"],
        dbname=names.DATABASE,
        sslmode="verify-full",
        sslrootcert=str(practice.authority.ca_file),
        connect_timeout=5,
    )


# -- unsealed by KMS ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def by_kms() -> Iterator[Practice]:
    with started("awskms") as practice:
        yield practice


async def test_the_backup_says_by_itself_which_kms_key_it_needs(by_kms: Practice, tmp_path: Path) -> None:
    assert by_kms.vault.seal_type == "awskms"
    file = tmp_path / "newest.snap"
    file.write_bytes(by_kms.archives()[-1])
    report = inspect(file)
    assert (report.seal_type, report.shares) == ("awskms", 1)
    assert report.kms_key is not None
    assert by_kms.aws("kms").describe_key(KeyId=report.kms_key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_the_backup_is_taken_without_force_and_the_vault_opens_itself(by_kms: Practice) -> None:
    assert by_kms.restored(by_kms.archives()[-1], force=False).status_code == 204
    eventually(by_kms.shown_cluster, lambda cluster: cluster == by_kms.vault.cluster_id)
    by_kms.becomes(200)


def test_a_restart_opens_itself_whatever_is_refused_to_the_operator(by_kms: Practice) -> None:
    by_kms.layers.fault("expired-login", {})
    by_kms.layers.fault("kms-denied", {})
    with pytest.raises(ClientError, match="kms:Decrypt"):
        by_kms.archives()
    by_kms.layers.restart_vault()
    by_kms.becomes(200)
    by_kms.layers._aws.ask("weather", kms_denied=False)


def test_without_its_key_it_stays_sealed_recovery_keys_or_not_until_it_may_use_it_again(by_kms: Practice) -> None:
    assert by_kms.shown_cluster() == by_kms.vault.cluster_id
    by_kms.layers.fault("vault-kms-denied", {})
    assert by_kms.health() == 503
    refused = by_kms.unseal(by_kms.layers.custodians())
    assert refused.status_code >= 400
    assert "recovery key" in refused.text
    assert by_kms.health() == 503
    assert by_kms.archives(), "the operator's own reads go on"
    assert "AccessDeniedException" in (by_kms.root / "bao-staging" / "server.log").read_text()
    by_kms.layers.allow_kms()
    by_kms.becomes(200, KMS_RETRY_S)
    assert by_kms.shown_cluster() == by_kms.vault.cluster_id


@pytest.mark.parametrize("kind", ["rekeyed", "vault-sealed"])
def test_what_is_about_unseal_shares_is_refused_where_there_are_none(by_kms: Practice, kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind} needs a vault that is sealed by shamir; here it is awskms"):
        by_kms.layers.fault(kind, {})


def test_another_clusters_backup_is_refused_without_force(by_kms: Practice) -> None:
    by_kms.layers.fault("foreign-snapshot", {})
    refused = by_kms.restored(by_kms.archives()[-1], force=False)
    assert refused.status_code == 400
    assert "could not verify hash file" in refused.text
