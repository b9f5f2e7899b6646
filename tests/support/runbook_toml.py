"""A complete and good `runbook.toml`, as two loopback environments have it, and edits of it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

GOOD = """\
[platform]
name = "Practice Clinic"

[targets]
rto_s = 14400
rpo_s = 93600

[policy]
version = "3"

[people]
operator = "Ana Lovelace"
operator_role = "engineer"
witness = "Bo Turing"
witness_role = "clinical safety officer"

[records]
folder = "compliance"
evidence_refs = ["DSPT 7.2.1", "DSPT 7.3.4"]

[records.bucket]
bucket = "practice-evidence"
account_id = "333333333333"
region = "eu-west-2"

[rehearsal]
policy_exception = ""

[providers.aws]
endpoint = "http://127.0.0.1:5000"

[providers.vault]
product = "openbao"

[providers.northflank]
api = "http://127.0.0.1:8081"

[providers.github]
api = "http://127.0.0.1:8082"
registry = "http://127.0.0.1:8083"
reference_host = "ghcr.practice.test"

[providers.cloudflare]
api = "http://127.0.0.1:8084/client/v4"

[production.aws]
account_id = "111111111111"
region = "eu-west-2"
identity_patterns = ["arn:aws:sts::111111111111:assumed-role/runbook-recovery/*"]
reader_role = "arn:aws:iam::111111111111:role/runbook-reads-backups"

[production.aws.sign_in]
way = "mfa"
mfa_serial = "arn:aws:iam::111111111111:mfa/ana"

[production.vault]
address = "https://127.0.0.1:8200"
cluster_id = "2ad6a4e1-7cbb-4b3e-8d11-0d0a4a9c2f10"
mounts = ["secret", "transit"]
transit_keys = ["clinic"]
custodians = ["Ana", "Bo", "Cy"]
egress_rule = "no way out: network policy vault-recovery"
endpoints = ["127.0.0.1:5433", "127.0.0.1:8200"]

[production.vault.backup]
bucket = "practice-vault-backups"
prefix = "vault/"
kms_key = "arn:aws:kms:eu-west-2:111111111111:key/6f1c"
production_buckets = ["practice-clinic-documents"]

[production.database]
instance = "clinic-production"
host = "clinic-production.eu-west-2.rds.practice.test"
instance_class = "db.t4g.medium"
subnet_group = "clinic-production"
security_groups = ["sg-0a1"]
parameter_group = "clinic-production"
name = "clinic"
user = "runbook_reader"
hostaddr = "127.0.0.1"
recency_table = "public.appointments"
recency_column = "booked_at"
patients_table = "public.patients"
outbound_queues = ["public.outbox"]
transient_tables = ["public.outbox"]
ciphertexts = [
  { table = "public.clinical_notes", column = "ciphertext" },
  { table = "public.runbook_canary", column = "ciphertext", transit_key = "clinic" },
]

[production.application]
project = "clinic"
consumers = [{ secret_group = "clinic-env" }]
services = [
  { name = "web", health = { url = "https://127.0.0.1:8443/healthz" } },
]

[production.connectivity]
zone = "clinic.practice.test"

[[production.connectivity.hostnames]]
name = "app.clinic.practice.test"
content = "p01--web--clinic--practice.code.run"

[staging.aws]
account_id = "222222222222"
region = "eu-west-2"
identity_patterns = ["arn:aws:sts::222222222222:assumed-role/runbook-drill/*"]

[staging.aws.sign_in]
way = "mfa"
mfa_serial = "arn:aws:iam::222222222222:mfa/ana"

[staging.vault]
address = "https://127.0.0.1:8210"
egress_probe = "http://127.0.0.1:8211/connect"
service = "vault"
database_host = "127.0.0.1"

[staging.database]
source = "shared-copy"
copy_kms_key = "arn:aws:kms:eu-west-2:222222222222:key/91ab"
prefix = "rt"
instance_class = "db.t4g.medium"
subnet_group = "clinic-staging"
security_groups = ["sg-0b2"]
parameter_group = "clinic-drill"
hostaddr = "127.0.0.1"

[staging.application]
project = "clinic-staging"
outbound = [{ secret_group = "web-env", variable = "OUTBOUND_MAIL" }]

[[staging.application.services]]
name = "web"
health = { url = "https://127.0.0.1:8543/healthz" }
probe_url = "https://127.0.0.1:8543/__runbook/probe"

[[staging.application.services]]
name = "worker"

[[staging.application.consumers]]
secret_group = "web-env"
services = ["web"]

[[staging.application.consumers]]
secret_group = "worker-env"
name = "worker"
services = ["worker"]

[staging.connectivity]
zone = "staging.practice.test"
authoritative = [{ address = "127.0.0.1", port = 5300 }]
resolvers = [{ address = "127.0.0.1", port = 5301 }]

[[staging.connectivity.hostnames]]
name = "app.staging.practice.test"
content = "p01--web--clinic-staging--practice.code.run"
service = "web"

[canary]
table = "public.runbook_canary"
key_column = "id"
key = "canary-1"
ciphertext_column = "ciphertext"
transit_key = "clinic"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
control_ciphertext = "vault:v1:cHJhY3RpY2U="

[[database.assertions]]
name = "every note has its appointment"
sql = "select count(*) from public.clinical_notes where appointment_id is null"
expect = "0"

[[application.images]]
organisation = "practice"
repository = "practice/clinic"
package = "clinic"
level = "B"
level_reason = "a private repository on a plan without artifact attestations"

[[application.probes]]
name = "appointments page"
production_url = "https://127.0.0.1:8443/appointments"
staging_url = "https://127.0.0.1:8543/appointments"
contains = "The diary is open."
"""


def text(**edits: Any) -> str:
    """The good file with these values in their places: `text(**{"staging.vault.address": "https://…"})`.

    Keys are dotted, tables are made where there are none; a dict or a list of dicts replaces a whole table; None takes
    the key away.
    """
    if not edits:
        return GOOD
    document = tomllib.loads(GOOD)
    for key, value in edits.items():
        *tables, name = key.split(".")
        at = document
        for each in tables:
            at = at.setdefault(each, {})
        if value is None:
            at.pop(name, None)
        else:
            at[name] = value
    return written(document)


def written(document: Mapping[str, Any]) -> str:
    """The document as TOML: every table under its own header, every array in one line."""
    return "\n".join(_table(document, ""))


def _table(table: Mapping[str, Any], name: str) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if name and (len(inner) < len(table) or not table):
        yield f"[{name}]"
    yield from (f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in inner)
    for key, value in inner.items():
        yield from _table(value, f"{name}.{_key(key)}" if name else _key(key))


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case bool() | int() | float():
            return str(value).lower()
        case _:
            return json.dumps(str(value), ensure_ascii=False)
