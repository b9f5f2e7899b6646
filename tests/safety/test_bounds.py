"""What a run may touch, as it is made from the configuration; and what providers have said since."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.safety import bounds
from runbook.safety.bounds import place, said, same
from runbook.safety.learned import DESTROY_TAG, ENVIRONMENT_TAG, RUN_TAG, Learned
from steps.database import restore
from tests.safety import places
from tests.safety.places import CLUSTER, PRODUCTION, STAGING

VAULT = ("vault.staging.example", 8200)


@pytest.mark.parametrize("mode", ["drill", "rehearsal"])
def test_a_drill_and_a_rehearsal_work_in_staging_and_keep_off_production(mode: str, tmp_path: Path) -> None:
    may = places.bounds_of(places.configured(tmp_path), mode)
    assert may.target is not None
    assert may.other is not None
    assert may.source is not None
    assert (may.target.name, may.other.name) == ("staging", "production")
    assert (may.target.account, may.other.account) == (STAGING, PRODUCTION)
    assert (may.target.vault, may.other.vault) == (VAULT, ("vault.clinic.example", 8200))
    assert (may.source.instance, may.source.cluster_id) == ("clinic-production", CLUSTER)
    assert may.source.vault == may.other.vault
    assert may.target.groups == {("clinic-staging", "web-env"), ("clinic-staging", "worker-env")}
    assert ("clinic-staging", "vault") in may.target.services, "the service to restart after a restore"
    assert not may.loopback_only


def test_a_recovery_works_in_production_and_keeps_off_staging(tmp_path: Path) -> None:
    may = places.bounds_of(places.configured(tmp_path), "recovery")
    assert may.target is not None
    assert may.other is not None
    assert (may.target.name, may.other.name) == ("production", "staging")
    assert (may.target.instance_prefix, may.other.instance_prefix) == ("recovered", "rt")


def test_only_the_pages_that_are_there_for_it_are_posted_to(tmp_path: Path) -> None:
    may = places.bounds_of(places.configured(tmp_path), "drill")
    assert may.target is not None
    assert may.target.pages == {(("127.0.0.1", 8211), "/connect"), (("127.0.0.1", 8543), "/__runbook/probe")}


def test_a_zone_is_shared_where_both_names_are_in_it(tmp_path: Path) -> None:
    assert not places.bounds_of(places.configured(tmp_path), "drill").shares_its_zone
    assert places.bounds_of(places.configured(tmp_path, **places.ONE_ZONE), "drill").shares_its_zone
    assert not bounds.practice().shares_its_zone


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("https://Vault.Example:8200/v1", ("vault.example", 8200)),
        ("https://vault.example.:8200", ("vault.example", 8200)),
        ("https://vault.example", ("vault.example", 443)),
        ("http://vault.example", ("vault.example", 80)),
        ("https://user@vault.example", ("vault.example", 443)),
        ("https://[::1]:8200", ("::1", 8200)),
        ("clinic-1", ("", 0)),
    ],
)
def test_an_address_is_compared_by_host_and_port(url: str, there: bounds.Place) -> None:
    assert place(url) == there


def test_this_machine_has_several_names_and_others_have_one() -> None:
    assert same(("localhost", 8200), ("127.0.0.1", 8200))
    assert same(("::1", 8200), ("127.0.0.2", 8200))
    assert not same(("localhost", 8200), ("localhost", 8201))
    assert not same(("vault.example", 8200), ("127.0.0.1", 8200))
    assert (said(VAULT), said(("vault.example", 0))) == ("vault.staging.example:8200", "vault.example")


# -- learned ------------------------------------------------------------------------------------------------------
def test_the_tags_are_those_that_steps_give() -> None:
    assert (restore.RUN_TAG, restore.ENVIRONMENT_TAG, restore.DESTROY_TAG) == (RUN_TAG, ENVIRONMENT_TAG, DESTROY_TAG)


def test_what_was_said_last_counts() -> None:
    learned = Learned()
    learned.tagged("RT-1", {RUN_TAG: "drill-1"}, "RT-1.example")
    assert (learned.run_of("rt-1"), learned.database_at("rt-1.EXAMPLE")) == ("drill-1", "rt-1")
    learned.tagged("rt-1", {})
    assert (learned.run_of("rt-1"), learned.tags_of("rt-1")) == ("", {})


def test_a_vault_stays_what_it_said_while_it_is_sealed_and_is_nobodys_without_data() -> None:
    learned = Learned()
    assert not learned.has_answered(VAULT)
    learned.vault_answers(VAULT, CLUSTER)
    learned.vault_answers(VAULT, "", sealed=True)
    assert learned.cluster(VAULT) == CLUSTER
    learned.vault_answers(VAULT, "")
    assert (learned.has_answered(VAULT), learned.cluster(VAULT)) == (True, "")
