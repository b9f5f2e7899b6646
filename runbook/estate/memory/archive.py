"""A real, tiny raft snapshot archive, as a Shamir-sealed OpenBao writes it: whoever has the key can open it.

Keys and nonces are derived from names, so that the same archive comes out each time; no secret is in it.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runbook.estate.memory.names import TRANSIT_KEY
from runbook.estate.vault_snapshot.barrier import CLUSTER, KEYRING
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG

VERSION: Final = "2.6.2"
_ENGINES: Final = {
    "cubbyhole": "cubbyhole",
    "identity": "identity",
    "secret": "kv",
    "sys": "system",
    "transit": "transit",
}
_BLOCK: Final = 512
_SHAMIR_SEAL: Final = {"type": "shamir", "secret_shares": 5, "secret_threshold": 3, "nonce": ""}
_KMS_SEAL: Final = {"type": "awskms", "secret_shares": 1, "secret_threshold": 1, "nonce": ""}


@functools.cache
def raft_archive(
    index: int,
    cluster: str,
    key: bytes,
    *,
    damaged: bool = False,
    kms_key: str = "",
    versions: tuple[int, ...] = (1,),
) -> bytes:
    """gzip(tar) of meta.json, state.bin, SHA256SUMS, SHA256SUMS.sealed.  `key` is the one that the shares make.

    `damaged`: state.bin differs from its sum.  `kms_key`: sealed by that key of AWS KMS instead of by shares.
    `versions`: those of its transit key.
    """
    state = _state(cluster, key, kms_key, versions)
    meta = json.dumps(_meta(index, len(state))).encode()
    sums = "".join(f"{_sha256(body)}  {name}\n" for name, body in (("meta.json", meta), ("state.bin", state))).encode()
    if damaged:
        state = state[:-1] + bytes([state[-1] ^ 1])
    members = {
        "meta.json": meta,
        "state.bin": state,
        "SHA256SUMS": sums,
        "SHA256SUMS.sealed": _blob(key, sums, kms_key),
    }
    return gzip.compress(_tar(members), mtime=0)


def _meta(index: int, size: int) -> dict[str, object]:
    servers = [{"Suffrage": 0, "ID": "production", "Address": "127.0.0.1:8301"}]
    return {
        "Version": 1,
        "ID": "bolt-snapshot",
        "Index": index,
        "Term": 3,
        "Peers": None,
        "Configuration": {"Servers": servers},
        "ConfigurationIndex": 1,
        "Size": size,
    }


@functools.cache
def _state(cluster: str, key: bytes, kms_key: str, versions: tuple[int, ...]) -> bytes:
    """Repeated (varint length, StorageEntry), in the order of their keys."""
    root, terms = _derived(cluster, "root"), [_derived(cluster, f"term {term}") for term in (1, 2)]
    entries = {
        BARRIER_KEYS: _blob(key, json.dumps([_base64(root)]).encode(), kms_key),
        KEYRING: _entry(root, 1, KEYRING, _keyring(root, terms)),
        SEAL_CONFIG: json.dumps(_KMS_SEAL if kms_key else _SHAMIR_SEAL).encode(),
    }
    for path, document in _documents(cluster, versions):
        term = 2 if path.startswith("logical/") else 1  # what was written after the keyring was rotated
        entries[path] = _entry(terms[term - 1], term, path, json.dumps(document).encode())
    messages = (_field(1, name.encode()) + _field(2, value) for name, value in sorted(entries.items()))
    return b"".join(_varint(len(message)) + message for message in messages)


def _keyring(root: bytes, terms: list[bytes]) -> bytes:
    keys = [{"Term": term, "Version": 1, "Value": _base64(each)} for term, each in enumerate(terms, start=1)]
    return json.dumps({"MasterKey": _base64(root), "Keys": keys}).encode()


def _documents(cluster: str, versions: tuple[int, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield CLUSTER, {"name": f"vault-cluster-{cluster[:8]}", "id": cluster}
    yield f"core/versions/{VERSION}", {"Version": VERSION}
    for name, kind in _ENGINES.items():
        uuid = _sha256(f"{cluster} {name}".encode())[:32]
        table = "core/local-mounts" if name == "cubbyhole" else "core/mounts"
        yield f"{table}/{uuid}", {"path": f"{name}/", "type": kind, "uuid": uuid, "namespace_id": "root"}
        if kind == "transit":
            keys = {str(each): {"key": _base64(_derived(cluster, TRANSIT_KEY, str(each)))} for each in versions}
            policy = {"name": TRANSIT_KEY, "keys": keys, "latest_version": versions[-1]}
            yield f"logical/{uuid}/policy/{TRANSIT_KEY}", policy


# -- formats ------------------------------------------------------------------------------------------------------
def _blob(key: bytes, plain: bytes, kms_key: str = "") -> bytes:
    """A BlobInfo as a seal makes it; Shamir's names no key."""
    return _field(1, _gcm(key, plain, None)) + _field(5, _field(3, kms_key.encode()) if kms_key else b"")


def _entry(key: bytes, term: int, path: str, plain: bytes) -> bytes:
    """A barrier entry: term, version, nonce, ciphertext, tag."""
    return term.to_bytes(4) + b"\x02" + _gcm(key, plain, path.encode())


def _gcm(key: bytes, plain: bytes, data: bytes | None) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = hashlib.sha256(key + plain).digest()[:12]
    return nonce + AESGCM(key).encrypt(nonce, plain, data)


def _field(number: int, body: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return bytes([number << 3 | 2]) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tar(members: dict[str, bytes]) -> bytes:
    """As Go's writer ends it: two blocks of zeros, and no filling up to a tape's record."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), 0o600
            tar.addfile(info, io.BytesIO(body))
        end = tar.offset
    return buffer.getvalue()[: end + 2 * _BLOCK]


def _derived(*names: str) -> bytes:
    """A key that is nobody's secret."""
    return hashlib.sha256(" ".join(names).encode()).digest()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
