"""The practice edge as one: what the run is told of it, and every fault, seen by the product's own web adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from runbook.config import Connectivity
from runbook.engine.errors import LayerFailed
from runbook.estate.door import Door
from runbook.estate.ports import WebAnswer
from runbook.estate.web import PublicWeb
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.certificates import Authority
from runbook.training.edgelayer import EdgeLayer
from runbook.training.faults import EDGE_FAULTS
from runbook.training.servers.web import LoopbackServer
from runbook.training.servers.zone import HOSTNAMES, ORIGIN

APP, API = HOSTNAMES


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def balancer() -> Iterator[LoopbackServer]:
    server = LoopbackServer(Response("the clinic", headers={"x-clinic-commit": "abc"}))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def layer(authority: Authority, balancer: LoopbackServer) -> Iterator[EdgeLayer]:
    """After a restore: both names lead through the edge to the new origin."""
    made = EdgeLayer(authority, balancer.port)
    made.start()
    for one in made.zone.records:
        if one.name in HOSTNAMES:
            one.content, one.proxied = ORIGIN, True
    yield made
    made.stop()


@pytest.fixture
def told(layer: EdgeLayer) -> Connectivity:
    return Connectivity.model_validate(layer.environment())


@pytest.fixture
def web(told: Connectivity) -> Iterator[PublicWeb]:
    door = Door()
    yield PublicWeb(told.ca_file, told.https_port, Interlock(bounds.practice()), door)
    door.close()


async def visited(web: PublicWeb, name: str = APP, path: str = "/") -> WebAnswer:
    return await web.get(f"https://{name}{path}", address="127.0.0.1")


async def straight(web: PublicWeb, told: Connectivity) -> WebAnswer:
    (origin,) = told.origins
    return await web.get(origin.url, address=origin.address)


# -- in order ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", HOSTNAMES)
async def test_a_visitor_meets_the_application_over_a_good_certificate(web: PublicWeb, name: str) -> None:
    answer = await visited(web, name)
    assert (answer.status, answer.body, answer.headers["x-clinic-commit"]) == (200, b"the clinic", "abc")
    assert answer.headers["server"] == "cloudflare"
    assert "cf-ray" in answer.headers
    assert answer.certificate_until is not None


async def test_the_origin_lets_in_who_comes_from_the_edge_and_nobody_else(
    layer: EdgeLayer, web: PublicWeb, told: Connectivity
) -> None:
    refused = await straight(web, told)
    assert (refused.status, "cf-ray" in refused.headers) == (403, False)
    layer.faults["open-origin"]()
    let_in = await straight(web, told)
    assert (let_in.status, let_in.body, let_in.headers["x-clinic-commit"]) == (200, b"the clinic", "abc")


async def test_a_balancer_that_is_gone_is_a_503_of_the_origin(web: PublicWeb, balancer: LoopbackServer) -> None:
    balancer.stop()
    assert (await visited(web)).status == 503


def test_without_public_names_the_run_is_told_of_the_zone_alone(authority: Authority) -> None:
    made = EdgeLayer(authority, 1, public_names="none")
    told = Connectivity.model_validate(made.environment())
    made.stop()
    made.stop()
    assert (told.zone, told.hostnames) == ("clinic.test", ())


# -- every fault ------------------------------------------------------------------------------------------------------
def test_every_declared_fault_is_there_and_can_be_called_without_parameters(layer: EdgeLayer) -> None:
    assert set(layer.faults) == set(EDGE_FAULTS)
    for happen in layer.faults.values():
        happen()


@pytest.mark.parametrize(
    ("guilt", "words"),
    [("self-signed", "is self-signed"), ("expired", "has expired"), ("wrong-host", "is for another host name")],
)
async def test_a_bad_certificate_is_refused_with_its_reason(
    layer: EdgeLayer, web: PublicWeb, guilt: str, words: str
) -> None:
    assert (await visited(web)).status == 200
    layer.faults["bad-certificate"](guilt=guilt)
    for name in HOSTNAMES:
        with pytest.raises(LayerFailed) as caught:
            await visited(web, name)
        assert str(caught.value) == f"The certificate shown for {name} {words}"
        assert "no switch turns verification off" in caught.value.fix


async def test_a_redirect_to_http_is_not_followed(layer: EdgeLayer, web: PublicWeb) -> None:
    layer.faults["http-redirect"]()
    answer = await visited(web, path="/appointments")
    assert (answer.status, answer.headers["location"]) == (301, f"http://{APP}/appointments")
    assert answer.body == b""


async def test_a_dropped_rule_lets_the_canary_through_and_a_stricter_level_nobody(
    layer: EdgeLayer, web: PublicWeb, told: Connectivity
) -> None:
    assert (await visited(web, path=told.canary_path)).status == 403
    layer.faults["waf-off"]()
    assert (await visited(web, path=told.canary_path)).status == 200
    layer.faults["security-level"](level="under_attack")
    assert (await visited(web)).headers["cf-mitigated"] == "challenge"


@pytest.mark.parametrize(
    ("kind", "parameter"), [("bad-certificate", {"guilt": "dull"}), ("security-level", {"level": "x"})]
)
def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(
    layer: EdgeLayer, kind: str, parameter: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"known: \S+, \S+"):
        layer.faults[kind](**parameter)


@pytest.mark.parametrize("kind", ["zone-paused", "dns-old-origin"])
async def test_where_names_do_not_lead_to_the_edge_it_serves_nobody(
    layer: EdgeLayer, web: PublicWeb, kind: str
) -> None:
    layer.faults[kind]()
    assert (await visited(web)).status == 530
