from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.northflank import Northflank
from tests.estate_adapters.provider import Provider, answer, conforms, door, examples, interlock, permit

__all__ = ["door"]
SERVICE = "/v1/projects/prod/services/web"
DIGEST = "sha256:" + "3f" * 32
IMAGE = f"ghcr.io/acme-health/app@{DIGEST}"
NEW_SHAPE = {
    "id": "web",
    "serviceType": "deployment",
    "status": {"deployment": {"status": "COMPLETED", "lastTransitionTime": "2026-11-20T11:47:16.624Z"}},
    "deployment": {"instances": 2, "external": {"imagePath": IMAGE, "credentials": "ghcr-pull"}},
}


def platform(provider: Provider, door) -> Northflank:
    return Northflank("http://127.0.0.1/v1/", Secret("nf-token"), interlock(), door, wiring=provider.wiring)


async def test_the_new_service_object_is_read(door):
    provider = Provider({f"GET {SERVICE}": answer({"data": NEW_SHAPE})})
    service = await platform(provider, door).service("prod", "web")
    assert service is not None
    assert (service.image, service.instances, service.status, service.paused) == (IMAGE, 2, "COMPLETED", False)
    assert service.transition == datetime(2026, 11, 20, 11, 47, 16, 624000, tzinfo=UTC)
    assert provider.requests[0].headers["authorization"] == "Bearer nf-token"


@pytest.mark.parametrize(
    ("change", "paused"),
    [({"servicePaused": True}, True), ({"deployment": {"instances": 0}}, True), ({"servicePaused": False}, False)],
)
async def test_paused_is_understood_in_the_old_shape_and_the_new(door, change, paused):
    provider = Provider({f"GET {SERVICE}": answer({"data": {**NEW_SHAPE, **change}})})
    service = await platform(provider, door).service("prod", "web")
    assert service is not None
    assert service.paused is paused


@pytest.mark.parametrize("deployment", [{}, None, {"instances": None}, {"instances": "2"}, {"external": {}}])
async def test_a_number_of_instances_that_is_not_said_is_not_none_running(door, deployment):
    said = [{**NEW_SHAPE, "deployment": deployment}, {**NEW_SHAPE, "deployment": deployment, "servicePaused": True}]
    here = platform(Provider({f"GET {SERVICE}": [answer({"data": one}) for one in said]}), door)
    new, old = await here.service("prod", "web"), await here.service("prod", "web")
    assert new is not None
    assert old is not None
    assert (new.instances, new.paused) == (None, False)
    assert (old.instances, old.paused) == (None, True)


@pytest.mark.parametrize("data", [{}, {"deployment": None, "status": []}, None, [1]])
async def test_a_service_object_of_an_unknown_shape_is_met_calmly(door, data):
    provider = Provider({f"GET {SERVICE}": answer({"data": data})})
    service = await platform(provider, door).service("prod", "web")
    assert service is not None
    assert (service.image, service.status, service.transition) == (None, "", None)


OLD_SHAPE = {
    **NEW_SHAPE,
    "projectId": "prod",
    "servicePaused": False,
    "deployment": {
        "region": "europe-west",
        "instances": 2,
        "internal": {"deployedSHA": "6d" * 20},
        "external": {"imagePath": IMAGE, "credentials": "ghcr-pull", "registryProvider": "github"},
    },
}


async def test_the_old_service_object_and_the_new_say_the_same(door):
    here = platform(Provider({f"GET {SERVICE}": [answer({"data": NEW_SHAPE}), answer({"data": OLD_SHAPE})]}), door)
    new, old = await here.service("prod", "web"), await here.service("prod", "web")
    assert new == old
    assert new is not None
    assert new.kind == "deployment"


async def test_a_services_own_variables_are_read_as_secrets_in_either_shape(door):
    own = {"DATABASE_URL": "postgresql://u:hunter2@h/d", "WORKERS": 4, "EMPTY": None}
    answers = [answer({"data": {**shape, "runtimeEnvironment": own}}) for shape in (NEW_SHAPE, OLD_SHAPE)]
    here = platform(Provider({f"GET {SERVICE}": answers}), door)
    for _ in answers:
        service = await here.service("prod", "web")
        assert service is not None
        assert service.own == {
            "DATABASE_URL": Secret("postgresql://u:hunter2@h/d"),
            "WORKERS": Secret("4"),
            "EMPTY": Secret(""),
        }
        assert "hunter2" not in repr(service)


