"""The credentials of one environment: from this machine's store, else asked for, and held in memory as `Secret`s.

Never from the configuration, an argument, a variable or a file.  Unseal shares have no name here: nothing stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Final

from runbook.engine.errors import Refused, WrongUse
from runbook.engine.ports import Secret
from runbook.safety.credential_store import (
    LIMIT_S,
    Backend,
    CredentialStore,
    StoreFailed,
    of_this_machine,
    probed,
)
from runbook.safety.outside_text import outside_text

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws-access-key": "the id of the AWS access key of the IAM user that you sign in as",
        "aws-secret-key": "the secret key that belongs to that AWS access key",
        "database-password": "the password of the database user that reads the restored copy",
        "northflank-token": "the Northflank API token that deploys and restarts services",
        "github-token": "the GitHub token that reads packages, workflows and attestations",
        "cloudflare-token": "the Cloudflare API token of the zone",
        "vault-role-id": "the role id of the AppRole that proves the restored vault",
        "vault-secret-id": "the secret id of that AppRole",
    }
)
"""What each of them is, as the operator is asked for it."""


def service_of(platform: str, environment: str) -> str:
    """Under which name the credentials of an environment are kept: no two environments share one."""
    return f"runbook/{platform}/{environment}"


def must_be_known(name: str) -> None:
    """WrongUse for what has no name here; it is not repeated, since it may be the credential itself."""
    if name not in NAMES:
        raise WrongUse(
            "there is no credential of that name",
            fix=f"Name one of {', '.join(NAMES)}. Unseal shares are never stored: their custodians keep them.",
        )


class Keychain:
    """The credentials of the environment that `service` (of `service_of`) names; may be used from several threads.

    `ask` is given a name and answers what was typed, an empty Secret when nothing was; None: nobody is there.
    `guard` is told each secret before anybody else is.  The store is tried when it is first needed.
    """

    def __init__(
        self,
        service: str,
        ask: Callable[[str], Secret] | None = None,
        *,
        guard: Callable[[Secret], None] = lambda _: None,
        choose: Callable[[], Backend] = of_this_machine,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._service = service
        self._ask = ask
        self._guard = guard
        self._choose = choose
        self._limit_s = limit_s
        self._store: CredentialStore | None = None
        self._why = ""  # it is not used (any more)
        self._held: dict[str, Secret] = {}
        self._trying = Lock()
        self._fetching = Lock()  # one at a time: a person is asked one thing

    @property
    def backend(self) -> str:
        """Where credentials come from, in words: `the macOS keychain`, or why they are asked for instead."""
        store = self._tried()
        return store.words if store else f"asked for at the prompt: no usable credential store ({self._why})"

    @property
    def why(self) -> str:
        """Why the store is not used, as a clause; "" where it is."""
        self._tried()
        return self._why

    def credential(self, name: str) -> Secret:
        """That credential: stored, else asked for once in this process; WrongUse where neither is possible."""
        must_be_known(name)
        with self._fetching:
            if name not in self._held:
                secret = self._stored(name) or self._asked(name)
                self._guard(secret)
                self._held[name] = secret
            return self._held[name]

    def has(self, name: str) -> bool:
        """Whether it is in the store; False where there is no usable one."""
        must_be_known(name)
        return self._stored(name) is not None

    def set(self, name: str, secret: Secret) -> str:
        """Store it and answer where, in words; Refused where no usable store is there to take it."""
        must_be_known(name)
        self._guard(secret)
        store = self._needed()
        try:
            store.set(self._service, name, secret)
        except StoreFailed as failure:
            raise self._gave_up(store, failure, f"nobody knows whether {name} is stored") from None
        with self._fetching:
            self._held.pop(name, None)
        return f"{store.words}, under {outside_text(self._service)}"

    def forget(self, name: str) -> bool:
        """Remove it from the store; whether there was anything.  Refused where there is no usable store."""
        must_be_known(name)
        store = self._needed()
        try:
            return store.forget(self._service, name)
        except StoreFailed as failure:
            raise self._gave_up(store, failure, f"nobody knows whether {name} is still stored") from None

    # -- the store ------------------------------------------------------------------------------------------------
    def _tried(self) -> CredentialStore | None:
        """The store, where it passed its probe and has not failed since."""
        with self._trying:
            if self._store is None and not self._why:
                try:
                    self._store = probed(self._service, self._choose, self._limit_s)
                except StoreFailed as failure:
                    self._why = str(failure)
            return self._store

    def _needed(self) -> CredentialStore:
        store = self._tried()
        if store is None:
            raise Refused(f"no usable credential store: {self._why}", fix=_NO_STORE)
        return store

    def _stored(self, name: str) -> Secret | None:
        store = self._tried()
        if store is None:
            return None
        try:
            secret = store.get(self._service, name)
        except StoreFailed as failure:
            self._given_up(failure)
            return None
        return None if secret == _NOTHING else secret

    def _given_up(self, failure: StoreFailed) -> None:
        """What failed once is not waited for again, for each credential."""
        with self._trying:
            self._store, self._why = None, str(failure)

    def _gave_up(self, store: CredentialStore, failure: StoreFailed, unknown: str) -> Refused:
        self._given_up(failure)
        return Refused(f"{store.words} failed: {failure}; {unknown}", fix="Look with `runbook credentials check`.")

    # -- the person -----------------------------------------------------------------------------------------------
    def _asked(self, name: str) -> Secret:
        if self._ask is None:
            store = self._tried()
            raise WrongUse(
                f"{name} is needed, and nobody is there to be asked: "
                + (f"it is not in {store.words}" if store else f"no usable credential store ({self._why})"),
                fix=self._set(name) if store else _NO_STORE,
            )
        secret = self._ask(name)
        if secret == _NOTHING:
            raise WrongUse(f"{name} is needed, and nothing was entered", fix=self._set(name))
        return secret

    def _set(self, name: str) -> str:
        environment = outside_text(self._service.rpartition("/")[2], 60)
        return f"Store it: runbook credentials set {name} --environment {environment}"


_NOTHING: Final = Secret("")
_NO_STORE: Final = "Unlock or start this machine's credential store; until then values are asked for, in each run."
