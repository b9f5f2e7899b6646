"""Where each key stands, in every way in which TOML can be written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook import toml_file
from runbook.toml_lines import line_of, lines
from tests.support import runbook_toml

TEXT = '''\
# a comment with [brackets] and key = "value"
title = "a # b = [c]"  # trailing
a.b."c.d" = 1
'quoted key' = 2

[table] # comment
key = """
inside = 1
[not.a.table]
"""
other = \'\'\'
x = "1" \'\'\'
list = [
  "one", # first
  { name = "two", deep = { er = 1 } },
  [ 3,
    4 ],
]
date = 1979-05-27 07:32:00
after = true

[[array]]
x = 1
[array.sub]
y = 2
[[array.sub.inner]]
z = 3
[[array.sub.inner]]
z = 4

[[array]]
x = 5
[[array.sub.inner]]
z = 6

[ spaced . "out" ]
key = 1
'''

PLACES = {
    ("title",): 2,
    ("a", "b", "c.d"): 3,
    ("quoted key",): 4,
    ("table",): 6,
    ("table", "key"): 7,
    ("table", "other"): 11,
    ("table", "list"): 13,
    ("table", "list", 0): 14,
    ("table", "list", 1, "deep", "er"): 15,
    ("table", "list", 2): 16,
    ("table", "list", 2, 1): 17,
    ("table", "date"): 19,
    ("table", "after"): 20,
    ("array", 0): 22,
    ("array", 0, "sub", "y"): 25,
    ("array", 0, "sub", "inner", 1, "z"): 29,
    ("array", 1, "x"): 32,
    ("array", 1, "sub", "inner", 0, "z"): 34,
    ("spaced", "out", "key"): 37,
}


@pytest.mark.parametrize(("loc", "line"), PLACES.items(), ids=[".".join(map(str, loc)) for loc in PLACES])
def test_a_key_is_found_however_it_is_written(loc: tuple[int | str, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert lines(TEXT)[loc] == line


def test_what_only_looks_like_a_key_is_none() -> None:
    known = lines(TEXT)
    assert not [loc for loc in known if "inside" in loc or "not" in loc or "brackets" in loc]


def test_a_missing_key_is_on_the_line_of_its_table() -> None:
    known = lines(TEXT)
    assert line_of(known, ("array", 1, "missing")) == 31
    assert line_of(known, ("table", "list", 1, "missing")) == 15
    assert line_of(known, ("nowhere", "at", "all")) == 1


def places(value: Any, loc: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, each in parts:
        yield (*loc, part)
        yield from places(each, (*loc, part))


@pytest.mark.parametrize("text", [TEXT, runbook_toml.GOOD], ids=["every way", "the good file"])
def test_every_key_that_the_parser_finds_is_located_and_no_other(text: str) -> None:
    assert set(lines(text)) == set(places(tomllib.loads(text)))


KEY = st.one_of(
    st.text("abc-_", min_size=1, max_size=3), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=4)
)
VALUE = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text("a[]{}=#'\"\n\\,. ", max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEY, inner, max_size=3)),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(KEY, VALUE, max_size=4))
def test_every_key_of_any_document_is_located(document: dict[str, Any]) -> None:
    text = runbook_toml.written(document)
    parsed = tomllib.loads(text)
    assert parsed == document
    assert set(lines(text)) == set(places(parsed))


@settings(deadline=None, max_examples=150)
@given(st.text("ab.[]{}=#'\"\n\\, 1", max_size=60))
def test_a_text_that_is_no_toml_is_walked_to_its_end(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in lines(text).values())


def test_a_long_file_is_located_in_one_pass() -> None:
    text = "\n".join(f"[[table]]\nkey_{number} = [{', '.join('1' * 20)}]" for number in range(2000))
    known = lines(text)
    assert known["table", 1999, "key_1999", 19] == 4000
    assert re.match(
        "FILE: line 4000: table.2000.key_1999: wrong",
        toml_file.mistake(text, "FILE", ("table", 1999, "key_1999"), "wrong"),
    )
