"""The practice estate's AWS: moto in a process of its own, patched and served on 127.0.0.1.

    python -m runbook.training.servers.aws --region eu-west-2 --account 111122223333 --control URL --ready FILE …

Writes what the estate must know (JSON: port, keys, names) to the ready file when it serves.  Below `/practice/` is
the estate's own door, which no AWS client asks: `publish` (objects of a bucket), `weather` (faults), `sign-in`
(a new session) and `withhold-snapshots`.
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
from runbook.training.servers.aws_weather import Weather

_DOOR = "/practice/"
_StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Front:
    """The WSGI application: the door, then the weather, then moto."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.account: Account | None = None

    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(_DOOR):
            return self._through_door(path.removeprefix(_DOOR), environ, start_response)
        if denied := self._weather.denial(environ):
            denial, service = denied
            kind, body = denial.written(service)
            return _answer(start_response, denial.status, body, kind)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def _through_door(self, wish: str, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            done = self._grant(wish, json.loads(body or b"{}"))
        except (ValueError, TypeError, KeyError) as error:
            return _answer(start_response, HTTPStatus.BAD_REQUEST, json.dumps({"error": str(error)}).encode())
        return _answer(start_response, HTTPStatus.OK, json.dumps(done).encode())

    def _grant(self, wish: str, given: dict[str, Any]) -> dict[str, Any]:
        if self.account is None:
            raise ValueError("the account is not made yet")
        if wish == "publish":
            self.account.publish(**given)
        elif wish == "weather":
            self._weather.change(**given)
        elif wish == "withhold-snapshots":
            self.account.withhold_snapshots(**given)
        elif wish == "sign-in":
            self._weather.change(expired_keys=(*self._weather.now.expired_keys, given["expired"]))
            return self.account.sign_in()
        else:
            raise ValueError(f"the door knows no {wish}")
        return {}


def _answer(
    start_response: _StartResponse, status: HTTPStatus, body: bytes, kind: str = "application/json"
) -> Iterable[bytes]:
    start_response(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def handler_with(weather: Weather) -> type[MotoRequestHandler]:
    """A request handler whose `Date` header is the provider's clock, not this machine's."""

    class Handler(MotoRequestHandler):
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
    aws_rds.install(aws_rds.Restores(given.control, weather), weather)
    front = Front(weather)
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=handler_with(weather))
    serving = Thread(target=server.serve_forever, name="serving")
    serving.start()
    snapshots = tuple(datetime.fromisoformat(made) for made in given.snapshots.split(","))
    plan = AccountPlan(given.account, given.region, given.engine_version, given.source_port, snapshots)
    account = Account(plan, f"http://127.0.0.1:{server.server_port}")
    account.make()
    front.account = account
    _tell(given.ready, account.facts | {"port": server.server_port})
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
