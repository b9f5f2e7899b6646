"""The proof over the in-memory estate's archive: real shares open it, nothing else does, and nothing stays behind."""

from __future__ import annotations

import base64
import gzip
import json
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.memory import archive as made
from runbook.estate.memory.production import foreign, key, shares
from runbook.estate.ports import ArchiveProof, WrongArchiveShares
from runbook.estate.vault_snapshot import proof
from runbook.estate.vault_snapshot.barrier import CLUSTER, KEYRING, Keyring, Unopened, root_key
from runbook.estate.vault_snapshot.inspection import META, SEALED, STATE, SUMS
from runbook.estate.vault_snapshot.proof import prove
from runbook.estate.vault_snapshot.shamir import combine
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG
from tests.estate_adapters.archives import KMS, members, state
from tests.support.tampering import changed, opened, packed, spoiling

ID = "7b1f2c60-production"
KEY = key("production")
WHOLE = made.raft_archive(1000, ID, KEY)
SHARES = shares("production")
MOUNTS = ("cubbyhole", "identity", "secret", "sys", "transit")


def proven(folder: Path, content: bytes, given: tuple[str, ...] = SHARES[:3], mount: str = "transit") -> ArchiveProof:
    path = folder / "a.snap"
    path.write_bytes(content)
    return prove(path, tuple(map(Secret, given)), transit_mount=mount)


def sealed(entries: dict[str, bytes]) -> bytes:
    """A snapshot of these entries, vouched for by production's key."""
    files = members(state(sorted(entries.items())))
    return vouching(files, files[SUMS])


def vouching(files: Mapping[str, bytes], sums: bytes) -> bytes:
    """These members, and `sums` sealed with production's key."""
    return packed({**files, SEALED: made._blob(KEY, sums)}.items())


def entries_with(plain: dict[str, bytes]) -> dict[str, bytes]:
    """Production's entries, and these, encrypted as the barrier does it."""
    root, term = bytes(range(32)), bytes(reversed(range(32)))
    return {
        BARRIER_KEYS: made._blob(KEY, json.dumps([base64.b64encode(root).decode()]).encode()),
        SEAL_CONFIG: json.dumps({"type": "shamir", "secret_shares": 5, "secret_threshold": 3}).encode(),
        KEYRING: made._entry(root, 1, KEYRING, made._keyring(root, [term])),
        **{path: made._entry(term, 1, path, body) for path, body in plain.items()},
    }


@pytest.mark.parametrize("mount", ["transit", "transit/", "/transit"])
def test_any_three_shares_in_either_writing_open_it(tmp_path, mount):
    in_base64 = [base64.b64encode(bytes.fromhex(share)).decode() for share in SHARES]
    for given_ in (SHARES[:3], SHARES[2:], (SHARES[4], in_base64[0], SHARES[2]), SHARES, tuple(in_base64[1:4])):
        found = proven(tmp_path, WHOLE, given_, mount)
        assert found == ArchiveProof(ID, MOUNTS, {"patient-notes": (1,)}, authentic=True)


@pytest.mark.parametrize("mount", ["secret", "nosuch", ""])
def test_what_is_no_transit_engine_has_no_keys(tmp_path, mount):
    assert proven(tmp_path, WHOLE, mount=mount).transit_keys == {}


WRONG = {
    "too few": SHARES[:2],
    "none": (),
    "one twice": (SHARES[0], *SHARES[:2]),
    "one of another set": (*SHARES[:2], shares("somebody else")[2]),
    "another vault's": shares("somebody else")[:3],
    "no share at all": (*SHARES[:2], "nonsense"),
    "one that is too long": (*SHARES[:2], SHARES[2] + "00"),
    "the last byte zero": (*SHARES[:2], SHARES[2][:-2] + "00"),
}


@pytest.mark.parametrize("why", WRONG)
def test_other_shares_do_not_open_it_and_are_not_repeated(tmp_path, why):
    with pytest.raises(WrongArchiveShares) as said:
        proven(tmp_path, WHOLE, WRONG[why])
    told = "".join(traceback.format_exception(said.value))
    assert not any(share in told for share in WRONG[why] if share != "nonsense")


