"""The sample application of the practice clinic: `python -m runbook.training.app --port-file FILE`.

It is what the platform's simulator runs.  All it knows comes from its environment, as on a platform:
DATABASE_URL, VAULT_ADDR, VAULT_CACERT, VAULT_ROLE_ID, VAULT_SECRET_ID, IMAGE_DIGEST, GIT_COMMIT, PORT
(0: any free one, told through the port file), TRANSIT_KEY, HALF_BOOT (a release whose start page is an error),
OUTBOUND_… (`off`: it acts on nobody through that channel), ROLE (`worker`: no pages and no probe, but a database
connection of its own from the start, as a job queue keeps it).
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import html
import json
import os
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runbook.training.app_backends import Cipher, Records, Refused

VERSION = "1.8"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title></head>
<body><h1>{name}</h1><p>Appointments and notes. Commit {commit}.</p></body></html>
"""
APPOINTMENTS = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Appointments</title></head>
<body><h1>Appointments</h1><p>{state}</p></body></html>
"""
ERROR_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Application error</title></head>
<body><h1>Application error</h1><p>An error occurred while the application was starting.</p></body></html>
"""


class Clinic:
    """What the application can do, apart from HTTP."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self.records = Records(settings.get("DATABASE_URL", ""))
        self.cipher = Cipher(settings)

    def canary(self) -> bytes:
        """The sample record's plaintext, through the own database and the own vault, now."""
        ciphertext = self.records.value("select ciphertext from runbook_canary order by id limit 1")
        return self.cipher.decrypt(str(ciphertext))

    @property
    def worker(self) -> bool:
        """Whether this process does the jobs, and shows nothing."""
        return self.settings.get("ROLE") == "worker"

    def outbound(self) -> str:
        """`off` when every channel to the outside is; a channel that nobody switched off is on."""
        channels = [value for name, value in self.settings.items() if name.startswith("OUTBOUND_")]
        return "off" if channels and all(value == "off" for value in channels) else "on"

    def health(self) -> tuple[int, dict[str, str]]:
        """The health document and its HTTP status."""
        database = _judged(lambda: self.records.value("select 1"))
        vault = _judged(self.cipher.check)
        fine = database == vault == "ok"
        document = {
            "status": "ok" if fine else "failing",
            "version": VERSION,
            "commit": self.settings.get("GIT_COMMIT", ""),
            "digest": self.settings.get("IMAGE_DIGEST", ""),
            "database": database,
            "vault": vault,
            "outbound": self.outbound(),
        }
        return (200 if fine else 503), document

    def page(self, path: str) -> tuple[int, str] | None:
        """Status and HTML of one of its pages; None where there is none.  What they say comes from the database."""
        pages = {"/": self._front_page, "/appointments": self._appointments}
        if self.worker or path not in pages:
            return None
        try:
            return 200, pages[path]()
        except Refused:
            return 503, ERROR_PAGE

    def _front_page(self) -> str:
        name = self.records.value("select value from settings where name = 'clinic_name'")
        commit = self.settings.get("GIT_COMMIT", "unknown")[:12]
        return PAGE.format(name=html.escape(str(name)), commit=html.escape(commit))

    def _appointments(self) -> str:
        """Whether there are any, and no more: a page that a probe reads names nobody."""
        some = self.records.value("select exists (select from appointments)")
        return APPOINTMENTS.format(state="The diary is open." if some else "The diary is empty.")

    def probe(self, nonce: bytes) -> str:
        """HMAC-SHA-256 over the sample record's plaintext, keyed with the caller's nonce."""
        return hmac.new(nonce, self.canary(), hashlib.sha256).hexdigest()


def _judged(attempt: Callable[[], object]) -> str:
    """`ok`, or in a few words what is wrong."""
    try:
        attempt()
    except Refused as error:
        return f"error: {error}"
    return "ok"


class Pages(BaseHTTPRequestHandler):
    """The application's HTTP face."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        clinic = self.server.clinic
        if self.path == "/livez":
            self._send(200, "text/plain", b"alive\n")
        elif clinic.settings.get("HALF_BOOT"):
            self._html(200, ERROR_PAGE)
        elif self.path == "/healthz":
            self._json(*clinic.health())
        elif page := clinic.page(urlsplit(self.path).path):
            self._html(*page)
        else:
            self._json(404, {"error": "not found"})

    do_HEAD = do_GET  # noqa: N815  # the name that http.server calls

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 4096))
        if self.path != "/__runbook/probe" or self.server.clinic.worker:
            self._json(404, {"error": "not found"})
            return
        try:
            nonce = bytes.fromhex(json.loads(body)["nonce"])
        except (ValueError, KeyError, TypeError):
            self._json(400, {"error": "nonce must be hexadecimal"})
            return
        try:
            self._json(200, {"hmac": self.server.clinic.probe(nonce)})
        except Refused as error:
            self._json(503, {"error": str(error)})

    def _html(self, status: int, page: str) -> None:
        self._send(status, "text/html; charset=utf-8", page.encode())

    def _json(self, status: int, document: Mapping[str, str]) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-clinic-commit", self.server.clinic.settings.get("GIT_COMMIT", ""))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002  # http.server's own signature
        """One line to the log, without query strings."""
        sys.stderr.write(f"{self.command} {urlsplit(self.path).path}\n")


class Server(ThreadingHTTPServer):
    """Carries the application to its handlers."""

    daemon_threads = True

    def __init__(self, clinic: Clinic, port: int) -> None:
        super().__init__(("127.0.0.1", port), Pages)
        self.clinic = clinic

    def server_bind(self) -> None:
        """As a TCP server does it: http.server would look the host's name up, which can hang without a resolver."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


def main() -> None:
    """Serve until told to end; SIGTERM and SIGINT end it at once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", type=Path)
    chosen = parser.parse_args()
    clinic = Clinic(dict(os.environ))
    if clinic.worker:
        with contextlib.suppress(Refused):  # its health says so, and the next question tries again
            clinic.records.value("select 1")
    server = Server(clinic, int(os.environ.get("PORT", "0")))
    if chosen.port_file is not None:
        unfinished = chosen.port_file.with_suffix(".part")
        unfinished.write_text(str(server.server_port))
        unfinished.replace(chosen.port_file)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
