"""Backends of `keyring`, good and bad, each under the module and class name by which it is judged.

None registers itself with `keyring`: its own discovery must not find them in other tests.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring.core
import pytest


class Memory:
    """Keeps what it is given; `calls` counts by the method's name."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.calls.append("get")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append("set")
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.calls.append("delete")
        del self.held[service, username]


class Forgetful(Memory):
    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append("set")


class Lying(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, username)
        return None if found is None else "somebody else's value"


class Keeping(Memory):
    def delete_password(self, service: str, username: str) -> None:
        self.calls.append("delete")


class Failing(Memory):
    """`error` whatever it is asked, with what it was given in its text, as a careless backend writes it."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self._error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self._error(f"cannot read {service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self._error(f"cannot store {password} for {username}\x1b[2J")


class Hanging(Memory):
    """Answers nothing until it is let go; then everything that it was asked is done after all."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.let_go.wait()
        super().set_password(service, username, password)


class PlaintextFile:
    """What `keyrings.alt` is: base64 in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get_password(self, service: str, username: str) -> str | None:
        return base64.b64decode(self._file.read_bytes()).decode() if self._file.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file.write_bytes(base64.b64encode(password.encode()))

    def delete_password(self, service: str, username: str) -> None:
        self._file.unlink()


def under(name: str, backend: Any) -> Any:
    """The same backend as one that calls itself `name` (`keyring.backends.macOS.Keyring`)."""
    module, _, kind = name.rpartition(".")
    backend.__class__ = type(kind, (type(backend),), {"__module__": module, "__qualname__": kind})
    return backend


def secret_service(backend: Any | None = None) -> Any:
    """As the Secret Service, which is allowed."""
    return under("keyring.backends.SecretService.Keyring", Memory() if backend is None else backend)


def choosing(backend: Any) -> Callable[[], Any]:
    """For `Keychain(choose=…)`."""
    return lambda: backend


def installed(backend: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """It is what `keyring` answers in this process, for the test's time."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend
