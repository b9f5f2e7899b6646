"""A provider that repeats, in its refusals, everything that it was sent: what a proxy's or a careless API's error does.

It lets people sign in, so that every adapter is reached, and refuses the rest.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs

STS = "https://sts.amazonaws.com/doc/2011-06-15/"


class Provider(ThreadingHTTPServer):
    """`heard` is every request; `session` what it hands out at a sign-in: key, secret key, token."""

    daemon_threads = True

    def __init__(self, account: str, arn: str, session: tuple[str, str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.account, self.arn, self.session = account, arn, session
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Echo(BaseHTTPRequestHandler):
    server: Provider
    protocol_version: ClassVar[str] = "HTTP/1.1"  # type: ignore[misc]  # the base has it as an attribute

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        authority = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "user-agent"}}
        said = f"{' '.join(authority.values())} {self.command} {self.path} {body}"
        self.server.heard.append(said)
        action = parse_qs(body).get("Action", [""])[0]
        signed = "Signature=" in said
        if action in {"GetSessionToken", "AssumeRole"}:
            self._send(200, self._signed_in(action))
        elif action == "GetCallerIdentity" and signed:
            self._send(200, self._who())
        elif action:
            self._send(
                403, f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{said}</Message></Error></ErrorResponse>"
            )
        else:
            self._send(
                403, json.dumps({"message": said, "errors": [{"code": 1, "message": said}], "error": {"message": said}})
            )

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _answer  # noqa: N815 - the base's names

    def _signed_in(self, action: str) -> str:
        key, secret, token = self.server.session
        inner = (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        )
        return f'<{action}Response xmlns="{STS}"><{action}Result>{inner}</{action}Result></{action}Response>'

    def _who(self) -> str:
        who = f"<Arn>{self.server.arn}</Arn><UserId>AROA:ana</UserId><Account>{self.server.account}</Account>"
        name = "GetCallerIdentity"
        return f'<{name}Response xmlns="{STS}"><{name}Result>{who}</{name}Result></{name}Response>'

    def _send(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing on the test's terminal."""


@contextlib.contextmanager
def served(account: str, arn: str, session: tuple[str, str, str]) -> Iterator[Provider]:
    """One on a free port of this machine."""
    with Provider(account, arn, session) as provider:
        thread = threading.Thread(target=provider.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join(20)
