"""The one place that every call to a system being restored passes: closed by default.

`operations.OPERATIONS` lists what may be called at all; `rules.RULES` judge what is really about to be sent, against
the `bounds` of the run and what providers said in this process.  A mutating call needs the conductor's `Permit` for
exactly that operation and target, which the transport hooks (botocore event, httpx transport, hvac session adapter,
psycopg's connecting) see through a context variable, so that an adapter cannot forget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import NoReturn
from urllib.parse import urlsplit

from runbook.engine.errors import Refused
from runbook.engine.ports import Permit, Secret
from runbook.engine.run import Run
from runbook.safety.bounds import Bounds, place
from runbook.safety.call import Call
from runbook.safety.learned import Learned
from runbook.safety.operations import Effect, Operation, named, of_http
from runbook.safety.rules import RULES, Rule

_held: ContextVar[Permit | None] = ContextVar("permit held by this call", default=None)
_RESTORE = "vault:Restore"
_COUNTED = {Effect.READ: "read", Effect.MUTATING: "mutating"}


class Interlock:
    """Counts and judges every call; safe to use from several threads.

    `rules` are all of them, except in a test.  `guard` is told by the adapters of each secret that a provider hands
    out, or signs with, so that it is masked in whatever is written.
    """

    def __init__(
        self, bounds: Bounds, rules: tuple[Rule, ...] = RULES, *, guard: Callable[[Secret], None] = lambda _: None
    ) -> None:
        self._bounds = bounds
        self._rules = rules
        self._lock = Lock()
        self._counts = {"read": 0, "mutating": 0, "refused": 0}
        self.learned = Learned()
        self.guard = guard

    @property
    def counts(self) -> dict[str, int]:
        """Calls so far: `read`, `mutating`, `refused`; what is written into the evidence bucket is none of them."""
        with self._lock:
            return dict(self._counts)

    def know_run(self, run_id: str, run: Run) -> None:
        """A run whose things may be changed by this process; `run` is its state so far."""
        restored = [place(intent.target) for intent in run.announced if intent.operation == _RESTORE]
        self.learned.run(run_id, restored)

    @property
    def asks_who_signs(self) -> bool:
        """Whether a session has to be known by STS before it changes anything."""
        return self._bounds.target is not None

    def asks_which_cluster(self, address: str) -> bool:
        """Whether the vault there has to say who it is before anything in it is changed, and was not asked yet."""
        return self._bounds.target is not None and not self.learned.has_answered(place(address))

    def asks_which_zone(self, zone_id: str) -> bool:
        """The same of a zone that is known by its id only."""
        return self._bounds.target is not None and not self.learned.zone(zone_id)

    @contextmanager
    def holding(self, permit: Permit, operation: str, target: str) -> Iterator[None]:
        """Let the transport hooks see the permit while a mutating call is made; it must fit the call."""
        if permit.operation != operation or permit.target != target:
            self._count("refused")
            raise Refused(f"the permit is for {permit.operation} on {permit.target}, not for {operation} on {target}")
        token = _held.set(permit)
        try:
            yield
        finally:
            _held.reset(token)

    def refuse(self, sentence: str, *, fix: str = "") -> NoReturn:
        """Count and raise a refusal that an adapter decides by itself, such as a zone's that is only read."""
        self._count("refused")
        raise Refused(sentence, fix=fix)

    # -- the transport hooks ask, with what is about to be sent ---------------------------------------------------
    def check(
        self,
        operation: Operation,
        host: str,
        *,
        port: int = 0,
        path: str = "",
        given: Mapping[str, str] | None = None,
        account: str = "",
        secured: bool = True,
    ) -> None:
        """Raises Refused, with the first rule's sentence.  `secured`: it goes over TLS."""
        call = Call(operation, host, port, path, given or {}, account, _held.get(), secured)
        for rule in self._rules:
            if sentence := rule(call, self._bounds, self.learned):
                self._count("refused")
                raise Refused(sentence, fix="Nothing was sent. Correct runbook.toml, or sign in as who you should be.")
        if operation.name == _RESTORE:
            self.learned.restores_into(call.place)
        if operation.effect is not Effect.RECORDING:
            self._count(_COUNTED[operation.effect])

    def check_named(
        self,
        name: str,
        host: str,
        *,
        port: int = 0,
        given: Mapping[str, str] | None = None,
        account: str = "",
        secured: bool = True,
    ) -> None:
        """`check` for a call that has a name (AWS); an unlisted one counts as refused."""
        operation = self._listed(lambda: named(name))
        self.check(operation, host, port=port, given=given, account=account, secured=secured)

    def check_url(self, provider: str, method: str, url: str, given: Mapping[str, str] | None = None) -> None:
        """`check` for an HTTP call, identified by its method and path; `given` are fields of its body."""
        parts = urlsplit(url)
        operation = self._listed(lambda: of_http(provider, method, parts.path))
        host, port = place(url)
        self.check(operation, host, port=port, path=parts.path, given=given, secured=parts.scheme == "https")

    def _listed(self, look: Callable[[], Operation]) -> Operation:
        try:
            return look()
        except Refused:
            self._count("refused")
            raise

    def _count(self, kind: str) -> None:
        with self._lock:
            self._counts[kind] += 1
