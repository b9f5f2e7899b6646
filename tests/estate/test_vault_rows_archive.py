"""Archives that a real OpenBao 2.6.2 refuses to restore, and what the operator reads of it."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.estate.vault_lab import Lab, Node, Opened, said
from tests.estate_adapters.archives import packed

pytestmark = pytest.mark.estate


@dataclass(frozen=True)
class Setting:
    """A target that is open, under a single share of its own; its backup, and other clusters', one of each seal."""

    lab: Lab
    target: Node
    keys: Opened
    own: Path
    of_shares: Path
    of_seal_key: Path


@pytest.fixture(scope="module")
def here(lab):
    return _set_up(lab)


def _set_up(lab: Lab) -> Setting:
    archives = []
    for name, seal in (("shares", {}), ("seal-key", lab.static_seal("original"))):
        production = lab.node(name, seal)
        archives.append(lab.archive_of(production, production.initialised().token, name))
        production.bao.close()
    target = lab.node("target")
    keys = target.initialised()
    return Setting(lab, target, keys, lab.archive_of(target, keys.token, "own"), *archives)


def _members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {one.name: file.read() for one in tar if (file := tar.extractfile(one)) is not None}


def _not_gzip(archive: Path) -> bytes:
    return b"nothing of the kind" * 50


def _truncated(archive: Path) -> bytes:
    whole = archive.read_bytes()
    return whole[: len(whole) // 2]


def _cut_inside(archive: Path) -> bytes:
    """The compression is whole, the tar in it is not: a copy that was cut before it was compressed."""
    whole = gzip.decompress(archive.read_bytes())
    return gzip.compress(whole[: len(whole) // 2])


def _altered_state(archive: Path) -> bytes:
    members = _members(archive)
    state = bytearray(members["state.bin"])
    state[len(state) // 2] ^= 1
    return packed(members | {"state.bin": bytes(state)})


def _altered_state_with_new_sums(archive: Path) -> bytes:
    """By someone who can count, and has no key."""
    members = _members(archive)
    state = bytearray(members["state.bin"])
    state[len(state) // 2] ^= 1
    sums = members["SHA256SUMS"].replace(
        hashlib.sha256(members["state.bin"]).hexdigest().encode(), hashlib.sha256(state).hexdigest().encode()
    )
    return packed(members | {"state.bin": bytes(state), "SHA256SUMS": sums})


def _without_seal(archive: Path) -> bytes:
    members = _members(archive)
    del members["SHA256SUMS.sealed"]
    return packed(members)


_AGAIN = "Download the archive again; if that does not help choose an older backup"
_NOT_READABLE = ("the archive is not readable", _AGAIN, "failed to decompress snapshot: gzip: invalid header")
_CUT = ("the archive is cut short", _AGAIN, "unexpected EOF")
_HASHES = ("does not match its own hashes", _AGAIN, 'hash check failed for "state.bin"')
_OTHER_SHARES = (
    "made under other unseal keys than this server has, or nothing vouches for its hashes",
    "Shares: restore with force, the original shares then open it.",
    "could not verify hash file, possibly the snapshot is using a different set of unseal keys",
)
DAMAGED = {
    "not gzip": (_not_gzip, _NOT_READABLE),
    "truncated": (_truncated, _CUT),
    "cut before it was compressed": (_cut_inside, _CUT),
    "state.bin altered": (_altered_state, _HASHES),
}


@pytest.mark.parametrize("force", [False, True], ids=["", "forced"])
@pytest.mark.parametrize("row", DAMAGED)
async def test_a_damaged_archive_is_refused_by_force_too(here, tmp_path, row, force):
    damage, (sentence, fix, words) = DAMAGED[row]
    (tmp_path / "damaged.snap").write_bytes(damage(here.own))
    read = await said(here.target.restore(tmp_path / "damaged.snap", here.keys.token, force=force))
    assert read.verdict == "fail"
    assert sentence in read.sentence
    assert fix in read.fix
    assert words in read.words
    assert (await here.target.vault.health()).status == 200  # it is as it was


UNVOUCHED = {
    "other Shamir keys": lambda archive: archive.read_bytes(),
    "no SHA256SUMS.sealed": _without_seal,
    "state.bin altered and counted anew": _altered_state_with_new_sums,
}


@pytest.mark.parametrize("row", UNVOUCHED)
async def test_without_force_an_archive_that_nothing_vouches_for_is_refused(here, tmp_path, row):
    (tmp_path / "other.snap").write_bytes(UNVOUCHED[row](here.of_shares))
    read = await said(here.target.restore(tmp_path / "other.snap", here.keys.token, force=False))
    sentence, fix, words = _OTHER_SHARES
    assert read.verdict == "fail"
    assert sentence in read.sentence
    assert fix in read.fix
    assert words in read.words


async def test_where_the_sealed_hashes_can_be_read_they_count_and_not_the_open_ones(here, tmp_path):
    (tmp_path / "own.snap").write_bytes(_altered_state_with_new_sums(here.own))
    read = await said(here.target.restore(tmp_path / "own.snap", here.keys.token, force=False))
    assert read.verdict == "fail"
    assert "does not match its own hashes" in read.sentence


async def test_without_force_another_seal_key_is_named_and_force_is_advised_against(here):
    node = here.lab.node("other-seal-key", here.lab.static_seal("other"))
    read = await said(node.restore(here.of_seal_key, node.initialised().token, force=False))
    assert read.verdict == "fail"
    assert "another seal key (KMS) than this server has" in read.sentence
    assert "Give the server the seal key that the backup was made under" in read.fix
    assert "Force would leave a vault that nothing opens" in read.fix
    assert "possibly the snapshot is using a different autoseal key" in read.words


async def test_a_token_that_the_server_does_not_know_restores_nothing(here):
    for token in ("s.bogus", ""):
        read = await said(here.target.restore(here.of_shares, token, force=True))
        assert read.verdict == "no verdict"
        assert "does not accept this token" in read.sentence
        assert "the step that made it" in read.fix
        assert "permission denied" in read.words


async def test_a_server_that_is_not_open_takes_no_archive(here):
    node = here.lab.node("closed")
    for initialise in (False, True):
        if initialise:
            node.initialised()
            node.bao.restart()
        read = await said(node.restore(here.of_shares, here.keys.token, force=True))
        assert (read.verdict, read.words) == ("fail", "Vault is sealed")
        assert "the vault is sealed" in read.sentence
        assert "Unseal it" in read.fix


async def test_file_storage_knows_no_snapshots(here):
    node = here.lab.node("file-storage", {"storage": {"file": {"path": str(here.lab.folder / "files")}}})
    token = node.initialised().token
    assert (await node.vault.seal_status()).storage == "file"
    read = await said(node.restore(here.of_shares, token, force=True))
    assert read.verdict == "fail"
    assert "does not keep its data in raft" in read.sentence
    assert 'storage "raft"' in read.fix
    assert "unsupported path" in read.words
