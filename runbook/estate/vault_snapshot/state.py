"""The state inside a raft snapshot: protobuf entries, of which some are wanted.

`state.bin` repeats (varint length, StorageEntry{1: key, 2: value}), ordered by key as the server's store keeps it (seen
in OpenBao 2.6.2).  `core/hsm/barrier-unseal-keys` is a BlobInfo{1: ciphertext, 5: KeyInfo{3: key_id}}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from runbook.estate.answers import optional

SEAL_CONFIG: Final = "core/seal-config"
BARRIER_KEYS: Final = "core/hsm/barrier-unseal-keys"
_LIMIT: Final = 2 << 20  # the server itself takes no entry of more than 1 MiB; anything larger is stepped over
_VARINT_LIMIT: Final = 10
_BYTES: Final = 2  # wire type: length-delimited
_KEY: Final = 0x0A  # tag of field 1, length-delimited

Take = Callable[[str, bytes], None]


class StateReader:
    """Fed with blocks of `state.bin`; hands over the entries whose key begins with one of `prefixes`, keeps nothing.

    It stops looking (`done`) at the first key behind all prefixes once `enough()`; or when the state is not in the
    known format: then what was wanted stays missing.
    """

    def __init__(self, prefixes: tuple[str, ...], take: Take, enough: Callable[[], bool]) -> None:
        self.done = False
        self._prefixes = tuple(prefix.encode() for prefix in prefixes)
        self._last = max(self._prefixes, default=b"")
        self._take = take
        self._enough = enough
        self._rest = b""
        self._skip = 0

    def feed(self, block: bytes) -> None:
        """Look into the next block."""
        if self.done:
            return
        if self._skip >= len(block):
            self._skip -= len(block)
            return
        data = self._rest + block[self._skip :]
        self._skip = 0
        self._rest = data[self._consume(data) :]

    def _consume(self, data: bytes) -> int:
        """Take the whole entries of `data`; answers where the first incomplete one begins."""
        at = 0
        while not self.done:
            head = _varint(data, at)
            if head is None:
                self.done = len(data) - at >= _VARINT_LIMIT
                return at
            length, start = head
            if length > _LIMIT:
                self._skip = max(0, start + length - len(data))
                at = min(len(data), start + length)
            elif start + length > len(data):
                return at
            else:
                at = start + length
                self._look(data, start, at)
        return len(data)

    def _look(self, data: bytes, start: int, end: int) -> None:
        key = _key(data, start, end)
        if not key:
            self.done = True  # no entry of a store is without a key
        elif key.startswith(self._prefixes):
            self._take(key.decode("utf-8", "replace"), dict(fields(data[start:end])).get(2, b""))
        elif key > self._last and self._enough():
            self.done = True


def key_id(blob: bytes) -> str | None:
    """The KMS key that sealed the barrier's keys; None under Shamir, which names none."""
    info = dict(fields(blob)).get(5, b"")
    return optional(dict(fields(info)).get(3, b""))


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the length-delimited fields, as far as the message can be read."""
    at = 0
    while (tag := _varint(message, at)) is not None:
        number, kind = tag[0] >> 3, tag[0] & 7
        value = _varint(message, tag[1])
        if value is None or kind not in {0, _BYTES}:
            return
        at = value[1]
        if kind == _BYTES:
            content = message[at : at + value[0]]
            at += value[0]
            yield number, content


def _key(data: bytes, start: int, end: int) -> bytes:
    """An entry's key; the short way is the one that servers write, millions of times."""
    if end - start > 2 and data[start] == _KEY and data[start + 1] < 0x80:
        return data[start + 2 : min(end, start + 2 + data[start + 1])]
    return dict(fields(data[start:end])).get(1, b"")


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    """(value, where it ends), or None when it is cut off or too long."""
    value = 0
    for shift, byte in enumerate(data[at : at + _VARINT_LIMIT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    return None
