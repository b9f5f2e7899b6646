"""The practice estate's AWS: moto in a process of its own, patched and served on 127.0.0.1.

    python -m runbook.training.servers.aws --region eu-west-2 --account 111122223333 --control URL --ready FILE …

Writes what the estate must know (JSON: port, keys, names) to the ready file when it serves.  Below `/practice/` is
the estate's own door, which no AWS client asks: `publish` (objects of a bucket), `weather` (faults),
`withhold-snapshots`, and the operator's sign-in: `mfa-code` (what their device shows), `sso-login` (a browser's part),
`sign-in` (every session runs out; the next one for those who sign in by file).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from runbook.training.servers import aws_rds
from runbook.training.servers.aws_account import Account, AccountPlan
from runbook.training.servers.aws_identity import BEARER, Identity
from runbook.training.servers.aws_rds_restores import Restores
from runbook.training.servers.aws_replies import Reply
from runbook.training.servers.aws_weather import Weather

_DOOR = "/practice/"
_StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Front:
    """The WSGI application: the door, then the weather, then who may do what, then moto."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.account: Account | None = None
        self.identity: Identity | None = None

    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(_DOOR):
            return self._through_door(path.removeprefix(_DOOR), environ, start_response)
        if denied := self._weather.denial(environ):
            denial, service = denied
            return _answer(start_response, denial.reply(service))
        if self.identity is not None and (reply := self.identity.answer(environ)):
            return _answer(start_response, reply)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def _through_door(self, wish: str, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            done = self._grant(wish, json.loads(body or b"{}"))
        except (ValueError, TypeError, KeyError) as error:
            return _answer(start_response, _json(HTTPStatus.BAD_REQUEST, {"error": str(error)}))
        return _answer(start_response, _json(HTTPStatus.OK, done))

    def _grant(self, wish: str, given: dict[str, Any]) -> dict[str, Any]:
        if self.account is None or self.identity is None:
            raise ValueError("the account is not made yet")
        asked: dict[str, Callable[[], dict[str, str]]] = {
            "mfa-code": self.identity.code,
            "sso-login": self.identity.sso_login,
            "sign-in": self.identity.expire,
        }
        if wish in asked:
            return asked[wish]()
        if wish == "publish":
            self.account.publish(**given)
        elif wish == "weather":
            self._weather.change(**given)
        elif wish == "withhold-snapshots":
            self.account.withhold_snapshots(**given)
        else:
            raise ValueError(f"the door knows no {wish}")
        return {}


def _answer(start_response: _StartResponse, reply: Reply) -> Iterable[bytes]:
    status, length = reply.status, str(len(reply.body))
    start_response(f"{status.value} {status.phrase}", [("Content-Type", reply.kind), ("Content-Length", length)])
    return [reply.body]


def _json(status: HTTPStatus, document: dict[str, Any]) -> Reply:
    return Reply(status, "application/json", json.dumps(document).encode())


def handler_with(weather: Weather) -> type[MotoRequestHandler]:
    """A request handler whose `Date` header is the provider's clock, not this machine's."""

    class Handler(MotoRequestHandler):
        def make_environ(self) -> dict[str, Any]:
            """With the portal's token: werkzeug drops headers that have an underscore in their name."""
            environ: dict[str, Any] = super().make_environ()
            return environ | {BEARER: self.headers.get("x-amz-sso_bearer_token", "")}

        def date_time_string(self, timestamp: float | None = None) -> str:
            text: str = super().date_time_string(weather.clock() if timestamp is None else timestamp)
            return text

    return Handler


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="practice-aws")
    parser.add_argument("--region", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--control", required=True, help="URL of the estate's control server")
    parser.add_argument("--ready", required=True, type=Path, help="file that is written when it serves")
    parser.add_argument("--engine-version", required=True)
    parser.add_argument("--source-port", required=True, type=int)
    parser.add_argument("--snapshots", required=True, help="times of the automated snapshots, ISO 8601, comma between")
    return parser.parse_args()


def main() -> int:
    """Serve until the process is ended."""
    given = _arguments()
    logging.basicConfig(level=logging.WARNING)  # into the log of this child: a fault in moto must leave a trace
    os.environ["MOTO_ACCOUNT_ID"] = given.account
    weather = Weather()
    aws_rds.install(Restores(given.control, weather), weather)
    front = Front(weather)
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=handler_with(weather))
    serving = Thread(target=server.serve_forever, name="serving")
    serving.start()
    snapshots = tuple(datetime.fromisoformat(made) for made in given.snapshots.split(","))
    plan = AccountPlan(given.account, given.region, given.engine_version, given.source_port, snapshots)
    account = Account(plan, f"http://127.0.0.1:{server.server_port}")
    account.make()
    front.account, front.identity = account, Identity(given.account, given.region, weather)
    _tell(given.ready, account.facts | front.identity.facts | {"port": server.server_port})
    serving.join()
    return 0


def _tell(ready: Path, facts: dict[str, Any]) -> None:
    """Write the ready file in one piece, mode 0600: it holds practice keys."""
    draft = ready.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(facts, file)
    draft.replace(ready)


if __name__ == "__main__":
    sys.exit(main())
