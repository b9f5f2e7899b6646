"""Which name servers are asked, and by what they are called."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from runbook.config import Resolver
from runbook.engine.errors import LayerFailed, NoVerdict
from steps.connectivity.zone_seen import zone_seen
from steps.here import Here


@dataclass(frozen=True, slots=True)
class Server:
    """One name server; `label` is how sentences call it."""

    label: str
    address: str
    port: int = 53


def _configured(servers: Iterable[Resolver]) -> tuple[Server, ...]:
    return tuple(
        Server(one.address if one.port == 53 else f"{one.address}:{one.port}", one.address, one.port) for one in servers
    )


def resolvers(here: Here) -> tuple[Server, ...]:
    """The public ones."""
    return _configured(here.environment.connectivity.resolvers)


class Sweep:
    """Questions that belong together: a server that was silent once is not asked again in them (3 s each time)."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._silent: dict[Server, NoVerdict] = {}
        self._answered: set[Server] = set()
        self._first: defaultdict[Server, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def addresses(self, name: str, server: Server) -> tuple[str, ...]:
        """As that server answers; NoVerdict where it does not, or did not before."""
        if server in self._answered:
            return await self._ask(name, server)
        async with self._first[server]:  # what its first answer is, thirty side by side would all wait for
            if server not in self._answered:
                return await self._ask(name, server)
        return await self._ask(name, server)

    async def _ask(self, name: str, server: Server) -> tuple[str, ...]:
        if server in self._silent:
            raise self._silent[server]
        try:
            found = await self._here.estate.names.addresses(name, server.address, server.port)
        except NoVerdict as trouble:
            self._silent[server] = trouble
            raise
        self._answered.add(server)
        return found

    async def addresses_of(self, name: str, servers: Iterable[Server]) -> tuple[str, ...]:
        """As the first of these servers that knows any says it; LayerFailed when those that answered know none."""
        silent: NoVerdict | None = None
        answered = False
        for server in servers:
            try:
                found = await self.addresses(name, server)
            except NoVerdict as trouble:
                silent = silent or trouble
                continue
            answered = True
            if found:
                return found
        if silent is not None and not answered:
            raise silent
        raise LayerFailed(
            f"{name} has no address", fix=f"dig {name}: is there a record of that name?", source="DNS A, AAAA"
        )

    async def public_address(self, name: str) -> str:
        """Where a visitor is led to: as a configured authoritative server says it, else a public resolver."""
        first = _configured(self._here.environment.connectivity.authoritative)
        return (await self.addresses_of(name, (*first, *resolvers(self._here))))[0]


async def authoritative(here: Here) -> tuple[Server, ...]:
    """The configured ones, else the zone's own name servers; NoVerdict when none of these can be found."""
    if configured := _configured(here.environment.connectivity.authoritative):
        return configured
    names, sweep = (await zone_seen(here)).name_servers, Sweep(here)
    found = [Server(name, address) for name in names if (address := await _address(here, sweep, name))]
    if not found:
        raise NoVerdict(
            f"no address of the zone's own name servers ({', '.join(names) or 'none are named'}) could be found",
            fix="Check this machine's network (port 53 open?), or name them in connectivity.authoritative.",
            source="DNS",
        )
    return tuple(found)


async def _address(here: Here, sweep: Sweep, name: str) -> str:
    try:
        return (await sweep.addresses_of(name, resolvers(here)))[0]
    except (LayerFailed, NoVerdict):
        return ""
