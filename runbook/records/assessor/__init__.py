"""What an assessor is given beside a log: how to read it, and forty lines of Python that check it without this tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runbook.records.disk import replace_file, stands

README: Final = "README.md"
VERIFIER: Final = "verify_log.py"
_BLOCK: Final = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ATTRIBUTES: Final = (".gitattributes", b"# Records are hashed byte for byte: git never converts them.\n* -text\n")


def files() -> Mapping[str, bytes]:
    """By name: the README, and the verifier, which is the README's own block of text."""
    readme = resources.files(__name__).joinpath(README).read_text(encoding="utf-8")
    block = _BLOCK.search(readme)
    assert block is not None, "it is part of this package"
    return MappingProxyType({README: readme.encode("utf-8"), VERIFIER: block[1].encode("utf-8")})


def place(folder: Path) -> tuple[Path, ...]:
    """Write them into a log's folder that has no README yet; answers what was written.  RecordFailed.

    Nothing is ever written over.  Git is told to leave the folder's bytes as they are: with other line ends every
    piece of evidence would show as altered.
    """
    if stands(folder / README):
        return ()
    wanted = (_ATTRIBUTES, *reversed(list(files().items())))  # the README last: whoever has it has all
    missing = [(folder / name, content) for name, content in wanted if not stands(folder / name)]
    for path, content in missing:
        replace_file(path, content)
    return tuple(path for path, _ in missing)


def placed(folder: Path) -> tuple[Path, ...]:
    """Those of them that stand there as they were written."""
    name, attributes = _ATTRIBUTES
    wanted = {name: attributes, **files()}
    found = ((folder / each, content) for each, content in wanted.items())
    return tuple(path for path, content in found if _is(path, content))


def _is(path: Path, content: bytes) -> bool:
    try:
        return not path.is_symlink() and path.is_file() and path.read_bytes() == content
    except OSError:
        return False