@spoiling
@given(st.integers(0, 5), st.integers(0, 32), st.integers(1, 255))
def test_a_share_with_one_byte_wrong_never_opens_it(tmp_path, which, at, by):
    given_ = [bytearray.fromhex(share) for share in SHARES[:3]]
    given_[which % 3][at] ^= by
    with pytest.raises(WrongArchiveShares):
        proven(tmp_path, WHOLE, tuple(share.hex() for share in given_))


def test_another_clusters_archive_is_opened_by_its_own_shares(tmp_path):
    other = foreign()
    archive = made.raft_archive(1000, other.id, other.key)
    with pytest.raises(WrongArchiveShares):
        proven(tmp_path, archive)
    assert proven(tmp_path, archive, shares("somebody else")[1:4]).cluster_id == other.id


def test_any_byte_changed_in_the_sealed_hashes_is_named(tmp_path):
    for at in range(3, len(opened(WHOLE)[SEALED]) - 2):  # between the fields' own tags
        with pytest.raises(LayerFailed, match=r"SHA256SUMS\.sealed: does not vouch"):
            proven(tmp_path, changed(WHOLE, SEALED, at))


@pytest.mark.parametrize("reordered", [SUMS, SEALED])
def test_each_list_of_hashes_has_an_order_of_its_own(tmp_path, reordered):
    """As real servers write them: in about one snapshot of five the two differ."""
    files = opened(WHOLE)
    backwards = b"".join(reversed(files[SUMS].splitlines(keepends=True)))
    assert backwards != files[SUMS]
    archive = vouching(files | {SUMS: backwards}, files[SUMS]) if reordered == SUMS else vouching(files, backwards)
    assert proven(tmp_path, archive).authentic


@pytest.mark.parametrize("which", [0, 1])
def test_sealed_hashes_of_another_snapshot_do_not_vouch(tmp_path, which):
    """Sealed with the right key, and one of the two hashes is another's."""
    files = opened(WHOLE)
    lines = files[SUMS].splitlines(keepends=True)
    lines[which] = opened(made.raft_archive(1001, "another", KEY))[SUMS].splitlines(keepends=True)[which]
    assert b"".join(lines) != files[SUMS]
    with pytest.raises(LayerFailed, match=r"SHA256SUMS\.sealed: does not vouch"):
        proven(tmp_path, vouching(files, b"".join(lines)))


@pytest.mark.parametrize("more", [b"\n", b"again", b"0" * 64 + b"  meta.json\n", None])
def test_what_is_sealed_must_be_such_a_list(tmp_path, more):
    files = opened(WHOLE)
    with pytest.raises(LayerFailed, match=r"SHA256SUMS\.sealed: does not vouch"):
        proven(tmp_path, vouching(files, b"" if more is None else files[SUMS] + more))


def test_a_forger_who_makes_the_sums_anew_is_not_vouched_for(tmp_path):
    """All hashes hold; only who has the key can seal them."""
    forged = opened(sealed({**entries_with({}), "logical/x": b"planted"}))
    forged[SEALED] = opened(WHOLE)[SEALED]
    with pytest.raises(LayerFailed, match=r"SHA256SUMS\.sealed: does not vouch"):
        proven(tmp_path, packed(forged.items()))


@pytest.mark.parametrize("member", [META, STATE, SUMS])
def test_a_damaged_archive_is_refused_before_anything_is_opened(tmp_path, member):
    with pytest.raises(LayerFailed, match=member):
        proven(tmp_path, changed(WHOLE, member, 40))


def test_without_sealed_hashes_nobody_vouches(tmp_path):
    files = {name: body for name, body in opened(WHOLE).items() if name != SEALED}
    assert proven(tmp_path, packed(files.items())) == ArchiveProof(ID, MOUNTS, {"patient-notes": (1,)}, authentic=None)


def test_a_single_share_is_the_key_itself(tmp_path):
    config = json.dumps({"type": "shamir", "secret_shares": 1, "secret_threshold": 1}).encode()
    archive = sealed(entries_with({CLUSTER: b'{"id": "one"}'}) | {SEAL_CONFIG: config})
    assert proven(tmp_path, archive, (KEY.hex(),)).cluster_id == "one"
    for wrong in (bytes(32).hex(), KEY.hex()[:-2], KEY.hex() + "01"):
        with pytest.raises(WrongArchiveShares):
            proven(tmp_path, archive, (wrong,))


def table(*engines: Mapping[str, object]) -> bytes:
    return json.dumps({"type": "mounts", "entries": engines}).encode()


