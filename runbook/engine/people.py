"""Whether two names are one person's, as far as a log can tell."""

from __future__ import annotations

import unicodedata

NOBODY = "NONE"


def same_person(one: str, other: str) -> bool:
    """Compared without case, spacing, invisible characters and Unicode's other forms of a letter."""
    return _folded(one) == _folded(other)


def is_nobody(name: str) -> bool:
    """Empty, or the word that stands for nobody."""
    return _folded(name) in {"", NOBODY.casefold()}


def _folded(name: str) -> str:
    """The apostrophe is the log's own, before what a spreadsheet would run as a formula."""
    seen = "".join(each for each in name.removeprefix("'") if unicodedata.category(each) != "Cf")
    caseless = unicodedata.normalize("NFKC", seen).casefold()
    return " ".join(unicodedata.normalize("NFKC", caseless).split())
