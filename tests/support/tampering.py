"""Ways to spoil a snapshot archive, and what the inspection must say of each: for a made archive and for a real one."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import ArchiveReport
from runbook.estate.vault_snapshot.inspection import META, SEALED, STATE, SUMS, inspect
from tests.estate_adapters.archives import tar

spoiling = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors], deadline=None
)

TELLING = {"vault.db", "raft.db", "toc.dat"}  # names by which another kind of backup is known
NAMES = st.text(st.characters(codec="ascii", exclude_characters="/\0"), min_size=1, max_size=30).filter(
    lambda name: name not in TELLING
)


def opened(archive: bytes) -> dict[str, bytes]:
    """Its members, in their order."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as found:
        return {one.name: body.read() for one in found if (body := found.extractfile(one))}


def packed(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A tar of them in gzip, which hides nothing: its checksum is made anew."""
    return gzip.compress(tar(files), 1, mtime=0)


def changed(archive: bytes, member: str, at: int, by: int = 1) -> bytes:
    """One byte of one member is another."""
    files = opened(archive)
    body = bytearray(files[member])
    body[at % len(body)] ^= by
    return packed((files | {member: bytes(body)}).items())


class Tampering:
    """A test class for each archive: it says `whole`, the archive's bytes."""

    @staticmethod
    def look(folder: Path, content: bytes) -> ArchiveReport:
        path = folder / "a.snap"
        path.write_bytes(content)
        return inspect(path)

    def refused(self, folder: Path, content: bytes, *says: str) -> None:
        with pytest.raises(LayerFailed, match="the archive is damaged") as said:
            self.look(folder, content)
        assert all(word in said.value.sentence for word in says), said.value.sentence

    @spoiling
    @given(member=st.sampled_from([META, STATE, SUMS]), at=st.integers(0, 1 << 40), by=st.integers(1, 255))
    def test_one_byte_changed_anywhere_is_refused_and_the_member_named(self, tmp_path, whole, member, at, by):
        self.refused(tmp_path, changed(whole, member, at, by), member)

    def test_every_byte_of_the_small_members_counts(self, tmp_path, whole):
        files = opened(whole)
        for member in (META, SUMS):
            for at in range(len(files[member])):
                self.refused(tmp_path, changed(whole, member, at), member)

    @pytest.mark.parametrize("tenths", range(10))
    def test_cut_at_a_tenth_it_is_refused(self, tmp_path, whole, tenths):
        content = gzip.decompress(whole)
        self.refused(tmp_path, whole[: len(whole) * tenths // 10])
        self.refused(tmp_path, gzip.compress(content[: len(content) * tenths // 10], 1))
        self.refused(tmp_path, content[: len(content) * tenths // 10])

    @spoiling
    @given(left_out=st.integers(1, 1 << 40))
    def test_cut_anywhere_it_is_refused(self, tmp_path, whole, left_out):
        self.refused(tmp_path, whole[: -(left_out % len(whole)) or 0])

    @spoiling
    @given(at=st.integers(0, 1 << 40), by=st.integers(1, 255))
    def test_a_byte_of_the_compressed_file_is_noticed_or_meant_nothing(self, tmp_path, whole, at, by):
        spoilt = bytearray(whole)
        spoilt[at % len(whole)] ^= by
        expected = self.look(tmp_path, whole)
        try:
            assert self.look(tmp_path, bytes(spoilt)) == expected
        except LayerFailed:
            return

    @spoiling
    @given(seed=st.integers(), size=st.integers(0, 200_000))
    def test_noise_in_gzip_is_refused(self, tmp_path, seed, size):
        self.refused(tmp_path, gzip.compress(random.Random(seed).randbytes(size), 1))  # noqa: S311 - noise

    @spoiling
    @given(files=st.dictionaries(NAMES, st.binary(max_size=2000), min_size=1, max_size=5))
    def test_a_tar_of_anything_is_refused(self, tmp_path, files):
        self.refused(tmp_path, packed(files.items()))

    @spoiling
    @given(order=st.permutations([META, STATE, SUMS, SEALED]))
    def test_the_order_of_the_members_means_nothing(self, tmp_path, whole, order):
        files, expected = opened(whole), self.look(tmp_path, whole)
        told = self.look(tmp_path, packed((name, files[name]) for name in order))
        assert replace(told, size=expected.size) == expected

    @spoiling
    @given(member=st.sampled_from([META, STATE, SUMS, SEALED]), place=st.integers(0, 4))
    def test_a_member_that_is_there_twice_is_named(self, tmp_path, whole, member, place):
        files = list(opened(whole).items())
        files.insert(place, (member, opened(whole)[member]))
        self.refused(tmp_path, packed(files), f"{member}: is in the archive twice")

    @spoiling
    @given(name=st.sampled_from(["evil", "state.bin.1", "META.JSON", "core/x", "/etc/passwd"]), place=st.integers(0, 4))
    def test_an_unknown_member_is_named(self, tmp_path, whole, name, place):
        files = list(opened(whole).items())
        files.insert(place, (name, b"anything"))
        self.refused(tmp_path, packed(files), f"{name}: is no member of a vault snapshot")

    @pytest.mark.parametrize("member", [META, STATE, SUMS, SEALED])
    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
    def test_a_member_that_is_no_file_is_named(self, tmp_path, whole, member, kind):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, body in opened(whole).items():
                info = tarfile.TarInfo(name)
                if name == member:
                    info.type, info.linkname = kind, "/etc/passwd"
                    archive.addfile(info)
                else:
                    info.size = len(body)
                    archive.addfile(info, io.BytesIO(body))
        self.refused(tmp_path, gzip.compress(out.getvalue(), 1), f"{member}: is neither a file nor a folder")

    @pytest.mark.parametrize("member", [META, SUMS, SEALED])
    def test_a_member_that_is_too_large_is_named(self, tmp_path, whole, member):
        body = opened(whole)[member]
        self.refused(tmp_path, packed((opened(whole) | {member: body.ljust(8193)}).items()), member, "more than 8192")

    @pytest.mark.parametrize("member", [META, STATE, SUMS])
    def test_a_member_that_is_missing_is_named(self, tmp_path, whole, member):
        files = {name: body for name, body in opened(whole).items() if name != member}
        self.refused(tmp_path, packed(files.items()), f"{member}: is missing")

    def test_without_sealed_hashes_it_is_taken_and_the_problem_told(self, tmp_path, whole):
        files = {name: body for name, body in opened(whole).items() if name != SEALED}
        report = self.look(tmp_path, packed(files.items()))
        assert ["no sealed hashes" in problem for problem in report.problems] == [True]
        assert set(report.members) == {META, STATE, SUMS}

    @pytest.mark.parametrize("more", [b"0" * 64 + b"  SHA256SUMS.sealed\n", b"\n", b" ", b"again"])
    def test_hashes_with_anything_more_are_refused(self, tmp_path, whole, more):
        sums = opened(whole)[SUMS]
        more = sums.splitlines(keepends=True)[0] if more == b"again" else more
        self.refused(tmp_path, packed((opened(whole) | {SUMS: sums + more}).items()), f"{SUMS}: is not the list")

    def test_hashes_with_other_line_ends_are_refused(self, tmp_path, whole):
        for end in (b"\r", b"\x0b", b"\xc2\x85", b"\r\n", b""):
            sums = opened(whole)[SUMS].removesuffix(b"\n") + end
            self.refused(tmp_path, packed((opened(whole) | {SUMS: sums}).items()), f"{SUMS}: is not the list")
