"""Reads a TOML file into a pydantic model and names every mistake at once: file, key, line, and what to do.

Validators know keys but not lines, so the line of a key comes from a small locator over the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from runbook.engine.errors import WrongUse

M = TypeVar("M", bound=BaseModel)

_HEADER = re.compile(r"^\s*\[(\[)?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*["']?([A-Za-z0-9_.-]+)["']?\s*=""")


def read(path: Path, model: type[M]) -> M:
    """The file as that model; WrongUse lists every mistake, never a value (a pasted secret would be shown)."""
    return parse(text_of(path), model, str(path))


def parse(text: str, model: type[M], name: str) -> M:
    """The same for a text that is in memory; `name` stands for the file in messages."""
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"{name}: not valid TOML: {error}", fix="Put the line right that is named.") from error
    except ValidationError as error:
        mistakes = [mistake(text, name, each["loc"], _said(each["type"], each["msg"])) for each in error.errors()]
        raise WrongUse("\n".join(mistakes), fix="Put these right and try again.") from error


def text_of(path: Path) -> str:
    """The file's text; WrongUse when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WrongUse(f"{path}: there is no such file", fix="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path}: cannot be read as UTF-8 text: {type(error).__name__}") from error


def mistake(text: str, name: str, loc: Sequence[int | str], what: str) -> str:
    """`FILE: line N: KEY: what is wrong`; places in arrays are counted from 1."""
    key = ".".join(f"{part + 1}" if isinstance(part, int) else part for part in loc)
    return f"{name}: line {line_of(text, loc)}: {key or 'the file'}: {what}"


def _said(kind: str, message: str) -> str:
    what = {"missing": "is missing", "extra_forbidden": "is not a known key: check its spelling, or remove it"}
    return what.get(kind, message.removeprefix("Value error, "))


def line_of(text: str, loc: Sequence[int | str]) -> int:
    """The line (from 1) of the key that `loc` names, or of the nearest table above it."""
    best, best_depth = 1, 0
    table: list[int | str] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table(header.group(2), array=bool(header.group(1)), counts=counts)
            here = table
        elif key := _KEY.match(line):
            here = [*table, *key.group(1).split(".")]
        else:
            continue
        depth = _shared(here, loc)
        if depth == len(here) and depth > best_depth:
            best, best_depth = number, depth
    return best


def _table(name: str, *, array: bool, counts: dict[str, int]) -> list[int | str]:
    parts: list[int | str] = list(name.replace('"', "").split("."))
    if not array:
        return parts
    counts[name] = counts.get(name, -1) + 1
    return [*parts, counts[name]]


def _shared(here: Sequence[int | str], loc: Sequence[int | str]) -> int:
    depth = 0
    for ours, theirs in zip(here, loc, strict=False):
        if ours != theirs:
            break
        depth += 1
    return depth
