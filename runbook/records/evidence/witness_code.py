"""A code that somebody who has a run's report can read out over the phone: it stands for exactly this run.json."""

from __future__ import annotations

import hashlib

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to be misheard or misread
_DOMAIN = b"restoration-runbook witness code/v1\0"
_LENGTH = 8


def witness_code(run_json: bytes) -> str:
    """`K7QM-4T9X`: 40 bits over the bytes of run.json.  It tells two records apart; it proves nobody's identity."""
    number = int.from_bytes(hashlib.sha256(_DOMAIN + run_json).digest()[:5])
    letters = "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
    return f"{letters[:4]}-{letters[4:]}"


def same_code(one: str, other: str) -> bool:
    """As people say and type it: without regard to case, spaces and dashes; O is 0, I and L are 1."""
    return _heard(one) == _heard(other) != ""


def _heard(text: str) -> str:
    said = "".join(each for each in text.upper() if each.isalnum())
    return said.translate(str.maketrans("OIL", "011"))
