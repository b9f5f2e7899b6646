"""The vendors' own clients against the practice estate's servers: where one of them complains, the server is wrong.

Skipped where they are not installed (the extra `oracles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from runbook.training.servers import zone as practice
from runbook.training.servers.cloudflare import Cloudflare
from runbook.training.servers.firewall import CUSTOM_PHASE, MANAGED_PHASE, Visit
from runbook.training.servers.images import Catalogue
from runbook.training.servers.northflank import Northflank
from runbook.training.servers.web import LoopbackServer
from runbook.training.servers.zone import CANARY_RULE, HOSTNAMES, MANAGED_RULE, ORIGIN, ZONE, Zone
from tests.training.conftest import TOKEN
from tests.training.until import until

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PROJECT = {"project_id": "clinic-staging"}
WEB = {**PROJECT, "service_id": "web"}
GROUP = {**PROJECT, "secret_id": "clinic-env"}
CANARY = Visit(HOSTNAMES[0], practice.CANARY_PATH, "oracle", practice.CANARY_PATH)


@pytest.fixture
def served() -> Iterator[Any]:
    """Serves an application and answers its URL."""
    servers: list[LoopbackServer] = []

    def serve(app: WSGIApplication) -> str:
        servers.append(LoopbackServer(app))
        servers[-1].start()
        return servers[-1].url

    yield serve
    for server in servers:
        server.stop()


# -- Cloudflare -------------------------------------------------------------------------------------------------------
@pytest.fixture
def cloudflare_client(served: Any, zone: Zone, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Strict: an answer that does not fit its models raises."""
    monkeypatch.delenv("CLOUDFLARE_EMAIL", raising=False)  # with it the client leaves the token out
    return _cloudflare(served(Cloudflare(zone, TOKEN)))


def _cloudflare(url: str, token: str = TOKEN) -> Any:
    library = pytest.importorskip("cloudflare")
    return library.Cloudflare(
        api_token=token, base_url=url + "/client/v4", max_retries=0, _strict_response_validation=True
    )


def test_cloudflares_client_knows_its_token_by_its_owner(cloudflare_client: Any, served: Any, zone: Zone) -> None:
    library = pytest.importorskip("cloudflare")
    assert cloudflare_client.user.tokens.verify().status == "active"
    owned = _cloudflare(served(Cloudflare(zone, TOKEN, owner="account")))
    assert owned.accounts.tokens.verify(account_id=zone.account).status == "active"
    with pytest.raises(library.AuthenticationError) as caught:
        owned.user.tokens.verify()
    assert caught.value.errors[0].code == 1000
    with pytest.raises(library.AuthenticationError) as caught:
        cloudflare_client.accounts.tokens.verify(account_id=zone.account)
    assert caught.value.errors[0].code == 1000


def test_cloudflares_client_reads_the_zone_and_its_lists_come_to_an_end(cloudflare_client: Any, zone: Zone) -> None:
    (found,) = cloudflare_client.zones.list(name=ZONE)
    assert (found.id, found.status, found.paused) == (zone.id, "active", False)
    assert cloudflare_client.zones.get(zone_id=zone.id).name_servers == list(practice.NAME_SERVERS)
    assert [one.name for one in cloudflare_client.dns.records.list(zone_id=zone.id)] == [
        one.name for one in zone.records
    ]
    assert cloudflare_client.ips.list().ipv4_cidrs == list(practice.RANGES)


def test_cloudflares_client_changes_a_record(cloudflare_client: Any, zone: Zone) -> None:
    library = pytest.importorskip("cloudflare")
    records = cloudflare_client.dns.records
    (found,) = records.list(zone_id=zone.id, name={"exact": HOSTNAMES[1]})
    wanted = {"zone_id": zone.id, "name": found.name, "type": "CNAME", "ttl": 1, "content": ORIGIN, "proxied": True}
    changed = records.edit(found.id, **wanted)
    assert (changed.id, changed.content, changed.proxied) == (found.id, ORIGIN, True)
    with pytest.raises(library.NotFoundError) as caught:
        records.get("0" * 32, zone_id=zone.id)
    assert caught.value.errors[0].code == 81044


