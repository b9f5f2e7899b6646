"""How the tests read the project's own papers."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAPERS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "compliance/README.md", "NOTICE")


def paper(name: str) -> str:
    """The text of a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def fences(text: str) -> list[str]:
    """What stands in the shell fences, in order."""
    return [body.strip("\n") for body in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def section(text: str, heading: str) -> str:
    """What stands below that heading, up to the next one of the same or a higher level."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found.group(1)


def rows(text: str) -> list[list[str]]:
    """The cells of the tables' rows, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head_or_rule = {index for at, line in enumerate(lines) if line.startswith("|---") for index in (at, at - 1)}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for index, line in enumerate(lines)
        if index not in head_or_rule
    ]
