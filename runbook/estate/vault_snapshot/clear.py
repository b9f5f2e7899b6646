"""What the entries of a vault's store tell without any key: how it is sealed, and which versions served it.

Values are encrypted but for the seal's configuration and the name of the KMS key; the names of entries are in clear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from runbook.estate.answers import mapping, number, optional
from runbook.estate.ports import ArchiveReport
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG, key_id

VERSIONS: Final = "core/versions/"  # an entry for each version that ever unsealed it (OpenBao 2.6.2, Vault since 1.9)
_VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})([-+][0-9A-Za-z.+-]{1,40})?")
_MOST_VERSIONS: Final = 500


@dataclass
class InClear:
    """Filled entry by entry; `prefixes` are the names that it wants."""

    prefixes: ClassVar[tuple[str, ...]] = (BARRIER_KEYS, SEAL_CONFIG, VERSIONS)
    entries: dict[str, bytes] = field(default_factory=dict)
    _versions: set[str] = field(default_factory=set)

    def take(self, key: str, value: bytes) -> None:
        """Remember what tells something."""
        if key in {BARRIER_KEYS, SEAL_CONFIG}:
            self.entries[key] = value
        elif key.startswith(VERSIONS) and len(self._versions) < _MOST_VERSIONS:
            version = key.removeprefix(VERSIONS)
            if _VERSION.fullmatch(version):
                self._versions.add(version)

    def enough(self) -> bool:
        """Whether both entries were there."""
        return len(self.entries) == 2

    @property
    def seal(self) -> Mapping[str, Any]:
        """The seal's configuration, empty where there is none."""
        return document(self.entries.get(SEAL_CONFIG, b""))

    @property
    def versions(self) -> tuple[str, ...]:
        """Oldest first; a pre-release comes before its release."""
        return tuple(sorted(self._versions, key=_order))

    def report(
        self, kind: str, size: int, index: int | None, members: Mapping[str, str], problems: tuple[str, ...]
    ) -> ArchiveReport:
        """The findings about an archive of that kind."""
        seal = self.seal
        return ArchiveReport(
            kind=kind,
            raft_index=index,
            size=size,
            seal_type=optional(seal.get("type")),
            shares=number(seal.get("secret_shares")) or None,
            threshold=number(seal.get("secret_threshold")) or None,
            kms_key=key_id(self.entries.get(BARRIER_KEYS, b"")),
            members=members,
            problems=(*problems, *self._problems()),
            versions=self.versions,
        )

    def _problems(self) -> tuple[str, ...]:
        if optional(self.seal.get("type")):
            return ()
        return ("its seal configuration was not found: what it needs to be unsealed is not known",)


def document(raw: bytes | bytearray) -> Mapping[str, Any]:
    """The JSON object, or an empty one."""
    try:
        return mapping(json.loads(raw))
    except (ValueError, RecursionError):
        return {}


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    parts = _VERSION.fullmatch(version)
    assert parts is not None
    suffix = parts[4] or ""
    return tuple(int(parts[at]) for at in (1, 2, 3)), not suffix.startswith("-"), suffix
