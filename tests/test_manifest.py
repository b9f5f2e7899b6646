"""A manifest as it is kept: what is written is what is read, and a damaged one says where."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.errors import LayerFailed
from runbook.manifest import Catalogue, Manifest, Sum, Table, file_name, folded, moment_of, parse

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
SUMS = st.builds(Sum, rows=st.integers(1, 2**63), digest=st.integers(-(2**100), 2**100).map(str))
TEXTS = st.dictionaries(NAMES, NAMES, max_size=3)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@st.composite
def tables(draw: st.DrawFn, buckets: int) -> Table:
    parts = draw(st.dictionaries(st.integers(0, buckets - 1), SUMS, max_size=5))
    return Table(
        rows=sum(part.rows for part in parts.values()),
        digest=str(sum(int(part.digest) for part in parts.values())),
        method=draw(st.sampled_from(["record", "text"])),
        key=tuple(draw(st.lists(NAMES, max_size=2))),
        columns=draw(NAMES),
        buckets=parts,
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    buckets = 2 ** draw(st.integers(0, 16))
    return Manifest(
        made_at=draw(MOMENTS),
        database=draw(NAMES),
        server_version=draw(NAMES),
        buckets=buckets,
        tables=draw(st.dictionaries(NAMES, tables(buckets), max_size=4)),
        catalogue=Catalogue(
            columns=draw(TEXTS),
            migration=draw(NAMES),
            roles=draw(TEXTS),
            sequences=draw(st.dictionaries(NAMES, st.none() | st.integers(), max_size=3)),
        ),
    )


def kept(**changed: Any) -> dict[str, Any]:
    """A small good document, with other values for some of its fields."""
    parts = {1: Sum(rows=1, digest="-5"), 3: Sum(rows=2, digest="12")}
    made = Manifest(
        made_at=datetime(2027, 1, 15, 10, tzinfo=UTC),
        database="clinic",
        server_version="18.4",
        buckets=4,
        tables={"public.patients": Table(rows=3, digest="7", buckets=parts)},
    )
    document: dict[str, Any] = json.loads(made.as_json())
    return document | changed


@given(manifests())
def test_what_is_written_is_what_is_read(made: Manifest) -> None:
    assert parse(made.as_json(), "m.json") == made


@given(manifests())
def test_every_table_has_a_line_of_its_own(made: Manifest) -> None:
    lines = made.as_json().decode().split("\n")
    assert [name for name in made.tables if not any(line.startswith(f"  {json.dumps(name)}: ") for line in lines)] == []


def test_a_field_that_a_newer_tool_adds_is_no_damage() -> None:
    assert parse(json.dumps(kept(colour="blue")).encode(), "m.json") == parse(json.dumps(kept()).encode(), "m.json")


def _cut_off(table: dict[str, Any]) -> None:
    del table["buckets"]["3"]


def _of_no_bucket(table: dict[str, Any]) -> None:
    table["buckets"]["4"] = table["buckets"].pop("3")


def _not_a_number(table: dict[str, Any]) -> None:
    table["digest"] = "0x7"


def _fewer_than_none(table: dict[str, Any]) -> None:
    table["rows"] = -3


def _hashed_otherwise(table: dict[str, Any]) -> None:
    table["method"] = "md5"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut_off, "tables.public.patients: Value error, its buckets do not add up"),
        (_of_no_bucket, "public.patients has a bucket that is none of 4"),
        (_not_a_number, "tables.public.patients.digest"),
        (_fewer_than_none, "tables.public.patients.rows"),
        (_hashed_otherwise, "tables.public.patients.method"),
    ],
)
def test_a_damaged_table_is_named(damage: Callable[[dict[str, Any]], None], says: str) -> None:
    document = kept()
    damage(document["tables"]["public.patients"])
    assert says in refusal(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"schema": 1}, "schema: "),
        ({"made_at": "2027-01-15T10:00:00"}, "made_at: "),
        ({"made_at": "yesterday"}, "made_at: "),
        ({"buckets": 3}, "buckets: Value error, must be a power of two"),
        ({"buckets": 0}, "buckets: "),
        ({"tables": []}, "tables: "),
        ({"database": None}, "database: "),
        ({"tables": {"a\x1b[31m": {}}}, "tables.a\ufffd[31m.rows"),
    ],
)
def test_a_damaged_document_says_where(changed: dict[str, Any], place: str) -> None:
    assert place in refusal(json.dumps(kept(**changed)).encode())


@given(st.integers(0, 400), st.binary(max_size=3))
def test_whatever_is_cut_or_changed_it_is_read_or_refused_in_one_line(at: int, instead: bytes) -> None:
    body = json.dumps(kept()).encode()
    torn = body[:at] + instead + body[at + len(instead) + 1 :]
    sentence = ""
    try:
        parse(torn, "m.json")
    except LayerFailed as error:
        sentence = error.sentence
    assert sentence == "" or sentence.startswith("the manifest m.json cannot be read: ")
    assert sentence.isprintable()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_what_is_no_document_is_refused_with_a_fix(body: bytes) -> None:
    assert refusal(body).startswith("the manifest m.json cannot be read: ")


def refusal(body: bytes) -> str:
    with pytest.raises(LayerFailed) as said:
        parse(body, "m.json")
    assert "runbook manifest" in said.value.fix
    return said.value.sentence


# -- buckets ------------------------------------------------------------------------------------------------------
@given(st.data(), st.integers(0, 8), st.integers(0, 8))
def test_a_finer_manifest_folds_to_the_grain_of_a_coarser_one(data: st.DataObject, fine: int, coarse: int) -> None:
    fine, coarse = max(fine, coarse), min(fine, coarse)
    table = data.draw(tables(2**fine))
    folds = folded(table.buckets, 2**coarse)
    assert Table(rows=table.rows, digest=table.digest, buckets=folds).rows == table.rows  # it adds up, or is refused
    assert set(folds) == {number % 2**coarse for number in table.buckets}


# -- names --------------------------------------------------------------------------------------------------------
@given(MOMENTS)
def test_a_manifest_is_found_by_its_moment(moment: datetime) -> None:
    assert moment_of(f"manifests/{file_name(moment)}") == moment.replace(microsecond=0)


def test_the_moment_in_a_name_is_utc() -> None:
    summer = datetime(2027, 7, 1, 10, tzinfo=timezone(timedelta(hours=1)))
    assert file_name(summer) == "20270701T090000Z.json"


@pytest.mark.parametrize(
    "name",
    ["", "latest.json", "20270701T090000Z", "20270701T09000Z.json", "20271301T090000Z.json", "a20270701T090000Z.json"],
)
def test_any_other_name_has_no_moment(name: str) -> None:
    assert moment_of(name) is None
