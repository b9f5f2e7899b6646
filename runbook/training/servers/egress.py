"""The probe beside the staging vault: tries to connect from there, as far as the practice network's rule lets it.

The rule stands in the probe only: every server of the estate lives on one loopback interface, so that the restored
vault itself could connect.  It has no reason to: in production's backups there is no lease and no static role.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable

from werkzeug.wrappers import Request, Response

from runbook.training.servers.web import Api, Route, as_json, json_object

RULE = "vault-staging-no-egress"
_PATIENCE_S = 3.0
_LAST_PORT = 65535


class EgressProbe(Api):
    """`POST /connect` {"targets": ["host:port", …]} → {"rule", "reached", "refused"}.

    While the rule stands nothing is connected to but staging's own, at the ports that `allowed` answers; what may be
    connected to is really tried.  `rule` is null once it is gone.
    """

    def __init__(self, allowed: Callable[[], Collection[int]]) -> None:
        self._allowed = allowed
        self.shut = True
        super().__init__()

    def routes(self) -> Iterable[Route]:
        return (Route("POST", "/connect", self.connect),)

    def unknown(self, request: Request) -> Response:
        return as_json({"error": f"there is no {request.path} here"}, 404)

    def connect(self, request: Request) -> Response:
        """What could be reached from here."""
        targets = (json_object(request) or {}).get("targets")
        if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
            return as_json({"error": "targets must be a list of host:port"}, 400)
        reached = [target for target in targets if self._reaches(target)]
        refused = [target for target in targets if target not in reached]
        return as_json({"rule": RULE if self.shut else None, "reached": reached, "refused": refused})

    def _reaches(self, target: str) -> bool:
        """Whether something listens there; only this machine is ever tried."""
        host, _, port = target.rpartition(":")
        if host not in {"127.0.0.1", "localhost"} or not port.isdecimal() or int(port) > _LAST_PORT:
            return False
        if self.shut and int(port) not in self._allowed():
            return False
        try:
            socket.create_connection((host, int(port)), _PATIENCE_S).close()
        except OSError:
            return False
        return True
