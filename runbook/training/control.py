"""The supervisor's control server: JSON over loopback, for the run, the instructor and the estate's AWS server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from werkzeug.wrappers import Request, Response

from runbook.training.layers import Layers
from runbook.training.servers.web import Answered, Api, Route, as_json, json_object


class Keeper(Protocol):
    """What the control server needs of the supervisor."""

    def state(self) -> dict[str, Any]:
        """`estate.json` as it would be written now."""
        ...

    def layers(self) -> Layers | None:
        """The estate while it is ready."""
        ...

    def touch(self) -> None:
        """A client was there."""
        ...

    def shut_down(self) -> None:
        """Stop the estate; returns when all of it is gone but the supervisor."""
        ...

    def end(self) -> None:
        """Let the supervisor end."""
        ...


class Control(Api):
    """All calls count as a client's; a `Host` other than our own is refused (DNS rebinding from a browser)."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.host = ""  # set once the port is known
        super().__init__()

    def routes(self) -> Iterable[Route]:
        instance = "/internal/databases/<instance>"
        return (
            Route("GET", "/state", self.state),
            Route("GET", "/environment", self.environment),
            Route("GET", "/credentials/<name>", self.credential),
            Route("GET", "/custodians", self.custodians),
            Route("GET", "/custodians/<label>/share", self.share),
            Route("GET", "/faults", self.faults),
            Route("POST", "/faults", self.fault),
            Route("POST", "/hands/<act>", self.hands),
            Route("PUT", instance, self.start_database),
            Route("POST", f"{instance}/password", self.set_password),
            Route("DELETE", instance, self.remove_database),
            Route("POST", "/stop", self.stop),
        )

    def unknown(self, request: Request) -> Response:
        return _refusal(404, f"there is no {request.path} here")

    def gate(self, request: Request) -> Response | None:
        if request.headers.get("Host") != self.host:
            return _refusal(403, "this server answers only by its own address")
        self._keeper.touch()
        return None

    # -- reads --------------------------------------------------------------------------------------------------
    def state(self, request: Request) -> Response:
        del request
        return as_json(self._keeper.state())

    def environment(self, request: Request) -> Response:
        del request
        return as_json(self._layers().environment())

    def credential(self, request: Request, name: str) -> Response:
        del request
        found = self._layers().credentials().get(name)
        return _refusal(404, f"no credential named {name}") if found is None else as_json({"value": found})

    def custodians(self, request: Request) -> Response:
        from runbook.training.production_vault import THRESHOLD  # it brings a vault client along

        del request
        return as_json({"labels": list(self._layers().data.custodians()), "threshold": THRESHOLD})

    def share(self, request: Request, label: str) -> Response:
        """Phone a custodian; `bad=1` for one who reads from the wrong sheet, `sheet=old` for that of before a rekey."""
        data = self._layers().data
        found = data.custodians(old=request.args.get("sheet") == "old").get(label)
        if found is None:
            return _refusal(404, f"no custodian named {label}")
        return as_json({"share": data.bad_share() if request.args.get("bad") == "1" else found})

    def faults(self, request: Request) -> Response:
        del request
        kinds = self._layers().kinds.items()
        return as_json(
            {
                kind: {
                    "sentence": known.sentence,
                    "parameters": {name: type_.__name__ for name, type_ in known.parameters.items()},
                    "at_start_only": known.at_start_only,
                    "seal": known.seal,
                }
                for kind, known in kinds
            }
        )

    # -- changes ------------------------------------------------------------------------------------------------
    def fault(self, request: Request) -> Response:
        body = json_object(request) or {}
        parameters = body.get("with") or {}
        if not isinstance(parameters, dict):
            return _refusal(400, "`with` must be an object")
        return _tried(lambda: self._layers().fault(str(body.get("kind", "")), parameters))

    def hands(self, request: Request, act: str) -> Response:
        """What a person would do by hand: at the machine itself, or in a browser."""
        del request
        data = self._layers().data
        acts: dict[str, Callable[[], None]] = {
            "wipe-vault": data.wipe_vault,
            "restart-vault": data.restart_vault,
            "allow-kms": data.allow_kms,
            "sso-login": data.sso_login,
        }
        if act not in acts:
            return _refusal(404, f"no such act: {act}; known: {', '.join(acts)}")
        return _tried(acts[act])

    def start_database(self, request: Request, instance: str) -> Response:
        """Of a `snapshot`, or as of a `moment` (ISO 8601, aware)."""
        given, data = json_object(request) or {}, self._layers().data
        try:
            if moment := given.get("moment"):
                host, port = data.start_copy_at(instance, _aware(str(moment)))
            else:
                host, port = data.start_copy(instance, str(given.get("snapshot", "")))
        except ValueError as refusal:
            return _refusal(400, str(refusal))
        return as_json({"host": host, "port": port})

    def set_password(self, request: Request, instance: str) -> Response:
        given, data = json_object(request) or {}, self._layers().data
        user, password = (str(given.get(name, "")) for name in ("user", "password"))
        return _tried(lambda: data.set_copy_password(instance, user, password))

    def remove_database(self, request: Request, instance: str) -> Response:
        del request
        return _tried(lambda: self._layers().data.remove_copy(instance))

    def stop(self, request: Request) -> Response:
        """Answers when everything is gone; the supervisor ends once the answer is written."""
        del request
        self._keeper.shut_down()
        answer = as_json({"stopped": True})
        answer.call_on_close(self._keeper.end)
        return answer

    def _layers(self) -> Layers:
        layers = self._keeper.layers()
        if layers is None:
            raise Answered(_refusal(409, "the practice estate is not ready"))
        return layers


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no UTC offset")
    return moment


def _tried(act: Callable[[], None]) -> Response:
    try:
        act()
    except ValueError as refusal:
        return _refusal(400, str(refusal))
    return as_json({"done": True})


def _refusal(status: int, sentence: str) -> Response:
    return as_json({"error": sentence}, status)
