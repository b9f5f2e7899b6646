"""Whatever is done to the good file: it is loaded, or it is a sentence that names it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.config import load as loading
from runbook.config.notes import notes
from runbook.engine.errors import WrongUse
from tests.support import runbook_toml

ROWS = runbook_toml.GOOD.split("\n")
JUNK = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=True),
        JUNK,
        st.sampled_from(["none", "", "<x>", "~", "https://[", "arn:"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(JUNK, inner, max_size=3)),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "runbook.toml"


def judged(path: Path, text: str) -> bool:
    """Whether it is good; nothing but WrongUse may come out, and every line of it names the file."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    said = ""
    try:
        loaded = loading.load(path)
    except WrongUse as wrong:
        said = wrong.sentence
    if said:
        assert all(line.startswith(f"{path}: ") for line in said.split("\n"))
        return False
    assert {loaded.configuration.environment(mode).name for mode in ("drill", "recovery")} == {"staging", "production"}
    assert all(notes(loaded.configuration))
    return loaded.flat() != {}


def test_the_good_file_is_good(path: Path) -> None:
    assert judged(path, runbook_toml.GOOD)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_lines_may_be_lost_doubled_moved_or_changed(path: Path, data: st.DataObject) -> None:
    rows = list(ROWS)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(rows) - 1))
        match data.draw(st.sampled_from(["lose", "double", "move", "cut", "insert"])):
            case "lose":
                del rows[at]
            case "double":
                rows.insert(at, rows[at])
            case "move":
                rows.append(rows.pop(at))
            case "cut":
                rows[at] = rows[at][: data.draw(st.integers(0, 40))]
            case _:
                rows[at] += data.draw(JUNK)
    judged(path, "\n".join(rows))


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every table or list with a place in it."""
    parts = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [*((value, part) for part, _ in parts), *(spot for _, each in parts for spot in spots(each))]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_values_may_be_of_any_kind(path: Path, data: st.DataObject) -> None:
    document = tomllib.loads(runbook_toml.GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        table, part = data.draw(st.sampled_from(spots(document)))
        value = data.draw(VALUES)
        if value is not None:
            table[part] = value
        elif isinstance(table, dict):
            table.pop(part, None)
    judged(path, runbook_toml.written(without_none(document)))


def without_none(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        return {key: without_none(each) for key, each in value.items() if each is not None}
    return [without_none(each) for each in value if each is not None] if isinstance(value, list) else value
