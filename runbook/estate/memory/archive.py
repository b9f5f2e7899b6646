"""A valid, tiny raft snapshot archive, as a Shamir-sealed server writes it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile


def raft_archive(*, index: int, cluster: str, damaged: bool = False) -> bytes:
    """gzip(tar) of meta.json, state.bin, SHA256SUMS, SHA256SUMS.sealed.  `damaged`: state.bin differs from its sum."""
    state = _state(cluster)
    meta = json.dumps(_meta(index, len(state))).encode()
    sums = "".join(f"{_sha256(body)}  {name}\n" for name, body in (("meta.json", meta), ("state.bin", state)))
    if damaged:
        state = state[:-1] + bytes([state[-1] ^ 1])
    sealed = _field(1, hashlib.sha512(f"{cluster} sealed".encode()).digest())  # ciphertext: opaque without the keys
    members = {"meta.json": meta, "state.bin": state, "SHA256SUMS": sums.encode(), "SHA256SUMS.sealed": sealed}
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


def _state(cluster: str) -> bytes:
    """Repeated (varint length, StorageEntry); the seal's configuration is in the clear."""
    seal = {"type": "shamir", "secret_shares": 5, "secret_threshold": 3, "pgp_keys": None, "nonce": "", "backup": False}
    entries = {
        "core/cluster/local/info": hashlib.sha512(cluster.encode()).digest(),
        "core/hsm/barrier-unseal-keys": _field(1, hashlib.sha512(f"{cluster} root".encode()).digest()),
        "core/keyring": hashlib.sha512(f"{cluster} keyring".encode()).digest(),
        "core/seal-config": json.dumps(seal).encode(),
    }
    encoded = (_field(1, key.encode()) + _field(2, value) for key, value in entries.items())
    return b"".join(_varint(len(entry)) + entry for entry in encoded)


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
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), 0o600
            tar.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
