from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from runbook.engine.errors import LayerFailed, NoVerdict, Refused, WrongUse
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
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the visitor had read enough

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet."""


@contextmanager
def serving(certificate: trustme.LeafCert | None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Visitor)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes are expected here
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


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
    assert answer.certificate_until is not None
    assert answer.certificate_until > datetime.now(UTC)


async def test_a_document_is_posted_as_json(door):
    with serving(None) as port:
        answer = await web(door, None).post(f"http://127.0.0.1:{port}/probe", {"nonce": "00ff"})
    assert json.loads(answer.body) == {"nonce": "00ff"}
    assert answer.certificate_until is None


async def test_redirects_are_answers_and_long_bodies_are_cut(door):
    with serving(None) as port:
        here = web(door, None)
        assert (await here.get(f"http://127.0.0.1:{port}/moved")).status == 302
        assert len((await here.get(f"http://127.0.0.1:{port}/large")).body) == 1 << 20


@pytest.mark.parametrize(
    ("guilt", "certificate"),
    [
        ("another host name", lambda authority: authority.issue_cert("other.test")),
        ("expired", lambda authority: authority.issue_cert(NAME, not_after=datetime.now(UTC) - timedelta(days=1))),
        ("self-signed|not trusted", lambda _: trustme.CA().issue_cert(NAME)),
    ],
)
async def test_a_bad_certificate_fails_the_layer_and_is_named(door, authority, ca_file, guilt, certificate):
    with serving(certificate(authority)) as port, pytest.raises(LayerFailed, match=guilt):
        await web(door, ca_file, port).get(f"https://{NAME}/", address="127.0.0.1")


async def test_without_a_ca_of_its_own_the_public_ones_are_asked_whatever_the_environment_says(
    door, authority, ca_file, monkeypatch
):
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(ca_file))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with serving(authority.issue_cert(NAME)) as port, pytest.raises(LayerFailed):
        await web(door, None, port).get(f"https://{NAME}/", address="127.0.0.1")


async def test_no_answer_is_no_verdict(door):
    with serving(None) as port:
        pass
    with pytest.raises(NoVerdict, match="could not be reached"):
        await web(door, None).get(f"http://127.0.0.1:{port}/")


async def test_training_visits_no_address_outside_this_machine(door):
    here = web(door, None)
    for url, address in ((f"https://{NAME}/", None), (f"https://{NAME}/", "192.0.2.80"), ("http://192.0.2.1/", None)):
        with pytest.raises(Refused):
            await here.get(url, address=address)


async def test_a_ca_file_that_is_missing_is_said_so(door, tmp_path):
    with pytest.raises(WrongUse, match="CA file"):
        await web(door, tmp_path / "none.pem").get("https://127.0.0.1:1/")
