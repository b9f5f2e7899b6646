"""The wire to a Vault or OpenBao server: hvac on a session of our own.  Imported when the first call is made.

Nothing of the machine's set-up reaches it: no `VAULT_*`, no `~/.vault-token`, no proxy, no `.netrc`, no CA variable; a
redirect is not followed.  Each call has a session of its own, since `requests` does not promise that one may be
shared by threads and a restarted server leaves dead connections behind.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import hvac
import hvac.adapters
import requests
from requests.adapters import HTTPAdapter

from runbook.config import Vault
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.answers import listing, mapping
from runbook.estate.vault.answers import Answer, words
from runbook.safety.bounds import place
from runbook.safety.concealing import concealed
from runbook.safety.interlock import Interlock
from runbook.safety.outside_text import outside_text

PROBE_TIMEOUT_S: Final = (3, 10)  # connect, read
PATIENT_TIMEOUT_S: Final = (5, 120)  # a server that installs a snapshot holds even sys/health back

_UNREACHED: Final = (
    "See whether it runs, and whether the tunnel to it is up. After a restore: with another kind of seal than the "
    "backup's it does not start, and its log says so; give it the backup's seal."
)

_SECRET: Final = frozenset({"key", "role_id", "secret_id", "password"})  # fields of a request's body

Call = Callable[[Any], requests.Response]
"""Given an hvac client, makes one call of it."""


class _Guarded(HTTPAdapter):
    """Asks the interlock with the request that is about to be sent."""

    def __init__(self, interlock: Interlock) -> None:
        super().__init__(max_retries=0)
        self._interlock = interlock

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._interlock.check_url("vault", request.method or "", request.url or "")
        return super().send(request, *args, **kwargs)


class Wire:
    """Makes calls to the server of `config.address`; safe to use from several threads."""

    def __init__(self, config: Vault, interlock: Interlock) -> None:
        self._address = config.address
        self._authorities = str(config.ca_file) if config.ca_file else certifi.where()
        self._interlock = interlock

    def ask(self, source: str, call: Call, *, token: Secret | None = None, patient: bool = False) -> Answer:
        """The answer, whatever its status; NoVerdict when there is none, or when it is not a vault's."""
        with requests.Session() as session:
            session.trust_env = False
            session.verify = self._authorities
            session.mount("https://", _Guarded(self._interlock))
            session.mount("http://", _Guarded(self._interlock))
            client = hvac.Client(
                url=self._address,
                token=token.reveal() if token else "",
                session=session,
                timeout=PATIENT_TIMEOUT_S if patient else PROBE_TIMEOUT_S,
                allow_redirects=False,
                adapter=_plain_adapter,
            )
            try:
                return self._heard(_read(call(client), f"vault: {source}"))
            except (requests.RequestException, ValueError) as error:  # ValueError: a redirect to what is no address
                raise _no_answer(error, f"vault: {source}") from None

    def _heard(self, answer: Answer) -> Answer:
        """The interlock is told which cluster this is, as the server says it."""
        said = answer.body
        if "sealed" in said:  # its status or its health
            closed = bool(said["sealed"] and said.get("initialized"))
            self._interlock.learned.vault_answers(
                place(self._address), str(said.get("cluster_id") or ""), sealed=closed
            )
        return answer

    def fingerprint(self) -> str:
        """SHA-256 of the certificate, which is verified for the name as in every other call."""
        where = urlsplit(self._address)
        if where.scheme != "https" or where.hostname is None:
            raise LayerFailed("the vault's address is not https: it shows no certificate", fix="Use https.")
        self._interlock.check_named("vault:SealStatus", where.hostname, port=where.port or 443)
        context = ssl.create_default_context(cafile=self._authorities)
        try:
            with (
                socket.create_connection((where.hostname, where.port or 443), PROBE_TIMEOUT_S[1]) as plain,
                context.wrap_socket(plain, server_hostname=where.hostname) as secured,
            ):
                shown = secured.getpeercert(binary_form=True) or b""
        except OSError as error:  # ssl.SSLError and time-outs are among them
            raise _no_answer(error, "vault: TLS") from None
        return f"sha256:{hashlib.sha256(shown).hexdigest()}"


def _plain_adapter(**given: Any) -> hvac.adapters.RawAdapter:
    """Answers as they come, status included, and without the client certificate that hvac takes from `VAULT_*`."""
    return hvac.adapters.RawAdapter(**given | {"cert": None, "proxies": {}, "ignore_exceptions": True})


def _read(response: requests.Response, source: str) -> Answer:
    body = _json(response)
    if not body and response.status_code not in {204, 404} and not response.is_redirect:
        raise NoVerdict(
            f"{source}: what answered (HTTP {response.status_code}) does not speak a vault's language",
            fix="Check the address; look for a proxy or a load balancer in between.",
            provider_text=outside_text(_unrepeated(outside_text(response.content[:2000], 2000), response)),
            source=source,
        )
    said = words({"errors": [_unrepeated(str(each), response) for each in listing(body.get("errors"))]})
    return Answer(status=response.status_code, body=body, text=said, source=source, location=_origin(response))


def _unrepeated(said: str, response: requests.Response) -> str:
    """What was said, without what our own request carried: its token, a share, the login of a role."""
    request: Any = response.request
    sent = [request.headers.get("X-Vault-Token")]
    if isinstance(request.body, str | bytes):
        carried = request.body if isinstance(request.body, bytes) else request.body.encode()
        sent += [value for name, value in _object(carried).items() if name in _SECRET and isinstance(value, str)]
    return concealed(said, (Secret(value) for value in sent if value))


def _origin(response: requests.Response) -> str:
    """Scheme, host and port of where a redirect leads; "" where it leads nowhere that can be read."""
    try:
        where = urlsplit(response.headers.get("Location", ""))
        port = f":{where.port}" if where.port else ""
    except ValueError:
        return ""
    return outside_text(f"{where.scheme}://{where.hostname}{port}") if where.hostname else ""


def _json(response: requests.Response) -> Mapping[str, Any]:
    return _object(response.content)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _no_answer(error: Exception, source: str) -> NoVerdict:
    if isinstance(error, requests.exceptions.SSLError | ssl.SSLError):
        sentence, fix = "the vault's certificate could not be verified", "Check the name and [vault] ca_file."
    elif isinstance(error, requests.Timeout | TimeoutError):
        sentence, fix = (
            "the vault did not answer in time",
            "See whether it runs; after a restore wait, then retry.",
        )
    elif isinstance(error, requests.ConnectionError | OSError):
        sentence, fix = "the vault could not be reached", _UNREACHED
    else:
        sentence, fix = "the vault could not be asked", "Check [vault] address in runbook.toml."
    return NoVerdict(f"{source}: {sentence}", fix=fix, provider_text=outside_text(error), source=source)
