"""The commented file that `runbook config init` writes, and the questions that fill it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from runbook import toml_file, toml_lines
from runbook.config.checks.pasted import NEVER, PLACEHOLDER, looks_secret
from runbook.config.checks.plain import Plain

_SETTING: Final = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)
_COMMENT: Final = re.compile(r'["\]]  # (.*)$')


@dataclass(frozen=True, slots=True)
class Question:
    """One value that has to be put in: its key, the placeholder that stands there, and what the file says of it."""

    key: str
    placeholder: str
    hint: str
    several: bool  # answered with a list, separated by commas

    def wrong(self, answer: str) -> str:
        """Why the answer is not taken, or ""."""
        return NEVER if any(map(looks_secret, self.values(answer))) else ""

    def values(self, answer: str) -> list[str]:
        """What is put in: printable, without space around it."""
        parts = answer.split(",") if self.several else [answer]
        return ["".join(filter(str.isprintable, part)).strip() for part in parts if part.strip()]


def text() -> str:
    """The example, with its placeholders."""
    return resources.files("runbook.config").joinpath("example.toml").read_text(encoding="utf-8")


def with_every_setting() -> str:
    """The same with the settings that may be left out standing in it too."""
    return _SETTING.sub("", text())


def questions() -> tuple[Question, ...]:
    """What the example leaves open, in its order."""
    example = text()
    known, rows = toml_lines.lines(example), example.split("\n")
    found = []
    for loc, value in Plain(tomllib.loads(example)).everything():
        if isinstance(value, str) and PLACEHOLDER.fullmatch(value):
            comment = _COMMENT.search(rows[toml_lines.line_of(known, loc) - 1])
            several = isinstance(loc[-1], int)
            key = toml_file.dotted(loc[:-1] if several else loc)
            found.append(Question(key, value, comment.group(1) if comment else "", several))
    return tuple(found)


def filled(answers: Mapping[str, str]) -> str:
    """The example with these answers (placeholder → answer) in their places; an empty one leaves the placeholder."""
    made = text()
    for question in questions():
        if values := question.values(answers.get(question.placeholder, "")):
            made = made.replace(f'"{question.placeholder}"', ", ".join(map(_quoted, values)), 1)
    return made


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
