"""Ways round the interlock that names and addresses offer: each is tried, and each is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.config.file import Configuration
from runbook.engine.errors import Refused
from runbook.engine.ports import Permit
from runbook.estate.aws import sent
from runbook.safety.interlock import Interlock
from runbook.safety.learned import RUN_TAG
from runbook.safety.operations import named
from tests.safety import places
from tests.safety.places import CLUSTER, PRODUCTION, RUN, STAGING
from tests.safety.recording import host_of, zone_id

RDS: Final = "rds.eu-west-2.amazonaws.com"
OURS: Final = f"rt-{RUN}".lower()
PRODUCTION_S: Final = zone_id("clinic.practice.test")
STAGING_S: Final = zone_id("staging.practice.test")


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return places.configured(tmp_path_factory.mktemp("attacks"))


@pytest.fixture
def drill(configuration: Configuration) -> Interlock:
    """That has seen everything there is to be seen."""
    interlock = Interlock(places.bounds_of(configuration, "drill"))
    _look_around(interlock)
    return interlock


def _look_around(interlock: Interlock) -> None:
    learned = interlock.learned
    learned.run(RUN, ())
    for name in (OURS, "clinic-production", "rt-theirs", "clinic-of-ours"):
        tags = {RUN_TAG: RUN} if name in {OURS, "clinic-of-ours"} else {}
        learned.tagged(name, tags, host_of(name))
    learned.zone_is(PRODUCTION_S, "clinic.practice.test")
    learned.zone_is(STAGING_S, "staging.practice.test")
    learned.record_is("r-ours", "app.staging.practice.test")
    learned.record_is("r-theirs", "app.clinic.practice.test")
    learned.vault_answers(("vault.staging.example", 8200), "")
    learned.vault_answers(("vault.clinic.example", 8200), CLUSTER)


def _rds(interlock: Interlock, operation: str, fields: Mapping[str, str], host: str = RDS, port: int = 443) -> None:
    """With a permit for whatever it names, as the hooks read a request's own body."""
    body = "&".join(f"{key}={value}" for key, value in fields.items())
    parameters = sent.parameters(operation, SimpleNamespace(body=body, url=f"https://{host}/", headers={}))
    target = next(iter(parameters.values()))
    with interlock.holding(Permit("run", "step", operation, target), operation, target):
        interlock.check(named(operation), host, port=port, given=parameters, account=STAGING)


def _http(interlock: Interlock, operation: str, method: str, url: str, target: str, **body: str) -> None:
    with interlock.holding(Permit("run", "step", operation, target), operation, target):
        interlock.check_url(operation.partition(":")[0], method, url, body)


# -- RDS ----------------------------------------------------------------------------------------------------------
TAGGED: Final = {"Tags.Tag.1.Key": RUN_TAG, "Tags.Tag.1.Value": RUN}


@pytest.mark.parametrize(
    "name",
    [
        "clinic-production",
        "CLINIC-PRODUCTION",
        "rt-",
        "rt",
        f"xrt-{RUN}",
        f"rt-clinic-{RUN}",
        f"rt-{RUN}x",
        f"rt-{RUN[:-1]}",
        f"rt-{RUN}"[:25] + "-2",
        f"kept-{RUN}-night",
        f"recovered-{RUN}",
        f"arn:aws:rds:eu-west-2:{PRODUCTION}:db:clinic-production",
        "",
    ],
)
@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        ("rds:RestoreDBInstanceFromDBSnapshot", "DBInstanceIdentifier"),
        ("rds:RestoreDBInstanceToPointInTime", "TargetDBInstanceIdentifier"),
        ("rds:CopyDBSnapshot", "TargetDBSnapshotIdentifier"),
    ],
)
def test_nothing_is_made_under_another_name(operation: str, parameter: str, name: str, drill: Interlock) -> None:
    with pytest.raises(Refused):
        _rds(drill, operation, {parameter: name, "PubliclyAccessible": "false", **TAGGED})


