"""Stage 5 over a real edge: its API, name servers, TLS and ingress on loopback; the layers below stay in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from runbook.config import Connectivity
from runbook.engine.ports import Secret
from runbook.engine.run import Run
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.dns import Dns
from runbook.estate.door import Door
from runbook.estate.ports import Web, WebAnswer
from runbook.estate.web import PublicWeb
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.certificates import Authority
from runbook.training.edgelayer import MARKER_HEADER, EdgeLayer
from runbook.training.servers.firewall import CUSTOM_PHASE, MANAGED_PHASE
from runbook.training.servers.web import LoopbackServer
from runbook.training.servers.zone import HOSTNAMES, ORIGIN
from tests.support.practice import Practice

pytestmark = pytest.mark.estate


@dataclass
class Split:
    """The public side over the wire, the platform's own addresses in memory.

    A certificate's end is left out: it is of this day, and the world's clock stands at another.
    """

    outside: Web
    inside: Web

    def _of(self, url: str) -> Web:
        return self.outside if any(name in url for name in (*HOSTNAMES, ORIGIN)) else self.inside

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer:
        return replace(await self._of(url).get(url, address=address), certificate_until=None)

    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer:
        return await self._of(url).post(url, document, address=address)


@dataclass
class Doors:
    """A practice world whose edge is real."""

    practice: Practice
    layer: EdgeLayer

    async def walk(self, script: dict[str, list[Any]] | None = None) -> Run:
        return await self.practice.walk(self.practice.operator(script))

    def records(self) -> list[tuple[str, str, bool]]:
        return [(one.name, one.content, one.proxied) for one in self.layer.zone.records]


def connected(practice: Practice, layer: EdgeLayer, door: Door) -> Doors:
    settings = Connectivity.model_validate(layer.environment())
    practice.environment = practice.environment.model_copy(update={"connectivity": settings})
    interlock, world = Interlock(bounds.practice()), practice.world
    token = Secret(layer.credentials()["cloudflare-token"])
    edge = Cloudflare(settings.cloudflare, token, None, interlock, door, read_only=not settings.hostnames)
    web = PublicWeb(settings.ca_file, settings.https_port, interlock, door)
    world.edge, world.names = edge, Dns(interlock, door)  # type: ignore[assignment]
    world.web = Split(web, world.web)  # type: ignore[assignment]
    return Doors(practice, layer)


@pytest.fixture
def public_names() -> str:
    return "staging"


@pytest.fixture
def doors(practice: Practice, tmp_path: Path, public_names: str) -> Iterator[Doors]:
    commit = practice.world.images.newest_release.commit
    balancer = LoopbackServer(Response("the clinic", headers={MARKER_HEADER: commit}))
    layer, door = EdgeLayer(Authority(tmp_path / "ca"), balancer.port, public_names=public_names), Door()
    balancer.start()
    layer.start()
    yield connected(practice, layer, door)
    layer.stop()
    balancer.stop()
    door.close()


def result(run: Run, step: str) -> tuple[str, str]:
    last = run.last(f"connectivity.{step}")
    assert last is not None
    return last.verdict.value, last.observed


async def test_the_doors_open_and_are_as_they_were_after_the_closing(doors: Doors) -> None:
    before = doors.records()
    run = await doors.walk()
    assert [(a.step, a.observed) for a in run.attempts if not a.verdict.satisfies] == []
    assert (run.outcome, run.findings) == ("PASS", ())
    assert doors.records() == before
    assert "shut" in result(run, "origin")[1]
    assert "answered HTTP 403 (2 of 2)" in result(run, "waf-live")[1]


@pytest.mark.parametrize(
    ("guilt", "words"),
    [("self-signed", "is self-signed"), ("expired", "has expired"), ("wrong-host", "is for another host name")],
)
async def test_each_guilt_of_the_edge_s_certificate_is_refused_with_its_reason(
    doors: Doors, guilt: str, words: str
) -> None:
    doors.layer.bad_certificate(guilt)
    run = await doors.walk()
    verdict, observed = result(run, "https")
    assert verdict == "FAIL"
    assert f"The certificate shown for app.clinic.test {words}" in observed
    assert f"The certificate shown for api.clinic.test {words}" in observed


async def test_a_redirect_to_http_is_refused(doors: Doors) -> None:
    doors.layer.redirect_to_http()
    run = await doors.walk()
    verdict, observed = result(run, "https")
    assert verdict == "FAIL"
    assert "HTTP 301 to http://app.clinic.test" in observed


async def test_an_old_origin_is_left_once_the_resolvers_forget_it(doors: Doors) -> None:
    doors.layer.zone.go_stale(4)
    run = await doors.walk()
    assert run.outcome == "PASS"
    assert result(run, "dns")[0] == "PASS"


async def test_an_open_origin_is_a_major_finding(doors: Doors) -> None:
    doors.layer.open_origin()
    run = await doors.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    (finding,) = run.findings
    assert finding.severity == "major"
    assert ORIGIN in finding.text


async def test_a_paused_zone_stops_before_any_record(doors: Doors) -> None:
    before = doors.records()
    doors.layer.zone.pause()
    run = await doors.walk()
    assert result(run, "zone")[0] == "FAIL"
    assert doors.records() == before


async def test_a_firewall_that_is_off_is_put_right_before_the_first_record(doors: Doors) -> None:
    doors.layer.zone.drop_protection(managed=True, canary=True)
    run = await doors.walk()
    assert run.outcome == "PASS"
    changes = [call.partition("/client/v4/zones/")[2].partition("/")[2] or call for call in doors.layer.calls]
    assert [change.partition("/")[0] for change in changes] == ["rulesets"] * 4 + ["dns_records"] * 4
    assert sum("dry_run=true" in change for change in changes) == 2


@pytest.mark.parametrize("phase", [MANAGED_PHASE, CUSTOM_PHASE])
async def test_a_phase_that_was_never_configured_is_made(doors: Doors, phase: str) -> None:
    doors.layer.zone.rulesets.pop(phase)
    run = await doors.walk()
    assert run.outcome == "PASS"
    assert "put right and read back" in result(run, "waf")[1]


async def test_a_security_level_that_was_lowered_stops_before_any_record(doors: Doors) -> None:
    doors.layer.security_level("essentially_off")
    run = await doors.walk()
    assert result(run, "settings") == ("FAIL", "security level essentially_off, not medium")


async def test_a_throttled_provider_is_waited_for(doors: Doors) -> None:
    doors.layer.throttle(calls=2, wait=0)
    assert (await doors.walk()).outcome == "PASS"


@pytest.mark.parametrize("public_names", ["none"])
async def test_without_names_of_its_own_the_zone_is_only_read(doors: Doors, public_names: str) -> None:
    doors.layer.zone.drop_protection(managed=True, canary=True)
    run = await doors.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    assert doors.layer.calls == ()
    assert {result(run, step)[0] for step in ("records", "dns", "https", "waf-live", "origin")} == {"NOT_NEEDED"}
