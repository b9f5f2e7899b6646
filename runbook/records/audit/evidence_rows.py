"""The evidence of a log's rows, checked as the rows come: each has a folder, sealed, that its row names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from runbook.records.audit.evidence_check import previous_head, troubles
from runbook.records.disk import Disk
from runbook.records.log.index import Index
from runbook.records.log.problems import Problems, called
from runbook.records.log.reading import Record
from runbook.records.log.testlog import FIRST, Domain, Row
from runbook.records.log.verdicts import LogVerdict, Problem
from runbook.safety.outside_text import outside_text

NAMES: Final = {Domain.TEST: "restoration-test-log.csv", Domain.TRAINING: "training-log.csv"}
"""What a log is called where its evidence lies beside it."""
AWAY: Final = "this is a copy of a log, away from its evidence"


def root_of(log: Path, domain: Domain) -> Path:
    """What evidence paths are seen from: the log's folder, and in training the home, which is the folder above."""
    return log.parent.parent if domain is Domain.TRAINING else log.parent


@dataclass(slots=True)
class Tally:
    """How many rows name evidence, and of how many it is there and unchanged.  `why_not`: why none was looked at."""

    rows: int = 0
    whole: int = 0
    why_not: str = ""


class EvidenceRows:
    """Told of each row.  `problems`: what is wrong with its evidence; `anew`: evidence that remembers another log."""

    def __init__(self, log: Path, domain: Domain, disk: Disk, *, named: bool) -> None:
        self.tally = Tally()
        self.problems = Problems()
        self.anew = Problems()
        self._root = root_of(log, domain)
        self._disk = disk
        self._may_be_a_copy = named and log.name not in NAMES.values()

    def visit(self, number: int, found: Record, index: Index) -> None:
        """Check the row's evidence, unless the log is a copy that lies away from it."""
        if self._may_be_a_copy and self._is_away(found.row["evidence_path"]):
            self.tally.why_not = AWAY
        self._may_be_a_copy = False
        if not self.tally.why_not:
            self._check(number, found.row, index)

    def _check(self, number: int, row: Row, index: Index) -> None:
        wrong = [
            Problem(each.verdict, number, each.column, f"{called(number, row['run_id'])}: {each.sentence}")
            for each in troubles(self._root, row["evidence_path"], row["evidence_digest"], self._disk)
        ]
        self.tally.rows += 1
        self.tally.whole += not wrong
        self.problems.add(wrong)
        if not wrong:
            self.anew.add(self._remembered(number, row["run_id"], row["evidence_path"], index))

    def _is_away(self, path: str) -> bool:
        first = PurePosixPath(path).parts[:1]
        return not first or first[0] in {"/", ".."} or not (self._root / first[0]).exists()

    def _remembered(self, number: int, run_id: str, path: str, index: Index) -> Iterator[Problem]:
        """Sealed evidence says what the log's last row was when the run ended."""
        head = previous_head(self._root, path, self._disk)
        if head is None or head == FIRST or index.number_of(head) is not None:
            return
        sentence = (
            f"{called(number, run_id)}: when that run was sealed the log ended in another row "
            f"({outside_text(head, 24)}), which none before it is: the log was written anew"
        )
        yield Problem(LogVerdict.ROW_ALTERED, number, "prev_hash", sentence)
