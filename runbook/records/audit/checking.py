"""`runbook log verify`: a log's file, what is known of it elsewhere, and its evidence, judged together; read-only.

It needs no configuration and no network: on the day it is needed nothing else may be there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from runbook.records.audit.anchors import Anchor, against, kept_beside
from runbook.records.audit.diagnosis import Diagnosis
from runbook.records.audit.evidence_rows import NAMES, EvidenceRows, Tally, root_of
from runbook.records.audit.recollection import Recollection
from runbook.records.disk import Disk, reading
from runbook.records.log.judging import Judged, Visit, judge
from runbook.records.log.problems import Problems
from runbook.records.log.reading import lines, record
from runbook.records.log.testlog import Domain
from runbook.records.log.verdicts import HARMLESS, Judgement, Problem, worst
from runbook.records.log.verifying import ABSENT

LOG_ONLY: Final = "it was left out (--log-only)"


@dataclass(frozen=True, slots=True)
class Checked(Judgement):
    """A checked log: sound where what was looked at of its evidence is, too.

    `rows`: how many lines it has behind its header; `head`: its last row's hash, as stored.
    """

    path: Path
    domain: Domain
    rows: int
    head: str
    problems: tuple[Problem, ...]
    anchors: tuple[Anchor, ...]
    evidence: Tally


def check(
    path: Path,
    *,
    named: bool = False,
    anchors: Sequence[Anchor] = (),
    evidence: bool = True,
    diagnosed: bool = True,
    visit: Visit | None = None,
    disk: Disk | None = None,
) -> Checked:
    """Judge that file; RecordFailed where it cannot be read.

    `named`: by somebody, so that it may be a copy of a log.  `evidence`: of the rows too.  `diagnosed`: say what was
    done to damaged rows, which takes a while.  `visit` is told of each row that can be read.
    """
    disk = disk or Disk()
    asked = _Asked(path, disk, named, evidence, diagnosed, tuple(anchors), visit)
    if not path.exists() and not path.is_symlink():
        return asked.checked(io.BytesIO(), absent=True)
    with reading(path, disk) as file:
        return asked.checked(file)


def domain_of(path: Path, file: BinaryIO) -> Domain:
    """By the file's name; of another name by the first row that is whole in one, else by what the first row says."""
    by_name = next((domain for domain, name in NAMES.items() if name == path.name), None)
    return by_name or next(_whole_in(file), None) or next(_said_by(file), Domain.TEST)


def _whole_in(file: BinaryIO) -> Iterator[Domain]:
    file.seek(0)
    for _, raw in lines(file):
        for domain in Domain:
            found = record(raw, domain)
            if found and found.hash == found.fields[-1]:
                yield domain


def _said_by(file: BinaryIO) -> Iterator[Domain]:
    file.seek(0)
    for _, raw in islice(lines(file), 1, None):
        if found := record(raw, Domain.TEST):
            yield Domain.TRAINING if found.row["mode"] == "TRAINING" else Domain.TEST


@dataclass(frozen=True, slots=True)
class _Asked:
    path: Path
    disk: Disk
    named: bool
    evidence: bool
    diagnosed: bool
    anchors: tuple[Anchor, ...]
    visit: Visit | None

    def checked(self, file: BinaryIO, *, absent: bool = False) -> Checked:
        domain = domain_of(self.path, file)
        rows = EvidenceRows(self.path, domain, self.disk, named=self.named)
        if not self.evidence:
            rows.tally.why_not = LOG_ONLY
        file.seek(0)
        beside = kept_beside(self.path, self.disk)  # before the rows: a run may add one, and move the head, meanwhile
        judged = judge(file, domain, rows.visit, *([self.visit] if self.visit else []))
        anchors, more = self._anchors(beside, judged)
        own = (ABSENT,) if absent else self._own(judged, domain, rows.tally, anchors)
        problems = Problems()
        for found in (own, more, _of_evidence(rows, own)):
            problems.add(found)
        return Checked(self.path, domain, judged.rows, judged.head, problems.all(), anchors, rows.tally)

    def _own(self, judged: Judged, domain: Domain, evidence: Tally, anchors: Sequence[Anchor]) -> tuple[Problem, ...]:
        """What the log itself shows."""
        if not self.diagnosed:
            return judged.problems
        memory = Recollection(None if evidence.why_not else root_of(self.path, domain), domain, self.disk)
        known = {anchor.rows: anchor.row_hash for anchor in anchors}
        return Diagnosis(judged.index, domain, memory, known).of(judged.problems)

    def _anchors(self, beside: Anchor | Problem | None, judged: Judged) -> tuple[tuple[Anchor, ...], list[Problem]]:
        """The heads that were compared, and what they show."""
        anchors = (*([beside] if isinstance(beside, Anchor) else ()), *self.anchors)
        found = [problem for anchor in anchors if (problem := against(anchor, judged))]
        return anchors, [*([beside] if isinstance(beside, Problem) else ()), *found]


def _of_evidence(rows: EvidenceRows, own: Sequence[Problem]) -> Iterator[Problem]:
    """What the evidence shows of itself, and of the log where that seems whole: else it is told already."""
    if not rows.tally.why_not:
        yield from rows.problems.all()
        yield from rows.anew.all() if worst(own) in HARMLESS else ()
