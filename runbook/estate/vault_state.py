"""The state inside a raft snapshot: protobuf entries, of which two are wanted and stored in clear.

`state.bin` repeats (varint length, StorageEntry{1: key, 2: value}); `core/hsm/barrier-unseal-keys` is a
BlobInfo{5: KeyInfo{3: key_id}}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runbook.estate.answers import optional

SEAL_CONFIG: Final = "core/seal-config"
BARRIER_KEYS: Final = "core/hsm/barrier-unseal-keys"
_WANTED: Final = frozenset({SEAL_CONFIG, BARRIER_KEYS})
_ENTRY_LIMIT: Final = 64 << 10  # the wanted ones have some hundred bytes; anything larger is stepped over
_VARINT_LIMIT: Final = 10
_BYTES: Final = 2  # wire type: length-delimited


class StateReader:
    """Fed with blocks of `state.bin`; keeps the wanted entries in `found`, and little else in memory.

    It stops looking when it has both, or when the state is not in the known format: then `found` stays short.
    """

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}
        self._rest = b""
        self._skip = 0
        self._done = False

    def feed(self, block: bytes) -> None:
        """Look into the next block."""
        if self._done:
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
        while not self._done:
            head = _varint(data, at)
            if head is None:
                self._done = len(data) - at >= _VARINT_LIMIT
                return at
            length, start = head
            if length > _ENTRY_LIMIT:
                self._skip = max(0, start + length - len(data))
                at = min(len(data), start + length)
            elif start + length > len(data):
                return at
            else:
                at = start + length
                self._take(data[start:at])
        return len(data)

    def _take(self, entry: bytes) -> None:
        fields = dict(_fields(entry))
        key = fields.get(1, b"").decode("utf-8", "replace")
        if key in _WANTED:
            self.found[key] = fields.get(2, b"")
            self._done = self.found.keys() == _WANTED


def key_id(blob: bytes) -> str | None:
    """The KMS key that sealed the barrier's keys; None under Shamir, which names none."""
    info = dict(_fields(blob)).get(5, b"")
    return optional(dict(_fields(info)).get(3, b""))


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
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


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    """(value, where it ends), or None when it is cut off or too long."""
    value = 0
    for count, byte in enumerate(data[at : at + _VARINT_LIMIT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    return None