@given(st.sampled_from(["", "-source"]), st.integers(1, 12), st.integers(1, 40))
def test_every_name_that_a_step_generates_is_known(kind: str, number: int, length: int) -> None:
    """As `steps.database.names.fresh` cuts them to what RDS takes; so long a prefix leaves too little of the run."""
    interlock, prefix = Interlock(_bounds_with_prefix("p" * length)), "p" * length
    interlock.learned.run(RUN, ())
    end = kind + (f"-{number}" if number > 1 else "")
    name = f"{prefix}-{RUN}".lower()[: 63 - len(end)] + end
    fields = {"DBInstanceIdentifier": name, "PubliclyAccessible": "false", **TAGGED}
    if length <= 24:
        _rds(interlock, "rds:RestoreDBInstanceFromDBSnapshot", fields)
    elif len(name) - len(prefix) - len(end) - 1 < 24:
        with pytest.raises(Refused):
            _rds(interlock, "rds:RestoreDBInstanceFromDBSnapshot", fields)


def _bounds_with_prefix(prefix: str) -> Any:
    from runbook.safety.bounds import Bounds, Territory

    nothing: frozenset[Any] = frozenset()
    vault = ("vault.staging.example", 8200)
    target = Territory(
        name="staging",
        account=STAGING,
        region="eu-west-2",
        vault=vault,
        instance_prefix=prefix,
        services=nothing,
        groups=nothing,
        zone="",
        names=nothing,
        places=nothing,
        pages=nothing,
        aws_endpoint=None,
    )
    return Bounds("drill", target=target)


@pytest.mark.parametrize(
    "fields",
    [
        {"NewDBInstanceIdentifier": "clinic-production"},
        {"DeletionProtection": "false"},
        {"BackupRetentionPeriod": "0"},
        {"VpcSecurityGroupIds.VpcSecurityGroupId.1": "sg-1"},
        {"PubliclyAccessible": "true"},
        {"PubliclyAccessible": "TRUE"},
        {"PubliclyAccessible": "false&PubliclyAccessible=true"},
        {"DBInstanceIdentifier": f"{OURS}&DBInstanceIdentifier=clinic-production"},
    ],
)
def test_a_copy_is_hidden_and_gets_a_password_and_nothing_else(fields: dict[str, str], drill: Interlock) -> None:
    allowed = {"DBInstanceIdentifier": OURS, "ApplyImmediately": "true", "MasterUserPassword": "x"}
    _rds(drill, "rds:ModifyDBInstance", allowed)
    with pytest.raises(Refused):
        _rds(drill, "rds:ModifyDBInstance", allowed | fields)


@pytest.mark.parametrize("fields", [{}, {"PubliclyAccessible": "true"}, {"PubliclyAccessible": "false", "Tags": ""}])
def test_a_restore_says_that_it_is_private_and_whose_it_is(fields: dict[str, str], drill: Interlock) -> None:
    tags = {} if "Tags" in fields else TAGGED
    with pytest.raises(Refused):
        _rds(drill, "rds:RestoreDBInstanceFromDBSnapshot", {"DBInstanceIdentifier": OURS, **fields, **tags})


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("rds.eu-west-1.amazonaws.com", 443),
        (f"{RDS}.evil.example", 443),
        ("ec2-1-2-3-4.eu-west-2.compute.amazonaws.com", 443),
        ("rds.eu-west-2.amazonaws.com", 8443),
        ("eu-west-2.rds.amazonaws.com", 443),
        ("127.0.0.1", 443),
    ],
)
def test_rds_is_called_at_its_own_address(host: str, port: int, drill: Interlock) -> None:
    with pytest.raises(Refused):
        _rds(drill, "rds:DeleteDBInstance", {"DBInstanceIdentifier": OURS}, host, port)


@pytest.mark.parametrize("name", ["rt-theirs", "clinic-of-ours", "rt-never-seen", "clinic-production"])
@pytest.mark.parametrize("operation", ["rds:DeleteDBInstance", "rds:ModifyDBInstance"])
def test_a_prefix_without_our_tag_and_a_tag_without_our_prefix_are_not_ours(
    operation: str, name: str, drill: Interlock
) -> None:
    with pytest.raises(Refused):
        _rds(drill, operation, {"DBInstanceIdentifier": name})


def test_a_tag_that_is_gone_when_it_is_looked_at_again_counts_no_more(drill: Interlock) -> None:
    _rds(drill, "rds:DeleteDBInstance", {"DBInstanceIdentifier": OURS})
    drill.learned.tagged(OURS, {})
    with pytest.raises(Refused, match="not seen to carry"):
        _rds(drill, "rds:DeleteDBInstance", {"DBInstanceIdentifier": OURS})


