"""DNS, asked of one named server; this machine's own resolver settings do not matter."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.answers import text
from runbook.estate.door import Door
from runbook.safety.interlock import Interlock

LIFETIME_S = 3.0
_TRY_S = 1.0


class Dns:
    """`ports.Names`; `lifetime` is how long one type of one name may take, repeats included (seconds)."""

    def __init__(self, interlock: Interlock, door: Door, *, lifetime: float = LIFETIME_S) -> None:
        self._interlock = interlock
        self._door = door
        self._lifetime = lifetime

    async def addresses(self, name: str, server: str, port: int) -> tuple[str, ...]:
        """A, then AAAA; `server` is an address.  An alias whose target that server does not know has no addresses."""
        return await self._door(self._ask, name, server, port, ("A", "AAAA"))

    async def name_servers(self, zone: str, server: str, port: int) -> tuple[str, ...]:
        """NS, without the final dot, in lower case, sorted; `server` is an address.  Empty: it knows no such zone."""
        found = await self._door(self._ask, zone, server, port, ("NS",))
        return tuple(sorted({name.rstrip(".").lower() for name in found}))

    def _ask(self, name: str, server: str, port: int, kinds: tuple[str, ...]) -> tuple[str, ...]:
        import dns.exception
        import dns.resolver

        self._interlock.check_named("dns:Resolve", server)
        source = f"dns: {server}:{port} {name}"
        try:
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers = [server]
            resolver.port = port
            resolver.lifetime, resolver.timeout = self._lifetime, min(_TRY_S, self._lifetime)
            found = [_of_type(resolver, name, kind) for kind in kinds]
        except dns.resolver.NXDOMAIN:
            return ()
        except (dns.resolver.LifetimeTimeout, dns.resolver.NoNameservers, OSError) as error:
            raise NoVerdict(
                f"The name server {server} gave no usable answer about {name}",
                fix="Check this machine's network (port 53 open?) and the server's address in runbook.toml.",
                provider_text=text(error),
                source=source,
            ) from None
        except (dns.exception.DNSException, ValueError) as error:
            raise LayerFailed(
                f"{name} cannot be asked of {server}",
                fix="Check the name and the server's address in runbook.toml.",
                provider_text=text(error),
                source=source,
            ) from None
        return tuple(record for records in found for record in records)


def _of_type(resolver: object, name: str, kind: str) -> tuple[str, ...]:
    """The records of one type; a name that exists without that type has none."""
    import dns.resolver

    assert isinstance(resolver, dns.resolver.Resolver)
    try:
        answer = resolver.resolve(name, kind, search=False)
    except dns.resolver.NoAnswer:
        return ()
    return tuple(text(record.to_text(), 255) for record in answer)