@pytest.mark.parametrize("own", [{}, {"runtimeEnvironment": None}, {"runtimeEnvironment": ["A"]}])
async def test_a_service_without_variables_of_its_own_has_none(door, own):
    provider = Provider({f"GET {SERVICE}": answer({"data": {**NEW_SHAPE, **own}})})
    service = await platform(provider, door).service("prod", "web")
    assert service is not None
    assert service.own == {}


async def test_the_state_of_every_service_comes_with_one_call_a_page(door):
    new = {"id": "web", "serviceType": "deployment", "status": NEW_SHAPE["status"]}
    old = {"id": "worker", "appId": "/a/p/worker", "status": {"build": {}, "deployment": {"status": "FAILED"}}}
    build = {"id": "builder", "serviceType": "build", "status": {"build": {"status": "SUCCESS"}}}
    provider = Provider(
        {
            "GET /v1/projects/prod/services": [
                answer(
                    {"data": {"services": [new, None]}, "pagination": {"hasNextPage": True, "cursor": "c", "count": 2}}
                ),
                answer({"data": {"services": [old, build]}, "pagination": {"hasNextPage": False, "count": 2}}),
            ]
        }
    )
    found = await platform(provider, door).statuses("prod")
    assert {name: one.status for name, one in found.items()} == {"web": "COMPLETED", "worker": "FAILED", "builder": ""}
    assert found["web"].transition == datetime(2026, 11, 20, 11, 47, 16, 624000, tzinfo=UTC)
    assert len(provider.requests) == 2
    for request in provider.requests:
        conforms("northflank", "", request)


async def test_pages_end_with_an_empty_one_whatever_it_promises(door):
    empty = answer({"data": {"services": []}, "pagination": {"hasNextPage": True}})
    provider = Provider({"GET /v1/projects/prod/services": empty})
    assert await platform(provider, door).statuses("prod") == {}
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "image",
    [{"sha": DIGEST}, {"sha": None, "imagePath": IMAGE}, {"imagePath": IMAGE, "image": "ghcr.io/acme-health/app"}],
)
async def test_what_is_deployed_is_known_by_its_digest_wherever_that_stands(door, image):
    item = {"id": "new", "createdAt": "2026-11-23T09:00:00Z", "active": True, "image": image, "name": None}
    provider = Provider({f"GET {SERVICE}/deployments": answer({"data": {"deployments": [item]}})})
    assert [one.digest for one in await platform(provider, door).deployments("prod", "web")] == [DIGEST]


async def test_a_missing_service_is_none_and_a_missing_project_not_visible(door):
    here = platform(Provider({}), door)
    assert await here.service("prod", "web") is None
    assert await here.project_visible("prod") is False


async def test_deploy_sends_instances_and_image_and_reads_nothing(door):
    provider = Provider({"PATCH /v1/projects/prod/services/deployment/web": answer({"data": NEW_SHAPE})})
    allowed = permit("northflank:Deploy", "prod/web")
    await platform(provider, door).deploy(allowed, "prod", "web", image=IMAGE, instances=2, credentials="ghcr-pull")
    assert len(provider.requests) == 1
    assert provider.body() == {
        "deployment": {"instances": 2, "external": {"imagePath": IMAGE, "credentials": "ghcr-pull"}}
    }
    conforms("northflank", "", provider.requests[0])


async def test_a_change_needs_its_own_permit(door):
    provider = Provider({})
    for wrong in (permit("northflank:Restart", "prod/web"), permit("northflank:Deploy", "prod/other")):
        with pytest.raises(Refused):
            await platform(provider, door).deploy(wrong, "prod", "web", image=IMAGE, instances=2, credentials=None)
    assert provider.requests == []


@pytest.mark.parametrize("trouble", [httpx.ReadTimeout("slow"), httpx.ReadError("cut"), httpx.Response(503)])
async def test_a_change_is_never_sent_twice_and_its_outcome_said_to_be_unknown(door, trouble):
    provider = Provider({f"POST {SERVICE}/restart": trouble})
    with pytest.raises(NoVerdict, match="not known"):
        await platform(provider, door).restart(permit("northflank:Restart", "prod/web"), "prod", "web")
    assert len(provider.requests) == 1


async def test_a_change_that_could_not_be_sent_is_not_called_unknown(door):
    provider = Provider({f"POST {SERVICE}/restart": httpx.ConnectError("refused")})
    with pytest.raises(NoVerdict, match="could not be reached") as caught:
        await platform(provider, door).restart(permit("northflank:Restart", "prod/web"), "prod", "web")
    assert "not known" not in caught.value.sentence


