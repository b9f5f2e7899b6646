"""`runbook credentials`: what is kept in this machine's credential store.  No value is ever shown."""

from __future__ import annotations

import argparse
import getpass
import sys
import unicodedata
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from runbook.commands.configured import configured
from runbook.commands.exits import ExitCode
from runbook.config import Environment
from runbook.engine.errors import Refused, WrongUse
from runbook.engine.ports import Secret
from runbook.safety.keychain import NAMES, Keychain, must_be_known, service_of

_MODE_OF: Final = MappingProxyType({"staging": "drill", "production": "recovery"})
_LATER: Final = ("vault-role-id", "vault-secret-id")  # a step asks for these, once the vault is restored
_UNFIT: Final = frozenset({"Cc", "Cs"})  # controls and halves of characters: no credential has any


def run(arguments: argparse.Namespace) -> int:
    """One action on the credentials of one environment; WrongUse without a configuration that names the platform."""
    found = configured(arguments)
    environment = found.environment(_MODE_OF[arguments.environment])
    keychain = Keychain(service_of(found.settings.platform.name, environment.name))
    actions: dict[str, Callable[[], int]] = {
        "list": lambda: _list(keychain, environment),
        "check": lambda: _check(keychain, environment),
        "set": lambda: _set(keychain, environment, _named(arguments)),
        "forget": lambda: _forget(keychain, environment, _named(arguments)),
    }
    return actions[arguments.action]()


def needed(environment: Environment) -> tuple[str, ...]:
    """What a run in that environment will want, in the order in which it does."""
    from runbook.commands import wiring  # setting one needs no adapter

    return tuple(dict.fromkeys((*wiring.needed(environment), *_LATER)))


def _named(arguments: argparse.Namespace) -> str:
    """The name on the command line; WrongUse for one that cannot be stored."""
    if arguments.name is None:
        raise WrongUse("which credential?", fix=f"Name one of {', '.join(NAMES)}.")
    must_be_known(arguments.name)
    return str(arguments.name)


# -- looking ------------------------------------------------------------------------------------------------------
def _list(keychain: Keychain, environment: Environment) -> int:
    wanted = needed(environment)
    stored = {name for name in NAMES if keychain.has(name)}
    print(f"{environment.name}: {keychain.backend}")  # after the store was asked: it may have failed by now
    for name, what in NAMES.items():
        state = "set" if name in stored else "not set" if name in wanted else "not needed"
        print(f"  {name:<18} {state:<11} {what}")
    return ExitCode.PASS


def _check(keychain: Keychain, environment: Environment) -> int:
    """0 when a run would have to ask for nothing."""
    present = {name: keychain.has(name) for name in needed(environment)}
    if why := keychain.why:
        print(f"{environment.name}: no usable credential store ({why}): a run asks for each value")
    else:
        print(f"{environment.name}: {keychain.backend}; a test value was set, read back and deleted")
    for name, there in present.items():
        print(f"  {name:<18} {'present' if there else 'missing'}")
    return ExitCode.PASS if all(present.values()) else ExitCode.FAIL


# -- changing -----------------------------------------------------------------------------------------------------
def _set(keychain: Keychain, environment: Environment, name: str) -> int:
    if why := keychain.why:  # before anybody types anything
        raise Refused(
            f"{name} is not stored: no usable credential store ({why})",
            fix="Unlock or start this machine's credential store; until then a run asks for it.",
        )
    where = keychain.set(name, entered(name, environment.name))
    print(f"runbook: {name} of {environment.name} is stored in {where}", file=sys.stderr)
    return ExitCode.PASS


def _forget(keychain: Keychain, environment: Environment, name: str) -> int:
    was = keychain.forget(name)
    said = "is removed from" if was else "was not in"
    print(f"runbook: {name} of {environment.name} {said} {keychain.backend}", file=sys.stderr)
    return ExitCode.PASS


def entered(name: str, environment: str) -> Secret:
    """Typed behind a mask, or one line of standard input where that is no terminal; WrongUse for an unfit one."""
    try:
        typed = (
            getpass.getpass(f"{name} of {environment} ({NAMES[name]}; not shown): ")
            if sys.stdin.isatty()
            else sys.stdin.readline()
        )
    except (EOFError, UnicodeDecodeError):
        typed = ""
    text = typed.rstrip("\r\n")
    if not text.strip():
        raise WrongUse(f"no text was entered for {name}: nothing is stored", fix="Enter it, in one line.")
    if any(unicodedata.category(character) in _UNFIT for character in text):
        raise WrongUse(
            f"what was entered for {name} holds a control character: nothing is stored",
            fix="Copy it again, without what surrounds it.",
        )
    return Secret(text)
