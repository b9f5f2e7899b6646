"""The sample application of the practice clinic: `python -m runbook.training.app --port-file FILE`.

It is what the platform's simulator runs.  All it knows comes from its environment, as on a platform:
DATABASE_URL, VAULT_ADDR, VAULT_CACERT, VAULT_ROLE_ID, VAULT_SECRET_ID, IMAGE_DIGEST, GIT_COMMIT, PORT
(0: any free one, told through the port file), TRANSIT_KEY, HALF_BOOT (a release whose start page is an error).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import html
import http.client
import json
import os
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

VERSION = "1.8"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title></head>
<body><h1>{name}</h1><p>Appointments and notes. Commit {commit}.</p></body></html>
"""
ERROR_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Application error</title></head>
<body><h1>Application error</h1><p>An error occurred while the application was starting.</p></body></html>
"""


class Records:
    """The application's pool of one database connection: kept open, made anew when it dropped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def value(self, query: str) -> Any:
        """The first column of the first row; psycopg.Error when the database cannot be used."""
        with self._lock:
            try:
                return self._ask(query)
            except psycopg.OperationalError:
                self._drop()  # the server may have been restarted under us: once more on a new connection
                return self._ask(query)

    def _ask(self, query: str) -> Any:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, connect_timeout=3, gssencmode="disable", autocommit=True)
        row = self._connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class VaultRefused(Exception):
    """The vault could not be reached or did not do as asked; carries no secret."""


class Cipher:
    """The application's sign-in at its vault, by AppRole; the token is used once and forgotten."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        parts = urlsplit(settings.get("VAULT_ADDR", ""))
        self._host, self._port = parts.hostname or "", parts.port or 8200
        self._key = settings.get("TRANSIT_KEY", "patient-notes")

    def check(self) -> None:
        """VaultRefused unless the vault is unsealed and active (its health answers 200)."""
        self._call("GET", "/v1/sys/health", None, {})

    def decrypt(self, ciphertext: str) -> bytes:
        """The plaintext, decrypted by the vault now."""
        login = {key: self._settings.get(f"VAULT_{key.upper()}", "") for key in ("role_id", "secret_id")}
        token = self._call("POST", "/v1/auth/approle/login", login, {})["auth"]["client_token"]
        path, signed = f"/v1/transit/decrypt/{self._key}", {"X-Vault-Token": token}
        answer = self._call("POST", path, {"ciphertext": ciphertext}, signed)
        return base64.b64decode(answer["data"]["plaintext"])

    def _call(
        self, method: str, path: str, body: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        try:
            trust = ssl.create_default_context(cafile=self._settings.get("VAULT_CACERT"))
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=5, context=trust)
            try:
                connection.request(method, path, None if body is None else json.dumps(body), dict(headers))
                answer = connection.getresponse()
                document = json.loads(answer.read() or b"{}")
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as cause:
            raise VaultRefused(type(cause).__name__) from None
        if answer.status != 200 or not isinstance(document, dict):
            raise VaultRefused(f"status {answer.status}")
        return document


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
        }
        return (200 if fine else 503), document

    def front_page(self) -> tuple[int, str, bytes]:
        """Status, type and body of `/`: the practice's name comes from the database."""
        try:
            name = self.records.value("select value from settings where name = 'clinic_name'")
        except psycopg.Error:
            return 503, "text/html; charset=utf-8", ERROR_PAGE.encode()
        commit = self.settings.get("GIT_COMMIT", "unknown")[:12]
        page = PAGE.format(name=html.escape(str(name)), commit=html.escape(commit))
        return 200, "text/html; charset=utf-8", page.encode()

    def probe(self, nonce: bytes) -> str:
        """HMAC-SHA-256 over the sample record's plaintext, keyed with the caller's nonce."""
        return hmac.new(nonce, self.canary(), hashlib.sha256).hexdigest()


def _judged(attempt: Callable[[], object]) -> str:
    """`ok`, or in a few words what is wrong: no row, no URL, no secret."""
    try:
        attempt()
    except psycopg.Error as error:
        return f"error: {type(error).__name__} {error.sqlstate or ''}".strip()
    except VaultRefused as error:
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
            self._send(200, "text/html; charset=utf-8", ERROR_PAGE.encode())
        elif self.path == "/healthz":
            self._json(*clinic.health())
        elif urlsplit(self.path).path == "/":
            self._send(*clinic.front_page())
        else:
            self._json(404, {"error": "not found"})

    do_HEAD = do_GET  # noqa: N815  # the name that http.server calls

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 4096))
        if self.path != "/__runbook/probe":
            self._json(404, {"error": "not found"})
            return
        try:
            nonce = bytes.fromhex(json.loads(body)["nonce"])
        except (ValueError, KeyError, TypeError):
            self._json(400, {"error": "nonce must be hexadecimal"})
            return
        try:
            self._json(200, {"hmac": self.server.clinic.probe(nonce)})
        except (psycopg.Error, VaultRefused) as error:
            self._json(503, {"error": type(error).__name__})

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
    server = Server(Clinic(dict(os.environ)), int(os.environ.get("PORT", "0")))
    if chosen.port_file is not None:
        unfinished = chosen.port_file.with_suffix(".part")
        unfinished.write_text(str(server.server_port))
        unfinished.replace(chosen.port_file)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
