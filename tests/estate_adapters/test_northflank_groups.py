"""Secret groups: read in each shape, sent whole, and never shown."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.northflank import Northflank
from tests.estate_adapters.provider import Provider, answer, conforms, door, interlock, permit

__all__ = ["door"]


def platform(provider: Provider, door) -> Northflank:
    return Northflank("http://127.0.0.1/v1/", Secret("nf-token"), interlock(), door, wiring=provider.wiring)


@pytest.mark.parametrize(
    "data",
    [
        {"secrets": {"variables": {"A": "1", "N": 5, "T": True, "E": None}, "files": {}}},
        {"secrets": {"A": "1", "N": 5, "T": True, "E": None}},
        {"data": {"A": "1", "N": 5, "T": True, "E": None}},
    ],
    ids=["as it is now", "flat", "older"],
)
async def test_a_secret_group_is_read_in_each_shape(door, data):
    provider = Provider({"GET /v1/projects/prod/secrets/app-env": answer({"data": data})})
    found = await platform(provider, door).secret_group("prod", "app-env")
    assert found == {"A": Secret("1"), "N": Secret("5"), "T": Secret("true"), "E": Secret("")}


@pytest.mark.parametrize("data", [{"secrets": {"variables": {}}}, {"secrets": {"files": {"/a": {}}}}, {"secrets": {}}])
async def test_a_secret_group_without_variables_is_empty(door, data):
    provider = Provider({"GET /v1/projects/prod/secrets/app-env": answer({"data": data})})
    assert await platform(provider, door).secret_group("prod", "app-env") == {}


@pytest.mark.parametrize(
    "data", [{}, None, {"secrets": None}, {"secrets": {"x": {"y": "z"}}}, {"secrets": {"variables": [1]}}]
)
async def test_a_secret_group_of_an_unknown_shape_is_no_empty_one(door, data):
    provider = Provider({"GET /v1/projects/prod/secrets/app-env": answer({"data": data})})
    with pytest.raises(NoVerdict, match="app-env holds no variables that this tool can read"):
        await platform(provider, door).secret_group("prod", "app-env")


async def test_the_secret_group_is_sent_whole_with_its_files(door):
    path = "/v1/projects/prod/secrets/app-env"
    files = {"/etc/app.conf": {"data": "eA==", "encoding": "base64"}}
    group = {"data": {"secrets": {"variables": {"A": "1", "B": "2"}, "files": files}}}
    provider = Provider({f"GET {path}": answer(group), f"PATCH {path}": answer({"data": {}})})
    here = platform(provider, door)
    variables = {**await here.secret_group("prod", "app-env"), "A": Secret("new")}
    await here.set_secret_group(permit("northflank:SetSecretGroup", "prod/app-env"), "prod", "app-env", variables)
    assert dict(provider.requests[0].url.params) == {"show": "this"}
    assert provider.body() == {"secrets": {"variables": {"A": "new", "B": "2"}, "files": files}}
    conforms("northflank", "", provider.requests[-1])


async def test_a_secret_that_the_provider_echoes_is_not_in_the_error(door):
    path = "/v1/projects/prod/secrets/app-env"
    echo = {"error": {"status": 400, "message": "bad hunter2", "details": {"object": ["hunter2 and nf-token"]}}}
    provider = Provider({f"GET {path}": answer({"data": {}}), f"PATCH {path}": answer(echo, 400)})
    allowed = permit("northflank:SetSecretGroup", "prod/app-env")
    with pytest.raises(LayerFailed) as caught:
        await platform(provider, door).set_secret_group(allowed, "prod", "app-env", {"A": Secret("hunter2")})
    assert "hunter2" not in repr(vars(caught.value))
    assert "nf-token" not in repr(vars(caught.value))
    assert "***" in caught.value.provider_text


SENT = "postgresql://clinic:c0ntrol/x@clinic.example:5432/d"
PRIVATE = 'key "of\nthe file"'
CODED = base64.b64encode(PRIVATE.encode()).decode()
FILES = {"/etc/key.pem": {"data": CODED, "encoding": "base64"}, "/x": "flat-é"}


@pytest.mark.parametrize(
    "echoed",
    [
        SENT,
        f'"URL" is invalid. Received {json.dumps(SENT)}',
        quote(SENT, safe=""),
        PRIVATE,
        json.dumps(PRIVATE),
        CODED,
        json.dumps(FILES),
        "flat-é",
    ],
)
async def test_whatever_the_call_held_is_masked_in_each_form_in_which_it_is_echoed(door, echoed):
    path = "/v1/projects/prod/secrets/app-env"
    echo = {"error": {"status": 400, "message": "no", "details": {"object": [echoed]}}}
    cut = f"{'x' * 460} {echoed}"  # by the 500 characters that are shown
    refused = [answer(echo, 400), httpx.Response(400, text=echoed), httpx.Response(400, text=cut)]
    group = {"data": {"secrets": {"variables": {}, "files": FILES}}}
    provider = Provider({f"GET {path}": answer(group), f"PATCH {path}": refused})
    here, secrets = platform(provider, door), {"A": Secret(SENT), "MAIL": Secret("on")}
    for _ in refused[:]:
        with pytest.raises(LayerFailed) as caught:
            await here.set_secret_group(permit("northflank:SetSecretGroup", "prod/app-env"), "prod", "app-env", secrets)
        left = caught.value.provider_text
        for part in ("clinic", "c0ntrol", "the file", "flat", CODED[:8]):
            assert part not in left, left
        assert "***" in left


async def test_a_switch_word_is_not_masked_inside_the_providers_words(door):
    path = "/v1/projects/prod/secrets/app-env"
    echo = {"error": {"status": 400, "message": 'Validation of this version: "MAIL" received "on"'}}
    provider = Provider({f"GET {path}": answer({"data": {}}), f"PATCH {path}": answer(echo, 400)})
    allowed = permit("northflank:SetSecretGroup", "prod/app-env")
    with pytest.raises(LayerFailed) as caught:
        await platform(provider, door).set_secret_group(allowed, "prod", "app-env", {"MAIL": Secret("on")})
    assert caught.value.provider_text == 'Validation of this version: "MAIL" received "***"'
