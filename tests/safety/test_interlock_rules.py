"""Every rule of the interlock counts: each has a call that it alone refuses, so that without it this call is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import pytest

from runbook.config.file import Configuration
from runbook.engine.errors import Refused
from runbook.engine.ports import Permit
from runbook.safety import bounds, rules
from runbook.safety import rules_aws as aws
from runbook.safety import rules_layers as layers
from runbook.safety.bounds import Bounds, Source, Territory
from runbook.safety.call import NAMED
from runbook.safety.interlock import Interlock
from runbook.safety.learned import DESTROY_TAG, ENVIRONMENT_TAG, RUN_TAG, Learned
from runbook.safety.operations import named
from tests.safety import places
from tests.safety.places import CLUSTER, PRODUCTION, RECOVERY, RUN, STAGING, UNLISTED
from tests.safety.recording import host_of, tags_of, zone_id

EARLIER: Final = "drill-20260101T100000Z-0001"
OURS: Final = f"rt-{RUN}".lower()
THEIRS: Final = f"recovered-{RECOVERY}".lower()
RDS: Final = "rds.eu-west-2.amazonaws.com"
CLOUDFLARE: Final = "api.cloudflare.com"
NORTHFLANK: Final = "api.northflank.com"
VAULT: Final = ("vault.staging.example", 8200)
ZONE: Final = zone_id("staging.practice.test")
NAME: Final = "app.staging.practice.test"
THEIR_ZONE: Final = zone_id("clinic.practice.test")
RULES_PATH: Final = f"/client/v4/zones/{ZONE}/rulesets/phases/p/entrypoint"
RECORD_PATH: Final = f"/client/v4/zones/{ZONE}/dns_records/r1"


@dataclass(frozen=True)
class Made:
    """One call: how it is sent, what the operator permitted, and what was learned before."""

    operation: str
    host: str
    permit: Permit | None = None
    sent: Mapping[str, Any] = field(default_factory=dict)
    tagged: Mapping[str, str] = field(default_factory=dict)  # instance → run
    zones: Mapping[str, str] = field(default_factory=dict)
    record: str = ""  # the name that the record r1 is of
    cluster: str | None = ""  # as the vault says it; None: it was not asked


@dataclass(frozen=True)
class Case:
    """What the run may touch, made from a drill's bounds and a recovery's, and the call."""

    may: Callable[[Bounds, Bounds], Bounds]
    made: Made


def _permit(operation: str, target: str) -> Permit:
    return Permit("run", "step", operation, target)


def _drill(drill: Bounds, _: Bounds) -> Bounds:
    return drill


def _recovery(_: Bounds, recovery: Bounds) -> Bounds:
    return recovery


def _target(bounds: Bounds, **other: Any) -> Territory:
    assert bounds.target is not None
    return replace(bounds.target, **other)


def _other(bounds: Bounds, **other: Any) -> Territory:
    assert bounds.other is not None
    return replace(bounds.other, **other)


def _source(bounds: Bounds, **other: Any) -> Source:
    assert bounds.source is not None
    return replace(bounds.source, **other)


def _rds(
    operation: str,
    name: str,
    *,
    account: str = STAGING,
    host: str = RDS,
    tag: str = RUN,
    run: str = RUN,
    **more: str,
) -> Made:
    given = {NAMED[operation]: name, "tag": tag} | ({"public": "false"} if ":Restore" in operation else {}) | more
    sent = {"port": 443, "given": given, "account": account}
    return Made(operation, host, _permit(operation, name), sent, tagged={name: run})


def _vault(host: str, port: int, **more: Any) -> Made:
    permit = _permit("vault:Unseal", f"https://{host}:{port}")
    return Made("vault:Unseal", host, permit, {"port": port, "path": "/v1/sys/unseal"}, **more)


def _platform(operation: str, path: str, target: str) -> Made:
    return Made(operation, NORTHFLANK, _permit(operation, target), {"port": 443, "path": path})


def _edge(operation: str, path: str, target: str, *, name: str = NAME, zone: str = "staging.practice.test") -> Made:
    sent = {"port": 443, "path": path, "given": {"name": name}}
    return Made(operation, CLOUDFLARE, _permit(operation, target), sent, zones={ZONE: zone}, record=name)


def _put(host: str, key: str, **more: str) -> Made:
    given = {"bucket": "practice-evidence", "key": key, "owner": "333333333333", **more}
    return Made("s3:PutObject", host, sent={"given": given})


def _analyze(host: str) -> Made:
    permit = _permit("postgres:Analyze", "public.notes")
    return Made("postgres:Analyze", host, permit, {"port": 5432}, tagged={OURS: RUN})


def _set_record(**more: str) -> Made:
    return _edge("cloudflare:SetRecord", RECORD_PATH, f"{ZONE}/r1", **more)


def _put_rules() -> Made:
    return _edge("cloudflare:PutRules", RULES_PATH, f"{ZONE}/p")


def _here(target: str | None, operation: str = "vault:Unseal") -> Made:
    permit = _permit(operation, target) if target else None
    return Made("vault:Unseal", "127.0.0.1", permit, {"port": 8200})


CASES: Final[Mapping[rules.Rule, Case]] = MappingProxyType(
    {
        rules.stays_on_this_machine: Case(lambda *_: bounds.practice(), Made("vault:Health", "10.0.0.1")),
        rules.only_reads: Case(lambda *_: bounds.reading(), _vault(*VAULT)),
        rules.is_permitted: Case(lambda *_: bounds.practice(), _here(None)),
        rules.is_the_permitted_operation: Case(
            lambda *_: bounds.practice(), _here("https://127.0.0.1:8200", "vault:Login")
        ),
        rules.is_the_permitted_target: Case(lambda *_: bounds.practice(), _here("https://127.0.0.1:8201")),
        rules.speaks_tls: Case(_drill, Made("web:Get", "app.staging.practice.test", sent={"secured": False})),
        aws.deletes_no_production: Case(
            _recovery, _rds("rds:DeleteDBInstance", THEIRS, account=PRODUCTION, run=RECOVERY)
        ),
        aws.is_not_productions_database: Case(
            lambda drill, _: replace(drill, target=_target(drill, instance_prefix="clinic")),
            _rds("rds:ModifyDBInstance", "clinic-production"),
        ),
        layers.vault_is_not_productions: Case(
            lambda drill, _: replace(drill, source=_source(drill, vault=VAULT)), _vault(*VAULT)
        ),
        layers.database_is_not_productions: Case(
            lambda drill, _: replace(drill, source=_source(drill, host=host_of(OURS))), _analyze(host_of(OURS))
        ),
        rules.is_not_the_others: Case(
            lambda drill, _: replace(drill, other=_other(drill, names=frozenset({NAME}))), _set_record()
        ),
        rules.path_is_plain: Case(
            _drill,
            _edge(
                "cloudflare:ChangeRule",
                f"/client/v4/zones/{ZONE}/rulesets/..%2F..%2F{THEIR_ZONE}%2Frulesets%2F1/rules/2",
                f"{ZONE}/../../{THEIR_ZONE}/rulesets/1/2",
            ),
        ),
        rules.page_is_known: Case(
            _drill, Made("web:Probe", "vault.clinic.example", sent={"port": 8200, "path": "/v1/sys/seal"})
        ),
        aws.account_is_known: Case(_drill, _rds("rds:ModifyDBInstance", OURS, account=UNLISTED)),
        aws.region_is_the_targets: Case(_drill, _rds("rds:ModifyDBInstance", OURS, host="rds.us-east-1.amazonaws.com")),
        aws.name_is_generated: Case(_drill, _rds("rds:RestoreDBInstanceFromDBSnapshot", "rt-clinic")),
        aws.has_our_prefix: Case(_drill, _rds("rds:DeleteDBInstance", "clinic-of-theirs")),
        aws.changes_only_what_it_may: Case(
            _drill, _rds("rds:ModifyDBInstance", OURS, fields="ApplyImmediately NewDBInstanceIdentifier")
        ),
        aws.stays_private: Case(_drill, _rds("rds:RestoreDBInstanceFromDBSnapshot", OURS, public="true")),
        aws.is_tagged_as_ours: Case(_drill, _rds("rds:DeleteDBInstance", OURS, run="")),
        aws.tags_what_it_makes: Case(_drill, _rds("rds:RestoreDBInstanceFromDBSnapshot", OURS, tag="")),
        layers.vault_is_the_targets: Case(_drill, _vault("api.github.com", 443)),
        layers.vault_said_who_it_is: Case(_drill, _vault(*VAULT, cluster=None)),
        layers.cluster_is_not_productions: Case(_drill, _vault(*VAULT, cluster=CLUSTER)),
        layers.service_is_the_targets: Case(
            _drill,
            _platform("northflank:Restart", "/v1/projects/clinic-staging/services/mail/restart", "clinic-staging/mail"),
        ),
        layers.group_is_the_targets: Case(
            _drill,
            _platform(
                "northflank:SetSecretGroup", "/v1/projects/clinic-staging/secrets/mail-env", "clinic-staging/mail-env"
            ),
        ),
        layers.has_names_to_change: Case(
            lambda drill, _: replace(drill, target=_target(drill, names=frozenset())), _put_rules()
        ),
        layers.zone_is_the_targets: Case(_drill, _set_record(zone="elsewhere.example")),
        layers.name_is_the_targets: Case(_drill, _set_record(name="mail.staging.practice.test")),
        layers.record_has_that_name: Case(_drill, replace(_set_record(), record="app.clinic.practice.test")),
        layers.zone_is_not_shared: Case(
            lambda drill, _: replace(drill, other=_other(drill, zone="staging.practice.test")), _put_rules()
        ),
        layers.database_is_ours: Case(_drill, _analyze(host_of("somebody-elses"))),
        rules.place_is_known: Case(_drill, Made("northflank:Token", "api.elsewhere.example", sent={"port": 443})),
        aws.record_has_its_place: Case(_drill, _put("s3.eu-west-2.amazonaws.com", "vault/x")),
        aws.locks_only_heads: Case(
            lambda drill, _: replace(drill, records=replace(places.RECORDS, locks=True)),
            _put("s3.eu-west-2.amazonaws.com", "runbook/runs/x/journal.jsonl", locked="COMPLIANCE"),
        ),
        aws.bucket_is_in_the_path: Case(_drill, _put("another.s3.eu-west-2.amazonaws.com", "runbook/x")),
    }
)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return places.configured(tmp_path_factory.mktemp("apart"))


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(rules.RULES)
    assert len(set(rules.RULES)) == len(rules.RULES)


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.__name__)
def test_without_this_rule_a_call_slips_through(rule: rules.Rule, apart: Configuration) -> None:
    case = CASES[rule]
    may = case.may(places.bounds_of(apart, "drill"), places.bounds_of(apart, "recovery"))
    with pytest.raises(Refused):
        _made(Interlock(may), case.made)
    _made(Interlock(may, tuple(each for each in rules.RULES if each is not rule)), case.made)


def _made(interlock: Interlock, made: Made) -> None:
    _learn(interlock.learned, made)
    if made.permit is None:
        return interlock.check(named(made.operation), made.host, **made.sent)
    with interlock.holding(made.permit, made.permit.operation, made.permit.target):
        return interlock.check(named(made.operation), made.host, **made.sent)


def _learn(learned: Learned, made: Made) -> None:
    for run in (RUN, RECOVERY):
        learned.run(run, ())
    for instance, run in made.tagged.items():
        learned.tagged(instance, tags_of(run), host_of(instance))
    for zone, name in made.zones.items():
        learned.zone_is(zone, name)
    learned.record_is("r1", made.record)
    if made.cluster is not None:
        learned.vault_answers((made.host, made.sent.get("port", 0)), made.cluster)


# -- what a rule has to tell apart --------------------------------------------------------------------------------
def test_a_restored_vault_is_known_by_its_address_although_it_says_that_it_is_productions(apart: Configuration) -> None:
    interlock = Interlock(places.bounds_of(apart, "drill"))
    restore = replace(_vault(*VAULT), operation="vault:Restore", permit=_permit("vault:Restore", _url(*VAULT)))
    _made(interlock, restore)
    _made(interlock, _vault(*VAULT, cluster=CLUSTER))
    production = ("vault.clinic.example", 8200)
    for operation in ("vault:Unseal", "vault:Restore", "vault:Login", "vault:Repoint", "vault:SignOut"):
        change = replace(_vault(*production), operation=operation, permit=_permit(operation, _url(*production)))
        with pytest.raises(Refused, match="production's vault"):
            _made(interlock, change)


def test_another_process_knows_it_by_the_runs_own_journal(apart: Configuration) -> None:
    interlock = Interlock(places.bounds_of(apart, "drill"))
    with pytest.raises(Refused, match="answers as production's cluster"):
        _made(interlock, _vault(*VAULT, cluster=CLUSTER))
    interlock.learned.run(RUN, [VAULT])
    _made(interlock, _vault(*VAULT, cluster=CLUSTER))


@pytest.mark.parametrize("operation", ["vault:Restore", "vault:Initialise"])
def test_productions_cluster_is_never_restored_into_at_whatever_address(apart: Configuration, operation: str) -> None:
    made = replace(_vault(*VAULT, cluster=CLUSTER), operation=operation, permit=_permit(operation, _url(*VAULT)))
    with pytest.raises(Refused, match="answers as production's cluster"):
        _made(Interlock(places.bounds_of(apart, "drill")), made)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/clinic/services/x%2Fprojects%2Fclinic-staging%2Fservices%2Fweb/restart",
        "/v1/projects/clinic%2F..%2Fclinic-staging/services/web/restart",
        "/v1/projects/clinic-staging/services/web%2Frestart",
    ],
)
def test_an_escaped_slash_is_part_of_a_name(apart: Configuration, path: str) -> None:
    made = _platform("northflank:Restart", path, "clinic-staging/web")
    with pytest.raises(Refused):
        _made(Interlock(places.bounds_of(apart, "drill")), made)


def _left(**tags: str) -> Mapping[str, str]:
    """What a drill of another machine made carries."""
    left = {RUN_TAG: EARLIER, ENVIRONMENT_TAG: "staging", DESTROY_TAG: "2026-01-03T10:00:00Z"}
    return {key: value for key, value in {**left, **tags}.items() if value}


def _changed_of_another_run(operation: str, apart: Configuration, tags: Mapping[str, str]) -> None:
    interlock, name = Interlock(places.bounds_of(apart, "drill")), f"rt-{EARLIER}".lower()
    interlock.learned.tagged(name, tags)
    with interlock.holding(_permit(operation, name), operation, name):
        interlock.check(named(operation), RDS, port=443, given={NAMED[operation]: name}, account=STAGING)


@pytest.mark.parametrize("operation", ["rds:DeleteDBInstance", "rds:DeleteDBSnapshot"])
def test_what_another_run_made_to_be_destroyed_may_be_deleted(operation: str, apart: Configuration) -> None:
    _changed_of_another_run(operation, apart, _left())


@pytest.mark.parametrize(
    ("operation", "tags"),
    [
        ("rds:ModifyDBInstance", {}),  # it is never modified
        ("rds:DeleteDBInstance", {RUN_TAG: ""}),
        ("rds:DeleteDBInstance", {DESTROY_TAG: ""}),  # what a recovery restored
        ("rds:DeleteDBInstance", {ENVIRONMENT_TAG: "production"}),
        ("rds:DeleteDBSnapshot", {DESTROY_TAG: ""}),
    ],
)
def test_nothing_else_of_another_run_is_changed(operation: str, tags: dict[str, str], apart: Configuration) -> None:
    with pytest.raises(Refused, match="not seen to carry the tag"):
        _changed_of_another_run(operation, apart, _left(**tags))


def test_only_a_recovery_keeps_a_snapshot_of_productions(apart: Configuration) -> None:
    kept = f"kept-{RUN}-night".lower()
    with pytest.raises(Refused, match="no name that this run generates"):
        _made(Interlock(places.bounds_of(apart, "drill")), _rds("rds:CopyDBSnapshot", kept))
    kept = f"kept-{RECOVERY}-night".lower()
    recovery = Interlock(places.bounds_of(apart, "recovery"))
    _made(recovery, _rds("rds:CopyDBSnapshot", kept, account=PRODUCTION))


def _url(host: str, port: int) -> str:
    return f"https://{host}:{port}"
