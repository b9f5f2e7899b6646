"""A TLS front for a PostgreSQL server that was built without TLS.

It speaks only the first message of PostgreSQL's protocol: SSLRequest is answered `S` and TLS follows, GSSENCRequest
is answered `N`, and a start-up in the clear is refused as a server with `hostssl` only would.  Bytes that arrive in
the clear behind the SSLRequest are refused too (CVE-2021-23214).  What follows is copied both ways, unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from concurrent.futures import Future
from threading import Thread

from runbook.training.certificates import Certificate

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
_CHUNK = 1 << 16
_PATIENCE = 10.0  # seconds: for a client's first words, and for the TLS handshake
_HEAD = struct.Struct("!II")
_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
        self._clients: dict[asyncio.Task[None], socket.socket] = {}
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
            listening = socket.create_server(("127.0.0.1", 0))
        except OSError as error:
            self._ready.set_exception(error)
            return
        with listening:
            listening.settimeout(0)
            self._loop.add_reader(listening, self._accept, listening, self._ended)
            self._ready.set_result(listening.getsockname()[1])
            await self._ended.wait()
            self._loop.remove_reader(listening)
        await self._let_go()

    def _accept(self, listening: socket.socket, ended: asyncio.Event) -> None:
        """Every client is ours from here on: one whom asyncio accepts itself may be lost when the loop ends."""
        with contextlib.suppress(OSError):  # it went away while it waited
            client, _ = listening.accept()
            client.settimeout(0)
            task = asyncio.get_running_loop().create_task(self._attend(client, ended))
            self._clients[task] = client
            task.add_done_callback(self._clients.pop)

    async def _let_go(self) -> None:
        """Hang up on everybody and wait for them to end.

        Not by cancelling: a task that has not begun yet, or asyncio in the middle of a handshake, would leave its
        socket to the garbage collector.
        """
        for client in self._clients.values():
            with contextlib.suppress(OSError):  # it hung up before us
                client.shutdown(socket.SHUT_RDWR)
        await asyncio.gather(*self._clients, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted transport closes its socket in the loop's next round

    async def _attend(self, client: socket.socket, ended: asyncio.Event) -> None:
        # A client that hangs up, distrusts us or stalls is no concern of the estate's log.
        with client, contextlib.suppress(OSError, EOFError):
            async with asyncio.timeout(_PATIENCE):
                wants_tls = await _greet(client)
            if wants_tls:
                await self._carry(client, ended)

    async def _carry(self, client: socket.socket, ended: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, client, ssl=self._context, ssl_handshake_timeout=_PATIENCE
        )
        try:
            backend = await asyncio.open_connection("127.0.0.1", self._backend_port)
            await _both_ways((reader, asyncio.StreamWriter(transport, protocol, reader, loop)), backend, ended)
        finally:
            transport.abort()


async def _greet(client: socket.socket) -> bool:
    """The words in the clear, before TLS; answers whether TLS comes next, and has refused it if not."""
    loop, said = asyncio.get_running_loop(), b""
    while True:
        while len(said) < _HEAD.size:
            heard = await loop.sock_recv(client, _CHUNK)
            if not heard:
                return False
            said += heard
        request = _HEAD.unpack_from(said)
        if len(said) > _HEAD.size or request[0] != _HEAD.size or request[1] not in (GSS_REQUEST, SSL_REQUEST):
            await loop.sock_sendall(client, refusal("no pg_hba.conf entry for this host, no encryption"))
            return False
        if request[1] == SSL_REQUEST:
            await loop.sock_sendall(client, b"S")
            return True
        await loop.sock_sendall(client, b"N")
        said = b""


async def _both_ways(client: _Stream, server: _Stream, ended: asyncio.Event) -> None:
    """Copy until either side ends; the protocol has no half-closed state, so both are let go then.

    `ended` ends it too: while the server takes nothing more, a client's hanging up is not read.
    """
    ends = [_copy(client[0], server[1]), _copy(server[0], client[1]), ended.wait()]
    tasks = [asyncio.ensure_future(end) for end in ends]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    server[1].transport.abort()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    client[1].close()
    with contextlib.suppress(OSError, TimeoutError):  # the server's last words are still on their way
        await asyncio.wait_for(client[1].wait_closed(), 1.0)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()
