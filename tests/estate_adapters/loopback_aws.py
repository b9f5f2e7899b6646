"""A loopback AWS that answers what a test says and remembers who asked what: for the adapters' sign-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import serving

Answer = tuple[int, str]
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")


@dataclass(frozen=True)
class Asked:
    """One request: `what` is `service:Action`, `key` the access key id that signed it."""

    what: str
    key: str
    region: str
    form: dict[str, str]
    token: str


@dataclass
class Cloud:
    """`answers` by `service:Action`; an unlisted GetCallerIdentity, and any S3 call, is answered kindly."""

    answers: dict[str, Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    def keys(self, what: str) -> list[str]:
        return [one.key for one in self.asked if one.what == what]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.answers.get(asked.what, _KIND.get(asked.what, (501, "")))
        return found(asked) if callable(found) else found


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path)
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        key, region, service = scope.groups() if scope else ("", "", "sso")
        form = {name: found[0] for name, found in parse_qs(body or parts.query).items()}
        action = form.get("Action") or self.headers.get("X-Amz-Target", "").rpartition(".")[2] or self.command
        token = self.headers.get("x-amz-sso_bearer_token", "")
        status, text = self.server.cloud.answer(Asked(f"{service}:{action}", key, region, form, token))
        sent = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if text.startswith("{") else "text/xml")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    cloud: Cloud


@contextmanager
def loopback_aws() -> Iterator[Cloud]:
    server = _Server(("127.0.0.1", 0), _Handler)
    cloud = server.cloud = Cloud(address=f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield cloud


def refusal(code: str, words: str, status: int = 403) -> Answer:
    """As the query and XML services write it."""
    said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>"
    return status, f"<ErrorResponse>{said}<RequestId>r</RequestId></ErrorResponse>"


def s3_refusal(code: str, words: str = "", status: int = 403) -> Answer:
    return status, f"<Error><Code>{code}</Code><Message>{words}</Message></Error>"


def session(action: str, key: str, until: str = "2030-01-01T00:00:00Z") -> Answer:
    """STS's answer with keys."""
    keys = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    result = f"<Credentials>{keys}<Expiration>{until}</Expiration></Credentials>"
    return 200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"


def role_credentials(key: str) -> Answer:
    """The portal's answer; good for a long time."""
    keys = {"accessKeyId": key, "secretAccessKey": "s", "sessionToken": "t", "expiration": 1_893_456_000_000}
    return 200, json.dumps({"roleCredentials": keys})


def simulated(decisions: dict[str, str], marker: str = "") -> Answer:
    members = "".join(
        f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
        for action, decision in decisions.items()
    )
    more = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>" if marker else "<IsTruncated>false</IsTruncated>"
    result = f"<EvaluationResults>{members}</EvaluationResults>{more}"
    name = "SimulatePrincipalPolicy"
    return 200, f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"


_CALLER = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/cto</Arn>"
    "<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_KIND: dict[str, Answer] = {
    "sts:GetCallerIdentity": (200, _CALLER),
    "s3:GET": (200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
}
