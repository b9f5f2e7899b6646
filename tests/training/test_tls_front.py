"""The TLS front, before a small echo server that stands for PostgreSQL."""

from __future__ import annotations

import contextlib
import gc
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.training.certificates import Authority
from runbook.training.servers.tls_front import GSS_REQUEST, SSL_REQUEST, TlsFront
from tests.training.until import until

NAME = "copy.eu-west-2.rds.practice.test"
SSL = struct.pack("!II", 8, SSL_REQUEST)
GSS = struct.pack("!II", 8, GSS_REQUEST)
STARTUP_IN_THE_CLEAR = struct.pack("!II", 17, 196608) + b"user\0me\0\0"


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while chunk := self.request.recv(1 << 16):
            self.request.sendall(chunk)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def backend() -> Iterator[EchoServer]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def front(authority: Authority, backend: EchoServer) -> Iterator[TlsFront]:
    front = TlsFront(authority.issue("*.eu-west-2.rds.practice.test"), backend.server_address[1])
    front.start()
    yield front
    front.stop()


def dial(front: TlsFront, said: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", front.port), timeout=5)
    client.sendall(said)
    return client


def read_all(client: socket.socket) -> bytes:
    found = b""
    while chunk := client.recv(1 << 16):
        found += chunk
    return found


def secured(client: socket.socket, authority: Authority, name: str = NAME) -> ssl.SSLSocket:
    assert client.recv(1) == b"S"
    return authority.client_context().wrap_socket(client, server_hostname=name)


def test_both_directions_are_carried_over_tls(front: TlsFront, authority: Authority) -> None:
    said = bytes(range(256)) * 4096
    with dial(front, SSL) as raw, secured(raw, authority) as client:
        sending = threading.Thread(target=client.sendall, args=(said,))
        sending.start()
        heard = b""
        while len(heard) < len(said):
            heard += client.recv(1 << 16)
        sending.join()
    assert heard == said


def test_gss_is_declined_and_tls_may_follow(front: TlsFront, authority: Authority) -> None:
    with dial(front, GSS) as raw:
        assert raw.recv(1) == b"N"
        raw.sendall(SSL)
        with secured(raw, authority) as client:
            client.sendall(b"hello")
            assert client.recv(5) == b"hello"


def test_a_request_may_come_in_pieces(front: TlsFront, authority: Authority) -> None:
    with dial(front) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in SSL:
            raw.sendall(bytes([byte]))
        with secured(raw, authority) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"


@pytest.mark.parametrize("said", [STARTUP_IN_THE_CLEAR, SSL + b"smuggled", b"GET / HTTP/1.1\r\n\r\n"])
def test_anything_in_the_clear_is_turned_away(front: TlsFront, said: bytes) -> None:
    with dial(front, said) as client:
        answer = read_all(client)
    assert answer.startswith(b"E")
    assert b"FATAL\0" in answer
    assert b"no encryption" in answer
    assert struct.unpack("!I", answer[1:5])[0] == len(answer) - 1


def test_another_name_is_not_certified(front: TlsFront, authority: Authority) -> None:
    with dial(front, SSL) as raw, pytest.raises(ssl.SSLCertVerificationError):
        secured(raw, authority, name="elsewhere.test")


def test_a_front_outlives_its_backend(authority: Authority) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
    front = TlsFront(authority.issue(NAME), nobody)
    front.start()
    for _ in range(2):
        with dial(front, SSL) as raw, secured(raw, authority) as client:
            assert gone(client)
    front.stop()


def gone(client: ssl.SSLSocket) -> bool:
    try:
        return client.recv(1) == b""
    except OSError:
        return True


def test_stopping_closes_the_port_and_lets_clients_go(authority: Authority, backend: EchoServer) -> None:
    front = TlsFront(authority.issue(NAME), backend.server_address[1])
    port = front.start()
    with dial(front, SSL) as raw, secured(raw, authority) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        front.stop()
        front.stop()
        assert gone(client)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("said", [b"", b"\0\0"])
def test_stopping_lets_go_who_has_not_asked_for_tls_yet(authority: Authority, said: bytes) -> None:
    """Such as a probe that only knocked: its socket would be left to the garbage collector."""
    front = TlsFront(authority.issue(NAME), 1)
    front.start()
    with dial(front, said) as raw:
        until(lambda: len(front._clients) == 1)
        front.stop()
        assert not front._clients
        with contextlib.suppress(ConnectionResetError):
            assert raw.recv(1) == b""


@pytest.mark.parametrize("said", [b"", SSL])
def test_stopping_lets_go_who_is_only_just_at_the_door(authority: Authority, said: bytes) -> None:
    """Accepted in the round in which the front is stopped: a pool that connects again, when an estate is taken down."""
    front = TlsFront(authority.issue(NAME), 1)
    front.start()
    loop, ended, held, door = front._loop, front._ended, threading.Event(), threading.Event()
    assert loop is not None
    assert ended is not None

    def hold() -> None:
        held.set()
        door.wait(5)
        loop.call_soon(ended.set)

    loop.call_soon_threadsafe(hold)
    assert held.wait(5)
    with dial(front, said) as raw:
        door.set()
        front.stop()
        with contextlib.suppress(ConnectionResetError):
            assert read_all(raw) in (b"", b"S")
    gc.collect()  # a socket that nobody closed is warned of here, and a warning is an error


def test_stopping_waits_for_no_backend_that_takes_nothing_more(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        front = TlsFront(authority.issue(NAME), deaf.getsockname()[1])
        front.start()
        with dial(front, SSL) as raw, secured(raw, authority) as client:
            client.settimeout(0.5)
            with pytest.raises(OSError, match="timed out"):
                client.sendall(bytes(64 << 20))  # more than all buffers on the way hold
            front.stop()
            assert not front._thread.is_alive()
    gc.collect()


def test_a_front_that_never_started_can_be_stopped(authority: Authority) -> None:
    TlsFront(authority.issue(NAME), 1).stop()


def test_a_private_key_is_for_its_owner_only(authority: Authority) -> None:
    certificate = authority.issue(NAME)
    assert certificate.key_file.stat().st_mode & 0o777 == 0o600
    assert Path(certificate.cert_file).read_text().count("BEGIN CERTIFICATE") == 1
