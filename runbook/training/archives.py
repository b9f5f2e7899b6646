"""The vault backups in the practice bucket, and what the fault deck does to them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.training.production_vault import ProductionVault, VaultArchive
from runbook.training.servers.aws_names import BUCKET, VAULT_PREFIX
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.openbao import Bao


class Shelf:
    """The archives as they lie in the bucket, oldest first; every change is published at once."""

    def __init__(self, aws: AwsProcess, archives: Sequence[VaultArchive]) -> None:
        self._aws = aws
        self._archives = tuple(archives)

    def publish(self) -> None:
        """Make the bucket's prefix hold these archives and nothing else."""
        objects = [_object(archive) for archive in self._archives]
        self._aws.ask("publish", bucket=BUCKET, prefix=VAULT_PREFIX, objects=objects)

    @property
    def newest(self) -> VaultArchive:
        """The one that a restore begins with."""
        return self._archives[-1]

    def age(self, until: datetime) -> None:
        """As if the backup job had stopped then: the newest archive was made at that time, the others before it."""
        earlier = self.newest.made_at - until
        self._archives = tuple(replace(one, made_at=one.made_at - earlier) for one in self._archives)
        self.publish()

    def replace_newest(self, archive: VaultArchive) -> None:
        """Put another archive into the newest one's place, with its time."""
        self._archives = (*self._archives[:-1], replace(archive, made_at=self.newest.made_at))
        self.publish()


def _object(archive: VaultArchive) -> dict[str, Any]:
    """As the AWS server's `publish` takes it."""
    return {
        "key": f"{VAULT_PREFIX}clinic-vault-{archive.made_at:%Y%m%dT%H%M%SZ}.snap",
        "file": str(archive.file),
        "metadata": {"sha256": archive.sha256},
        "modified": archive.made_at.isoformat(),
    }


def damaged(archive: VaultArchive) -> VaultArchive:
    """One byte in the middle of `state.bin` changed, packed again so that gzip finds no fault.

    It happened before the backup job looked: the object's `sha256` is that of the damaged file, and only the
    archive's own sums give it away.
    """
    content = bytearray(gzip.decompress(archive.file.read_bytes()))
    with tarfile.open(fileobj=io.BytesIO(bytes(content))) as tar:
        state = tar.getmember("state.bin")
        content[state.offset_data + state.size // 2] ^= 0x01
    file = archive.file.with_name(f"damaged-{archive.file.name}")
    file.write_bytes(gzip.compress(bytes(content)))
    return VaultArchive.of(file, archive.made_at)


def foreign(bao: Bao, folder: Path, made_at: datetime) -> VaultArchive:
    """A snapshot of another cluster that looks like ours; `bao` is a fresh server, and ended when this is done."""
    try:
        bao.start()
        other = ProductionVault(bao)
        other.found()
        return other.back_up(folder, [made_at])[0]
    finally:
        bao.close()
