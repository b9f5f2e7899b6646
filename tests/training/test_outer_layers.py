"""The outer layers as one: what they tell a run, and that every fault of theirs can be done."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest

from runbook.config.application import Application
from runbook.config.connectivity import Connectivity
from runbook.training.certificates import Authority
from runbook.training.faults import LIMITERS, OUTER_FAULTS
from runbook.training.outerlayers import OuterLayers
from tests.training.fakes import FakeData

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def layers(tmp_path: Path, authority: Authority) -> Iterator[OuterLayers]:
    yield from running(tmp_path, authority)


def running(root: Path, authority: Authority, **more: Any) -> Iterator[OuterLayers]:
    made = OuterLayers(root, authority, FakeData(root), now=NOW, seed=7, **more)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def application(layers: OuterLayers) -> Application:
    return Application.model_validate(layers.environment()["application"])


def asked(layers: OuterLayers, url: str, credential: str) -> httpx.Response:
    token = layers.credentials()[credential]
    with httpx.Client(trust_env=False) as client:
        return client.get(url, headers={"Authorization": f"Bearer {token}"})


def test_the_run_is_told_of_two_services_two_groups_and_every_switch(layers: OuterLayers) -> None:
    told = application(layers)
    assert [(one.name, bool(one.health), bool(one.probe_url)) for one in told.services] == [
        ("web", True, True),
        ("worker", True, False),
    ]
    assert told.secret_groups == ("clinic-env", "worker-env")
    assert [one.name for one in told.consumers] == ["", "worker"]
    switches = [] if told.outbound == "none" else [(one.secret_group, one.variable) for one in told.outbound]
    assert switches == [
        ("clinic-env", "OUTBOUND_MAIL"),
        ("clinic-env", "OUTBOUND_SMS"),
        ("clinic-env", "OUTBOUND_WEBHOOKS"),
        ("worker-env", "OUTBOUND_JOBS"),
    ]


def test_before_the_restore_each_switch_is_on_and_each_address_leads_to_what_was_lost(layers: OuterLayers) -> None:
    told = application(layers)
    for group in told.secret_groups:
        url = f"{told.platform}/projects/{told.project}/secrets/{group}"
        held = asked(layers, url, "northflank-token").json()["data"]["secrets"]["variables"]
        assert {value for name, value in held.items() if name.startswith("OUTBOUND_")} == {"on"}
        assert "clinic-lost" in held["DATABASE_URL"]


def test_names_are_told_unless_staging_has_none(layers: OuterLayers, tmp_path: Path, authority: Authority) -> None:
    told = Connectivity.model_validate(layers.environment()["connectivity"])
    assert [one.name for one in told.hostnames] == ["app.clinic.test", "api.clinic.test"]
    for without in running(tmp_path, authority, public_names="none"):
        assert Connectivity.model_validate(without.environment()["connectivity"]).hostnames == ()


def test_every_fault_can_be_done_and_takes_what_the_table_says(layers: OuterLayers) -> None:
    assert layers.faults.keys() == OUTER_FAULTS.keys()
    for kind, does in layers.faults.items():
        hints = get_type_hints(does)
        hints.pop("return", None)
        assert hints == dict(OUTER_FAULTS[kind].parameters), kind
        defaults = [one.default for one in inspect.signature(does).parameters.values()]
        assert inspect.Parameter.empty not in defaults, kind


@pytest.mark.parametrize("provider", LIMITERS)
def test_a_provider_is_throttled_and_the_others_are_not(layers: OuterLayers, provider: str) -> None:
    environment = layers.environment()
    addresses = {
        "northflank": f"{environment['application']['platform']}/auth",
        "github": f"{environment['application']['github']}/user",
        "cloudflare": f"{environment['connectivity']['cloudflare']}/user/tokens/verify",
    }
    layers.fault("rate-limited", {"provider": provider, "calls": 1, "wait": 4})
    for name, url in addresses.items():
        first, second = (asked(layers, url, f"{name}-token").status_code for _ in range(2))
        assert second == 200
        assert (first == 200) == (name != provider)


@pytest.mark.parametrize("kind", OUTER_FAULTS)
def test_nothing_goes_wrong_in_an_estate_that_does_not_run(tmp_path: Path, authority: Authority, kind: str) -> None:
    layers = OuterLayers(tmp_path, authority, FakeData(tmp_path), now=NOW, seed=7)
    with pytest.raises(ValueError, match="not running"):
        layers.fault(kind, {})


def test_it_stops_twice_and_before_it_was_started(tmp_path: Path, authority: Authority) -> None:
    layers = OuterLayers(tmp_path, authority, FakeData(tmp_path), now=NOW, seed=7)
    layers.stop()
    layers.start()
    layers.stop()
    layers.stop()
    assert layers.children() == []
