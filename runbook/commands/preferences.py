"""`<home>/preferences.toml`: how somebody likes the screens, which is nobody else's business and no part of a run.

    schema = 1
    theme = "light"                # dark, light, high-contrast or monochrome

    [keys]                         # other keys, by the id of a binding; in the app, ctrl+g lists the ids
    "failure.retry" = "f5"
    "checkpoint.open" = "o,f9"     # several, with a comma

Without the file nothing is read and nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runbook.commands.places import Home
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.views import Preferences

FILE = "preferences.toml"
SCHEMA = 1
DEEPEST = 8  # tables in each other; an id without quotes has two or three
THEMES = ("dark", "light", "high-contrast", "monochrome")  # as `screens.looks.themes` has them; a test holds them equal
FIX = "Put these right, or move the file away: it holds nothing but how the screens look."

Loc = tuple[str, ...]


def read(home: Home) -> Preferences:
    """What is liked, else the defaults.  WrongUse names the file, and the line, key and fix of every mistake."""
    path = home.root / FILE
    if not path.exists():
        return Preferences()
    text, plain = _plain(path)
    keys = dict(_keys(plain.get("keys", {}), ("keys",)))
    mistakes = [*_mistakes(plain), *_mistaken_keys(keys)]
    if mistakes:
        from runbook import toml_file

        told = [toml_file.Mistake(loc, what) for loc, what in mistakes]
        raise WrongUse(toml_file.told(text, str(path), told), fix=FIX)
    return Preferences(plain.get("theme", ""), {".".join(loc[1:]): str(value) for loc, value in keys.items()})


def read_or_default(home: Home) -> Preferences:
    """The same, and the defaults where the file has mistakes: how screens look keeps nobody from a restoration."""
    try:
        return read(home)
    except WrongUse as wrong:
        first, *others = wrong.sentence.splitlines()
        more = f" (and {len(others)} more)" if others else ""
        return Preferences(trouble=f"{first}{more}. The defaults are used.")
    except Exception as error:  # noqa: BLE001 - a defect of ours in judging somebody's keys keeps nobody from one either
        why = type(error).__name__
        return Preferences(trouble=f"{home.root / FILE} could not be read ({why}). The defaults are used.")


def _plain(path: Path) -> tuple[str, dict[str, Any]]:
    """The text, and what it says; the room that explains mistakes is loaded only when there is one."""
    import tomllib

    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        from runbook import toml_file

        text = toml_file.text_of(path)
        return text, toml_file.document(text, str(path))


def _mistakes(plain: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    known = {"schema", "theme", "keys"}
    yield from (((key,), "is not a known key: schema, theme and [keys] are") for key in plain if key not in known)
    if plain.get("schema", SCHEMA) != SCHEMA:
        yield ("schema",), f"must be {SCHEMA}: this version of runbook knows no other"
    if plain.get("theme", THEMES[0]) not in THEMES:
        yield ("theme",), f"is not a theme: {', '.join(THEMES)} are"
    if not isinstance(plain.get("keys", {}), Mapping):
        yield ("keys",), "must be a table: [keys]"


def _keys(table: object, loc: Loc) -> Iterator[tuple[Loc, object]]:
    """By where it stands; an id without quotes is a table in a table to TOML, and is meant all the same."""
    if not isinstance(table, Mapping):
        return
    for name, value in table.items():
        if isinstance(value, Mapping) and len(loc) < DEEPEST:
            yield from _keys(value, (*loc, name))
        else:
            yield (*loc, name), value


def _mistaken_keys(keys: Mapping[Loc, object]) -> Iterator[tuple[Loc, str]]:
    if not keys:
        return
    from screens.looks import remapping  # loads the screens: only for those who have keys of their own

    no_text = "must be a key in quotes, several with a comma between them"
    yield from ((loc, no_text) for loc, value in keys.items() if not isinstance(value, str))
    ids = {".".join(loc[1:]): loc for loc in keys}
    wanted = {name: str(keys[loc]) for name, loc in ids.items() if isinstance(keys[loc], str)}
    yield from ((ids[name], what) for name, what in remapping.mistakes(wanted))


# -- keeping a theme ------------------------------------------------------------------------------------------------
def keep_theme(home: Home, name: str) -> str:
    """Start with it from now on: writes that one line, and leaves all else in the file as it is.

    Answers a sentence: where it was written, or why it was not.
    """
    try:
        path = (home.root / FILE).resolve()  # a link to where somebody keeps such files stays one
        _write(path, name)
    except (WrongUse, RecordFailed, OSError, RuntimeError) as error:  # the last: links in a ring, tables without end
        why = error.sentence if isinstance(error, WrongUse | RecordFailed) else type(error).__name__
        return f"The theme is {name} until you leave; it could not be kept: {why}"
    if read_or_default(home).trouble:
        return f"The theme is {name} until you leave; {path} names it, but has mistakes, so none of it is used"
    return f"The theme is {name}, also from the next start on ({path})."


def _write(path: Path, name: str) -> None:
    from runbook.records.disk import make_folder, replace_file

    text, plain = _plain(path) if path.exists() else (f"schema = {SCHEMA}\n", {"schema": SCHEMA})
    changed = _with_theme(text, name)
    if not _says(changed, {**plain, "theme": name}):
        raise WrongUse(f'its line in {path} is written in a way of its own: set theme = "{name}" there')
    make_folder(path.parent)
    replace_file(path, changed.encode())


def _says(text: str, meant: Mapping[str, Any]) -> bool:
    """Whether that is what the file would say: what somebody wrote by hand is not spoilt."""
    import tomllib

    try:
        return tomllib.loads(text) == meant
    except tomllib.TOMLDecodeError:
        return False


def _with_theme(text: str, name: str) -> str:
    import re

    from runbook import toml_lines

    line = f'theme = "{name}"'
    lines = [f"{each}\n" for each in text.split("\n")][: -1 if text.endswith("\n") or not text else None]
    known = toml_lines.lines(text)
    if ("theme",) in known:
        at = known["theme",] - 1
        lines[at] = re.sub(r"""=(\s*)("[^"]*"|'[^']*')""", rf'=\g<1>"{name}"', lines[at], count=1)
        return "".join(lines)
    at = known.get(("schema",), 0)  # the top is no table yet, so the line belongs to none
    return "".join([*lines[:at], f"{line}\n", *lines[at:]])