def test_cloudflares_client_puts_rules_after_a_dry_run(cloudflare_client: Any, zone: Zone) -> None:
    library = pytest.importorskip("cloudflare")
    models = pytest.importorskip("cloudflare.types.rulesets")
    phases = cloudflare_client.rulesets.phases
    del zone.rulesets[MANAGED_PHASE]
    with pytest.raises(library.NotFoundError) as caught:
        phases.get(MANAGED_PHASE, zone_id=zone.id)
    assert caught.value.errors[0].code == 10003
    wanted = {"zone_id": zone.id, "rules": [dict(MANAGED_RULE)]}
    assert phases.update(MANAGED_PHASE, dry_run=True, **wanted) is None
    assert MANAGED_PHASE not in zone.rulesets
    # the client's own type for this answer is "a ruleset or anything": the one for a read is held to it
    put = models.PhaseGetResponse.model_validate(phases.update(MANAGED_PHASE, **wanted))
    held = phases.get(MANAGED_PHASE, zone_id=zone.id)
    assert put.version == held.version == "1"
    assert type(held.rules[0]).__name__.endswith("ExecuteRule")


def test_cloudflares_client_edits_one_rule_whole(cloudflare_client: Any, zone: Zone) -> None:
    models = pytest.importorskip("cloudflare.types.rulesets")
    held = cloudflare_client.rulesets.phases.get(CUSTOM_PHASE, zone_id=zone.id)
    assert zone.blocks(CANARY)
    edited = cloudflare_client.rulesets.rules.edit(
        held.rules[0].id, ruleset_id=held.id, zone_id=zone.id, **{**CANARY_RULE, "enabled": False}
    )
    assert models.PhaseGetResponse.model_validate(edited).rules[0].enabled is False
    assert not zone.blocks(CANARY)
    added = cloudflare_client.rulesets.rules.create(ruleset_id=held.id, zone_id=zone.id, **CANARY_RULE)
    assert len(models.PhaseGetResponse.model_validate(added).rules) == 2
    assert zone.blocks(CANARY)


def test_cloudflares_client_lists_rulesets_of_zone_and_account(cloudflare_client: Any, zone: Zone) -> None:
    of_zone = {one.id for one in cloudflare_client.rulesets.list(zone_id=zone.id)}
    of_account = {one.id for one in cloudflare_client.rulesets.list(account_id=zone.account)}
    assert MANAGED_RULE["action_parameters"]["id"] in of_account < of_zone
    (one,) = of_zone & {zone.rulesets[CUSTOM_PHASE].id}
    assert cloudflare_client.rulesets.get(one, zone_id=zone.id).phase == CUSTOM_PHASE


@pytest.mark.parametrize(
    ("setting", "before", "after"), [("security_level", "medium", "high"), ("development_mode", "off", "on")]
)
def test_cloudflares_client_reads_and_sets_a_setting(
    cloudflare_client: Any, zone: Zone, setting: str, before: str, after: str
) -> None:
    settings = cloudflare_client.zones.settings
    assert settings.get(setting, zone_id=zone.id).value == before
    assert settings.edit(setting, zone_id=zone.id, value=after).value == after


def test_cloudflares_client_pauses_the_zone_and_nothing_else_with_it(cloudflare_client: Any, zone: Zone) -> None:
    library = pytest.importorskip("cloudflare")
    with pytest.raises(library.BadRequestError, match="Only one zone property"):
        cloudflare_client.zones.edit(zone_id=zone.id, paused=True, type="full")
    assert cloudflare_client.zones.edit(zone_id=zone.id, paused=True).paused is True


def test_cloudflares_client_understands_a_throttled_call(served: Any, zone: Zone) -> None:
    library = pytest.importorskip("cloudflare")
    app = Cloudflare(zone, TOKEN)
    client = _cloudflare(served(app))
    app.throttle(1, 2)
    with pytest.raises(library.RateLimitError) as caught:
        client.user.tokens.verify()
    assert caught.value.errors[0].code == 971
    assert caught.value.response.headers["retry-after"] == "2"
    assert client.user.tokens.verify().status == "active"