# -- the vault ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    [
        "https://vault.clinic.example:8200",
        "https://VAULT.clinic.example:8200",
        "https://vault.clinic.example.:8200",
        "https://vault.staging.example:8201",
        "https://vault.staging.example",
        "http://vault.staging.example:8200",
        "https://vault.staging.example@vault.clinic.example:8200",
        "https://10.0.0.8:8200",
    ],
)
@pytest.mark.parametrize(("operation", "path"), [("vault:Unseal", "sys/unseal"), ("vault:Login", "auth/x/login")])
def test_only_stagings_vault_is_changed(operation: str, path: str, address: str, drill: Interlock) -> None:
    with pytest.raises(Refused):
        _http(drill, operation, "PUT", f"{address}/v1/{path}", address)


@pytest.mark.parametrize("ours", ["localhost", "127.0.0.1", "[::1]", "127.0.0.2"])
def test_production_is_known_by_any_name_of_this_machine(ours: str, tmp_path: Any) -> None:
    """Both behind tunnels: what ends at the same port is the same."""
    addresses: dict[str, Any] = {"production.vault.address": "https://127.0.0.1:8200"}
    addresses["staging.vault.address"] = f"https://{ours}:8201"
    configuration = places.configured(tmp_path, **addresses)
    interlock = Interlock(places.bounds_of(configuration, "drill"))
    _look_around(interlock)
    with pytest.raises(Refused, match="is production's vault"):
        _http(interlock, "vault:Unseal", "PUT", f"https://{ours}:8200/v1/sys/unseal", f"https://{ours}:8200")


def test_productions_vault_is_not_even_asked(drill: Interlock) -> None:
    """A POST to a mount that is no transit mount would be a write."""
    with pytest.raises(Refused, match=r"not in runbook\.toml"):
        drill.check_url("vault", "POST", "https://vault.clinic.example:8200/v1/secret/decrypt/x")


# -- the platform and the edge ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/clinic/services/web/restart",
        "/v1/teams/clinic/projects/clinic-staging/services/web/restart",
        "/v1/projects/Clinic-staging/services/web/restart",
        "/v1/projects/clinic-staging%2F..%2Fclinic/services/web/restart",
        "/v1/projects/clinic-staging/../clinic/services/web/restart",
        "/v1/projects/clinic-staging/services/..%5C..%5C..%5Cclinic/restart",
        "/v1/projects/clinic-staging/services/web%2500/restart",
        "/v1/projects/clinic-staging/services//restart",
    ],
)
def test_only_stagings_services_are_restarted(path: str, drill: Interlock) -> None:
    _http(
        drill,
        "northflank:Restart",
        "POST",
        "https://api.northflank.com/v1/projects/clinic-staging/services/web/restart",
        "clinic-staging/web",
    )
    for target in ("clinic-staging/web", "clinic/web"):
        with pytest.raises(Refused):
            _http(drill, "northflank:Restart", "POST", f"https://api.northflank.com{path}", target)


@pytest.mark.parametrize(
    ("zone", "record", "name"),
    [
        (PRODUCTION_S, "r-theirs", "app.clinic.practice.test"),
        (STAGING_S, "r-theirs", "app.clinic.practice.test"),
        (STAGING_S, "r-theirs", "app.staging.practice.test"),
        (STAGING_S, "r-never-seen", "app.staging.practice.test"),
        (STAGING_S, "r-ours", "app.clinic.practice.test"),
        (STAGING_S, "r-ours", "APP.clinic.practice.test"),
        (STAGING_S.upper(), "r-ours", "app.staging.practice.test"),
        (f"{STAGING_S}%2F..%2F{PRODUCTION_S}", "r-ours", "app.staging.practice.test"),
    ],
)
def test_only_stagings_names_are_changed(zone: str, record: str, name: str, drill: Interlock) -> None:
    ours = "https://api.cloudflare.com/client/v4/zones"
    right = f"{ours}/{STAGING_S}/dns_records/r-ours"
    _http(drill, "cloudflare:SetRecord", "PATCH", right, f"{STAGING_S}/r-ours", name="app.staging.practice.test")
    with pytest.raises(Refused):
        _http(
            drill, "cloudflare:SetRecord", "PATCH", f"{ours}/{zone}/dns_records/{record}", f"{zone}/{record}", name=name
        )


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "https://vault.clinic.example:8200/v1/sys/seal"),
        ("POST", "https://vault.staging.example:8200/v1/sys/seal"),
        ("POST", "https://api.northflank.com/v1/projects/clinic/services/web/restart"),
        ("POST", "https://127.0.0.1:8443/__runbook/probe"),
        ("PUT", "https://app.staging.practice.test/"),
        ("DELETE", "https://app.staging.practice.test/"),
    ],
)
def test_no_page_is_posted_to_but_those_that_are_there_for_it(method: str, url: str, drill: Interlock) -> None:
    drill.check_url("web", "POST", "https://127.0.0.1:8543/__runbook/probe")
    with pytest.raises(Refused):
        drill.check_url("web", method, url)


