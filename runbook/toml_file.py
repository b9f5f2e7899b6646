"""Reads a TOML file into a pydantic model and names every mistake at once: file, key, line, and what to do.

Validators know keys but not lines, so the line of a key comes from `toml_lines`.  No value of the file is repeated: a
secret that was pasted into it would be shown.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from runbook import toml_lines
from runbook.engine.errors import WrongUse

M = TypeVar("M", bound=BaseModel)
Loc = tuple[int | str, ...]
Details = Mapping[str, Any]  # of one error, as pydantic gives them

FIX = "Put these right and try again."
_LONGEST = 80  # characters of a key that are shown
_DEEPEST = 20  # tables and lists in each other; nothing that is meant has half as many
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_SAID = {
    "missing": "is missing",
    "string_type": "must be text, in quotes",
    "string_too_short": "is empty",
    "int_type": "must be a whole number, without quotes",
    "int_parsing": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number, without quotes",
    "int_parsing_size": "is too large",
    "float_type": "must be a number, without quotes",
    "float_parsing": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false, without quotes",
    "tuple_type": "must be a list: [ … ]",
    "model_type": "must be a table",
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "path_type": "must be a path, in quotes",
    "too_short": "needs at least one entry",
}
_NEVER_ECHOED = frozenset({"literal_error", "string_pattern_mismatch"})  # these name what is allowed, in our own words
_SYNTAX = {
    "Cannot overwrite a value": "this key stands twice in its table",
    "Cannot declare": "this table stands twice, or is also a value",
    "Cannot mutate immutable namespace": "this table was closed where it was written in braces",
    "Duplicate inline table key": "a key stands twice in these braces",
    "Cannot redefine namespace": "this table was begun elsewhere",
}


class Mistake(NamedTuple):
    """What is wrong, and where: keys, and places in arrays counted from 0."""

    loc: Loc
    what: str


class Mistakes(ValueError):
    """For a validator that finds several, each at its own place below the model that it validates."""

    def __init__(self, found: Iterable[Mistake]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(f"{dotted(loc)}: {what}" for loc, what in self.found))


def read(path: Path, model: type[M]) -> M:
    """The file as that model; WrongUse lists every mistake."""
    return parse(text_of(path), model, str(path))


def parse(text: str, model: type[M], name: str) -> M:
    """The same for a text that is in memory; `name` stands for the file in messages."""
    found = validated(document(text, name), model)
    if isinstance(found, list):
        raise WrongUse(told(text, name, found), fix=FIX)
    return found


def validated(plain: Mapping[str, Any], model: type[M], context: Mapping[str, Any] | None = None) -> M | list[Mistake]:
    """The model; or every mistake.  `context` is handed to the validators."""
    try:
        return model.model_validate(plain, context=context)
    except ValidationError as error:
        return [each for details in error.errors() for each in _mistakes({**details}, model)]


def document(text: str, name: str) -> dict[str, Any]:
    """The text as plain values; WrongUse with the line where it is no TOML."""
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(_syntax(text, name, str(error)), fix="Put the line right that is named.") from None
    except RecursionError:
        raise _no_use(name, "it is nested too deeply") from None
    except ValueError:  # of Python's own: a number of thousands of digits
        raise _no_use(name, "it holds a number or date that is none") from None
    if _too_deep(plain):
        raise _no_use(name, "it is nested too deeply")
    return plain


def text_of(path: Path) -> str:
    """The file's text, with plain line ends and without a byte order mark; WrongUse when there is none."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise WrongUse(f"{path}: there is no such file", fix="Check the path.") from None
    except IsADirectoryError:
        raise WrongUse(f"{path}: is a folder", fix="Name the file in it.") from None
    except (OSError, ValueError) as error:
        raise WrongUse(f"{path}: cannot be read ({type(error).__name__})", fix="Check its permissions.") from None
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise WrongUse(f"{path}: line {line}: is not UTF-8 text", fix="Save the file as UTF-8.") from None


