"""What a row of the log may not say: the form of its columns, and rules across them, checked before it is appended.

A row that contradicts itself is a defect of this tool, or in what a person adds their mistake; it is never written into
the log.
"""

from __future__ import annotations

from typing import Final

from runbook.records.log import across, formats
from runbook.records.log.formats import GOOD
from runbook.records.log.further import RUN
from runbook.records.log.rule import Rule, broken
from runbook.records.log.testlog import COLUMNS, Row

RULES: Final[tuple[Rule[Row], ...]] = (*formats.RULES, *across.RULES)


def contradictions(row: Row) -> tuple[str, ...]:
    """Everything in which a row contradicts itself or the format, a sentence each; empty: none.

    A further row keeps the outcome that the run had; whether it may change what it changes: `further.wrongs`.
    """
    missing = [name for name in COLUMNS if name not in row and name not in {"prev_hash", "row_hash"}]
    if missing:
        return (f"columns are missing: {', '.join(missing)}",)
    return broken(RULES, row)


def counts_as_quarterly(row: Row) -> bool:
    """Whether a quarter is passed by this row: a drill, with a person there, at the real providers, that passed."""
    return (row["record_type"], row["mode"], row["providers"]) == (RUN, "DRILL", "REAL") and row["outcome"] in GOOD


def asks_for_a_repeat(row: Row) -> bool:
    """Tested, failed: the quarter is not passed, and the drill has to be repeated."""
    return (row["record_type"], row["mode"], row["providers"], row["outcome"]) == (RUN, "DRILL", "REAL", "FAIL")