TRANSIT = {"path": "transit/", "type": "transit", "uuid": "u", "namespace_id": "root"}
POLICIES = {"logical/u/policy/a": b'{"keys":{"1":{},"2":{},"10":{}}}', "logical/u/policy/import/x": b"{}"}


@pytest.mark.parametrize("pack", [lambda raw: raw, lambda raw: b"G" + gzip.compress(raw)])
def test_one_table_of_mounts_is_read_compressed_or_not(tmp_path, pack):
    """As HashiCorp Vault, older OpenBao, and OpenBao on file storage keep it."""
    elsewhere = {"path": "hidden/", "type": "transit", "uuid": "v", "namespace_id": "QTBZsr"}
    plain = {"core/mounts": pack(table(TRANSIT, elsewhere)), "core/local-mounts": pack(table()), **POLICIES}
    found = proven(tmp_path, sealed(entries_with(plain)))
    assert (found.cluster_id, found.mounts) == (None, ("transit",))
    assert found.transit_keys == {"a": (1, 2, 10)}


@pytest.mark.parametrize("form", [b"S\xff\x06\0\0sNaPpY", b"G\x1f\x8bnot gzip", b"[]", b"", b"[" * 8000])
def test_a_form_that_is_not_known_is_no_verdict(tmp_path, form):
    with pytest.raises(NoVerdict, match="not known here"):
        proven(tmp_path, sealed(entries_with({"core/mounts": form})))


def test_an_entry_in_anothers_place_is_noticed(tmp_path):
    """The path is authenticated with the entry."""
    entries = entries_with({CLUSTER: b'{"id": "one"}', "core/other": b"{}"})
    entries[CLUSTER], entries["core/other"] = entries["core/other"], entries[CLUSTER]
    with pytest.raises(LayerFailed, match="its own keys do not open"):
        proven(tmp_path, sealed(entries))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (KEYRING, made._entry(bytes(32), 1, KEYRING, b"{}"), "core/keyring is not opened"),
        (KEYRING, made._entry(bytes(range(32)), 1, KEYRING, b'{"Keys":[{"Term":1,"Value":"AA=="}]}'), "the keyring"),
        (BARRIER_KEYS, made._blob(KEY, b"[]"), "the root key"),
        (BARRIER_KEYS, made._blob(KEY, b'["AA=="]'), "the root key"),
    ],
)
def test_keys_in_no_known_form_are_said(tmp_path, name, value, says):
    with pytest.raises((LayerFailed, NoVerdict), match=says):
        proven(tmp_path, sealed(entries_with({}) | {name: value}))


def test_entries_from_before_paths_were_authenticated_are_read():
    root, term = bytes(32), bytes(range(32))
    ring = Keyring(root, made._entry(root, 1, KEYRING, made._keyring(root, [term])))
    old = (1).to_bytes(4) + b"\x01" + made._gcm(term, b"plain", None)
    assert ring.open("any/path", old) == b"plain"
    for unreadable in (old[:4], old[:4] + b"\x03" + old[5:], (2).to_bytes(4) + old[4:], b""):
        with pytest.raises(Unopened):
            ring.open("any/path", unreadable)


def test_what_no_shares_open_is_no_verdict(tmp_path):
    with pytest.raises(NoVerdict, match="its seal is awskms"):
        proven(tmp_path, packed(members(KMS).items()))


def test_keys_are_wiped_before_it_returns(tmp_path, monkeypatch):
    kept: list[bytearray] = []
    rings: list[Keyring] = []

    def combining(parts: Sequence[bytearray]) -> bytearray:
        kept.append(combine(parts))
        return kept[-1]

    def opening(key: bytearray, blob: bytes) -> bytearray:
        kept.append(root_key(key, blob))
        return kept[-1]

    def reading(root: bytearray, value: bytes) -> Keyring:
        rings.append(Keyring(root, value))
        return rings[-1]

    for name, function in (("combine", combining), ("root_key", opening), ("Keyring", reading)):
        monkeypatch.setattr(proof, name, function)
    proven(tmp_path, WHOLE)
    with pytest.raises(LayerFailed):
        proven(tmp_path, changed(WHOLE, SEALED, 20))
    assert [bytes(secret) for secret in kept] == [bytes(32)] * 4
    assert [ring.terms for ring in rings] == [(), ()]
