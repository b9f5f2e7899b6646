"""Inspection and proof of backups that real OpenBao servers made: what they tell, and that nothing spoilt gets past."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Secret
from runbook.estate.ports import WrongArchiveShares
from runbook.estate.vault_snapshot.archive import members
from runbook.estate.vault_snapshot.barrier import KEYRING, Keyring, open_blob
from runbook.estate.vault_snapshot.inspection import SEALED, STATE, SUMS, inspect
from runbook.estate.vault_snapshot.other import RAFT_DIRECTORY
from runbook.estate.vault_snapshot.proof import prove
from runbook.estate.vault_snapshot.state import StateReader
from runbook.training.certificates import Authority
from runbook.training.servers.openbao import Bao
from runbook.training.servers.waiting import Ports, until
from tests.support.tampering import Tampering, changed, opened, packed

pytestmark = pytest.mark.estate

MANY = 60  # the chance that the two lists of hashes are ordered alike in all of them is below one in a million
MOUNTS = ("cubbyhole", "identity", "secret", "sys", "team/crypt", "transit")


@dataclass(frozen=True)
class Cluster:
    """What is known of one cluster: all its shares, in base64, and snapshots of different times."""

    shares: tuple[str, ...]
    id: str
    before: Path  # the barrier's keyring was rotated
    after: Path
    many: tuple[Path, ...]


@pytest.fixture(scope="module")
def bao(tmp_path_factory) -> Iterator[Bao]:
    folder = tmp_path_factory.mktemp("offline")
    bao = Bao("bao offline", folder / "bao", Authority(folder / "ca"), Ports())
    bao.start()
    yield bao
    bao.close()


@pytest.fixture(scope="module")
def single(bao, tmp_path_factory) -> Cluster:
    return founded(bao, tmp_path_factory.mktemp("single"), shares=1, threshold=1)


@pytest.fixture(scope="module")
def five(bao, single, tmp_path_factory) -> Cluster:
    """The same server emptied, so that one process is enough."""
    bao.wipe()
    return founded(bao, tmp_path_factory.mktemp("five"), shares=5, threshold=3)


def founded(bao: Bao, folder: Path, *, shares: int, threshold: int) -> Cluster:
    made = bao.call("PUT", "sys/init", {"secret_shares": shares, "secret_threshold": threshold})
    token = made["root_token"]
    for share in made["keys_base64"][:threshold]:
        bao.call("PUT", "sys/unseal", {"key": share})
    until(lambda: bao.health() == 200, bao.child)
    for path, engine in (("transit", "transit"), ("team/crypt", "transit"), ("secret", "kv-v2")):
        bao.call("POST", f"sys/mounts/{path}", {"type": engine}, token=token)
    bao.call("POST", "transit/keys/notes", {}, token=token)
    bao.call("POST", "transit/keys/notes/rotate", {}, token=token)
    bao.call("POST", "team/crypt/keys/signing", {"type": "ed25519"}, token=token)
    bao.save_snapshot(token, folder / "before.snap")
    bao.call("PUT", "sys/rotate", {}, token=token)
    bao.call("POST", "transit/keys/later", {}, token=token)  # written under the second term
    bao.save_snapshot(token, folder / "after.snap")
    many = tuple(folder / f"{number}.snap" for number in range(MANY))
    for archive in many:
        bao.save_snapshot(token, archive)
    cluster = bao.call("GET", "sys/health")["cluster_id"]
    return Cluster(tuple(made["keys_base64"]), cluster, folder / "before.snap", folder / "after.snap", many)


def secrets(*shares: str) -> tuple[Secret, ...]:
    return tuple(map(Secret, shares))


def as_hex(share: str) -> str:
    return base64.b64decode(share).hex()


class TestARealSnapshot(Tampering):
    @pytest.fixture
    def whole(self, five) -> bytes:
        content: bytes = five.after.read_bytes()
        return content


def test_it_tells_which_version_made_it(five, single):
    assert inspect(five.after).versions == ("2.6.2",)
    report = inspect(single.after)
    assert (report.seal_type, report.shares, report.threshold, report.versions) == ("shamir", 1, 1, ("2.6.2",))


def test_its_entries_are_ordered_by_their_keys(five):
    """What the reader relies on when it stops early."""
    keys: list[str] = []
    reader = StateReader(("",), lambda key, _: keys.append(key), lambda: False)
    for member in members(five.after):
        for block in member.blocks if member.name == STATE else ():
            reader.feed(block)
    assert keys == sorted(keys)
    assert {"core/seal-config", "core/versions/2.6.2"} < set(keys)


def test_three_shares_open_it_in_either_writing(five):
    for given in (five.shares[:3], tuple(map(as_hex, five.shares[2:])), (as_hex(five.shares[4]), *five.shares[:2])):
        found = prove(five.before, secrets(*given), transit_mount="transit")
        assert (found.cluster_id, found.mounts, found.authentic) == (five.id, MOUNTS, True)
        assert found.transit_keys == {"notes": (1, 2)}
    assert prove(five.before, secrets(*five.shares), transit_mount="team/crypt/").transit_keys == {"signing": (1,)}


def test_after_the_keyring_was_rotated_every_term_is_used(five, monkeypatch):
    terms: set[int] = set()
    plain = Keyring.open

    def opening(ring: Keyring, path: str, value: bytes) -> bytearray:
        terms.add(int.from_bytes(value[:4]))
        return plain(ring, path, value)

    monkeypatch.setattr(Keyring, "open", opening)
    found = prove(five.after, secrets(*five.shares[1:4]), transit_mount="transit")
    assert found.transit_keys == {"later": (1,), "notes": (1, 2)}
    assert terms == {1, 2}


def test_a_single_share_is_the_key(single):
    for share in (single.shares[0], as_hex(single.shares[0])):
        found = prove(single.after, secrets(share), transit_mount="transit")
        assert (found.cluster_id, found.authentic) == (single.id, True)
        assert found.transit_keys == {"later": (1,), "notes": (1, 2)}


def test_a_sound_snapshot_is_vouched_for_in_whichever_order_its_hashes_are_listed(single):
    """The server walks a Go map for each of the two lists, so that about one snapshot of five has two orders."""
    key = base64.b64decode(single.shares[0])
    alike: set[bool] = set()
    for path in single.many:
        files = opened(path.read_bytes())
        alike.add(bytes(open_blob(key, files[SEALED])) == files[SUMS])
        assert prove(path, secrets(single.shares[0]), transit_mount="transit").authentic
    assert alike == {True, False}


def test_wrong_shares_and_anothers_do_not_open_it(five, single):
    wrong = bytearray(base64.b64decode(five.shares[0]))
    wrong[7] ^= 1
    for given in (
        (wrong.hex(), *five.shares[1:3]),
        five.shares[:2],
        (five.shares[0], *five.shares[:2]),
        single.shares,
    ):
        with pytest.raises(WrongArchiveShares):
            prove(five.after, secrets(*given), transit_mount="transit")
    with pytest.raises(WrongArchiveShares):
        prove(single.after, secrets(*five.shares[:3]), transit_mount="transit")


def test_shares_of_another_five_do_not_open_it(bao, five):
    bao.wipe()
    other = bao.call("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})["keys_base64"]
    with pytest.raises(WrongArchiveShares):
        prove(five.after, secrets(*other[:3]), transit_mount="transit")
    with pytest.raises(WrongArchiveShares):
        prove(five.after, secrets(*five.shares[:2], other[4]), transit_mount="transit")


def test_changed_sealed_hashes_are_named(five, tmp_path):
    whole = five.after.read_bytes()
    for at in range(3, len(opened(whole)[SEALED]) - 2, 7):
        (tmp_path / "a.snap").write_bytes(changed(whole, SEALED, at))
        assert inspect(tmp_path / "a.snap").problems == ()
        with pytest.raises(LayerFailed, match=r"SHA256SUMS\.sealed: does not vouch"):
            prove(tmp_path / "a.snap", secrets(*five.shares[:3]), transit_mount="transit")


def test_without_sealed_hashes_nobody_vouches(five, tmp_path):
    files = {name: body for name, body in opened(five.after.read_bytes()).items() if name != SEALED}
    (tmp_path / "a.snap").write_bytes(packed(files.items()))
    found = prove(tmp_path / "a.snap", secrets(*five.shares[:3]), transit_mount="transit")
    assert (found.cluster_id, found.authentic) == (five.id, None)


def test_the_raft_folder_itself_is_told_apart(five, bao, tmp_path):
    """Copied while it is written to: only its names and first bytes are looked at."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("vault.db", "raft/raft.db"):
            archive.add(bao.folder / "raft" / name, name)
    (tmp_path / "folder.tgz").write_bytes(out.getvalue())
    assert inspect(tmp_path / "folder.tgz").kind == RAFT_DIRECTORY
    assert inspect(bao.folder / "raft" / "vault.db").kind == RAFT_DIRECTORY


def test_the_keyring_is_where_it_was_read(five):
    keys: list[str] = []
    reader = StateReader((KEYRING,), lambda key, _: keys.append(key), lambda: bool(keys))
    for member in members(five.after):
        for block in member.blocks if member.name == STATE else ():
            reader.feed(block)
    assert (keys, reader.done) == ([KEYRING], True)
