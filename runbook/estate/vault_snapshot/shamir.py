"""Shamir's sharing as HashiCorp Vault and OpenBao do it: GF(2^8) with AES's polynomial, byte by byte.

A share is the value of each byte's polynomial at x, and x itself (1 to 255) as its last byte; the secret is the value
at 0.  Not in constant time: it runs on the operator's own machine, for the length of a proof.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

_POLYNOMIAL = 0x11B


def combine(shares: Sequence[bytes | bytearray]) -> bytearray:
    """The secret that these shares give; the caller wipes it.  Wrong shares give something else, unnoticed here.

    ValueError when they cannot be one set: none, of different lengths, the same x twice, or an x of 0.
    """
    xs = [share[-1] for share in shares if len(share) > 1]
    lengths = {len(share) for share in shares}
    if not xs or len(lengths) != 1 or 0 in xs or len(set(xs)) < len(xs):
        raise ValueError("not one set of shares")
    weights = [_weight(x, xs) for x in xs]
    secret = bytearray(lengths.pop() - 1)
    for share, weight in zip(shares, weights, strict=True):
        for at in range(len(secret)):
            secret[at] ^= _times(share[at], weight)
    return secret


def split(secret: bytes, coefficients: Sequence[bytes], xs: Sequence[int]) -> tuple[bytes, ...]:
    """A share for each x; any len(coefficients) + 1 of them give the secret.  The caller brings the randomness:

    a string as long as the secret for each power of x.
    """
    return tuple(_at(secret, coefficients, x) for x in xs)


def _at(secret: bytes, coefficients: Sequence[bytes], x: int) -> bytes:
    values = bytearray(len(secret))
    for coefficient in (*reversed(coefficients), secret):
        for at, byte in enumerate(coefficient):
            values[at] = _times(values[at], x) ^ byte
    return bytes([*values, x])


def _weight(x: int, xs: Sequence[int]) -> int:
    """Lagrange's factor of the share at x, for the value at 0."""
    product = 1
    for other in xs:
        if other != x:
            product = _times(product, _over(other, other ^ x))
    return product


def _times(a: int, b: int) -> int:
    if not a or not b:
        return 0
    powers, logs = _tables()
    return powers[(logs[a] + logs[b]) % 255]


def _over(a: int, b: int) -> int:
    powers, logs = _tables()
    return powers[(logs[a] - logs[b]) % 255]


@functools.cache
def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Powers of the generator 3, and their logarithms."""
    powers, logs, value = [0] * 255, [0] * 256, 1
    for exponent in range(255):
        powers[exponent], logs[value] = value, exponent
        doubled = value << 1
        value ^= doubled ^ _POLYNOMIAL if doubled > 0xFF else doubled
    return tuple(powers), tuple(logs)
