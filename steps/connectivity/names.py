"""Where the public names lead, everywhere that visitors ask: authoritative servers first, then public resolvers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Observation
from steps.connectivity.resolving import Server, Sweep, authoritative, resolvers
from steps.connectivity.unrouted import not_exercised, routes
from steps.here import Here
from steps.many import listed, side_by_side, told
from steps.patience import patient

LIMIT_S: Final = 420.0  # a proxied record's TTL is 300 s (Cloudflare: DNS records, TTL)
_Pair = tuple[str, Server]


class _Group:
    """Every public name at every server of one kind; what leads to the edge once needs no second question."""

    def __init__(
        self, here: Here, kind: str, servers: Sequence[Server], ranges: Sequence[Any], until: datetime
    ) -> None:
        self._here = here
        self._kind = kind
        self._ranges = ranges
        self._until = until
        names = [hostname.name for hostname in here.environment.connectivity.hostnames]
        self._open: list[_Pair] = [(name, server) for name in names for server in servers]
        self._of = len(self._open)
        self._right: set[str] = set()  # names that some server of this kind leads to the edge
        self._elsewhere: list[str] = []
        self.silent: tuple[str, ...] = ()  # servers that gave no usable answer

    async def settled(self) -> None:
        """Wait until all lead to the edge; LayerFailed lists those that do not in time, NoVerdict if none answers."""
        left = max((self._until - self._here.now()).total_seconds(), 0)
        try:
            await self._here.until(self._look, limit_s=left, waiting_for=f"{self._kind} to lead to the edge")
        except NoVerdict as late:
            if not self._elsewhere:
                raise
            raise LayerFailed(
                f"after {LIMIT_S:.0f} s these still do not lead to the edge: {told(self._elsewhere, of=self._of)}",
                fix="dig NAME @SERVER: is the record proxied? A cached answer lives for its TTL, up to 300 s.",
                source="DNS A, AAAA",
            ) from late

    async def _look(self) -> bool:
        """Whether no server leads elsewhere and every name was seen at one; a server that is silent is no other's."""
        sweep = Sweep(self._here)

        async def ask(pair: _Pair) -> tuple[str, ...] | None:
            try:
                return await sweep.addresses(*pair)
            except NoVerdict:
                return None

        said = await side_by_side(self._here, self._open, ask, doing="", named=_named)
        answers = list(zip(self._open, said, strict=True))
        if all(addresses is None for _, addresses in answers) and not self._right and not self._elsewhere:
            raise NoVerdict(
                f"none of {self._kind} ({listed(_labels(self._open))}) gave a usable answer",
                fix="Check this machine's network (port 53 open?) and the servers in runbook.toml.",
                source="DNS A, AAAA",
            )
        self._right |= {name for (name, _), addresses in answers if self._inside(addresses)}
        self._open = [pair for pair, addresses in answers if not self._inside(addresses)]
        self.silent = _labels([pair for pair, addresses in answers if addresses is None])
        self._elsewhere = [
            f"{_named(pair)} says {listed(addresses) or 'no address'}"
            for pair, addresses in answers
            if addresses is not None and not self._inside(addresses)
        ]
        if self._elsewhere or any(name not in self._right for name, _ in self._open):
            self._show()
            return False
        return True

    def _inside(self, addresses: tuple[str, ...] | None) -> bool:
        return bool(addresses) and all(
            any(ipaddress.ip_address(one) in network for network in self._ranges) for one in addresses or ()
        )

    def _show(self) -> None:
        left = max(int((self._until - self._here.now()).total_seconds()), 0)
        waiting = listed(self._elsewhere or [f"no answer about {_named(pair)}" for pair in self._open])
        words = f"{waiting}; caches forget within 300 s, waiting up to {left // 60}:{left % 60:02d} more"
        self._here.desk.progress(self._of - len(self._open), self._of, words)


def _named(pair: _Pair) -> str:
    name, server = pair
    return f"{name} at {server.label}"


def _labels(pairs: Sequence[_Pair]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(server.label for _, server in pairs))


async def _ranges(here: Here) -> list[Any]:
    """NoVerdict where the edge publishes none: nothing would be inside them."""
    try:
        ranges = [ipaddress.ip_network(cidr) for cidr in await here.estate.edge.ranges()]
    except ValueError:
        ranges = []
    if not ranges:
        raise NoVerdict(
            "the edge published no address ranges that can be read, so nothing can be compared with them",
            fix="Try again; https://www.cloudflare.com/ips/ has them too.",
            source="cloudflare: GET /ips",
        )
    return ranges


@patient
async def names_lead_to_the_edge(here: Here) -> Observation:
    """Every answer of every server inside the edge's published ranges; cached answers are waited for."""
    if not routes(here):
        return not_exercised(here, "that public names lead to the edge; no name server was asked about one")
    until = here.now() + timedelta(seconds=LIMIT_S)
    ranges = await _ranges(here)
    first, then = await authoritative(here), resolvers(here)
    groups = (
        _Group(here, "the authoritative servers", first, ranges, until),
        _Group(here, "the public resolvers", then, ranges, until),
    )
    for group in groups:
        await group.settled()
    silent = [label for group in groups for label in group.silent]
    names = [hostname.name for hostname in here.environment.connectivity.hostnames]
    return Observation.passed(
        expected="answers inside the edge's ranges",
        observed=f"{listed(names)}: inside the edge's ranges at {listed([server.label for server in first])} "
        f"(authoritative) and {listed([server.label for server in then])} (public)"
        + (f"; {listed(silent)} gave no usable answer" if silent else ""),
        source="DNS A, AAAA; cloudflare: GET /ips",
    )
