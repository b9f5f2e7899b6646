"""A TLS front for a PostgreSQL server that was built without TLS.

It speaks only the first message of PostgreSQL's protocol: SSLRequest is answered `S` and TLS follows, GSSENCRequest
is answered `N`, and a start-up in the clear is refused as a server with `hostssl` only would.  Bytes that arrive in
the clear behind the SSLRequest are refused too (CVE-2021-23214).  What follows is copied both ways, unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread

from runbook.training.certificates import Certificate

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
_CHUNK = 1 << 16
_PATIENCE = 10.0  # seconds: for a client's first words, and for the TLS handshake
_HEAD = struct.Struct("!II")


def refusal(message: str) -> bytes:
    """A FATAL ErrorResponse of PostgreSQL's protocol with that message (28000: invalid authorisation)."""
    fields = b"SFATAL\0VFATAL\0C28000\0M" + message.encode() + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


class TlsFront:
    """Listens on 127.0.0.1 and carries clients over TLS to `backend_port`; outlives its backend.

    While the backend is gone a client gets as far as TLS and is then let go, as behind a real proxy.
    """

    def __init__(self, certificate: Certificate, backend_port: int) -> None:
        self._context = certificate.server_context()
        self._backend_port = backend_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._ready: Future[int] = Future()
        self._clients: set[asyncio.Task[None]] = set()
        self._greeted: set[asyncio.Transport] = set()  # those that have not asked for TLS yet
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name="tls front", daemon=True)

    def start(self) -> int:
        """Listen; answers the port."""
        self._thread.start()
        return self.port

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on, once it was started."""
        return self._ready.result(_PATIENCE)

    def stop(self) -> None:
        """Let all clients go and close the port; idempotent."""
        if self._loop is None or self._ended is None:
            return
        with contextlib.suppress(RuntimeError):  # it was stopped before: the loop is closed
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await self._loop.create_server(lambda: _Greeter(self._welcome, self._greeted), "127.0.0.1", 0)
        except OSError as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(server.sockets[0].getsockname()[1])
        await self._ended.wait()
        server.close()
        for transport in self._greeted:
            transport.abort()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted transport closes its socket in the loop's next round

    def _welcome(self, transport: asyncio.Transport) -> None:
        """Called when a client asked for TLS and said nothing else."""
        task = asyncio.get_running_loop().create_task(self._carry(transport))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _carry(self, transport: asyncio.Transport) -> None:
        # A client that hangs up, distrusts us or stalls is no concern of the estate's log.
        with contextlib.suppress(OSError, EOFError):
            reader, writer = await self._over_tls(transport)
            try:
                backend = await asyncio.open_connection("127.0.0.1", self._backend_port)
                await _both_ways((reader, writer), backend)
            finally:
                writer.close()
                transport.abort()

    async def _over_tls(self, transport: asyncio.Transport) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
        protocol = _Upgraded(reader, loop=loop)
        try:
            secure = await loop.start_tls(
                transport, protocol, self._context, server_side=True, ssl_handshake_timeout=_PATIENCE
            )
        except BaseException:
            transport.abort()
            raise
        if secure is None:
            raise ConnectionResetError("the client went away during the handshake")
        reader.set_transport(secure)
        return reader, asyncio.StreamWriter(secure, protocol, reader, loop)


async def _both_ways(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter], server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Copy until either side ends; the protocol has no half-closed state, so both are let go then."""
    ways = [asyncio.ensure_future(_copy(client[0], server[1])), asyncio.ensure_future(_copy(server[0], client[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server[1].transport.abort()  # first: a second cancellation may end the wait below
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    client[1].close()
    with contextlib.suppress(OSError, TimeoutError):  # the server's last words are still on their way
        await asyncio.wait_for(client[1].wait_closed(), 1.0)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()


class _Upgraded(asyncio.StreamReaderProtocol):
    """A stream that became TLS after `connection_made`, which is where the base class looks."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False  # TLS cannot stay half open


class _Greeter(asyncio.Protocol):
    """The words in the clear, before TLS; `welcome` is called with the transport when TLS may start.

    As long as it is ours, the transport is in `ours`.
    """

    def __init__(self, welcome: Callable[[asyncio.Transport], None], ours: set[asyncio.Transport]) -> None:
        self._welcome = welcome
        self._ours = ours
        self._said = bytearray()
        self._transport: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # a TCP server's transport is one
        self._transport = transport
        self._ours.add(transport)
        self._alarm = asyncio.get_running_loop().call_later(_PATIENCE, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self._stop_alarm()
        if self._transport is not None:
            self._ours.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._said += data
        if len(self._said) < _HEAD.size or self._transport is None:
            return
        request = _HEAD.unpack_from(self._said)
        if len(self._said) > _HEAD.size or request[0] != _HEAD.size:
            self._turn_away(self._transport)
        elif request[1] == GSS_REQUEST:
            self._said.clear()
            self._transport.write(b"N")
        elif request[1] == SSL_REQUEST:
            self._stop_alarm()
            self._ours.discard(self._transport)
            self._transport.write(b"S")
            self._welcome(self._transport)
        else:
            self._turn_away(self._transport)

    def _turn_away(self, transport: asyncio.Transport) -> None:
        transport.write(refusal("no pg_hba.conf entry for this host, no encryption"))
        transport.close()

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
