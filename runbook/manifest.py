"""What a database states of its own content at one moment: made at the source, compared with the copy.

Counts and hashes are of one REPEATABLE READ snapshot.  A table's digest is the sum of its rows' hashes, so it does not
depend on their order; a *bucket* is the part of a table whose primary key's hash has the same remainder, so that a
table which is written to all day can still be compared in its quiet parts.  The number of buckets is a power of two:
a finer manifest can be folded to the grain of a coarser one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from runbook.engine.errors import LayerFailed

SCHEMA: Final = 2
BUCKETS: Final = 256
LIMIT: Final = 64 << 20
"""Bytes of a manifest that are read at most: 500 tables of 256 buckets take about 5 MiB."""

Method = Literal["record", "text"]
"""`record`: the row's own hash; `text`: the hash of the row's text, where a column's type has no hash (json), or calls
values equal that differ in letters (citext)."""


def _power_of_two(number: int) -> int:
    if number & (number - 1):
        raise ValueError("must be a power of two")
    return number


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer tool may say more


class Sum(_Model):
    """Rows, and the sum of their hashes as decimal text ("0" for none)."""

    rows: int = Field(ge=0)
    digest: str = Field(pattern=r"^-?\d{1,48}$")


class Table(Sum):
    """One table.  Empty buckets are left out; without a primary key the whole row decides on the bucket."""

    method: Method = "record"
    key: tuple[str, ...] = ()
    columns: str = ""  # fingerprint of names, types, nullability and defaults
    buckets: Mapping[int, Sum] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> Table:
        """Buckets that are another table's, or were cut off, would make every comparison with them a false one."""
        rows = sum(bucket.rows for bucket in self.buckets.values())
        if self.buckets and (rows, sum(int(each.digest) for each in self.buckets.values())) != (
            self.rows,
            int(self.digest),
        ):
            raise ValueError("its buckets do not add up to the table")
        return self


class Catalogue(_Model):
    """What stands beside the rows; every part compares as a whole or by name."""

    columns: Mapping[str, str] = Field(default_factory=dict)  # table → fingerprint of its columns
    migration: str = ""  # such as "alembic_version 7c1f0e5ab2d4", "" where no known tool's table is there
    extensions: Mapping[str, str] = Field(default_factory=dict)  # name → version
    roles: Mapping[str, str] = Field(default_factory=dict)  # name → its attributes and memberships, as text
    row_security: Mapping[str, str] = Field(default_factory=dict)  # table → "enabled, forced, 2 policies"
    sequences: Mapping[str, int | None] = Field(default_factory=dict)  # last value; None: never used
    settings: Mapping[str, str] = Field(default_factory=dict)  # those that text forms depend on


class Manifest(_Model):
    """One moment of one database; `made_at` is when its snapshot was taken, on the server's clock."""

    schema_number: Literal[2] = Field(default=SCHEMA, alias="schema")
    made_at: AwareDatetime
    database: str
    server_version: str
    buckets: Annotated[int, Field(ge=1, le=65536), AfterValidator(_power_of_two)] = BUCKETS
    tables: Mapping[str, Table]
    catalogue: Catalogue = Catalogue()

    @model_validator(mode="after")
    def _numbered(self) -> Manifest:
        for name, table in self.tables.items():
            if any(not 0 <= number < self.buckets for number in table.buckets):
                raise ValueError(f"{name} has a bucket that is none of {self.buckets}")
        return self

    @property
    def major(self) -> str:
        """Of the server: PostgreSQL does not promise that hashes are the same in another one."""
        return major(self.server_version)

    def as_json(self) -> bytes:
        """As it is kept; one line a table, so that two can be compared by eye."""
        document = self.model_dump(mode="json", by_alias=True)
        tables = ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(table, separators=(',', ':'))}"
            for name, table in document.pop("tables").items()
        )
        head = json.dumps(document, indent=1)
        return f'{head[:-2]},\n "tables": {{\n{tables}\n }}\n}}\n'.encode()


def folded(buckets: Mapping[int, Sum], to: int) -> Mapping[int, Sum]:
    """The same rows in `to` buckets: a power of two, not above the number that they are in now."""
    sums: dict[int, tuple[int, int]] = {}
    for number, bucket in buckets.items():
        rows, digest = sums.get(number & (to - 1), (0, 0))
        sums[number & (to - 1)] = rows + bucket.rows, digest + int(bucket.digest)
    return {number: Sum(rows=rows, digest=str(digest)) for number, (rows, digest) in sums.items()}


def major(server_version: str) -> str:
    """Such as `18` of `18.4 (Debian 18.4-1)`."""
    return server_version.partition(".")[0].partition(" ")[0]


def parse(body: bytes, name: str) -> Manifest:
    """LayerFailed names the object, the place in it and what was wrong."""
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise LayerFailed(
            f"the manifest {name} cannot be read: {_printable(place)}: {_printable(first['msg'])}",
            fix="Take it away, or put it there from another copy: `runbook manifest` cannot state a past moment again.",
            source="manifest",
        ) from None


def _printable(text: str) -> str:
    """A damaged document may have anything for a name."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)[:200]


def file_name(made_at: datetime) -> str:
    """Under which a manifest is kept, so that the ones around a backup are found without reading all of them."""
    return f"{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def moment_of(name: str) -> datetime | None:
    """The reverse of `file_name`, for the last part of a key or path; None for any other name."""
    last = name.rsplit("/", 1)[-1]
    try:
        moment = datetime.strptime(last, "%Y%m%dT%H%M%SZ.json").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if file_name(moment) == last else None  # strptime takes fewer digits too
