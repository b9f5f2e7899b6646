"""A vault on loopback that says whatever a test wants it to say."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from runbook.config import Vault, VaultBackup


class Scripted(ThreadingHTTPServer):
    """Answers every call with `status` and `body`, and remembers what was sent."""

    daemon_threads = True
    status: int = 200
    body: object = None
    headers: dict[str, str]
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def say(self, status: int, *errors: str, **body: Any) -> None:
        self.status, self.body = status, ({"errors": list(errors)} if errors else body)


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), sent))
        if self.server.status == 0:  # let the client wait
            self.connection.settimeout(5)
            self.rfile.read()
            return
        body = self.server.body
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(self.server.status)
        for name, value in {"Content-Type": "application/json", **self.server.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_PUT = do_POST = _answer  # noqa: N815 - the names are the base class's


def address(server: Scripted) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def settings(where: str, product: Literal["openbao", "vault"] = "openbao") -> Vault:
    return Vault(
        address=where,
        product=product,
        production_address="https://127.0.0.1:1",
        backup=VaultBackup(bucket="b", prefix="p/", kms_key="k"),
        mounts=("transit",),
        transit_keys=("notes",),
        custodians=("one",),
    )
