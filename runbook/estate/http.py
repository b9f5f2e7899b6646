"""One provider's HTTP API: reads are patient, changes are sent once and only under a permit.

    api = Api(Provider("github", "GitHub", "Make a new token …"), base_url, bearer(token), interlock, door)
    answer = await api.read("/user")

Retried: reads only, on 429, 5xx and connections that fail, as long as the provider asks for and no longer than
`PATIENCE_S` in all; beyond it the error says how long to wait.  A change is never repeated.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from runbook.engine.errors import NoVerdict, RunbookError, WrongUse
from runbook.engine.ports import Permit, Secret
from runbook.estate.door import Door
from runbook.estate.http_errors import (
    Passing,
    Provider,
    concealed,
    judged,
    no_answer,
    of_a_change,
)
from runbook.estate.http_message import Answer, Call, Unreachable
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:  # httpx is loaded with the first call (start-up speed)
    import httpx
    from tenacity import RetryCallState

PATIENCE_S = 20.0
_ATTEMPTS = 5

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
    """How a client is wired to the world: a CA of one's own, or in tests a `transport` and a `sleep` that take none."""

    ca_file: Path | None = None
    transport: httpx.BaseTransport | None = None
    sleep: Sleep = asyncio.sleep


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

        async def once() -> Answer:
            return await self._once(call, allow=allow)

        return await self._patiently(once)

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
        """Send a mutating call once, while the interlock holds the permit; `secrets` are kept out of its errors."""
        call = self._call(method, path, params=params, document=document)
        with self._interlock.holding(permit, operation, target):
            return await self._once(call, changes=True, secrets=secrets)

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

    async def _once(
        self,
        call: Call,
        *,
        allow: Collection[int] = (),
        changes: bool = False,
        secrets: Collection[Secret] = (),
    ) -> Answer:
        hidden = (*self._secrets, *secrets)
        error: RunbookError | None
        try:
            answer = await self._door(self._fetch, call)
        except Unreachable as trouble:
            error = no_answer(trouble, self.provider, call.source, hidden)
            raise (of_a_change(error, trouble) if changes else error) from None
        error = None if answer.status in allow else judged(answer, self.provider, hidden)
        if error is not None:
            raise of_a_change(error, answer) if changes else error
        return answer

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

    async def _patiently(self, once: Callable[[], Awaitable[Answer]]) -> Answer:
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, stop_before_delay

        retrying = AsyncRetrying(
            sleep=self._wiring.sleep,
            retry=retry_if_exception_type(Passing),
            wait=_pause,
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(PATIENCE_S),
            reraise=True,
        )
        return await retrying(once)

    def refusal(self, answer: Answer) -> RunbookError | None:
        """Why an answer whose status was allowed is none to work with after all, or None for a 2xx."""
        return judged(answer, self.provider, self._secrets)

    def words(self, text: str) -> str:
        """A provider's text cleaned and without our secrets."""
        return concealed(text, self._secrets)


def _pause(state: RetryCallState) -> float:
    """What the provider asked for, else 0.5 s, 1 s, 2 s …"""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, Passing) else None
    return float(0.5 * 2 ** (state.attempt_number - 1)) if asked is None else asked
