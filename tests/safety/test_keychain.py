"""Which credential stores are used, which are not and why, and that a value is asked for once instead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring.backend
import pytest
from keyring.backends.chainer import ChainerBackend
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordSetError

from runbook.engine.errors import Refused, RunbookError, WrongUse
from runbook.engine.ports import Secret
from runbook.safety import credential_store
from runbook.safety.credential_store import ALLOWED, StoreFailed
from runbook.safety.keychain import NAMES, Keychain, service_of
from tests.support.keyrings import (
    Failing,
    Forgetful,
    Hanging,
    Keeping,
    Lying,
    Memory,
    PlaintextFile,
    choosing,
    secret_service,
    under,
)
from tests.support.waiting import eventually

SERVICE = service_of("Clinic", "staging")
SENTINEL = Secret("sentinel-Zx81-value")
NOBODY_WAITS_S = 0.05


def keychain(backend: Any, ask: Callable[[str], Secret] | None = None, **more: Any) -> Keychain:
    return Keychain(SERVICE, ask, choose=choosing(backend), **more)


class Person:
    """Types the sentinel, and remembers what it was asked."""

    def __init__(self, answer: Secret = SENTINEL) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def __call__(self, name: str) -> Secret:
        self.asked.append(name)
        return self._answer


def a_chain() -> Any:
    kind: Any = ChainerBackend
    return kind()


# -- stores that are used -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "words"), ALLOWED.items())
def test_every_store_on_the_list_is_used_and_called_by_its_name(kind: str, words: str):
    chain = keychain(under(kind, Memory()))
    assert (chain.backend, chain.why) == (words, "")


def test_the_probe_leaves_nothing_behind():
    store = secret_service()
    assert keychain(store).why == ""
    assert store.held == {}
    assert store.calls[:3] == ["set", "get", "delete"]


def test_a_probe_never_uses_the_same_value_or_name_twice():
    class Witness(Memory):
        def set_password(self, service: str, username: str, password: str) -> None:
            super().set_password(service, username, password)
            seen.append((username, password))

    seen: list[tuple[str, str]] = []
    for _ in range(20):
        assert keychain(secret_service(Witness())).why == ""
    assert len({name for name, _ in seen}) == len({value for _, value in seen}) == 20


def test_what_was_set_is_found_again_and_forgotten_when_told():
    store = secret_service()
    where = keychain(store).set("github-token", SENTINEL)
    assert where == "the Secret Service, under runbook/Clinic/staging"
    later = keychain(store)
    assert later.has("github-token")
    assert later.credential("github-token") == SENTINEL
    assert later.forget("github-token")
    assert not later.has("github-token")
    assert not later.forget("github-token")
    assert store.held == {}


def test_environments_and_platforms_share_no_credential():
    store = secret_service()
    keychain(store).set("github-token", SENTINEL)
    for service in (service_of("Clinic", "production"), service_of("Other", "staging")):
        assert not Keychain(service, choose=choosing(store)).has("github-token")


def test_the_first_allowed_store_of_a_chain_is_used_not_the_chain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = under("keyrings.alt.file.PlaintextKeyring", PlaintextFile(tmp_path / "pass.cfg"))
    good = secret_service()
    plain.priority, good.priority = 9, 5
    monkeypatch.setattr(keyring.backend, "get_all_keyring", lambda: [good, plain])
    chain = keychain(a_chain())
    assert chain.backend == "the Secret Service"
    chain.set("github-token", SENTINEL)
    assert good.held == {(SERVICE, "github-token"): SENTINEL.reveal()}
    assert not list(tmp_path.iterdir())


# -- stores that are not ------------------------------------------------------------------------------------------
def refused_stores() -> Iterator[Any]:
    def one(store: Any, why: str, name: str) -> Any:
        return pytest.param(store, why, id=name)

    def allowed(backend: Any) -> Callable[[], Any]:
        return choosing(secret_service(backend))

    yield one(choosing(under("keyring.backends.fail.Keyring", Memory())), "there is none on this machine", "none")
    yield one(choosing(under("keyring.backends.null.Keyring", Forgetful())), "keyring.backends.null.Keyring", "null")
    yield one(choosing(under("nobodys.Keyring", Memory())), "not known to keep secrets encrypted", "unknown kind")
    yield one(allowed(Forgetful()), "it keeps nothing", "keeps nothing")
    yield one(allowed(Lying()), "another value than it was given", "another value")
    yield one(allowed(Keeping()), "it does not delete", "does not delete")
    yield one(allowed(Failing(KeyringLocked)), "it is locked", "locked")
    yield one(allowed(Failing(InitError)), "it could not be opened", "does not open")
    yield one(allowed(Failing(NoKeyringError)), "there is none", "says that there is none")
    yield one(allowed(Failing(PasswordSetError)), "it failed (PasswordSetError: cannot store", "fails")
    yield one(allowed(Failing(SystemExit)), "it failed (SystemExit", "exits")


@pytest.mark.parametrize(("choose", "why"), [*refused_stores()])
def test_an_unfit_store_is_not_used_it_is_said_why_and_the_value_is_asked_for(choose: Callable[[], Any], why: str):
    person = Person()
    chain = Keychain(SERVICE, person, choose=choose)
    assert why in chain.why
    assert chain.backend == f"asked for at the prompt: no usable credential store ({chain.why})"
    assert "\x1b" not in chain.backend
    assert chain.credential("github-token") == SENTINEL
    assert person.asked == ["github-token"]
    assert not chain.has("github-token")
    with pytest.raises(Refused, match="no usable credential store"):
        chain.set("github-token", SENTINEL)
    with pytest.raises(Refused, match="no usable credential store"):
        chain.forget("github-token")


def test_plain_text_files_are_named_and_nothing_is_written_into_them(tmp_path: Path):
    plain = under("keyrings.alt.file.PlaintextKeyring", PlaintextFile(tmp_path / "keyring_pass.cfg"))
    chain = keychain(plain, Person())
    assert chain.why == (
        "keyring offers keyrings.alt.file.PlaintextKeyring, which is not known to keep secrets encrypted"
    )
    assert chain.credential("github-token") == SENTINEL
    assert not list(tmp_path.iterdir())


def test_a_chain_of_plain_files_only_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    plain = under("keyrings.alt.file.PlaintextKeyring", PlaintextFile(tmp_path / "keyring_pass.cfg"))
    plain.priority = 9
    monkeypatch.setattr(keyring.backend, "get_all_keyring", lambda: [plain])
    assert "keyrings.alt.file.PlaintextKeyring" in keychain(a_chain()).why
    assert not list(tmp_path.iterdir())


def test_a_class_that_only_calls_itself_like_an_allowed_one_is_not():
    assert "not known" in keychain(under("evil.keyring.backends.SecretService.Keyring", Memory())).why
    assert "not known" in keychain(under("keyring.backends.SecretService.KeyringOfMine", Memory())).why


# -- stores that never answer -------------------------------------------------------------------------------------
@pytest.fixture
def hanging() -> Iterator[Hanging]:
    store = secret_service(Hanging())
    yield store
    store.let_go.set()


def test_a_hanging_store_is_given_up_and_the_value_asked_for(hanging: Hanging):
    person = Person()
    chain = keychain(hanging, person, limit_s=NOBODY_WAITS_S)
    assert chain.why == "it did not answer within 0.05 s; it may be locked"
    assert chain.credential("github-token") == chain.credential("github-token") == SENTINEL
    assert person.asked == ["github-token"]


def test_a_hanging_store_is_asked_once_in_a_process(hanging: Hanging):
    chain = keychain(hanging, Person(), limit_s=NOBODY_WAITS_S)
    for name in NAMES:
        chain.credential(name)
    assert len([thread for thread in threading.enumerate() if thread.name == "credential store"]) == 1


def test_a_store_that_wakes_up_late_is_left_with_nothing_in_it(hanging: Hanging):
    assert keychain(hanging, limit_s=NOBODY_WAITS_S).why
    hanging.let_go.set()
    eventually(lambda: hanging.calls, lambda calls: calls[:3] == ["set", "get", "delete"])
    assert hanging.held == {}


def test_the_limit_is_three_seconds():
    assert credential_store.LIMIT_S == 3.0


def test_a_store_that_fails_later_is_given_up_and_its_values_are_asked_for():
    person, store = Person(), secret_service()
    chain = keychain(store, person)
    assert chain.why == ""
    store.__class__ = type("Keyring", (Failing,), {"__module__": "keyring.backends.SecretService", "_error": OSError})
    assert chain.credential("github-token") == SENTINEL
    assert person.asked == ["github-token"]
    assert "no usable credential store (it failed (OSError))" in chain.backend


def test_a_hanging_store_does_not_keep_the_process_from_ending():
    script = (
        "import threading; from runbook.safety.keychain import Keychain\n"
        "print(Keychain('runbook/x/y', choose=lambda: threading.Event().wait(), limit_s=0.05).why)"
    )
    done = python(script)
    assert (done.returncode, done.stdout) == (0, "it did not answer within 0.05 s; it may be locked\n")


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is Linux's")
def test_a_session_bus_that_takes_calls_and_never_answers_is_given_up():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as bus:
        bus.bind(f"{folder}/bus")
        bus.listen()
        done = python(
            "from runbook.safety.keychain import Keychain; print(Keychain('runbook/x/y', limit_s=0.5).why)",
            DBUS_SESSION_BUS_ADDRESS=f"unix:path={folder}/bus",
        )
    assert (done.returncode, done.stdout) == (0, "it did not answer within 0.5 s; it may be locked\n")


# -- what keyring is told from outside ----------------------------------------------------------------------------
WHY = "from runbook.safety.keychain import Keychain; print(Keychain('runbook/x/y').why)"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("keyring.backends.null.Keyring", "keyring offers keyring.backends.null.Keyring, which is not known"),
        ("keyrings.alt.file.PlaintextKeyring", "the kind that keyring is told to use is not installed"),
        ("plain.Keyring", "keyring offers plain.Keyring, which is not known to keep secrets encrypted"),
    ],
)
def test_the_variable_that_redirects_keyring_leads_nowhere(told: str, why: str, tmp_path: Path):
    (tmp_path / "plain.py").write_text(PLAIN, encoding="utf-8")
    done = python(WHY, PYTHON_KEYRING_BACKEND=told, PYTHONPATH=str(tmp_path))
    assert done.stdout.startswith(why), done.stderr
    assert done.stderr == ""


def test_the_file_that_redirects_keyring_leads_nowhere(tmp_path: Path):
    (tmp_path / "plain.py").write_text(PLAIN, encoding="utf-8")
    folder = tmp_path / "python_keyring"
    folder.mkdir()
    text = f"[backend]\ndefault-keyring=plain.Keyring\nkeyring-path={tmp_path}\n"
    (folder / "keyringrc.cfg").write_text(text, encoding="utf-8")
    done = python(WHY, XDG_DATA_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path))
    assert done.stdout.startswith("keyring offers plain.Keyring, which is not known"), done.stderr


PLAIN = """\
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 9
    def get_password(self, service, username): raise SystemExit("asked")
    set_password = delete_password = get_password
