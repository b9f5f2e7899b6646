"""A backup of 1 GiB is downloaded, hashed, inspected and proven in little memory, and shows that it goes on.

What is measured runs in a process of its own: the peak of a process cannot be taken back.  The object is served by a
thread here, which makes its bytes as it goes; the snapshot is gzip of zeros.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runbook.estate.memory import archive as made
from runbook.estate.memory.production import key, shares
from runbook.estate.vault_snapshot.barrier import KEYRING
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG
from tests.estate_adapters.archives import field, seal, state, sums, varint
from tests.house.papers import ROOT
from tests.support.loopback import serving

pytestmark = pytest.mark.estate

GIB = 1 << 30
MIB = 1 << 20
LIMIT = 250 * MIB

MEASURED = """
import asyncio, hashlib, json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path

async def download(endpoint, size, to):
    from runbook.estate.aws.objects import AwsObjects
    from runbook.estate.door import Door
    from runbook.estate.ports import StoredObject
    from tests.estate_adapters.aws import access_to
    told = []
    door = Door(4)
    try:
        stored = StoredObject("b", "vault.snap", int(size), datetime(2026, 11, 24, tzinfo=UTC))
        objects = AwsObjects(access_to(door, endpoint))
        fetched = await objects.download(stored, Path(to), lambda *step: told.append((*step, time.monotonic())))
    finally:
        door.close()
    pairs = list(zip(told, told[1:]))
    return {
        "sha256": fetched.sha256,
        "size": Path(to).stat().st_size,
        "calls": len(told),
        "last": told[-1][:2],
        "rising": all(before[0] < after[0] for before, after in pairs),
        "largest_step": max(after[0] - before[0] for before, after in pairs),
        "longest_silence": max(after[2] - before[2] for before, after in pairs),
    }

async def inspect(path):
    from runbook.estate.vault_snapshot.inspection import inspect
    report = inspect(Path(path))
    return {"kind": report.kind, "threshold": report.threshold, "digest": report.members["state.bin"]}

async def prove(path, transit, *given):
    from runbook.engine.ports import Secret
    from runbook.estate.vault_snapshot.proof import prove
    proof = prove(Path(path), tuple(map(Secret, given)), transit_mount=transit)
    return {"keys": list(proof.transit_keys), "authentic": proof.authentic}

what, *given = sys.argv[1:]
started = time.monotonic()
found = asyncio.run({"download": download, "inspect": inspect, "prove": prove}[what](*given))

def peak():
    # Linux hands ru_maxrss on over exec, so that it may be the parent's; VmHWM (in KiB) is our own.
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes there
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

print(json.dumps(found | {"peak": peak(), "seconds": time.monotonic() - started}))
"""


def measured(*given: object) -> dict[str, Any]:
    """What it found, in a process of its own, with the peak of its memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, given)],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["peak"] < LIMIT, f"{found['peak'] / MIB:.0f} MiB"
    return found


# -- download -----------------------------------------------------------------------------------------------------
class Generating(BaseHTTPRequestHandler):
    """Answers GetObject with a gibibyte of bytes that tell their place."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("ETag", '"tag"')
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 08:00:00 GMT")
        self.send_header("Content-Length", str(GIB))
        self.end_headers()
        for number in range(GIB // MIB):
            self.wfile.write(mebibyte(number))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


def mebibyte(number: int) -> bytes:
    return struct.pack(">Q", number) * (MIB // 8)


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Generating)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


def test_a_gibibyte_is_downloaded_and_hashed_in_little_memory_and_says_so(endpoint, tmp_path):
    to = tmp_path / "vault.snap"
    try:
        found = measured("download", endpoint, GIB, to)
    finally:
        to.unlink(missing_ok=True)
    expected = hashlib.sha256()
    for number in range(GIB // MIB):
        expected.update(mebibyte(number))
    assert (found["size"], found["sha256"]) == (GIB, expected.hexdigest())
    assert (found["last"], found["rising"]) == ([GIB, GIB], True)
    assert found["largest_step"] <= MIB  # often enough that a rate can be said on a slow line
    assert found["longest_silence"] < 5


# -- inspection and proof -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> Iterator[Path]:
    """A gibibyte of state: first the barrier's entries, then secrets of zeros, then one transit key."""
    path = tmp_path_factory.mktemp("large") / "large.snap"
    _written(path, _head(), _filling(), _tail())
    yield path
    path.unlink()


ROOT_KEY, TERM = bytes(range(32)), bytes(reversed(range(32)))
ENTRY = 4096
COUNT = GIB // ENTRY


def _head() -> bytes:
    engine = json.dumps({"path": "transit/", "type": "transit", "uuid": "z", "namespace_id": "root"}).encode()
    blob = made._blob(key("large"), json.dumps([base64.b64encode(ROOT_KEY).decode()]).encode())
    ring = made._entry(ROOT_KEY, 1, KEYRING, made._keyring(ROOT_KEY, [TERM]))
    mount = made._entry(TERM, 1, "core/mounts/z", engine)
    return state([(BARRIER_KEYS, blob), (KEYRING, ring), ("core/mounts/z", mount), (SEAL_CONFIG, seal())])


def _filling() -> bytes:
    """One entry of zeros, repeated COUNT times."""
    message = field(1, b"logical/y/secret") + field(2, bytes(ENTRY - 25))
    return varint(len(message)) + message


def _tail() -> bytes:
    path = "logical/z/policy/notes"
    return state([(path, made._entry(TERM, 1, path, b'{"keys":{"1":{}}}'))])


def _written(path: Path, head: bytes, filling: bytes, tail: bytes) -> None:
    """The archive, piece by piece; a piece that repeats is compressed each time, at the fastest level."""
    run = filling * 256
    pieces = [head, *[run] * (COUNT // 256), tail]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    size = sum(map(len, pieces))
    meta = json.dumps({"Version": 1, "ID": "bolt-snapshot", "Index": 9, "Size": size}).encode()
    listed = sums(meta, b"").splitlines(keepends=True)[0] + f"{digest.hexdigest()}  state.bin\n".encode()
    packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    with path.open("wb") as file:
        for name, body in (("meta.json", [meta]), ("state.bin", pieces), ("SHA256SUMS", [listed]),
                           ("SHA256SUMS.sealed", [made._blob(key("large"), listed)])):  # fmt: skip
            length = sum(map(len, body))
            for piece in (_header(name, length), *body, bytes(-length % 512)):
                file.write(packer.compress(piece))
        file.write(packer.compress(bytes(1024)) + packer.flush())


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def test_a_gibibyte_of_state_is_inspected_in_little_memory(snapshot):
    assert snapshot.stat().st_size < 64 * MIB
    found = measured("inspect", snapshot)
    assert (found["kind"], found["threshold"], len(found["digest"])) == ("raft-snapshot", 3, 64)


def test_a_gibibyte_of_state_is_proven_in_little_memory(snapshot):
    found = measured("prove", snapshot, "transit", *shares("large")[:3])
    assert (found["keys"], found["authentic"]) == (["notes"], True)


def test_zeros_for_a_state_are_inspected_in_little_memory(tmp_path):
    """No entry at all: what it needs is not known, and nothing is searched byte by byte."""
    path = tmp_path / "zeros.snap"
    _written(path, b"", bytes(ENTRY), b"")
    found = measured("inspect", path)
    path.unlink()
    assert (found["kind"], found["threshold"]) == ("raft-snapshot", None)
    assert found["seconds"] < 60
