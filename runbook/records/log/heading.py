"""A log's first line: whether it has this log's columns, and what it is if not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from runbook.records.log.reading import BOM, fields
from runbook.records.log.testlog import COLUMNS, LOG_VERSION, line
from runbook.records.log.verdicts import LogVerdict, Problem


@dataclass(frozen=True, slots=True)
class Heading:
    """What a first line was found to be.  `columns`: those of a header that is not this log's."""

    problem: Problem | None = None
    re_encoded: bool = False
    columns: tuple[str, ...] = ()

    def before(self, raw: bytes) -> Heading:
        """Known better by the first row: the header may be a newer version's."""
        first = fields(raw)
        if not (self.columns and self.columns[0] == "log_version" and first and _is_newer(first[0])):
            return replace(self, columns=())
        sentence = f"the log is of version {int(first[0])}, this tool writes {LOG_VERSION}: upgrade it"
        return Heading(Problem(LogVerdict.NEWER_VERSION, None, "log_version", sentence))


def heading(raw: bytes) -> Heading:
    """Of the first line, with its end, as it stands in the file."""
    bare = raw.removeprefix(BOM)
    said = fields(bare) if raw.endswith(b"\n") else None
    if said == COLUMNS:
        return Heading(re_encoded=raw != line(COLUMNS))
    if said is None:
        return Heading(Problem(LogVerdict.HEADER, None, None, "the first line is no header of this log"))
    column = next((name for name in COLUMNS if name not in said), None)
    sentence = f"the column {column} is missing" if column else "columns were added or moved"
    return Heading(Problem(LogVerdict.HEADER, None, column, sentence), columns=said)


def _is_newer(version: str) -> bool:
    return version.isascii() and version.isdecimal() and len(version) <= 9 and int(version) > LOG_VERSION
