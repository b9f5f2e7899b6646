"""A tar, gzipped or not, read forward once in bounded memory, trusting none of it.

Not `tarfile.open`: that keeps pax headers of any size in memory, and guesses where we want to refuse.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import IO, Final, cast

from runbook.engine.errors import NoVerdict
from runbook.safety.outside_text import outside_text

BLOCK: Final = 1 << 20
_HEADER: Final = 512
_EXTENDED_LIMIT: Final = 64 << 10
_PADDING_LIMIT: Final = 64 << 10
_EXTENDED: Final = frozenset({tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME})
_FILE: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})
_PAX_RECORD: Final = re.compile(rb"\d{1,6} (path|size)=([^\n]{0,4096})\n")


class Damaged(Exception):
    """`member` (or "archive") is not what it should be; `what` continues a sentence that names it."""

    def __init__(self, member: str, what: str) -> None:
        super().__init__(f"{member}: {what}")
        self.member = member
        self.what = what


def unreadable(error: OSError) -> NoVerdict:
    """The disk, and not the archive, is what fails."""
    return NoVerdict(
        f"the downloaded archive cannot be read: {outside_text(error.strerror)}",
        fix="Go back to vault.download.",
        source="this machine",
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive; `blocks` has to be read to its end, or left alone, before the next member."""

    name: str
    size: int
    blocks: Iterator[bytes]


def members(path: Path) -> Iterator[Member]:
    """The files of the archive in order, to its very end, so that the checksum of gzip is reached too."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            yield from _walk(_Stream(file))
            return
        with GzipFile(fileobj=file) as inflated:
            yield from _walk(_Stream(cast("IO[bytes]", inflated)))


class _Stream:
    """Exact reads; a short one, or bad gzip, is damage and never anything else."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.where = "archive"

    def some(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end."""
        try:
            return self._file.read(size)
        except EOFError:
            raise Damaged(self.where, "is cut short") from None
        except (zlib.error, OSError) as error:  # gzip's BadGzipFile is an OSError
            raise Damaged(self.where, f"cannot be decompressed ({outside_text(error, 100)})") from None

    def exactly(self, size: int) -> bytes:
        """`size` bytes."""
        found = self.some(size)
        while len(found) < size:
            more = self.some(size - len(found))
            if not more:
                raise Damaged(self.where, "is cut short")
            found += more
        return found


def _walk(stream: _Stream) -> Iterator[Member]:
    overrides: dict[str, str] = {}
    while (header := _header(stream)) is not None:
        size = _size(header, overrides)
        name = overrides.get("path", header.name)
        stream.where = outside_text(name, 100) or "archive"
        content = _content(stream, size)
        if header.type in _EXTENDED:
            overrides |= _extended(stream, header.type, size, content)
            continue
        if header.type in _FILE:
            yield Member(name, size, content)
        elif not header.isdir():
            raise Damaged(stream.where, "is neither a file nor a folder")
        for _ in content:  # what the reader left
            pass
        stream.exactly(-size % _HEADER)
        stream.where, overrides = "archive", {}
    _to_the_end(stream)


def _header(stream: _Stream) -> tarfile.TarInfo | None:
    """The next header, or None at the block of zeros that ends a tar."""
    block = stream.exactly(_HEADER)
    if not any(block):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except tarfile.HeaderError:
        raise Damaged(stream.where, "is not a tar archive, or not from here on") from None


def _size(header: tarfile.TarInfo, overrides: dict[str, str]) -> int:
    """Sizes of 8 GiB and more do not fit into the header: pax says them beside it."""
    stated = overrides.get("size", "")
    size = int(stated) if re.fullmatch(r"[0-9]{1,18}", stated) else header.size
    if size < 0:
        raise Damaged(outside_text(header.name, 100), "has an impossible size")
    return size


def _content(stream: _Stream, size: int) -> Iterator[bytes]:
    left = size
    while left:
        block = stream.exactly(min(left, BLOCK))
        left -= len(block)
        yield block


def _extended(stream: _Stream, kind: bytes, size: int, content: Iterator[bytes]) -> dict[str, str]:
    """What a pax or GNU header says of the file that follows it."""
    if size > _EXTENDED_LIMIT:
        raise Damaged(stream.where, "has an extended header of impossible size")
    raw = b"".join(content)
    stream.exactly(-size % _HEADER)
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": raw.rstrip(b"\0").decode("utf-8", "replace")}
    return {key.decode(): value.decode("utf-8", "replace") for key, value in _PAX_RECORD.findall(raw)}


def _to_the_end(stream: _Stream) -> None:
    """A second block of zeros ends a tar, and only zeros may follow; reading them lets gzip check its own sum."""
    if any(stream.exactly(_HEADER)):
        raise Damaged("archive", "goes on after its end")
    padding = 0
    while block := stream.some(_HEADER):
        padding += len(block)
        if any(block) or padding > _PADDING_LIMIT:
            raise Damaged("archive", "goes on after its end")
