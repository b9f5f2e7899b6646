"""Every kind of damage that is known from restores is named by at least one look, with page checksums and without.

It is done to the files of a stopped server.  Damage of a table must show in its content (count and sum of hashes), or
in what PostgreSQL says while it is read; damage of an index shows in no row, only in the index's own check, and where
that is not to be had, the answer says that indexes were not checked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from runbook.estate.ports import Reading
from runbook.estate.postgres import content, structure
from runbook.training.servers.postgres import Cluster
from tests.estate.postgres_lab import PAGE, Lab, connected, laboratory, nothing, run, with_contrib

pytestmark = pytest.mark.estate

TABLE = "public.patients"
AGED = 5
"""The page whose older self is kept: its rows were changed after that."""

FILL = (
    "create table patients (id int primary key, name text, note text)",
    "insert into patients select i, md5(i::text), repeat(md5(i::text), 4) from generate_series(1, 20000) i",
    "create index patients_name on patients (name)",
    "vacuum (analyze) patients",
)
CHANGE = "update patients set note = 'changed' where ctid >= '(5,0)' and ctid < '(6,0)'"


@dataclass(frozen=True)
class Sample:
    """A stopped server with its files, and what its table held."""

    cluster: Cluster
    amcheck: bool
    heap: str
    key: str
    name_index: str
    aged: bytes
    held: tuple[int, str | None]


@dataclass(frozen=True)
class Saw:
    """What the checks say of one damaged server."""

    content: str
    readings: dict[str, Reading]

    @property
    def indexes(self) -> Reading:
        return self.readings["index structure"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with laboratory(Path(tempfile.mkdtemp(prefix="runbook-damage-"))) as lab:
        yield lab


@pytest.fixture(scope="module", params=["bundled", "contrib"])
def installation(request, lab) -> Sample:
    """Filled, its page kept, changed, and stopped in good order."""
    amcheck = request.param == "contrib"
    cluster = lab.create(with_contrib() if amcheck else lab.bundled)
    run(cluster, *(("create extension amcheck",) if amcheck else ()), *FILL)
    heap, key, name_index = (_path(cluster, name) for name in ("patients", "patients_pkey", "patients_name"))
    lab.stop(cluster)
    aged = _page(cluster.data / heap, AGED)
    lab.start(cluster)
    run(cluster, CHANGE)
    with connected(cluster) as connection:
        found = content.read(connection, TABLE)
    lab.stop(cluster)
    return Sample(cluster, amcheck, heap, key, name_index, aged, (found.rows, found.digest))


@pytest.fixture(scope="module", params=["with checksums", "without checksums"])
def sample(request: pytest.FixtureRequest, lab: Lab, installation: Sample) -> Sample:
    if request.param == "with checksums":
        return installation
    bare = lab.copy(installation.cluster)
    bare.binaries.run("pg_checksums", "--disable", "--no-sync", "-D", str(bare.data))
    return replace(installation, cluster=bare)


def _path(cluster: Cluster, relation: str) -> str:
    with cluster.connect() as connection:
        row = connection.execute("select pg_relation_filepath(%s)", (relation,)).fetchone()
    assert row is not None
    return str(row[0])


def _page(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek(number * PAGE)
        return file.read(PAGE)


def _write(path: Path, number: int, page: bytes) -> None:
    assert len(page) == PAGE
    with path.open("r+b") as file:
        file.seek(number * PAGE)
        file.write(page)


# -- the damages --------------------------------------------------------------------------------------------------
def flip_a_bit_of_a_row(sample: Sample, heap: Path) -> None:
    page = bytearray(_page(heap, 7))
    page[-20] ^= 0x01  # rows grow from the page's end: the last bytes are of a note
    _write(heap, 7, bytes(page))


def zero_a_page(sample: Sample, heap: Path) -> None:
    _write(heap, 7, bytes(PAGE))


def cut_off_200_pages(sample: Sample, heap: Path) -> None:
    _cut(heap, heap.stat().st_size - 200 * PAGE)


def empty_it(sample: Sample, heap: Path) -> None:
    _cut(heap, 0)


def _cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def put_another_page_in_its_place(sample: Sample, heap: Path) -> None:
    _write(heap, 7, _page(heap, 9))


def put_its_older_self_in_its_place(sample: Sample, heap: Path) -> None:
    assert _page(heap, AGED) != sample.aged
    _write(heap, AGED, sample.aged)


def flip_a_bit_of_a_separating_key(sample: Sample, index: Path) -> None:
    """In the root, where no row's own entry is: the key becomes larger than what it leads to, and stays in order."""
    root = int.from_bytes(_page(index, 0)[32:36], "little")
    page = bytearray(_page(index, root))
    at = next(end for end in _ends_of_keys(bytes(page)) if chr(page[end]).isdigit())
    page[at] ^= 0x40
    _write(index, root, bytes(page))


