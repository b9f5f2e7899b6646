"""Opens what a vault's barrier keeps, given the key that its shares make.  Formats as in OpenBao 2.6.2, tried on it.

The shares give a key-encryption key; it opens the root key; that opens the keyring; a term of the keyring opens each
entry.  All of it is AES-256-GCM.  Keys and plaintexts are bytearrays, so that `wipe` can overwrite them: the best that
can be done here, for Python and the libraries below it make copies that nothing reaches.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from runbook.estate.answers import listing, mapping, number
from runbook.estate.vault_snapshot.state import fields

CLUSTER: Final = "core/cluster/local/info"
KEYRING: Final = "core/keyring"

_NONCE, _TAG = 12, 16
_TERM: Final = 4
_KEY: Final = 32
_WITHOUT_PATH, _WITH_PATH = 1, 2  # version byte of an entry: whether its path is authenticated with it
_GZIP: Final = 0x47  # "G" in front: the canary that Vault's jsonutil puts before compressed JSON
_INFLATED_LIMIT: Final = 64 << 20
_AS_GZIP: Final = 16 + zlib.MAX_WBITS


class Unopened(Exception):
    """Nothing opens it: another key, or it was changed.  Says no more than that."""


class Unknown(Exception):
    """It was opened, and what came out is in no form that is known here."""


def wipe(secret: bytearray) -> None:
    """Overwrite it with zeros."""
    secret[:] = bytes(len(secret))


def open_blob(key: bytes | bytearray, blob: bytes) -> bytearray:
    """The plaintext of a BlobInfo, as Shamir's seal makes it; the caller wipes it."""
    return _opened(key, dict(fields(blob)).get(1, b""), None)


def root_key(key_encryption_key: bytes | bytearray, blob: bytes) -> bytearray:
    """From `core/hsm/barrier-unseal-keys`: JSON, a list with one base64 key."""
    plain = open_blob(key_encryption_key, blob)
    try:
        (one,) = listing(json.loads(plain))
        return _key(one)
    except (ValueError, RecursionError):
        raise Unknown("the root key") from None
    finally:
        wipe(plain)


class Keyring:
    """The barrier's keys by term; `wipe` when done."""

    def __init__(self, root: bytes | bytearray, value: bytes) -> None:
        self._terms: dict[int, bytearray] = {}
        plain = _opened(root, value[_TERM + 1 :], _authenticated(value, KEYRING))
        try:
            for one in map(mapping, listing(mapping(json.loads(plain)).get("Keys"))):
                self._terms[number(one.get("Term"))] = _key(one.get("Value"))
        except (ValueError, RecursionError):
            self.wipe()
            raise Unknown("the keyring") from None
        finally:
            wipe(plain)

    @property
    def terms(self) -> tuple[int, ...]:
        """Which there are."""
        return tuple(self._terms)

    def open(self, path: str, value: bytes) -> bytearray:
        """The plaintext of an entry; the caller wipes it."""
        key = self._terms.get(int.from_bytes(value[:_TERM]))
        if key is None:
            raise Unopened
        return _opened(key, value[_TERM + 1 :], _authenticated(value, path))

    def document(self, path: str, value: bytes) -> Mapping[str, Any]:
        """An entry that is JSON, compressed or not; Unknown for anything else."""
        plain = self.open(path, value)
        try:
            return _document(plain)
        finally:
            wipe(plain)

    def wipe(self) -> None:
        """Overwrite every key."""
        for key in self._terms.values():
            wipe(key)
        self._terms.clear()


def _document(plain: bytearray) -> Mapping[str, Any]:
    inflated = _inflated(plain) if plain[:1] == bytes([_GZIP]) else plain
    try:
        found = json.loads(inflated)
    except (ValueError, RecursionError):
        raise Unknown("an entry") from None
    finally:
        wipe(inflated)
    if not isinstance(found, dict):
        raise Unknown("an entry")
    return found


def _inflated(plain: bytearray) -> bytearray:
    inflater = zlib.decompressobj(_AS_GZIP)
    try:
        return bytearray(inflater.decompress(memoryview(plain)[1:], _INFLATED_LIMIT))
    except zlib.error:
        raise Unknown("an entry") from None


def _key(encoded: object) -> bytearray:
    """A base64 key of the barrier's size; ValueError otherwise."""
    try:
        key = bytearray(base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else b"")
    except binascii.Error:
        key = bytearray()
    if len(key) != _KEY:
        raise ValueError("no key")
    return key


def _authenticated(value: bytes, path: str) -> bytes | None:
    """The additional data of an entry, by its version byte: the path since version 2, nothing before."""
    version = value[_TERM] if len(value) > _TERM else 0
    if version not in {_WITHOUT_PATH, _WITH_PATH}:
        raise Unopened
    return path.encode() if version == _WITH_PATH else None


def _opened(key: bytes | bytearray, sealed: bytes, data: bytes | None) -> bytearray:
    """The plaintext of nonce, ciphertext and tag."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < _NONCE + _TAG or len(key) != _KEY:
        raise Unopened
    plain = bytearray(len(sealed) - _NONCE - _TAG)
    try:
        AESGCM(key).decrypt_into(sealed[:_NONCE], memoryview(sealed)[_NONCE:], data, plain)
    except InvalidTag:
        raise Unopened from None
    return plain