def test_cloudflares_client_is_refused_with_a_wrong_token(served: Any, zone: Zone) -> None:
    library = pytest.importorskip("cloudflare")
    stranger = _cloudflare(served(Cloudflare(zone, TOKEN)), "wrong")
    with pytest.raises(library.PermissionDeniedError) as caught:
        list(stranger.zones.list())
    assert caught.value.errors[0].code == 10000


# -- Northflank -------------------------------------------------------------------------------------------------------
@pytest.fixture
def northflank_client(served: Any, platform_api: Northflank) -> Any:
    return pytest.importorskip("northflank").ApiClient(TOKEN, base_url=served(platform_api))


def test_northflanks_client_reads_who_it_is_and_its_project(northflank_client: Any) -> None:
    identity = northflank_client.get.auth().data
    assert (identity["tokenKind"], bool(identity["id"])) == ("api", True)
    (project,) = northflank_client.list.projects().data["projects"]
    assert northflank_client.get.project(project_id=project["id"]).data["id"] == project["id"] == PROJECT["project_id"]
    (registry,) = northflank_client.list.registry_credentials().data["credentials"]
    assert registry["provider"] == "github"


def test_northflanks_client_lists_services_to_the_end(northflank_client: Any) -> None:
    listed = {one["id"] for one in northflank_client.list.services.all(**PROJECT).data["services"]}
    assert {"web", "worker"} <= listed
    for each in listed:
        assert northflank_client.get.service(**PROJECT, service_id=each).data["id"] == each


def test_northflanks_client_deploys_by_digest_and_sees_it_run(northflank_client: Any, catalogue: Catalogue) -> None:
    digest = catalogue.released("v1.8.2").digest
    external = {"imagePath": f"ghcr.io/practice-clinic/clinic@{digest}", "credentials": "ghcr-pull"}
    body = {"deployment": {"instances": 1, "external": external}}
    patched = northflank_client.patch.service.deployment(**WEB, data=body).data
    assert patched["status"]["deployment"]["status"] == "IN_PROGRESS"
    northflank_client.helpers.wait_for_service_ready(**WEB, timeout_s=60, poll_interval_s=0.05)

    def active() -> bool:  # the client's own helper believes the status of before
        newest = northflank_client.list.service.deployments(**WEB).data["deployments"][0]
        return bool(newest["active"]) and newest["image"]["sha"] == digest

    until(active)
    containers = northflank_client.get.service.containers(**WEB).data["containers"]
    assert [one["status"] for one in containers] == ["TASK_RUNNING"]
    assert northflank_client.restart.service(**WEB).data == {}


def test_northflanks_client_reads_and_changes_a_secret_group(northflank_client: Any) -> None:
    listed = {one["id"] for one in northflank_client.list.secrets(**PROJECT).data["secrets"]}
    assert listed == {"clinic-env", "worker-env"}
    northflank_client.patch.secret(**GROUP, data={"secrets": {"variables": {"OUTBOUND_MAIL": "off"}}})
    held = northflank_client.get.secret(**GROUP).data["secrets"]["variables"]
    assert held["OUTBOUND_MAIL"] == "off"
    assert "DATABASE_URL" in held


def test_northflanks_client_is_refused_in_the_providers_words(
    northflank_client: Any, served: Any, platform_api: Northflank
) -> None:
    library = pytest.importorskip("northflank")
    stranger = library.ApiClient("wrong", base_url=served(platform_api))
    with pytest.raises(library.ApiCallError, match="Unauthorized"):
        stranger.get.auth()
    with pytest.raises(library.ApiCallError) as caught:
        northflank_client.get.service(**PROJECT, service_id="nothing")
    assert caught.value.status == 404
    without = {"deployment": {"external": {"imagePath": "ghcr.io/practice-clinic/clinic:v1.8.2"}}}
    with pytest.raises(library.ApiCallError) as caught:
        northflank_client.patch.service.deployment(**WEB, data=without)
    assert (caught.value.status, caught.value.id) == (400, "nf-invalid-request-body")
