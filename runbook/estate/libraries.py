"""The providers' libraries, loaded before a run's clock starts and not at the first call to each provider.

A key that is pressed meanwhile is painted late: reading one of AWS's descriptions holds the interpreter for 0.1 s, and
so many objects are left that one full pass of the garbage collector over them holds it for 0.2 s.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Iterator
from functools import cache
from typing import Final

from runbook.estate.aws import descriptions
from runbook.estate.aws.client import ATTEMPTS

NEEDED: Final = (
    "botocore.session",
    "cryptography.hazmat.primitives.ciphers.aead",
    "dns.resolver",
    "httpcore",  # httpx loads it with the first client
    "psycopg",
    "runbook.estate.http_patience",
    "runbook.estate.http_wire",
    "runbook.estate.vault.wire",
)
OF_AN_EXTRA: Final = ("cramjam", "sigstore.verify")
"""Whoever needs one that is not installed says so then."""


@cache
def load() -> None:
    """Once a process.  Blocking, 0.7 s: in a thread, and while somebody waits anyway."""
    gc.collect()  # what is garbage already is not kept
    with _without_collecting():
        for name in NEEDED:
            importlib.import_module(name)
        for name in OF_AN_EXTRA:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        descriptions.load(ATTEMPTS)
        gc.freeze()  # it all stays: no later pass looks at it again


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Everything that is made in here stays, so passes over it would only take time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
