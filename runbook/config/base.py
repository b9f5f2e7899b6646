"""What every configuration object is."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from runbook.toml_file import Loc, Mistake

FOLDER = "folder"
"""The key of the validation context under which the folder of the configuration file stands."""


class Frozen(BaseModel):
    """Base of every configuration object."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def once(array: Loc, name: str, values: Sequence[Hashable]) -> Iterator[Mistake]:
    """A mistake at each entry of the array whose value one before it has already; None is no value."""
    for number, value in enumerate(values):
        if value is not None and value in values[:number]:
            yield Mistake((*array, number), f"its {name} stands more than once")


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get(FOLDER)
    return path if folder is None else Path(folder) / _expanded(path)


def _existing(path: Path, info: ValidationInfo) -> Path:
    """Looked for only where there is a file that it stands in: what is checked elsewhere may be another machine's."""
    if info.context and not _is_file(path):
        raise ValueError("there is no such file (paths are relative to the folder of this file)")
    return path


def _no_file(path: Path, info: ValidationInfo) -> Path:
    if info.context and _is_file(path):
        raise ValueError("is a file, and should be a folder")
    return path


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("there is no such user (~name)") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long; a NUL in it
        return False


BesideTheFile = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path that is relative to the configuration file's folder, `~` understood; as it stands where there is no file."""
ExistingFile = Annotated[BesideTheFile, AfterValidator(_existing)]
"""The same, of a file that has to be there."""
Folder = Annotated[BesideTheFile, AfterValidator(_no_file)]
"""The same, of a folder; it may be made later."""


def _twelve_digits(value: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", value):
        raise ValueError("must be 12 digits")
    return value


AccountId = Annotated[str, AfterValidator(_twelve_digits)]
"""An AWS account, in quotes: it may begin with 0."""