async def test_deployments_come_newest_first_and_containers_are_counted_over_all_pages(door):
    items = [
        {"id": "old", "createdAt": "2026-11-20T09:00:00Z", "active": False, "image": None},
        {"id": "new", "createdAt": "2026-11-23T09:00:00Z", "active": True, "image": {"sha": DIGEST}, "name": None},
    ]
    pages = [
        answer(
            {"data": {"containers": [{"status": "TASK_RUNNING"}]}, "pagination": {"hasNextPage": True, "cursor": "c"}}
        ),
        answer({"data": {"containers": [{"status": "TASK_RUNNING"}, {"status": "TASK_KILLING"}]}, "pagination": {}}),
    ]
    provider = Provider(
        {f"GET {SERVICE}/deployments": answer({"data": {"deployments": items}}), f"GET {SERVICE}/containers": pages}
    )
    here = platform(provider, door)
    assert [one.id for one in await here.deployments("prod", "web")] == ["new", "old"]
    assert await here.running_containers("prod", "web") == 2
    assert provider.requests[-1].url.params["cursor"] == "c"


async def test_401_is_about_the_sign_in_and_gives_no_verdict(door):
    provider = Provider({"GET /v1/auth": answer({"error": {"status": 401, "message": "Unauthorized"}}, 401)})
    with pytest.raises(NoVerdict, match="sign-in") as caught:
        await platform(provider, door).token()
    assert caught.value.source == "northflank: GET /v1/auth"
    assert caught.value.provider_text == "Unauthorized"
    assert len(provider.requests) == 1


async def test_a_read_waits_as_long_as_the_provider_asks_and_tries_again(door):
    limited = httpx.Response(429, headers={"x-ratelimit-reset": "7"}, text="slow down")
    provider = Provider({"GET /v1/auth": [limited, httpx.Response(502), answer({"data": {"id": "dr"}})]})
    assert (await platform(provider, door).token()).id == "dr"
    assert provider.slept == [7.0, 1.0]


async def test_beyond_its_patience_it_says_how_long_to_wait(door):
    provider = Provider({"GET /v1/auth": httpx.Response(429, headers={"x-ratelimit-reset": "2220"})})
    with pytest.raises(NoVerdict, match="37 min"):
        await platform(provider, door).token()
    assert len(provider.requests) == 1


async def test_405_in_plain_text_and_a_page_that_is_no_json_are_told_apart(door):
    wrong = httpx.Response(405, text="Method Not Allowed\x1b[2J", headers={"Allow": "GET"})
    portal = httpx.Response(200, text="<html>Sign in to the hotel</html>")
    provider = Provider({"GET /v1/auth": [wrong, portal]})
    with pytest.raises(LayerFailed) as caught:
        await platform(provider, door).token()
    assert "\x1b" not in caught.value.provider_text
    with pytest.raises(NoVerdict, match="not JSON"):
        await platform(provider, door).token()


async def test_a_name_cannot_climb_out_of_its_path(door):
    provider = Provider({})
    await platform(provider, door).service("prod", "../../auth")
    assert provider.requests[0].url.raw_path == b"/v1/projects/prod/services/..%2F..%2Fauth"


async def test_a_token_with_a_line_end_is_not_shown(door):
    here = Northflank("http://127.0.0.1/v1", Secret("good\nbad"), interlock(), door, wiring=Provider({}).wiring)
    with pytest.raises(NoVerdict) as caught:
        await here.token()
    assert "bad" not in repr(vars(caught.value))


async def test_the_documented_answers_are_understood(door):
    given = examples("northflank")
    paths = {
        "GET /v1/auth": given["GET /v1/auth"],
        f"GET {SERVICE}": given["GET service"],
        f"GET {SERVICE}/deployments": given["GET deployments"],
        f"GET {SERVICE}/containers": given["GET containers"],
        "GET /v1/projects/prod/secrets/app-env": given["GET secret"],
        f"POST {SERVICE}/restart": given["POST restart"],
        "GET /v1/projects/prod/services": given["GET services"],
    }
    provider = Provider({path: answer(example["body"]) for path, example in paths.items()})
    here = platform(provider, door)
    assert (await here.statuses("prod"))["web"].status == "COMPLETED"
    assert (await here.token()).expires is not None
    service = await here.service("prod", "web")
    assert service is not None
    assert service.instances == 2
    assert (await here.deployments("prod", "web"))[0].active
    assert await here.running_containers("prod", "web") == 1
    assert "DATABASE_URL" in await here.secret_group("prod", "app-env")
    await here.restart(permit("northflank:Restart", "prod/web"), "prod", "web")
    for request in provider.requests:
        conforms("northflank", "", request)
