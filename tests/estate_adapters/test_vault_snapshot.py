"""The offline inspection tells what a backup needs, and meets any bytes with a sentence, never with a traceback."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.ports import ArchiveReport
from runbook.estate.vault_snapshot.clear import InClear
from runbook.estate.vault_snapshot.inspection import CONSUL, RAFT, inspect
from runbook.estate.vault_snapshot.other import FILE_STORAGE, POSTGRESQL, RAFT_DIRECTORY
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG, StateReader
from tests.estate_adapters.archives import KMS, SHAMIR, blob, field, members, packed, seal, state, sums, tar, varint

WHOLE = packed(members())
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def look(folder: Path, content: bytes) -> ArchiveReport:
    path = folder / "a.snap"
    path.write_bytes(content)
    return inspect(path)


def test_a_shamir_snapshot_tells_what_it_needs(tmp_path):
    report = look(tmp_path, WHOLE)
    assert (report.kind, report.raft_index, report.size) == (RAFT, 66, len(WHOLE))
    assert (report.seal_type, report.shares, report.threshold, report.kms_key) == ("shamir", 5, 3, None)
    assert set(report.members) == {"meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"}
    assert report.problems == ()


def test_a_kms_snapshot_names_its_key(tmp_path):
    report = look(tmp_path, packed(members(KMS)))
    assert (report.seal_type, report.shares, report.threshold, report.kms_key) == ("awskms", 1, 1, "arn:aws:kms:k")


def test_a_consul_snapshot_is_told_apart(tmp_path):
    report = look(tmp_path, packed(members(ID="2-66-1610000000")))
    assert report.kind == CONSUL


def test_what_damages_nothing_is_a_problem_said(tmp_path):
    files = members(state([("logical/1", b"x")]), Version=2)
    del files["SHA256SUMS.sealed"]
    report = look(tmp_path, packed(files))
    assert (report.seal_type, report.kms_key) == (None, None)
    assert [word for word in ("sealed hashes", "version is 2", "seal configuration") if word in str(report.problems)]
    assert len(report.problems) == 3


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_of_file_storage_is_told_apart(tmp_path, kind, zipped):
    long = "./data/" + "/".join(["logical", "a" * 60, "b" * 60]) + "/_x"
    content = tar([("./data/auth/_salt", b"s"), (long, b"v" * 9000), ("./data/core/_keyring", b"{}")], kind)
    report = look(tmp_path, gzip.compress(content) if zipped else content)
    assert (report.kind, report.members) == (FILE_STORAGE, {})


def test_file_storage_tells_what_it_needs(tmp_path):
    files = {
        "data/core/_keyring": b"{}",
        "data/core/_seal-config": stored(seal("awskms", 1, 1)),
        "data/core/hsm/_barrier-unseal-keys": stored(blob("arn:aws:kms:k")),
        "data/core/versions/_2.6.2": stored(b"sealed"),
        "data/logical/1/core/_seal-config": stored(seal("shamir", 9, 9)),
        "data/namespaces/2/core/_keyring": b"{}",
        "data/namespaces/2/core/_seal-config": stored(seal("shamir", 7, 7)),
    }
    for order in (files, dict(reversed(files.items()))):
        report = look(tmp_path, packed(order))
        assert (report.kind, report.versions) == (FILE_STORAGE, ("2.6.2",))
        assert (report.seal_type, report.shares, report.threshold, report.kms_key) == ("awskms", 1, 1, "arn:aws:kms:k")


@pytest.mark.parametrize("entry", [b"", b"{}", b"[]", b'{"Value": 1}', b'{"Value": "?"}', b"x" * (65 << 10)])
def test_file_storage_that_cannot_be_read_says_that(tmp_path, entry):
    report = look(tmp_path, packed({"core/_keyring": b"{}", "core/_seal-config": entry}))
    assert (report.kind, report.seal_type) == (FILE_STORAGE, None)
    assert "seal configuration was not found" in report.problems[-1]


def stored(value: bytes) -> bytes:
    return json.dumps({"Value": base64.b64encode(value).decode()}).encode()


BOLT = bytes(8) + b"\x04\0" + bytes(6) + b"\xed\xda\x0c\xed" + bytes(4000)
OTHERS = {
    "custom dump": (b"PGDMP\1\x0e\0" + b"x" * 4000, POSTGRESQL),
    "custom dump in gzip": (gzip.compress(b"PGDMP\1\x0e\0" + b"x" * 4000), POSTGRESQL),
    "SQL": (b"--\n-- PostgreSQL database dump\n--\n\nSET x;", POSTGRESQL),
    "SQL of a cluster, in gzip": (gzip.compress(b"--\n-- PostgreSQL database cluster dump\n--\n"), POSTGRESQL),
    "dump in tar": (packed({"toc.dat": b"PGDMP", "1.dat": b""}), POSTGRESQL),
    "dump of a folder": (packed({"dump/1.dat.gz": b"", "dump/toc.dat": b"PGDMP"}), POSTGRESQL),
    "raft folder": (packed({"raft/vault.db": BOLT, "raft/raft/raft.db": BOLT}), RAFT_DIRECTORY),
    "raft database alone": (BOLT, RAFT_DIRECTORY),
    "raft database in gzip": (gzip.compress(BOLT), RAFT_DIRECTORY),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_restored_in_another_way_is_named_and_no_more(tmp_path, name):
    content, kind = OTHERS[name]
    assert look(tmp_path, content) == ArchiveReport(kind, None, len(content), None, None, None, None, {})


def _with(**changed: bytes | None) -> bytes:
    names = {"meta": "meta.json", "state": "state.bin", "sums": "SHA256SUMS", "sealed": "SHA256SUMS.sealed"}
    files = members()
    for short, content in changed.items():
        if content is None:
            del files[names[short]]
        else:
            files[names[short]] = content
    return packed(files)


FILES = members()
DAMAGED = {
    "nothing at all": (b"", "archive"),
    "no archive": (b"PK\3\4" + b"x" * 4000, "archive"),
    "bad gzip": (WHOLE[:10] + b"\xff" * 100 + WHOLE[110:], "archive"),
    "only gzip's header": (WHOLE[:12], "archive"),
    "cut in the middle": (WHOLE[: len(WHOLE) // 2], "state.bin: is cut short"),
    "cut in gzip's trailer": (WHOLE[:-4], "archive: is cut short"),
    "gzip's checksum": (WHOLE[:-8] + b"\0\0\0\0" + WHOLE[-4:], "archive: cannot be decompressed"),
    "altered state": (_with(state=SHAMIR[:-1] + b"?"), "state.bin: its SHA-256"),
    "shorter state": (_with(state=SHAMIR[:-1]), "meta.json: says that state.bin has"),
    "altered meta": (_with(meta=FILES["meta.json"].replace(b"66", b"67")), "meta.json: its SHA-256"),
    "unreadable meta": (_with(meta=b"{"), "meta.json: is not readable"),
    "deep meta": (_with(meta=b"[" * 8000), "meta.json: is not readable"),
    "list as meta": (_with(meta=b"[]"), "meta.json: is not readable"),
    "large meta": (_with(meta=b" " * 8193), "meta.json: has 8193 bytes"),
    "no meta": (_with(meta=None), "meta.json: is missing"),
    "no state": (_with(state=None), "state.bin: is missing"),
    "no sums": (_with(sums=None), "SHA256SUMS: is missing"),
    "empty sums": (_with(sums=b""), "SHA256SUMS: is not the list"),
    "half the sums": (_with(sums=FILES["SHA256SUMS"].splitlines(keepends=True)[0]), "SHA256SUMS: is not the list"),
    "binary sums": (_with(sums=b"\xff\x00"), "SHA256SUMS: is not the list"),
    "too many sums": (_with(sums=FILES["SHA256SUMS"] + b"0" * 64 + b"  x\n"), "SHA256SUMS: is not the list"),
    "unknown member": (packed(members() | {"evil\x1b": b""}), "evil�: is no member"),
    "unknown folder": (packed({"core/x": b""} | members()), "core/x: is no member"),
    "folder after it": (packed(members() | {"core/_keyring": b""}), "core/_keyring: is no member"),
    "only a folder": (packed({"logical/x": b""}), "logical/x: is no member"),
    "twice": (gzip.compress(tar([*FILES.items(), ("state.bin", SHAMIR)])), "state.bin: is in the archive twice"),
    "more after its end": (gzip.compress(tar(FILES.items()) + b"more"), "archive: goes on after its end"),
    "zeros without end": (gzip.compress(tar(FILES.items()) + bytes(1 << 20)), "archive: goes on after its end"),
    "rubbish in gzip": (WHOLE + b"rubbish", "archive"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named(tmp_path, name):
    content, says = DAMAGED[name]
    with pytest.raises(LayerFailed, match="the archive is damaged") as said:
        look(tmp_path, content)
    assert says in said.value.sentence
    assert said.value.fix


def test_a_link_is_refused(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("state.bin")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(LayerFailed, match="neither a file nor a folder"):
        look(tmp_path, out.getvalue())


def test_a_file_that_is_not_there_is_no_verdict(tmp_path):
    with pytest.raises(NoVerdict, match="cannot be read"):
        inspect(tmp_path / "no.snap")
    with pytest.raises(NoVerdict, match="cannot be read"):
        inspect(tmp_path)


@same_folder
@given(st.binary(max_size=3000))
def test_random_bytes_are_damage(tmp_path, content):
    assume(not content.startswith(b"PGDMP\x01"))  # which hypothesis finds in the source
    with pytest.raises(LayerFailed):
        look(tmp_path, content)


@same_folder
@given(st.binary(max_size=3000))
def test_random_bytes_in_gzip_are_damage(tmp_path, content):
    assume(not content.startswith(b"PGDMP\x01"))  # which hypothesis finds in the source
    with pytest.raises(LayerFailed):
        look(tmp_path, gzip.compress(content))


SMALL = tar(members(KMS).items())


@settings(parent=same_folder, max_examples=400)
@given(st.data())
def test_an_altered_tar_is_damage_or_tells_the_same(tmp_path, data):
    """Bytes changed below gzip, so that its checksum hides nothing."""
    altered = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(SMALL) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(altered)[: data.draw(st.sampled_from([None, 600, 1600]) | st.integers(0, len(SMALL)))]
    try:
        report = look(tmp_path, gzip.compress(content, 1))
    except LayerFailed:
        return
    told = (report.kind, report.seal_type, report.kms_key, report.raft_index)
    assert told == (RAFT, "awskms", "arn:aws:kms:k", 66)


@same_folder
@given(st.binary(max_size=2000))
def test_any_state_with_true_hashes_is_read_calmly(tmp_path, content):
    assert look(tmp_path, packed(members(content))).kind == RAFT


def reader() -> tuple[InClear, StateReader]:
    clear = InClear()
    return clear, StateReader(clear.prefixes, clear.take, clear.enough)


@settings(parent=same_folder)
@given(st.lists(st.integers(1, 70_000), max_size=20))
def test_entries_are_found_however_the_blocks_fall(sizes):
    (clear, looking), at = reader(), 0
    for size in [*sizes, len(SHAMIR)]:
        looking.feed(SHAMIR[at : at + size])
        at += size
    assert clear.entries == {BARRIER_KEYS: blob(), SEAL_CONFIG: seal()}
    assert clear.versions == ("2.6.1", "2.6.2-beta1", "2.6.2", "2.10.0")


def test_byte_by_byte_they_are_found_too():
    clear, looking = reader()
    for at in range(len(KMS)):
        looking.feed(KMS[at : at + 1])
    assert set(clear.entries) == {BARRIER_KEYS, SEAL_CONFIG}


def test_behind_the_last_name_that_tells_something_nothing_is_read():
    """However many millions of entries follow, and whatever they look like."""
    clear, looking = reader()
    looking.feed(KMS)
    assert (clear.enough(), looking.done) == (True, False)
    looking.feed(state([("logical/1", b"z"), (SEAL_CONFIG, b"another")]))
    assert looking.done
    assert clear.entries[SEAL_CONFIG] == seal("awskms", 1, 1)


def test_an_entry_without_a_name_is_no_entry():
    """A gigabyte of zeros is not a thousand million entries."""
    _, looking = reader()
    looking.feed(bytes(10))
    assert looking.done


def test_memory_stays_bounded(tmp_path):
    """An entry of 100 MB, a claim of exabytes, and a gzip of zeros."""
    huge = state([("core/huge", bytes(100 << 20)), ("core/seal-config", seal())])
    path = tmp_path / "huge.snap"
    path.write_bytes(gzip.compress(tar(members(huge).items()), 1))
    del huge
    claim = varint(1 << 62) + field(1, b"x")
    tracemalloc.start()
    assert inspect(path).shares == 5
    assert look(tmp_path, packed(members(claim))).seal_type is None
    with pytest.raises(LayerFailed):
        look(tmp_path, gzip.compress(bytes(1 << 20)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_the_sums_of_this_file_are_as_documented():
    assert sums(b"", b"").decode().splitlines()[1].endswith("  state.bin")