# -- the database and the evidence bucket -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "host",
    [
        "clinic-production.eu-west-2.rds.practice.test",
        "CLINIC-production.eu-west-2.rds.practice.test.",
        host_of("rt-theirs"),
        host_of("clinic-of-ours"),
        host_of("never-seen"),
        f"{host_of(OURS)}.evil.example",
        "127.0.0.1",
        "",
    ],
)
def test_only_a_database_of_this_run_is_written_to(host: str, drill: Interlock) -> None:
    permit = Permit("run", "step", "postgres:Analyze", "public.notes")
    with drill.holding(permit, permit.operation, permit.target):
        drill.check_named("postgres:Analyze", host_of(OURS), port=5432)
        with pytest.raises(Refused):
            drill.check_named("postgres:Analyze", host, port=5432)


@pytest.mark.parametrize(
    ("bucket", "key", "owner"),
    [
        ("practice-evidence", "runbook/../vault/backup.snap", "333333333333"),
        ("practice-evidence", "runbook/a//b", "333333333333"),
        ("practice-evidence", "runbook/./b", "333333333333"),
        ("practice-evidence", "runbook-old/x", "333333333333"),
        ("practice-evidence", "runbook", "333333333333"),
        ("practice-evidence", "", "333333333333"),
        ("practice-evidence", "runbook/x", PRODUCTION),
        ("practice-evidence", "runbook/x", ""),
        ("practice-vault-backups", "runbook/x", "333333333333"),
        ("Practice-Evidence", "runbook/x", "333333333333"),
    ],
)
def test_records_go_below_their_prefix_only(bucket: str, key: str, owner: str, drill: Interlock) -> None:
    host, right = "s3.eu-west-2.amazonaws.com", {"bucket": "practice-evidence", "owner": "333333333333"}
    drill.check_named("s3:PutObject", host, port=443, given=right | {"key": "runbook/x"})
    with pytest.raises(Refused):
        drill.check_named("s3:PutObject", host, port=443, given={"bucket": bucket, "key": key, "owner": owner})
    with pytest.raises(Refused):
        drill.check_named("s3:PutObject", f"evil.{host}", port=443, given=right | {"key": "runbook/x"})
    assert drill.counts == {"read": 0, "mutating": 0, "refused": 2}


@pytest.mark.parametrize("method", ["Delete", "DeleteObject", "PutBucketPolicy", "CopyObject", "CreateBucket"])
def test_nothing_else_of_s3_is_called_at_all(method: str, drill: Interlock) -> None:
    with pytest.raises(Refused, match="not in the table"):
        drill.check_named(f"s3:{method}", "s3.eu-west-2.amazonaws.com", port=443)


@pytest.mark.parametrize(
    ("key", "locks"),
    [
        ("runbook/heads/00000012-9f86d081884c7d65.json", False),
        ("runbook/runs/x/run.json", True),
        ("runbook/headstrong/x", True),
        ("runbook/runs/heads/x", True),
    ],
)
@pytest.mark.parametrize("locked", ["COMPLIANCE", "GOVERNANCE 2033-01-01T00:00:00Z", "ON"])
def test_nothing_is_locked_but_heads_where_that_is_configured(
    key: str,
    locks: bool,  # noqa: FBT001  # a fact of the configuration
    locked: str,
    configuration: Configuration,
) -> None:
    may = replace(places.bounds_of(configuration, "drill"), records=replace(places.RECORDS, locks=locks))
    given = {"bucket": "practice-evidence", "owner": "333333333333", "locked": locked}
    interlock, host = Interlock(may), "s3.eu-west-2.amazonaws.com"
    with pytest.raises(Refused, match="would be locked"):
        interlock.check_named("s3:PutObject", host, port=443, given=given | {"key": key})
    if locks:
        interlock.check_named("s3:PutObject", host, port=443, given=given | {"key": "runbook/heads/x.json"})
