"""Makes vault backups from the documented format, whole or wrong on purpose."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def state(entries: Iterable[tuple[str, bytes]]) -> bytes:
    messages = (field(1, key.encode()) + field(2, value) for key, value in entries)
    return b"".join(varint(len(message)) + message for message in messages)


def blob(key: str = "") -> bytes:
    info = varint(1 << 3) + varint(7) + (field(3, key.encode()) if key else b"") + field(5, b"wrapped")
    return field(1, b"ciphertext") + field(2, b"iv") + field(5, info)


def seal(kind: str = "shamir", shares: int = 5, threshold: int = 3) -> bytes:
    return json.dumps({"type": kind, "secret_shares": shares, "secret_threshold": threshold}).encode()


SHAMIR = state(
    [
        ("core/audit", b"x" * 100),
        ("core/hsm/barrier-unseal-keys", blob()),
        ("core/large", b"y" * 200_000),
        ("core/seal-config", seal()),
        *((f"core/versions/{name}", b"v") for name in ("2.10.0", "2.6.1", "2.6.2", "2.6.2-beta1", "not one", "")),
        ("logical/1", b"z" * 500_000),
    ]
)
KMS = state([("core/hsm/barrier-unseal-keys", blob("arn:aws:kms:k")), ("core/seal-config", seal("awskms", 1, 1))])


def members(content: bytes = SHAMIR, **meta: object) -> dict[str, bytes]:
    stated = {"Version": 1, "ID": "bolt-snapshot", "Index": 66, "Term": 3, "Size": len(content)} | meta
    document = json.dumps(stated).encode()
    return {
        "meta.json": document,
        "state.bin": content,
        "SHA256SUMS": sums(document, content),
        "SHA256SUMS.sealed": b"s",
    }


def sums(meta: bytes, content: bytes) -> bytes:
    lines = (
        f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in (("meta.json", meta), ("state.bin", content))
    )
    return "".join(lines).encode()


def tar(files: Iterable[tuple[str, bytes]], kind: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    return gzip.compress(tar(files.items()), mtime=0)
