"""Vault backups on their shelf."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runbook.training.archives import Shelf, damaged
from runbook.training.production_vault import VaultArchive, foreign_share

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Aws:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []

    def ask(self, wish: str, *, bucket: str, prefix: str, objects: list[dict[str, Any]]) -> None:
        assert (wish, prefix, bool(bucket)) == ("publish", "vault/", True)
        self.objects = objects


def shelf_of(aws: Any, *archives: VaultArchive) -> Shelf:
    return Shelf(aws, archives)


def snapshot(folder: Path) -> VaultArchive:
    """A snapshot-like archive: the members that OpenBao writes, with their sums."""
    state = bytes(range(256)) * 8
    sums = f"{hashlib.sha256(state).hexdigest()}  state.bin\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in (("state.bin", state), ("SHA256SUMS", sums)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    file = folder / "one.snap"
    file.write_bytes(packed.getvalue())
    return VaultArchive.of(file, NOON)


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(file.read_bytes()))) as tar:
        return {one.name: found.read() for one in tar if (found := tar.extractfile(one))}


def test_one_byte_is_damaged_and_only_the_archives_own_sum_gives_it_away(tmp_path: Path) -> None:
    whole = snapshot(tmp_path)
    broken = damaged(whole)
    before, after = members(whole.file), members(broken.file)
    assert before["SHA256SUMS"] == after["SHA256SUMS"]
    assert sum(a != b for a, b in zip(before["state.bin"], after["state.bin"], strict=True)) == 1
    assert hashlib.sha256(broken.file.read_bytes()).hexdigest() == broken.sha256  # it was damaged before it was sent
    assert whole.sha256 != broken.sha256


def test_a_stopped_backup_job_ages_all_archives_alike(tmp_path: Path) -> None:
    aws = Aws()
    archives = [VaultArchive(tmp_path / str(day), "sum", NOON - timedelta(days=day)) for day in (2, 1, 0)]
    shelf_of(aws, *archives).age(NOON - timedelta(hours=30))
    modified = [datetime.fromisoformat(one["modified"]) for one in aws.objects]
    assert modified == [NOON - timedelta(hours=hours) for hours in (78, 54, 30)]
    assert all(f"{moment:%Y%m%dT%H%M%SZ}" in one["key"] for moment, one in zip(modified, aws.objects, strict=True))


def test_a_replaced_archive_keeps_the_time_of_the_newest(tmp_path: Path) -> None:
    aws = Aws()
    shelf = shelf_of(aws, VaultArchive(tmp_path / "ours", "sum", NOON))
    shelf.replace_newest(VaultArchive(tmp_path / "foreign", "other", NOON - timedelta(days=9)))
    assert [(one["metadata"]["sha256"], one["modified"]) for one in aws.objects] == [("other", NOON.isoformat())]


def test_a_foreign_share_looks_like_ours() -> None:
    import base64

    ours = [base64.b64encode(bytes(32) + bytes([x])).decode() for x in (1, 2, 9)]
    share = base64.b64decode(foreign_share(ours))
    assert len(share) == 33
    assert share[-1] not in {0, 1, 2, 9}
