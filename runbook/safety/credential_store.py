"""This machine's credential store, through `keyring`: only a kind that is known to encrypt, and only once it was tried.

`keyring` takes what is installed or configured, also what stores nothing (its null backend) or stores in plain text
(`keyrings.alt`); so the kind is judged by an allow-list, whatever chose it.  A store may be locked, or never answer:
every call has a limit, and what failed once is not asked again by this process.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar

from runbook.engine.ports import Secret
from runbook.safety.outside_text import outside_text

T = TypeVar("T")

LIMIT_S: Final = 3.0

ALLOWED: Final = MappingProxyType(
    {
        "keyring.backends.SecretService.Keyring": "the Secret Service",
        "keyring.backends.libsecret.Keyring": "the Secret Service",
        "keyring.backends.kwallet.DBusKeyring": "KWallet",
        "keyring.backends.kwallet.DBusKeyringKWallet4": "KWallet",
        "keyring.backends.macOS.Keyring": "the macOS keychain",
        "keyring.backends.Windows.WinVaultKeyring": "the Windows Credential Manager",
    }
)
_NONE: Final = "keyring.backends.fail.Keyring"
_CHAINER: Final = "keyring.backends.chainer.ChainerBackend"


class Backend(Protocol):
    """What is used of a backend of `keyring`."""

    def get_password(self, service: str, username: str, /) -> str | None: ...
    def set_password(self, service: str, username: str, password: str, /) -> None: ...
    def delete_password(self, service: str, username: str, /) -> None: ...


class StoreFailed(Exception):
    """The store did not do what it was asked; the text says why, and never holds a secret."""


def of_this_machine() -> Backend:
    """What `keyring` chose: by its variable, its configuration file, or what is there.  Blocking, and may hang."""
    import keyring  # noqa: PLC0415 - start-up: nearly no command needs it

    logging.getLogger("keyring").addHandler(logging.NullHandler())  # else a broken plug-in's traceback is printed
    return keyring.get_keyring()


@dataclass(frozen=True, slots=True)
class CredentialStore:
    """A store that passed the probe; `words` name its kind.  Every call raises StoreFailed after `limit_s`."""

    words: str
    backend: Backend
    limit_s: float

    def get(self, service: str, name: str) -> Secret | None:
        """What is stored under that name."""
        return within(self.limit_s, lambda: _read(self.backend, service, name))

    def set(self, service: str, name: str, secret: Secret) -> None:
        """Store it, and read it back."""

        def work() -> None:
            self.backend.set_password(service, name, secret.reveal())
            if _read(self.backend, service, name) != secret:
                raise StoreFailed("it answered with another value than it was given")

        within(self.limit_s, work)

    def forget(self, service: str, name: str) -> bool:
        """Remove it; whether there was anything."""

        def work() -> bool:
            if _read(self.backend, service, name) is None:
                return False
            self.backend.delete_password(service, name)
            if _read(self.backend, service, name) is not None:
                raise StoreFailed("it still has what it was told to delete")
            return True

        return within(self.limit_s, work)


def probed(service: str, choose: Callable[[], Backend], limit_s: float = LIMIT_S) -> CredentialStore:
    """The store, once a random value was set, read and deleted in it; StoreFailed says why it is not used.

    Choosing counts to the limit, since asking D-Bus which services there are may hang too.
    """
    return within(limit_s, lambda: _tried(choose(), service, limit_s), quoting=True)


def within(limit_s: float, work: Callable[[], T], *, quoting: bool = False) -> T:
    """What `work` answers; StoreFailed where it failed, or is not done in time and goes on where it keeps nobody.

    The thread is a daemon, so that a store which never answers does not keep the process from ending.  No exception
    leaves it: the frames of one hold what was on its way into the store.  `quoting` its text is for work that has no
    secret: nobody can say what a backend puts into it.
    """
    answers: SimpleQueue[_Answer[T]] = SimpleQueue()
    threading.Thread(target=lambda: answers.put(_answered(work, quoting)), daemon=True, name="credential store").start()
    try:
        answer = answers.get(timeout=limit_s)
    except Empty:
        raise StoreFailed(f"it did not answer within {limit_s:g} s; it may be locked") from None
    return answer.value()


# -- inside the thread --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    values: tuple[T, ...]
    failed: str = ""

    def value(self) -> T:
        for value in self.values:
            return value
        raise StoreFailed(self.failed)


def _answered(work: Callable[[], T], quoting: bool) -> _Answer[T]:  # noqa: FBT001 - private, and from one place
    try:
        return _Answer((work(),))
    except StoreFailed as failure:
        return _Answer((), str(failure))
    except BaseException as error:  # noqa: BLE001 - a backend raises whatever its D-Bus or its system library raises
        return _Answer((), _said_of(error, quoting=quoting))


def _said_of(error: BaseException, *, quoting: bool) -> str:
    kind = type(error).__name__
    if known := _FAILURES.get(kind):
        return known
    text = f": {outside_text(error, 200)}" if quoting and str(error) else ""
    return f"it failed ({outside_text(kind, 60)}{text})"


_FAILURES: Final = MappingProxyType(
    {
        "KeyringLocked": "it is locked, and was not unlocked",
        "InitError": "it could not be opened",
        "NoKeyringError": "there is none on this machine",
        "ModuleNotFoundError": "the kind that keyring is told to use is not installed",
    }
)
"""By the exception's type."""


def _tried(chosen: Backend, service: str, limit_s: float) -> CredentialStore:
    backend = _allowed(chosen)
    probe = Secret(secrets.token_urlsafe(24))
    name = f"probe-{secrets.token_hex(8)}"
    backend.set_password(service, name, probe.reveal())
    try:
        answered = _read(backend, service, name)
    finally:
        _delete(backend, service, name)
    if answered is None:
        raise StoreFailed("it keeps nothing: a test value was gone at once")
    if answered != probe:
        raise StoreFailed("it answered a test with another value than it was given")
    if _read(backend, service, name) is not None:
        raise StoreFailed("it does not delete: a test value is still in it")
    return CredentialStore(ALLOWED[_kind(backend)], backend, limit_s)


def _allowed(chosen: Backend) -> Backend:
    """That backend, or the first allowed one of a chain; StoreFailed where there is none."""
    kind = _kind(chosen)
    if kind == _NONE:
        raise StoreFailed("there is none on this machine")
    among: tuple[Backend, ...] = tuple(getattr(chosen, "backends", ())) if kind == _CHAINER else (chosen,)
    for backend in among:
        if _kind(backend) in ALLOWED:
            return backend
    kinds = ", ".join(outside_text(_kind(backend), 80) for backend in among) or kind
    raise StoreFailed(f"keyring offers {kinds}, which is not known to keep secrets encrypted")


def _kind(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _read(backend: Backend, service: str, name: str) -> Secret | None:
    text = backend.get_password(service, name)
    return None if text is None else Secret(text)


def _delete(backend: Backend, service: str, name: str) -> None:
    """Also where reading it failed: it may be in there all the same."""
    try:
        backend.delete_password(service, name)
    except Exception as error:  # noqa: BLE001 - whether it is gone is asked of the store, whatever it says here
        logging.getLogger("runbook").debug("the test value could not be deleted: %s", type(error).__name__)