"""


def test_keyring_is_not_loaded_before_a_store_is_needed():
    made = "from runbook.safety.keychain import Keychain; Keychain('runbook/x/y')"
    done = python(f"import sys; {made}; print('keyring' in sys.modules)")
    assert done.stdout == "False\n"


def python(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
    return subprocess.run(
        [sys.executable, "-c", script], env=kept | variables, capture_output=True, text=True, timeout=60, check=False
    )


# -- asking -------------------------------------------------------------------------------------------------------
def test_each_value_is_asked_for_once_in_a_process():
    person = Person()
    chain = keychain(secret_service(), person)
    for _ in range(3):
        assert [chain.credential(name) for name in NAMES] == [SENTINEL] * len(NAMES)
    assert person.asked == list(NAMES)


def test_threads_that_want_the_same_value_cause_one_question():
    entered, typed = threading.Event(), threading.Event()

    def ask(_: str) -> Secret:
        assert not entered.is_set()
        entered.set()
        typed.wait()
        return SENTINEL

    chain = keychain(secret_service(), ask)
    threads = [threading.Thread(target=chain.credential, args=("github-token",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    assert chain.backend == "the Secret Service"  # whoever shows where secrets come from waits for no person
    typed.set()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_what_is_stored_is_not_asked_for_and_what_is_stored_empty_is():
    store, person = secret_service(), Person()
    store.held = {(SERVICE, "github-token"): "stored-token", (SERVICE, "vault-role-id"): ""}
    chain = keychain(store, person)
    assert chain.credential("github-token") == Secret("stored-token")
    assert chain.credential("vault-role-id") == SENTINEL
    assert person.asked == ["vault-role-id"]


def test_nothing_that_was_asked_for_is_stored():
    store = secret_service()
    keychain(store, Person()).credential("github-token")
    assert store.held == {}


def test_the_guard_is_told_each_value_whether_stored_asked_for_or_set():
    told: list[Secret] = []
    store = secret_service()
    store.held = {(SERVICE, "github-token"): "stored-token"}
    chain = keychain(store, Person(), guard=told.append)
    chain.credential("github-token")
    chain.credential("vault-role-id")
    chain.set("cloudflare-token", Secret("new-token"))
    assert told == [Secret("stored-token"), SENTINEL, Secret("new-token")]


def test_a_value_that_was_set_anew_is_what_is_used_from_then_on():
    store = secret_service()
    store.held = {(SERVICE, "github-token"): "old-token"}
    chain = keychain(store)
    assert chain.credential("github-token") == Secret("old-token")
    chain.set("github-token", Secret("new-token"))
    assert chain.credential("github-token") == Secret("new-token")


def test_without_anybody_to_ask_it_is_said_how_to_store_it():
    with pytest.raises(WrongUse, match="it is not in the Secret Service") as caught:
        keychain(secret_service()).credential("github-token")
    assert caught.value.fix == "Store it: runbook credentials set github-token --environment staging"


def test_without_anybody_to_ask_and_without_a_store_it_is_said_why_there_is_none():
    with pytest.raises(WrongUse, match="no usable credential store") as caught:
        keychain(secret_service(Failing(KeyringLocked))).credential("github-token")
    assert "it is locked" in caught.value.sentence
    assert "Unlock" in caught.value.fix


def test_nothing_entered_is_no_value_and_is_asked_for_again():
    person = Person(Secret(""))
    chain = keychain(secret_service(), person)
    for _ in range(2):
        with pytest.raises(WrongUse, match="nothing was entered"):
            chain.credential("github-token")
    assert len(person.asked) == 2


@pytest.mark.parametrize("name", ["vault-unseal-share", "share", "mfa-code", "", "github-token "])
def test_shares_and_whatever_else_has_no_name_are_neither_stored_nor_asked_for(name: str):
    store, person = secret_service(), Person()
    chain = keychain(store, person)
    for call in (chain.credential, chain.has, chain.forget, lambda name: chain.set(name, SENTINEL)):
        with pytest.raises(WrongUse, match="no credential of that name") as caught:
            call(name)
        assert all(known in caught.value.fix for known in NAMES)
        assert "never stored" in caught.value.fix
    assert (store.held, person.asked) == ({}, [])


# -- no value is ever said ----------------------------------------------------------------------------------------
def test_a_keychain_shows_no_value_and_neither_does_what_it_throws():
    store = secret_service()
    chain = keychain(store, Person())
    chain.set("vault-role-id", SENTINEL)
    chain.credential("github-token")
    chain.credential("vault-role-id")
    said = [repr(chain), str(chain), repr(vars(chain)), chain.backend, chain.why]
    assert not [text for text in said if SENTINEL.reveal() in text]


@pytest.mark.parametrize("error", [OSError, PasswordSetError, KeyringLocked, ValueError])
def test_a_store_that_repeats_what_it_was_given_is_not_quoted(error: type[Exception]):
    store = secret_service()
    chain = keychain(store)
    assert chain.why == ""
    store.__class__ = type("Keyring", (Failing,), {"__module__": "keyring.backends.SecretService", "_error": error})
    with pytest.raises(Refused) as caught:
        chain.set("github-token", SENTINEL)
    assert SENTINEL.reveal() not in told_by(caught.value)


def told_by(error: RunbookError) -> str:
    """Everything of an exception that could be shown: what it says and hangs on, every local but the test's."""
    assert error.__traceback__ is not None
    ours = error.with_traceback(error.__traceback__.tb_next)
    lines = traceback.TracebackException.from_exception(ours, capture_locals=True).format()
    return "".join((*lines, error.fix, error.provider_text, repr(error.__context__)))


def test_no_exception_that_saw_a_value_leaves_the_stores_thread():
    with pytest.raises(StoreFailed) as caught:
        credential_store.within(1, lambda: Failing(OSError).set_password("s", "u", SENTINEL.reveal()))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert SENTINEL.reveal() not in str(caught.value)
