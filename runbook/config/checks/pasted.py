"""What must not stand in the file: secrets, by the names of their keys and by how they look; unfilled placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from runbook.config.checks.plain import Plain
from runbook.config.signers import is_public_key
from runbook.toml_file import Loc, Mistake

NEVER: Final = "secrets never stand in this file: take it out, change it, and `runbook credentials set` the new one"
PLACEHOLDER: Final = re.compile(r"<[^<>]+>")
"""How the example marks a value that has to be put in."""

_CALLED: Final = re.compile(
    r"(?:^|_)(?:passwords?|passwd|pwd|passphrases?|secrets?|tokens?|api_?keys?|access_?keys?|private_?keys?"
    r"|credentials?|bearer|unseal(?:_?keys?)?|shares?|role_id|pin|otp)(?:$|_)"
)
_OURS: Final = frozenset({"secret_group"})  # of all keys that the file knows, the one that is called so
_SIGNERS: Final = ("people", "signers")  # their keys are public
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_MARKED: Final = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}"
    r"|\bhv[sbr]\.[\w-]{8,}|\b[sb]\.[A-Za-z0-9]{24}\b"
    r"|-----BEGIN |\bAGE-SECRET-KEY-|\beyJ[\w-]{8,}\.[\w-]{8,}|\bxox[abprs]-\w{8,}|\bcf[a-z]{1,3}_\w{20,}"
    r"|://[^/?#\s\"'@]*:[^/?#\s\"'@]+@"
)
_BLIND: Final = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=\D*\d)[A-Za-z0-9+/_-]{32,}={0,2}")
_TURN: Final = re.compile(r"(?<=[a-z])(?![a-z])|(?<=[A-Z])(?![A-Z])|(?<=\d)(?!\d)")
_SENSELESS: Final = 1 / 3  # turns between small, capital and digit by character: chance makes 0.6, words under 0.3
_SHARE: Final = re.compile(r"[0-9A-Fa-f]{32,}")
_ASSIGNED: Final = re.compile(
    r"(?i)\b(?:password|passwd|pwd|secret|token)(?:\s*=\s*[^\s{$<]{4,}|:\s*(?=[^\s\d]*\d)(?=[^\sa-z]*[a-z])[^\s{$<]{6,})"
)


def marked(text: str) -> bool:
    """Whether something in a text looks like the credentials of a known maker, a key, or a URL with a password."""
    return _MARKED.search(text) is not None


def looks_secret(value: str) -> bool:
    """Whether a value as a whole may be one: marked as such, or long and without sense."""
    word = value.strip()
    blind = _BLIND.fullmatch(word) is not None and len(_TURN.findall(word)) > len(word) * _SENSELESS
    return blind or marked(value)


def typed(text: str) -> bool:
    """Whether a word of what somebody typed may be a secret, an unseal share too; a whole hash looks like one."""
    return any(looks_secret(word) or _SHARE.fullmatch(word) is not None for word in text.split())


def found(file: Plain) -> Iterator[Mistake]:
    """Each at its key; the key is masked where it is the secret itself."""
    for loc, value in file.everything():
        if _is_secret(loc, value):
            yield Mistake(loc, NEVER)
        elif isinstance(value, str) and PLACEHOLDER.fullmatch(value):
            yield Mistake(loc, "is still the placeholder of the example: put the real value in")


def commented(text: str) -> Iterator[int]:
    """The lines with a comment in which one stands."""
    for number, line in enumerate(text.split("\n"), start=1):
        _, mark, comment = line.partition("#")
        if mark and (marked(comment) or _ASSIGNED.search(comment)):
            yield number


def masked(key: str) -> str:
    """A key as it may be shown: it may be the secret itself."""
    return "***" if looks_secret(key) else key


def _is_secret(loc: Loc, value: Any) -> bool:
    key = loc[-1]
    if loc[:2] == _SIGNERS and key == "key" and isinstance(value, str) and is_public_key(value):
        return False
    if isinstance(key, str) and key not in _OURS and _called(key):
        return True
    if isinstance(key, str) and looks_secret(key):
        return True
    if not isinstance(value, str) or loc[0] == "canary":
        return isinstance(value, str) and marked(value)
    words = "sql" not in loc and _ASSIGNED.search(value) is not None
    return words or looks_secret(value) or ("custodians" in loc and _SHARE.fullmatch(value) is not None)


def _called(key: str) -> bool:
    return _CALLED.search(_HUMP.sub("_", key).lower()) is not None
