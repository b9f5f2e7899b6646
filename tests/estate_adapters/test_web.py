from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runbook.engine.errors import LayerFailed, NoVerdict, Refused, WrongUse
from runbook.estate import http_wire
from runbook.estate.ports import Silent
from runbook.estate.web import PublicWeb
from tests.estate_adapters.provider import door, interlock

__all__ = ["door"]
NAME = "app.clinic.test"


class Visitor(BaseHTTPRequestHandler):
    """Answers with what it was told, so that a test can see how it was addressed."""

    def do_GET(self) -> None:
        self.reply(302 if self.path == "/moved" else 200, b"x" * (3 << 20) if self.path == "/large" else b"hello")

    def do_POST(self) -> None:
        self.reply(200, self.rfile.read(int(self.headers["content-length"])))

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("X-Host", self.headers["host"])
        if status == 302:
            self.send_header("Location", f"http://{NAME}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the visitor had read enough

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet."""


Served = trustme.LeafCert | bytes
"""A certificate, or a PEM text with key and chain."""


@contextmanager
def serving(certificate: Served | None, change: Callable[[ssl.SSLContext], None] = lambda _: None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Visitor)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes are expected here
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        present(certificate, context)
        change(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def present(certificate: Served, context: ssl.SSLContext) -> None:
    if isinstance(certificate, trustme.LeafCert):
        certificate.configure_cert(context)
    else:
        with trustme.Blob(certificate).tempfile() as path:
            context.load_cert_chain(path)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def web(door, ca_file: Path | None, port: int = 443) -> PublicWeb:
    return PublicWeb(ca_file, port, interlock(), door)


async def test_an_address_takes_the_names_place_and_tls_keeps_the_name(door, authority, ca_file):
    with serving(authority.issue_cert(NAME)) as port:
        answer = await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")
    assert (answer.status, answer.body, answer.address) == (200, b"hello", "127.0.0.1")
    assert answer.headers["x-host"] == f"{NAME}:{port}"
    assert "location" not in answer.headers
    assert answer.certificate_until is not None
    assert answer.certificate_until > datetime.now(UTC)


async def test_a_document_is_posted_as_json(door):
    with serving(None) as port:
        answer = await web(door, None).post(f"http://127.0.0.1:{port}/probe", {"nonce": "00ff"})
    assert json.loads(answer.body) == {"nonce": "00ff"}
    assert answer.certificate_until is None


async def test_long_bodies_are_cut(door):
    with serving(None) as port:
        here = web(door, None)
        assert len((await here.get(f"http://127.0.0.1:{port}/large")).body) == 1 << 20


async def test_a_redirect_to_http_is_an_answer_that_names_its_goal_and_is_not_followed(door, authority, ca_file):
    with serving(authority.issue_cert(NAME)) as port:
        answer = await web(door, ca_file, port).get(f"https://{NAME}/moved", address="127.0.0.1")
    assert (answer.status, answer.headers["location"]) == (302, f"http://{NAME}/elsewhere")
    assert answer.address == "127.0.0.1"
    assert answer.body == b"hello"


def self_signed(authority: trustme.CA) -> Served:
    """Right in everything but that it vouches for itself."""
    del authority
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem) + key.private_bytes(pem, *plain)


def chain_of_another_authority(authority: trustme.CA) -> Served:
    del authority
    other = trustme.CA()
    return other.issue_cert(NAME).private_key_and_cert_chain_pem.bytes() + other.cert_pem.bytes()


GUILTY: dict[str, Callable[[trustme.CA], Served]] = {
    "is self-signed": self_signed,
    "is signed by an authority of its own (self-signed chain)": chain_of_another_authority,
    "is signed by an authority that is not trusted here": lambda _: trustme.CA().issue_cert(NAME),
    "has expired": lambda authority: authority.issue_cert(NAME, not_after=datetime.now(UTC) - timedelta(days=1)),
    "is not valid yet": lambda authority: authority.issue_cert(
        NAME, not_before=datetime.now(UTC) + timedelta(days=1), not_after=datetime.now(UTC) + timedelta(days=9)
    ),
    "is for another host name": lambda authority: authority.issue_cert("other.test"),
}


@pytest.mark.parametrize("guilt", GUILTY)
async def test_a_bad_certificate_fails_the_layer_and_its_guilt_is_named(door, authority, ca_file, guilt):
    with serving(GUILTY[guilt](authority)) as port, pytest.raises(LayerFailed) as caught:
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")
    assert caught.value.sentence == f"The certificate shown for {NAME} {guilt}"
    assert caught.value.provider_text
    assert caught.value.source == f"web: GET https://{NAME}:{port}/"


async def test_a_certificate_for_another_address_is_told_apart_too(door, authority, ca_file):
    with serving(authority.issue_cert(NAME)) as port, pytest.raises(LayerFailed, match="is for another address"):
        await web(door, ca_file).get(f"https://127.0.0.1:{port}/")


NO_TLS = f"^{NAME} does not speak TLS as it must$"


async def test_plain_http_where_tls_is_expected_fails_the_layer(door, ca_file):
    with serving(None) as port, pytest.raises(LayerFailed, match=NO_TLS) as caught:
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")
    assert caught.value.provider_text


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_that_is_too_old_fails_the_layer(door, authority, ca_file):
    def old(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with serving(authority.issue_cert(NAME), old) as port, pytest.raises(LayerFailed, match=NO_TLS):
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")


async def test_a_client_certificate_that_is_demanded_fails_the_layer(door, authority, ca_file):
    def mutual(context: ssl.SSLContext) -> None:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # of a newer one the alert may be lost with the connection

    with serving(authority.issue_cert(NAME), mutual) as port, pytest.raises(LayerFailed, match=NO_TLS):
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")


async def test_an_alert_after_the_handshake_fails_the_layer(door):
    def demanding(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("alert") from ssl.SSLError("TLSV13_ALERT_CERTIFICATE_REQUIRED")

    here = PublicWeb(None, 443, interlock(), door, transport=httpx.MockTransport(demanding))
    with pytest.raises(LayerFailed, match="does not speak TLS as it must"):
        await here.get("https://127.0.0.1/")


@contextmanager
def listening(*, hanging_up: bool) -> Iterator[int]:
    """Takes the connection, and says nothing on it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def take() -> None:
            taken, _ = server.accept()
            if hanging_up:
                taken.recv(1)
                taken.close()
            else:
                kept.append(taken)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(5)
            for one in kept:
                one.close()


async def test_a_connection_that_is_taken_and_cut_off_is_no_silence(door, ca_file):
    with listening(hanging_up=True) as port, pytest.raises(NoVerdict) as caught:
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")
    assert not isinstance(caught.value, Silent)
    assert caught.value.sentence == f"{NAME} took the connection and broke it off"


async def test_a_connection_that_is_taken_and_gets_no_handshake_is_no_silence(door, ca_file, monkeypatch):
    monkeypatch.setattr(http_wire, "_TIMEOUT", httpx.Timeout(0.2))
    with listening(hanging_up=False) as port, pytest.raises(NoVerdict) as caught:
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")
    assert not isinstance(caught.value, Silent)
    assert caught.value.sentence == f"{NAME} took the connection and did not answer in time"


@pytest.mark.parametrize(
    ("trouble", "kind", "how"),
    [
        (httpx.ReadTimeout("slow"), NoVerdict, "took the connection and did not answer in time"),
        (httpx.ReadError("cut"), NoVerdict, "took the connection and broke it off"),
        (httpx.ConnectTimeout("slow"), Silent, "could not be reached"),
        (httpx.ConnectError("no route"), NoVerdict, "could not be reached"),
    ],
)
async def test_silence_is_told_apart_from_what_took_the_connection(door, trouble, kind, how):
    def never(request: httpx.Request) -> httpx.Response:
        raise trouble

    here = PublicWeb(None, 443, interlock(), door, transport=httpx.MockTransport(never))
    with pytest.raises(NoVerdict) as caught:
        await here.get("https://127.0.0.1/")
    assert type(caught.value) is kind
    assert caught.value.sentence == f"127.0.0.1 {how}"


async def test_without_a_ca_of_its_own_the_public_ones_are_asked_whatever_the_environment_says(
    door, authority, ca_file, monkeypatch
):
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(ca_file))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with serving(authority.issue_cert(NAME)) as port, pytest.raises(LayerFailed):
        await web(door, None, port).get(f"https://{NAME}/", address="127.0.0.1")


async def test_a_refused_connection_is_silence(door):
    with serving(None) as port:
        pass
    with pytest.raises(Silent, match="could not be reached"):
        await web(door, None).get(f"http://127.0.0.1:{port}/")


async def test_training_visits_no_address_outside_this_machine(door):
    here = web(door, None)
    for url, address in ((f"https://{NAME}/", None), (f"https://{NAME}/", "192.0.2.80"), ("http://192.0.2.1/", None)):
        with pytest.raises(Refused):
            await here.get(url, address=address)


async def test_a_ca_file_that_is_missing_is_said_so(door, tmp_path):
    with pytest.raises(WrongUse, match="CA file"):
        await web(door, tmp_path / "none.pem").get("https://127.0.0.1:1/")
