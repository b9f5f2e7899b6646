"""A zone that is known by its id only, as a resumed run knows it from its journal, is asked for its name first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx
import pytest

from runbook.engine.errors import NoVerdict, Refused
from runbook.engine.ports import Permit, Secret
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.door import Door
from runbook.estate.http import Wiring
from runbook.estate.ports import DnsRecord
from runbook.safety import bounds
from runbook.safety.bounds import Bounds
from runbook.safety.interlock import Interlock
from tests.safety import places

NAME: Final = "app.staging.practice.test"
BEFORE: Final = DnsRecord("r1", NAME, "CNAME", "origin.example", proxied=True, ttl=1)
Asked = list[tuple[str, str]]


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Bounds:
    return places.bounds_of(places.configured(tmp_path_factory.mktemp("zone")), "drill")


@asynccontextmanager
async def _edge(may: Bounds, zone: Callable[[], httpx.Response]) -> AsyncIterator[tuple[Cloudflare, Asked]]:
    """An adapter of a new process that has read the record already; `zone` answers for the id z1."""
    asked: Asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path.removeprefix("/client/v4")))
        if request.url.path.endswith("/zones/z1"):
            return zone()
        record = {"id": "r1", "name": NAME, "type": "CNAME", "content": "origin.example", "proxied": True, "ttl": 1}
        return httpx.Response(200, json={"success": True, "result": record if request.method == "PATCH" else [record]})

    door, wiring = Door(2), Wiring(transport=httpx.MockTransport(answer))
    base = "http://127.0.0.1:1/client/v4" if may.loopback_only else "https://api.cloudflare.com/client/v4"
    edge = Cloudflare(base, Secret("token"), None, Interlock(may), door, read_only=False, wiring=wiring)
    await edge.records("z1", NAME)
    asked.clear()
    yield edge, asked
    door.close()


def _zone(name: str) -> Callable[[], httpx.Response]:
    found = {"id": "z1", "name": name, "status": "active"}
    return lambda: httpx.Response(200, json={"success": True, "result": found})


def _permit() -> Permit:
    return Permit("run", "step", "cloudflare:SetRecord", "z1/r1")


async def test_the_zone_is_asked_for_once_and_then_its_record_is_set(drill: Bounds) -> None:
    async with _edge(drill, _zone("staging.practice.test")) as (edge, asked):
        for _ in range(2):
            await edge.set_record(_permit(), "z1", BEFORE)
    change = ("PATCH", "/zones/z1/dns_records/r1")
    assert asked == [("GET", "/zones/z1"), change, change]


@pytest.mark.parametrize("name", ["clinic.practice.test", "practice.test", ""])
async def test_a_zone_that_is_another_ones_is_left_alone(name: str, drill: Bounds) -> None:
    async with _edge(drill, _zone(name)) as (edge, asked):
        with pytest.raises(Refused, match=r"is not that of staging"):
            await edge.set_record(_permit(), "z1", BEFORE)
    assert asked == [("GET", "/zones/z1")]


async def test_a_zone_that_does_not_answer_is_left_alone(drill: Bounds) -> None:
    async with _edge(drill, lambda: httpx.Response(403, json={"success": False, "errors": []})) as (edge, asked):
        with pytest.raises(NoVerdict):
            await edge.set_record(_permit(), "z1", BEFORE)
    assert asked == [("GET", "/zones/z1")]


async def test_training_has_nothing_to_tell_apart_and_asks_nothing_more() -> None:
    async with _edge(bounds.practice(), _zone("elsewhere.example")) as (edge, asked):
        await edge.set_record(_permit(), "z1", BEFORE)
    assert asked == [("PATCH", "/zones/z1/dns_records/r1")]