def _no_use(name: str, what: str) -> WrongUse:
    return WrongUse(f"{name}: not valid TOML: {what}", fix="Put it right and try again.")


def _too_deep(plain: Mapping[str, Any]) -> bool:
    level: list[Any] = [plain]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, Mapping) else each if isinstance(each, list) else ())
        ]
    return bool(level)


# -- how mistakes are told ------------------------------------------------------------------------------------------
def told(text: str, name: str, mistakes: Iterable[Mistake], shown: Callable[[str], str] = str) -> str:
    """One line each, `FILE: line N: KEY: what is wrong`, in the order of the file; `shown` may mask a part of a key."""
    known = toml_lines.lines(text)
    found = {(toml_lines.line_of(known, loc), dotted(loc, shown), what): None for loc, what in mistakes}
    return "\n".join(
        f"{name}: line {line}: {key}: {what}" for line, key, what in sorted(found, key=lambda each: each[0])
    )


def mistake(text: str, name: str, loc: Sequence[int | str], what: str) -> str:
    """`FILE: line N: KEY: what is wrong`; places in arrays are counted from 1."""
    return told(text, name, [Mistake(tuple(loc), what)])


def dotted(loc: Sequence[int | str], shown: Callable[[str], str] = str) -> str:
    """The key as people write it, harmless on a terminal."""
    return ".".join(f"{part + 1}" if isinstance(part, int) else _harmless(shown(part)) for part in loc) or "the file"


def _harmless(key: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in key[:_LONGEST])


def line_of(text: str, loc: Sequence[int | str]) -> int:
    """The line (from 1) of the key that `loc` names, or of the nearest table above it."""
    return toml_lines.line_of(toml_lines.lines(text), loc)


def _mistakes(details: Details, model: type[BaseModel]) -> Iterator[Mistake]:
    context = details.get("ctx", {})
    raised = context.get("error")
    if details["type"] == "too_short" and len(details["input"]) >= context["min_length"]:
        return  # there are enough of them: each that is wrong is told by itself
    if isinstance(raised, Mistakes):
        yield from (Mistake((*details["loc"], *each.loc), each.what) for each in raised.found)
    else:
        yield Mistake(details["loc"], _said(details, model))


def _said(details: Details, model: type[BaseModel]) -> str:
    kind, said, given = str(details["type"]), str(details["msg"]).removeprefix("Value error, "), details["input"]
    if kind == "extra_forbidden":
        return _unknown(details["loc"], model)
    if isinstance(given, str) and given and given in said and kind not in _NEVER_ECHOED:
        return "is not what belongs here"
    return _SAID.get(kind, said)


def _unknown(loc: Loc, model: type[BaseModel]) -> str:
    said = "is not a known key: check its spelling, or remove it"
    near = get_close_matches(str(loc[-1]), _names(loc[:-1], model), n=1)
    return f"{said} (did you mean {near[0]}?)" if near else said


def _names(loc: Loc, model: type[BaseModel]) -> list[str]:
    """The keys of the table at `loc`."""
    at: Any = model
    for part in loc:
        if isinstance(part, str):
            at = next((field for name, field in _fields(at) if name == part), None)
    return [name for name, _ in _fields(at)]


def _fields(of: Any) -> list[tuple[str, Any]]:
    """The fields of every model in an annotation, by the names that stand in the file."""
    if isinstance(of, type) and issubclass(of, BaseModel):
        return [(field.alias or name, field.annotation) for name, field in of.model_fields.items()]
    return [each for part in getattr(of, "__args__", ()) for each in _fields(part)]


def _syntax(text: str, name: str, said: str) -> str:
    where = _WHERE.search(said)
    line = where.group(1) if where and where.group(1) else str(text.count("\n") + 1)
    words = said[: where.start()] if where else said
    plain = next((ours for theirs, ours in _SYNTAX.items() if words.startswith(theirs)), words)
    return f"{name}: line {line}: not valid TOML: {plain}"
