"""One provider's HTTP API: reads are patient, changes are sent once and only under a permit.

    api = Api(Provider("github", "GitHub", "Make a new token …"), base_url, bearer(token), interlock, door)
    answer = await api.read("/user")

Asked again: a read on 429, 5xx and connections that fail, as long as the provider asks for and no longer than
`http_patience` has (two minutes for throttling, 20 s for the rest); beyond it the error says how long to wait.
A change is sent once.  The one exception is a 429: it says that nothing was carried out, so the same change under the
same permit waits as long as it asks and is sent again; after anything else, 5xx and lost connections above all, never.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from runbook.engine.errors import NoVerdict, RunbookError, WrongUse
from runbook.engine.ports import Permit, Secret
from runbook.estate.door import Door
from runbook.estate.http_errors import (
    UNSAID_S,
    Provider,
    Throttled,
    concealed,
    held_back,
    judged,
    no_answer,
    of_a_change,
)
from runbook.estate.http_message import Answer, Call, Unreachable
from runbook.estate.rates import KnownRates
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:  # httpx is loaded with the first call (start-up speed)
    import httpx

Headers = Callable[[], Mapping[str, str]]
Sleep = Callable[[float], Awaitable[None]]


def segment(name: str) -> str:
    """`name` as one segment of a path: a slash in it is no new segment, and a dot walks nowhere."""
    if name in {"", ".", ".."}:
        raise WrongUse(f"{name!r} is no name that a provider can know", fix="Correct it in runbook.toml.")
    return quote(name, safe="")


def same_origin(one: str, other: str) -> bool:
    """Scheme, host and port are the same: what was meant for one may be told to the other."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)


def bearer(token: Secret) -> Headers:
    """The usual Authorization header, made anew for each call so that the token stays in its `Secret`."""

    def headers() -> Mapping[str, str]:
        text = token.reveal().strip()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise NoVerdict("The token holds characters that no token has", fix="Enter it again, without line ends.")
        return {"Authorization": f"Bearer {text}"}

    return headers


@dataclass(frozen=True, slots=True)
class Wiring:
    """How a client is wired to the world: a CA of one's own, and `rates` shared by all clients of an estate; in tests a
    `transport` and a `sleep` that take no time, and rates whose clock that sleep moves on."""

    ca_file: Path | None = None
    transport: httpx.BaseTransport | None = None
    sleep: Sleep = asyncio.sleep
    rates: KnownRates = field(default_factory=KnownRates)


class Api:
    """Blocking httpx behind the door, with one sign-in; `secrets` never show in an error."""

    def __init__(
        self,
        provider: Provider,
        base_url: str,
        headers: Headers,
        interlock: Interlock,
        door: Door,
        *,
        secrets: Collection[Secret] = (),
        wiring: Wiring | None = None,
    ) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self._headers = headers
        self._interlock = interlock
        self._door = door
        self._secrets = tuple(secrets)
        self._wiring = wiring or Wiring()
        self._rates = self._wiring.rates
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    async def read(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
        operation: str | None = None,
    ) -> Answer:
        """GET `path` or a whole URL; statuses in `allow` are answered, not raised.

        To another host than the API's own only the given `headers` are sent, never the sign-in.
        """
        call = self._call("GET", path, headers=headers, params=params, operation=operation)
        return await self._patiently(call, allow=allow)

    async def change(
        self,
        permit: Permit,
        operation: str,
        target: str,
        method: str,
        path: str,
        *,
        document: Any = None,
        params: Mapping[str, str] | None = None,
        secrets: Collection[Secret] = (),
    ) -> Answer:
        """Send a mutating call while the interlock holds the permit; `secrets` are kept out of its errors.

        Sent again only after a 429, by which the provider says that it did nothing: still the one permitted change.
        """
        call = self._call(method, path, params=params, document=document)
        with self._interlock.holding(permit, operation, target):
            return await self._patiently(call, changes=True, secrets=secrets)

    def _call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        document: Any = None,
        operation: str | None = None,
    ) -> Call:
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        source = f"{self.provider.id}: {method} {urlsplit(url).path}"
        if headers is None:
            headers = self._headers() if same_origin(url, self.base_url) else {}
        return Call(method, url, source, headers, params, document, operation)

    async def _patiently(
        self,
        call: Call,
        *,
        allow: Collection[int] = (),
        changes: bool = False,
        secrets: Collection[Secret] = (),
    ) -> Answer:
        from runbook.estate import http_patience

        async def once() -> Answer:
            return await self._once(call, allow=allow, changes=changes, hidden=(*self._secrets, *secrets))

        again = http_patience.not_carried_out if changes else http_patience.may_pass
        return await http_patience.Patience(self.provider, self._rates, self._wiring.sleep).call(once, again)

    async def _once(self, call: Call, *, allow: Collection[int], changes: bool, hidden: Collection[Secret]) -> Answer:
        own = same_origin(call.url, self.base_url)  # another host (a blob store) has an allowance of its own
        if own and (held := self._rates.held(self.provider)):
            raise held_back(self.provider, held, call.source)
        try:
            answer = await self._door(self._fetch, call)
        except Unreachable as trouble:
            silence = no_answer(trouble, self.provider, call.source, hidden)
            raise (of_a_change(silence, trouble) if changes else silence) from None
        error = None if answer.status in allow else judged(answer, self.provider, hidden)
        if own:
            self._learn(answer, error)
        if error is not None:
            raise of_a_change(error, answer) if changes else error
        return answer

    def _learn(self, answer: Answer, error: RunbookError | None) -> None:
        """What the answer says of the allowance, for every client of this provider."""
        self._rates.heard(self.provider, answer)
        if isinstance(error, Throttled):
            self._rates.refused(self.provider, UNSAID_S if error.wait is None else error.wait)

    def _fetch(self, call: Call) -> Answer:
        """In a thread: the client is made with the first call, once."""
        from runbook.estate import http_wire

        with self._lock:
            if self._client is None:
                self._client = http_wire.client(
                    self.provider.id, self._interlock, ca_file=self._wiring.ca_file, transport=self._wiring.transport
                )
            client = self._client
        return http_wire.fetch(client, call)[0]

    def refusal(self, answer: Answer) -> RunbookError | None:
        """Why an answer whose status was allowed is none to work with after all, or None for a 2xx."""
        return judged(answer, self.provider, self._secrets)

    def words(self, text: str) -> str:
        """A provider's text cleaned and without our secrets."""
        return concealed(text, self._secrets)
