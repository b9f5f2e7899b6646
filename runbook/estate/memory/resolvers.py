"""The name servers in memory: they answer from the zone's records; a public one may still be stale."""

from __future__ import annotations

from runbook.engine.errors import NoVerdict
from runbook.estate.memory import names
from runbook.estate.memory.edge import MemoryEdge
from runbook.estate.memory.world import World


class MemoryNames:
    """`ports.Names`; `delegation` is what servers say are the zone's name servers, where it is not the zone's own."""

    def __init__(self, world: World, edge: MemoryEdge) -> None:
        self._world = world
        self._edge = edge
        self.delegation: tuple[str, ...] | None = None

    async def addresses(self, name: str, server: str, port: int) -> tuple[str, ...]:
        await self._world.ask("dns", "dns:Resolve", f"{name} at {server}:{port}")
        if server != "127.0.0.1":
            return ()
        if port == names.PUBLIC_PORT and self._edge.stale[name] > 0:
            self._edge.stale[name] -= 1
            return (names.ORIGIN_ADDRESSES[names.OLD_ORIGIN],)
        return self.now(name)

    async def name_servers(self, zone: str, server: str, port: int) -> tuple[str, ...]:
        await self._world.ask("dns", "dns:Resolve", f"{zone} at {server}:{port}")
        ours = f".{zone}".endswith(f".{names.ZONE}")
        if server != "127.0.0.1" or (port == names.AUTHORITATIVE_PORT and not ours):
            raise NoVerdict(
                f"The name server {server} gave no usable answer about {zone}",
                provider_text="REFUSED",
                source=f"dns: {server}:{port} {zone}",
            )
        if zone != names.ZONE:
            return ()
        return tuple(sorted(self._edge.zone_state.name_servers if self.delegation is None else self.delegation))

    def now(self, name: str) -> tuple[str, ...]:
        """The truth: the edge's address when the record is proxied, else that of what it names."""
        if self._edge.proxied_to(name) is not None:
            return (names.EDGE_ADDRESS,)
        record = self._edge.zone_records.get(name)
        origin = names.ORIGIN_ADDRESSES.get(name if record is None else record.content)
        return () if origin is None else (origin,)
