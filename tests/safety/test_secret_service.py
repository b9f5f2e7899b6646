"""The real backend of a Linux desktop, over a real session bus, from the process that would use it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import secret_service

pytestmark = pytest.mark.skipif(secret_service.DAEMON is None, reason="there is no dbus-daemon on this machine")

SENTINEL = "sentinel-Zx81-value"
MADE = "from runbook.safety.keychain import *; keychain = Keychain(service_of('Clinic', 'staging'), limit_s={limit})\n"
SET = "import sys; typed = Secret(sys.stdin.readline()); print(keychain.set('github-token', typed))"
GET = "print(keychain.backend, len(keychain.credential('github-token').reveal()), keychain.has('cloudflare-token'))"


def python(service: secret_service.SecretService, script: str, *, limit: float = 20, typed: str = "") -> str:
    """What it prints, once it ended well."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
    done = subprocess.run(
        [sys.executable, "-c", MADE.format(limit=limit) + script],
        env=kept | {"DBUS_SESSION_BUS_ADDRESS": service.address},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_what_one_process_stores_another_one_finds_and_nothing_else_is_left_in_it() -> None:
    with secret_service.served() as service:
        assert python(service, SET, typed=SENTINEL) == "the Secret Service, under runbook/Clinic/staging\n"
        assert service.secrets == [SENTINEL.encode()]
        assert python(service, GET) == f"the Secret Service {len(SENTINEL)} False\n"
        ((attributes, _),) = service.items.values()
        assert (attributes["service"], attributes["username"]) == ("runbook/Clinic/staging", "github-token")
        assert python(service, "print(keychain.forget('github-token'), keychain.has('github-token'))") == "True False\n"
        assert service.items == {}


def test_a_locked_store_that_the_person_opens_is_used() -> None:
    with secret_service.served(locked=True, on_unlock="opened") as service:
        assert python(service, "print(keychain.backend)") == "the Secret Service\n"


def test_a_locked_store_that_stays_locked_is_not_used() -> None:
    with secret_service.served(locked=True, on_unlock="dismissed") as service:
        assert python(service, "print(keychain.why)") == "it is locked, and was not unlocked\n"
        assert service.calls.count("Prompt") == 1  # nobody is asked twice to open what they just refused to
        assert service.items == {}


def test_a_prompt_that_nobody_answers_is_not_waited_for() -> None:
    with secret_service.served(locked=True, on_unlock="open") as service:
        assert python(service, "print(keychain.why)", limit=1.5) == "it did not answer within 1.5 s; it may be locked\n"
        assert service.items == {}
