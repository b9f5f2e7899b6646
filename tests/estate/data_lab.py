"""A started practice estate, and what its tests ask of it."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
from botocore.config import Config

from runbook import config
from runbook.estate.ports import TableContent
from runbook.estate.postgres import catalogue, content, plan
from runbook.manifest import BUCKETS, Manifest, file_name, moment_of, parse
from runbook.training.certificates import Authority
from runbook.training.datalayers import DataLayers
from steps.database.catalogue import differences
from steps.database.compare import Comparison, compare
from steps.database.manifests import Around
from steps.database.stated import Terms
from tests.support.waiting import eventually

PINNED = (
    "-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex"
    " -c default_transaction_read_only=on -c row_security=off"
)


class Control(ThreadingHTTPServer):
    """The one part of the supervisor's control server that the AWS server asks."""

    daemon_threads = True
    layers: DataLayers


class ControlHandler(BaseHTTPRequestHandler):
    server: Control

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        layers = self.server.layers
        if "moment" in body:
            host, port = layers.start_copy_at(self._instance, datetime.fromisoformat(body["moment"]))
        else:
            host, port = layers.start_copy(self._instance, body["snapshot"])
        self._answer({"host": host, "port": port})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        instance = self._instance.removesuffix("/password")
        self.server.layers.set_copy_password(instance, body["user"], body["password"])
        self._answer({})

    def do_DELETE(self) -> None:
        self.server.layers.remove_copy(self._instance)
        self._answer({})

    @property
    def _instance(self) -> str:
        return self.path.removeprefix("/internal/databases/")

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@dataclass
class Practice:
    """A started estate with clients for it."""

    layers: DataLayers
    authority: Authority
    root: Path
    aws: config.Aws
    vault: config.Vault
    database: config.Database
    canary: config.Canary

    def client(self, service: Any, keys: dict[str, str] | None = None) -> Any:
        """With the estate's own session, which never runs out, or with other keys."""
        own = self.layers._aws.facts
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.aws.endpoint,
            region_name=self.aws.region,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
            **(keys or {"aws_access_key_id": own["access_key"], "aws_secret_access_key": own["secret_key"]}),
        )

    def operators_session(self) -> dict[str, str]:
        """What the operator gets for their long-term keys and the code that their device shows."""
        held = self.layers.credentials()
        user = {"aws_access_key_id": held["aws-access-key"], "aws_secret_access_key": held["aws-secret-key"]}
        got = self.client("sts", user).assume_role(
            RoleArn=self.aws.sign_in.role_arn,
            RoleSessionName="cto",
            SerialNumber=self.aws.sign_in.mfa_serial,
            TokenCode=held["aws-mfa-code"],
        )["Credentials"]
        return {
            "aws_access_key_id": got["AccessKeyId"],
            "aws_secret_access_key": got["SecretAccessKey"],
            "aws_session_token": got["SessionToken"],
        }

    def restore(self, instance: str, snapshot: str = "", **given: Any) -> dict[str, Any]:
        rds = self.client("rds")
        answer = rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=instance,
            DBSnapshotIdentifier=snapshot or self.snapshots()[-1]["DBSnapshotIdentifier"],
            DBInstanceClass=self.database.instance_class,
            DBSubnetGroupName=self.database.subnet_group,
            VpcSecurityGroupIds=list(self.database.security_groups),
            DBParameterGroupName=self.database.parameter_group,
            **({"MultiAZ": False, "DeletionProtection": False, "PubliclyAccessible": False} | given),
        )
        found: dict[str, Any] = answer["DBInstance"]
        return found

    def until_status(self, instance: str, *wanted: str) -> dict[str, Any]:
        rds = self.client("rds")
        found: dict[str, Any] = eventually(
            lambda: rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0],
            lambda found: found["DBInstanceStatus"] in wanted,
        )
        return found

    def drop(self, instance: str) -> None:
        rds = self.client("rds")
        rds.delete_db_instance(DBInstanceIdentifier=instance, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)
        eventually(lambda: self.exists(instance), lambda there: not there)

    def exists(self, instance: str) -> bool:
        found = self.client("rds").describe_db_instances()["DBInstances"]
        return instance in {one["DBInstanceIdentifier"] for one in found}

    def snapshots(self) -> list[dict[str, Any]]:
        pages = self.client("rds").get_paginator("describe_db_snapshots")
        found = pages.paginate(
            DBInstanceIdentifier=self.database.source_instance,
            SnapshotType="automated",
            PaginationConfig={"PageSize": 20},
        )
        return sorted((one for page in found for one in page["DBSnapshots"]), key=lambda one: one["SnapshotCreateTime"])

    def manifest_times(self) -> list[datetime]:
        """When the manifests in the bucket were made, oldest first."""
        found = self.client("s3").list_objects_v2(
            Bucket=self.database.manifest_bucket, Prefix=self.database.manifest_prefix
        )
        times = [moment_of(one["Key"]) for one in found["Contents"]]
        assert None not in times
        return sorted(each for each in times if each)

    def manifest(self, made_at: datetime) -> Manifest:
        key = self.database.manifest_prefix + file_name(made_at)
        answer = self.client("s3").get_object(Bucket=self.database.manifest_bucket, Key=key)
        return parse(answer["Body"].read(), key)

    def around(self, snapshot: dict[str, Any]) -> Around:
        """The manifests from before and from after a snapshot."""
        created, times = snapshot["SnapshotCreateTime"], self.manifest_times()
        before = max(each for each in times if each <= created)
        after = min(each for each in times if each >= created)
        return Around(self.manifest(before), self.manifest(after))

    def connect(self, endpoint: dict[str, Any], **changes: Any) -> psycopg.Connection[Any]:
        how: dict[str, Any] = {
            "host": endpoint["Address"],
            "hostaddr": self.database.hostaddr,
            "port": endpoint["Port"],
            "user": self.database.user,
            "password": self.layers.credentials()["database-password"],
            "dbname": self.database.name,
            "sslmode": "verify-full",
            "sslrootcert": str(self.database.ca_file),
            "connect_timeout": 5,
            "options": PINNED,
        }
        return psycopg.connect(**(how | changes))

    def content(self, endpoint: dict[str, Any]) -> dict[str, TableContent]:
        """Each table's, in buckets."""
        with self.connect(endpoint) as connection:
            return {name: content.read(connection, name, buckets=BUCKETS) for name in plan.relations(connection)}

    def compared(self, endpoint: dict[str, Any], around: Around) -> Comparison:
        """The copy against these manifests, by the product's own rules."""
        with self.connect(endpoint) as connection:
            relations = plan.relations(connection)
            beside = catalogue.read(connection)
            found = {name: content.read(connection, name, buckets=BUCKETS) for name in relations}
        terms = Terms(around, "18", beside.settings, frozenset(self.database.transient_tables))
        faults, _ = differences(around, beside, relations)
        told = compare(terms, [each.shape for each in relations.values()], found)
        return replace(told, faults=(*told.faults, *faults))

    def vault_client(self, address: str, token: str = "") -> httpx.Client:
        return httpx.Client(
            base_url=address,
            verify=self.authority.client_context(),
            trust_env=False,
            headers={"X-Vault-Token": token},
            timeout=90,
        )


@contextmanager
def estate() -> Iterator[Practice]:
    """A practice estate of real servers, and the control server that its AWS asks."""
    control = Control(("127.0.0.1", 0), ControlHandler)
    serving = threading.Thread(target=control.serve_forever, daemon=True)
    serving.start()
    with tempfile.TemporaryDirectory(prefix="runbook-test-") as folder:
        root = Path(folder)
        authority = Authority(root / "ca")
        url = f"http://127.0.0.1:{control.server_port}"
        layers = DataLayers(root, authority, seed=7, now=datetime.now(UTC), control_url=url)
        control.layers = layers
        try:
            layers.start()
            parts = layers.environment()
            yield Practice(
                layers,
                authority,
                root,
                config.Aws.model_validate(parts["aws"]),
                config.Vault.model_validate(parts["vault"]),
                config.Database.model_validate(parts["database"]),
                config.Canary.model_validate(parts["canary"]),
            )
        finally:
            layers.stop()
            control.shutdown()
            control.server_close()
            serving.join()