def _ends_of_keys(page: bytes) -> Iterator[int]:
    """Where the texts of 32 hexadecimal digits end, from the middle of the page on."""
    digits = frozenset(b"0123456789abcdef")
    for end in range(PAGE // 2, PAGE):
        if digits.issuperset(page[end - 31 : end + 1]) and page[end - 32] not in digits:
            yield end


def zero_a_leaf(sample: Sample, index: Path) -> None:
    assert _page(index, 0)[32:36] != (5).to_bytes(4, "little")  # page 5 is not the root
    _write(index, 5, bytes(PAGE))


HEAP = [
    flip_a_bit_of_a_row,
    zero_a_page,
    cut_off_200_pages,
    empty_it,
    put_another_page_in_its_place,
    put_its_older_self_in_its_place,
]
INDEX = [("name_index", flip_a_bit_of_a_separating_key), ("key", zero_a_leaf)]
Damage = Callable[[Sample, Path], None]


def _name(damage: object) -> str:
    return getattr(damage, "__name__", str(damage)).replace("_", " ")


def _damaged(lab: Lab, sample: Sample, path: str, damage: Damage) -> Saw:
    """What the checks say of a copy to whose file this was done."""
    copy = lab.copy(sample.cluster)
    damage(sample, copy.data / path)
    with lab.running(copy), connected(copy) as connection:
        return Saw(_content(connection, sample), {r.name: r for r in structure.readings(connection, nothing)})


def _content(connection: psycopg.Connection[tuple[object, ...]], sample: Sample) -> str:
    """What is wrong with the content, "" for nothing."""
    try:
        found = content.read(connection, TABLE)
    except psycopg.Error as error:
        return f"SQLSTATE {error.sqlstate}"
    return "" if (found.rows, found.digest) == sample.held else f"{found.rows} rows, {found.digest}"


# -- what must be named -------------------------------------------------------------------------------------------
def test_nothing_is_wrong_with_an_untouched_copy(lab, sample):
    saw = _damaged(lab, sample, sample.heap, lambda sample, heap: None)
    assert saw.content == ""
    assert {name: reading.found for name, reading in saw.readings.items() if reading.found} == {}


@pytest.mark.parametrize("damage", HEAP, ids=_name)
def test_damage_of_a_table_shows_in_its_content(lab, sample, damage):
    assert _damaged(lab, sample, sample.heap, damage).content


@pytest.mark.parametrize(("file", "damage"), INDEX, ids=_name)
def test_damage_of_an_index_is_found_or_it_is_said_that_nobody_looked(lab, sample, file, damage):
    saw = _damaged(lab, sample, getattr(sample, file), damage)
    assert saw.content == ""  # no row shows it
    if not sample.amcheck:
        assert saw.indexes.not_run.startswith("amcheck is not installed in this database: indexes were not checked")
        return
    (line,) = saw.indexes.found
    assert line.startswith(f"public.patients_{'name' if file == 'name_index' else 'pkey'} is damaged: SQLSTATE XX00")
    assert saw.indexes.not_run == ""


@pytest.mark.parametrize("installation", ["contrib"], indirect=True)
def test_a_separating_key_needs_the_stronger_check(lab, sample):
    """Why `bt_index_parent_check` is taken, although it holds a lock: without checksums the plain one sees nothing."""
    copy = lab.copy(sample.cluster)
    flip_a_bit_of_a_separating_key(sample, copy.data / sample.name_index)
    with lab.running(copy), connected(copy) as connection:
        if connection.execute("show data_checksums").fetchone() == ("off",):
            connection.execute("select bt_index_check('patients_name', true)")
        with pytest.raises((psycopg.errors.IndexCorrupted, psycopg.errors.DataCorrupted)):
            connection.execute("select bt_index_parent_check('patients_name', true)")


def test_page_checksums_that_failed_are_counted(lab, sample):
    saw = _damaged(lab, sample, sample.heap, flip_a_bit_of_a_row)
    reading = saw.readings["checksum failures"]
    if "checksums are off" in reading.note:
        assert saw.content.endswith(tuple("0123456789"))  # read without complaint, and not what it was
        assert reading.found == ()
    else:
        assert saw.content == "SQLSTATE XX001"
        assert reading.found
