"""A provider on no network: records what an adapter sends and answers from a table; contracts are checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from runbook.engine.ports import Permit
from runbook.estate.door import Door
from runbook.estate.http import Wiring
from runbook.estate.rates import KnownRates
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from tests.training import openapi

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"
Reply = httpx.Response | Callable[[httpx.Request], httpx.Response]


def answer(document: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers={name.replace("_", "-"): v for name, v in headers.items()})


@dataclass
class Provider:
    """`replies` by "METHOD /path"; a list is used up one by one, its last one kept.

    `slept` are the pauses between requests, `seconds` the time that they took, by the clock of `rates`.
    """

    replies: dict[str, Any]
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    seconds: float = 1000.0

    def __post_init__(self) -> None:
        self.rates = KnownRates(lambda: self.seconds)
        self._asleep = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self._asleep = False
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
        return Wiring(transport=httpx.MockTransport(self), sleep=self.sleep, rates=self.rates)

    async def sleep(self, seconds: float) -> None:
        if self._asleep:
            self.slept[-1] += seconds
        else:
            self.slept.append(seconds)
        self._asleep = True
        self.seconds += seconds

    def body(self, place: int = -1) -> Any:
        return json.loads(self.requests[place].content)


def permit(operation: str, target: str) -> Permit:
    return Permit("run", "step", operation, target)


def interlock() -> Interlock:
    return Interlock(bounds.practice())


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
    document = sent(request) if request.content else openapi.NOTHING
    query = request.url.query.decode()
    openapi.judge_request(name, request.method, request.url.path.removeprefix(base), query, document)


def sent(request: httpx.Request) -> Any:
    return json.loads(request.content)
