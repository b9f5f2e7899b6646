"""A provider on no network: records what an adapter sends and answers from a table; contracts are checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from runbook.engine.ports import Permit
from runbook.estate.door import Door
from runbook.estate.http import Wiring
from runbook.safety.interlock import Interlock, Reach
from tests.training import openapi

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"
Reply = httpx.Response | Callable[[httpx.Request], httpx.Response]


def answer(document: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers={name.replace("_", "-"): v for name, v in headers.items()})


@dataclass
class Provider:
    """`replies` by "METHOD /path"; a list is used up one by one, its last one kept."""

    replies: dict[str, Any]
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.replies.get(f"{request.method} {request.url.raw_path.decode().partition('?')[0]}")
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, Exception):
            raise found
        if callable(found):
            return found(request)  # type: ignore[no-any-return]  # a reply function answers a response
        return found if found is not None else httpx.Response(404, json={"message": "no reply in this test"})

    @property
    def wiring(self) -> Wiring:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return Wiring(transport=httpx.MockTransport(self), sleep=sleep)

    def body(self, place: int = -1) -> Any:
        return json.loads(self.requests[place].content)


def permit(operation: str, target: str) -> Permit:
    return Permit("run", "step", operation, target)


def interlock() -> Interlock:
    return Interlock(Reach(loopback_only=True))


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(4)
    yield door
    door.close()


# -- contracts ----------------------------------------------------------------------------------------------------
def examples(name: str) -> dict[str, Any]:
    path = CONTRACTS / "examples" / f"{name}.json"
    if not path.exists():
        pytest.skip("the contracts are not beside this checkout")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def conforms(name: str, base: str, request: httpx.Request) -> None:
    """The request is one that the provider's OpenAPI description knows; skipped without the contracts."""
    contract = openapi._contract(name)
    template, operation = openapi._operation(name, request.method, request.url.path.removeprefix(base))
    parameters = [openapi._resolved(name, one) for one in operation.get("parameters", ())]
    known = {one["name"] for one in parameters if one["in"] == "query"}
    assert set(request.url.params) <= known, f"{request.method} {template} takes {known}, was sent {request.url}"
    if request.content:
        body = openapi._resolved(name, operation["requestBody"])["content"]["application/json"]["schema"]
        found = [error.message[:200] for error in Draft202012Validator({**contract, **body}).iter_errors(sent(request))]
        assert not found, f"{request.method} {template}: {found}"


def sent(request: httpx.Request) -> Any:
    return json.loads(request.content)
