"""What two laptops share: objects written under a condition, and where in the bucket each of them lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runbook.safety.bounds import HEADS

SEQ_DIGITS = 8  # the pieces of a journal sort by name


class Store(Protocol):
    """Objects in one bucket, never deleted.  NoVerdict when it cannot be asked, LayerFailed when it refuses.

    A `False` may follow an own write whose answer was lost: whoever gets one looks at what is there.
    """

    async def put_new(self, key: str, body: bytes, *, until: datetime | None = None) -> bool:
        """Write it where nothing is; False where something is.  `until`: nobody can remove or change it before that."""
        ...

    async def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write it over exactly the content that `etag` names; False where it is another or gone."""
        ...

    async def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag, or None where there is no such object."""
        ...

    async def list(self, prefix: str) -> tuple[str, ...]:
        """Every key that begins so, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie below the prefix (`runbook/`, "" for the bucket itself)."""

    prefix: str

    @property
    def base(self) -> str:
        """The prefix with its slash."""
        return f"{self.prefix.rstrip('/')}/" if self.prefix else ""

    def lock(self, environment: str) -> str:
        """The one lock of an environment."""
        return f"{self.base}locks/{environment}.json"

    def head(self, rows: int, head: str) -> str:
        """A head of the test log (`sha256:…`): these sort by the number of rows."""
        return f"{self.base}{HEADS}{rows:0{SEQ_DIGITS}d}-{head.removeprefix('sha256:')[:16]}.json"

    @property
    def runs(self) -> str:
        """Below it, a folder for each run."""
        return f"{self.base}runs/"

    def evidence(self, run_id: str, name: str) -> str:
        """A file of a run's evidence."""
        return f"{self.runs}{run_id}/{name}"

    def segments(self, run_id: str) -> str:
        """Below it, the run's journal in pieces."""
        return f"{self.runs}{run_id}/journal/"

    def segment(self, run_id: str, first: int) -> str:
        """The piece of the journal that begins with that line."""
        return f"{self.segments(run_id)}{first:0{SEQ_DIGITS}d}.jsonl"


def first_line(key: str) -> int | None:
    """The number of the line that this segment begins with; None where the key is no segment's."""
    name = key.rpartition("/")[2]
    number = name.removesuffix(".jsonl")
    ours = name.endswith(".jsonl") and len(number) == SEQ_DIGITS and number.isascii() and number.isdigit()
    return int(number) if ours else None
