"""Finds and reads `runbook.toml`; what a change of it means for a run under way."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runbook import toml_file
from runbook.config import checks
from runbook.config.base import FOLDER
from runbook.config.checks import pasted
from runbook.config.file import Configuration
from runbook.engine.errors import WrongUse

NAME: Final = "runbook.toml"
_ORDER: Final = ("identity", "vault", "database", "application", "connectivity")
_WHERE: Final = frozenset({"address", "host", "instance", "project", "zone"})  # how environments are told apart


@dataclass(frozen=True, slots=True)
class Loaded:
    """One file: where it is (absolute), its text, and what it says (paths made absolute)."""

    path: Path
    text: str
    configuration: Configuration

    def flat(self) -> dict[str, str]:
        """Dotted key → value as text, defaults included; the same on every machine (paths as the file has them)."""
        plain = Configuration.model_validate(tomllib.loads(self.text))
        return dict(_flat(plain.model_dump(mode="json", by_alias=True), ""))


def named(explicit: Path | None) -> Path | None:
    """`explicit`, else RUNBOOK_CONFIG, whether it exists or not; None: neither was given."""
    name = explicit or os.environ.get("RUNBOOK_CONFIG")
    try:
        return Path(name).expanduser().absolute() if name else None
    except RuntimeError:
        raise WrongUse(f"{name}: there is no such user", fix="Check the path.") from None


def find(explicit: Path | None) -> Path | None:
    """What is named, else runbook.toml here or above, else the user's own; None: there is none."""
    if given := named(explicit):
        return given
    here = Path.cwd()
    return next((each for each in (*(at / NAME for at in (here, *here.parents)), user_file()) if each.is_file()), None)


def user_file() -> Path:
    """The one in the user's configuration folder, whether it exists or not."""
    import platformdirs  # noqa: PLC0415 - only where no file was named or found

    return platformdirs.user_config_path("runbook") / NAME


def load(path: Path) -> Loaded:
    """The file; WrongUse names every mistake with its key and line, and never a value."""
    path = path.absolute()
    text = toml_file.text_of(path)
    comments = [f"{path}: line {line}: a comment: {pasted.NEVER}" for line in pasted.commented(text)]
    try:
        data = toml_file.document(text, str(path))
    except WrongUse as wrong:
        raise WrongUse("\n".join([wrong.sentence, *comments]), fix=wrong.fix) from None
    found = toml_file.validated(data, Configuration, {FOLDER: path.parent})
    mistakes = checks.all_of(data, found if isinstance(found, list) else [])
    told = toml_file.told(text, str(path), mistakes, shown=pasted.masked)
    if isinstance(found, list) or told or comments:
        raise WrongUse("\n".join(filter(None, [told, *comments])), fix=toml_file.FIX)
    return Loaded(path, text, found)


def first_stage(changed_keys: Iterable[str]) -> str | None:
    """The first stage that reads one of these keys (as `Loaded.flat` names them); None: no stage does."""
    read = {_stage(key.split(".")) for key in changed_keys}
    return next((stage for stage in _ORDER if stage in read), None)


def _stage(key: list[str]) -> str | None:
    match key:
        case ["providers", *_]:
            return "identity"
        case ["production" | "staging", part, *rest]:
            return "identity" if part == "aws" or (rest and rest[0] in _WHERE) else part
        case ["canary", *_]:
            return "vault"
        case ["policy", "retention_days", *_]:
            return "database"
        case ["database" | "application" as part, *_]:
            return part
        case _:
            return None


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping() if value:
            for name, each in value.items():
                yield from _flat(each, f"{key}.{name}" if key else str(name))
        case [Mapping(), *_]:
            for number, each in enumerate(value, start=1):
                yield from _flat(each, f"{key}.{number}")
        case str():
            yield key, value
        case None:
            yield key, ""
        case _:
            yield key, json.dumps(value, ensure_ascii=False)
