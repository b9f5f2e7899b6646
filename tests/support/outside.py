"""Names and the web as a test wants them, in front of the practice world's own: what is not set there, it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runbook.estate.ports import Names, Web, WebAnswer

EDGE = {"server": "cloudflare", "cf-ray": "8f2b1c0d3e4f5a6b-LHR"}


def page(
    status: int = 200, body: bytes = b"", *, edge: bool = True, until: datetime | None = None, **headers: str
) -> WebAnswer:
    """An answer; header names are written with `_` for `-`."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebAnswer(status, {**(EDGE if edge else {}), **given}, body, "127.0.0.1", until)


@dataclass
class SetWeb:
    """`answers` by the beginning of a URL, the longest that fits; an exception is raised."""

    world: Web
    answers: dict[str, WebAnswer | Exception] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer:
        self.asked.append((url, address))
        fitting = [start for start in self.answers if url.startswith(start)]
        if not fitting:
            return await self.world.get(url, address=address)
        answer = self.answers[max(fitting, key=len)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer:
        return await self.world.post(url, document, address=address)


Said = tuple[str, ...] | Exception


@dataclass
class SetNames:
    """`said` by (name, server): one answer for good, or a list of which each is given once and the last for good."""

    world: Names
    said: dict[tuple[str, str], Said | list[Said]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def addresses(self, name: str, server: str, port: int) -> tuple[str, ...]:
        self.asked.append((name, server))
        if (name, server) not in self.said:
            return await self.world.addresses(name, server, port)
        return self._given(name, server)

    async def name_servers(self, zone: str, server: str, port: int) -> tuple[str, ...]:
        if (zone, server) not in self.said:
            return await self.world.name_servers(zone, server, port)
        return self._given(zone, server)

    def _given(self, name: str, server: str) -> tuple[str, ...]:
        given = self.said[name, server]
        if isinstance(given, list):
            given = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(given, Exception):
            raise given
        return given
